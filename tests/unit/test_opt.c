/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/opt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>

#include "base/io.h"

#define WORDS_MAX 16

static const struct cli_syntax run = {"run", CLI_RUN, 0};
static const struct cli_syntax exec_syntax = {"exec", CLI_EXEC, 1};
static const struct cli_syntax list = {"list", CLI_LIST, CLI_WORDS_ALL};

static const char *words[WORDS_MAX];
static struct sp_error err;

/* Parse these words, NULL-terminated. */
static int parse(const struct cli_syntax *syntax, struct cli_args *args, ...)
{
	va_list ap;
	int argc = 0;

	va_start(ap, args);
	while (argc < WORDS_MAX - 1 && (words[argc] = va_arg(ap, const char *)))
		argc++;
	va_end(ap);
	err = (struct sp_error){0};
	return cli_opt_parse(syntax, argc, words, args, &err);
}

static void options_stop_at_the_first_word_of_the_command(void **state)
{
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;

	(void)state;
	assert_int_equal(
		parse(&run, &args, "--json", "ls", "--keep", "-p", "x", NULL), 0);
	assert_true(args.json);
	assert_false(args.keep);
	assert_null(args.provider);
	assert_int_equal(args.word_count, 4);
	assert_string_equal(args.words[1], "--keep");
	assert_null(args.words[4]);
}

static void exec_has_one_word_of_its_own(void **state)
{
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;

	(void)state;
	assert_int_equal(
		parse(&exec_syntax, &args, "sb-1", "--json", "ls", "-t", NULL), 0);
	assert_true(args.json);
	assert_int_equal(args.word_count, 3);
	assert_string_equal(args.words[0], "sb-1");
	assert_string_equal(args.words[2], "-t");
	assert_int_equal(args.timeout_ms, -1);
	assert_int_equal(cli_args_timeout(&args), 120000);
}

static void a_letter_means_what_the_command_makes_of_it(void **state)
{
	static const struct cli_syntax logs = {"logs", CLI_LOGS, CLI_WORDS_ALL};
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;
	SP_AUTO(cli_args_clear) struct cli_args other = CLI_ARGS_INIT;

	(void)state;
	assert_int_equal(parse(&logs, &args, "-f", "sb-1", "2", NULL), 0);
	assert_true(args.follow);
	assert_null(args.file);
	assert_int_equal(args.word_count, 2);
	assert_int_equal(parse(&run, &other, "-f", "sb-1", NULL), 0);
	assert_false(other.follow);
	assert_string_equal(other.file, "sb-1");
}

static void two_dashes_make_an_argument_vector(void **state)
{
	SP_AUTO(cli_args_clear) struct cli_args one = CLI_ARGS_INIT;
	SP_AUTO(cli_args_clear) struct cli_args two = CLI_ARGS_INIT;
	SP_AUTO(cli_args_clear) struct cli_args three = CLI_ARGS_INIT;

	(void)state;
	assert_int_equal(parse(&run, &one, "--", "--json", NULL), 0);
	assert_true(one.is_argv);
	assert_false(one.json);
	assert_string_equal(one.words[0], "--json");
	assert_int_equal(parse(&run, &two, "ls", "--", "x", NULL), 0);
	assert_false(two.is_argv);
	assert_string_equal(two.words[1], "--");
	assert_int_equal(parse(&exec_syntax, &three, "sb", "--", "ls", NULL), 0);
	assert_true(three.is_argv);
	assert_int_equal(three.word_count, 2);
}

static void other_commands_take_options_anywhere(void **state)
{
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;

	(void)state;
	assert_int_equal(parse(&list, &args, "a", "--json", "-", "-lx=1", NULL), 0);
	assert_true(args.json);
	assert_int_equal(args.word_count, 2);
	assert_string_equal(args.words[1], "-");
	assert_string_equal(args.labels.items[0], "x=1");
}

static void values_come_with_and_without_an_equals_sign(void **state)
{
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;

	(void)state;
	assert_int_equal(parse(&run, &args, "--image=a=b", "-plocal", "-t", "0.25",
				 "-qI", "--memory", "512m", "--cpus=1.5", NULL),
		0);
	assert_string_equal(args.image, "a=b");
	assert_string_equal(args.provider, "local");
	assert_int_equal(args.timeout_ms, 250);
	assert_true(args.quiet && args.interactive);
	assert_int_equal(args.limits.memory_bytes, 512 << 20);
	assert_int_equal(args.limits.cpu_millis, 1500);
}

static void what_is_wrong_is_one_error_that_names_it(void **state)
{
	static const struct {
		const char *one, *two, *says;
	} cases[] = {
		{"--nope", NULL, "--nope"},
		{"--timeou", "1", "--timeou"},
		{"-Z", NULL, "-Z"},
		{"--all", NULL, "not an option of run"},
		{"--image", NULL, "--image needs REF"},
		{"--image", "", "--image"},
		{"--json=1", NULL, "takes no value"},
		{"--timeout", "-1", "--timeout"},
		{"--timeout", "1e3", "--timeout"},
		{"--timeout", "", "--timeout"},
		{"--timeout", "1.2345", "--timeout"},
		{"--timeout", "99999999999999999999", "--timeout"},
		{"--memory", "0", "--memory"},
		{"--memory", "12x", "--memory"},
		{"--cpus", "0", "--cpus"},
		{"--cpus", "4097.5", "--cpus"},
		{"--pids", "0", "--pids"},
		{"--pids", "4294967296", "--pids"},
		{"--network", "open", "none, allow=HOST,..., nat, host"},
		{"--label", "app", "KEY=VALUE"},
		{"--label", "=x", "KEY=VALUE"},
		{"--env", "=x", "--env"},
		{"--env-file", "/nonexistent/file", "/nonexistent/file"},
		{"--fallback", "a,,b", "--fallback"},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;

		assert_int_not_equal(
			parse(&run, &args, cases[i].one, cases[i].two, NULL), 0);
		if (!strstr(err.msg, cases[i].says))
			fail_msg("%s %s: %s", cases[i].one,
				cases[i].two ? cases[i].two : "", err.msg);
	}
}

static void json_is_seen_even_behind_an_error(void **state)
{
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;

	(void)state;
	assert_int_not_equal(parse(&run, &args, "--nope", "--json", NULL), 0);
	assert_true(args.json);
}

static void the_environment_is_added_to_in_order(void **state)
{
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;

	(void)state;
	setenv("SP_TEST_GIVEN", "mine", 1);
	unsetenv("SP_TEST_MISSING");
	assert_int_equal(parse(&run, &args, "-eA=1", "-e", "SP_TEST_GIVEN", "-e",
				 "SP_TEST_MISSING", "-eA=2", NULL),
		0);
	assert_int_equal(args.env.count, 2);
	assert_string_equal(args.env.items[0], "A=2");
	assert_string_equal(args.env.items[1], "SP_TEST_GIVEN=mine");
}

static void an_environment_file_is_lines_and_comments(void **state)
{
	static const char text[] = "# comment\n\nA=1 # no comment\r\n  B=\nC='x'";
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;
	char path[] = "/tmp/sandpit-test-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(sp_write_all(fd, text, strlen(text), NULL), 0);
	close(fd);
	assert_int_equal(parse(&run, &args, "--env-file", path, NULL), 0);
	unlink(path);
	assert_int_equal(args.env.count, 3);
	assert_string_equal(args.env.items[0], "A=1 # no comment");
	assert_string_equal(args.env.items[1], "B=");
	assert_string_equal(args.env.items[2], "C='x'");
}

static void help_lists_the_options_of_the_command_and_no_other(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(65536);

	(void)state;
	cli_opt_help(&text, CLI_DESTROY);
	assert_non_null(strstr(sp_buf_str(&text), "--all"));
	assert_null(strstr(sp_buf_str(&text), "--memory"));
}

static void a_spec_has_what_was_asked_for(void **state)
{
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;
	SP_AUTO(cli_spec_clear) struct cli_spec s = {.labels = NULL};

	(void)state;
	assert_int_equal(parse(&run, &args, "-lapp=a=b", "-v", "/usr:/mnt:rw", "-v",
				 "./sub:/x", "--keep", NULL),
		0);
	assert_int_equal(cli_args_spec(&args, &s, &err), 0);
	assert_string_equal(s.spec.labels[0].key, "app");
	assert_string_equal(s.spec.labels[0].value, "a=b");
	assert_string_equal(s.spec.mounts[0].target, "/mnt");
	assert_true(s.spec.mounts[0].writable);
	assert_int_equal(s.spec.mounts[1].source[0], '/');
	assert_non_null(strstr(s.spec.mounts[1].source, "/sub"));
	assert_false(s.spec.mounts[1].writable);
	assert_int_equal(s.spec.ttl_ms, 3600 * 1000);
}

static void mounts_that_are_no_pairs_are_refused(void **state)
{
	static const char *const bad[] = {"", ":", "/a", "/a:", ":/b", "/a:/b:rx",
		"/a:/b:", "/a::ro", "/a:/b:ro:x"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;
		SP_AUTO(cli_spec_clear) struct cli_spec s = {.labels = NULL};

		assert_int_equal(parse(&run, &args, "-v", bad[i], NULL), 0);
		assert_int_equal(cli_args_spec(&args, &s, &err), SP_ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stop_at_the_first_word_of_the_command),
		cmocka_unit_test(exec_has_one_word_of_its_own),
		cmocka_unit_test(a_letter_means_what_the_command_makes_of_it),
		cmocka_unit_test(two_dashes_make_an_argument_vector),
		cmocka_unit_test(other_commands_take_options_anywhere),
		cmocka_unit_test(values_come_with_and_without_an_equals_sign),
		cmocka_unit_test(what_is_wrong_is_one_error_that_names_it),
		cmocka_unit_test(json_is_seen_even_behind_an_error),
		cmocka_unit_test(the_environment_is_added_to_in_order),
		cmocka_unit_test(an_environment_file_is_lines_and_comments),
		cmocka_unit_test(help_lists_the_options_of_the_command_and_no_other),
		cmocka_unit_test(a_spec_has_what_was_asked_for),
		cmocka_unit_test(mounts_that_are_no_pairs_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
