/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_driver.h"

static struct sp_provider *opened(void)
{
	const struct sp_provider_config cfg = {.state_dir = "/nowhere"};
	struct sp_provider *p = NULL;

	struct sp_error err = {0};

	assert_int_equal(alpha.open(&cfg, &p, &err), 0);
	return p;
}

static int swallow(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)ctx;
	(void)stream;
	(void)data;
	(void)len;
	return 0;
}

static const char *const true_argv[] = {"true", NULL};
static const struct sp_command command = {
	.argv = true_argv, .stdin_fd = -1, .cancel_fd = -1, .on_output = swallow};
static const struct sp_sandbox_spec spec;

static void an_op_left_out_is_unsupported_and_was_not_sent(void **state)
{
	static const struct sp_driver bare = {.name = "bare"};
	struct sp_provider p = {.driver = &bare};
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(sp_provider_destroy(&p, "sb-a", &err), SP_ERR_UNSUPPORTED);
	assert_true(err.not_sent);
	assert_non_null(strstr(err.msg, "bare:sb-a"));
}

static void an_error_says_what_was_asked_of_which_sandbox(void **state)
{
	struct sp_provider *p = opened();
	struct sp_outcome out;
	struct sp_error err = {0};

	(void)state;
	ALPHA->fail[FAKE_EXEC] = SP_ERR_UNAVAILABLE;
	assert_int_equal(
		sp_provider_exec(p, "sb-1", &command, &out, &err), SP_ERR_UNAVAILABLE);
	assert_string_equal(err.msg, "exec in alpha:sb-1: scripted to fail");
	sp_provider_close(p);
}

static void a_caller_without_an_error_still_gets_the_code(void **state)
{
	struct sp_provider *p = opened();

	(void)state;
	ALPHA->fail[FAKE_DESTROY] = SP_ERR_DENIED;
	assert_int_equal(sp_provider_destroy(p, "sb-1", NULL), SP_ERR_DENIED);
	sp_provider_close(p);
}

static void a_name_that_is_no_name_reaches_no_driver(void **state)
{
	static const char *const bad[] = {"", "../x", "a/b", "a:b", "-a", "a b", "a\n"};
	struct sp_provider *p = opened();

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		assert_int_equal(sp_provider_destroy(p, bad[i], NULL), SP_ERR_INVALID);
	assert_int_equal(ALPHA->calls[FAKE_DESTROY], 0);
	sp_provider_close(p);
}

static void a_path_inside_begins_with_a_slash(void **state)
{
	const struct sp_source none = {0};
	struct sp_provider *p = opened();

	(void)state;
	assert_int_equal(
		sp_provider_put_archive(p, "sb-1", "tmp", &none, NULL), SP_ERR_INVALID);
	assert_int_equal(ALPHA->calls[FAKE_PUT], 0);
	sp_provider_close(p);
}

static void what_a_provider_cannot_do_is_refused_before_it_is_asked(void **state)
{
	const struct sp_mount mount = {.source = "/usr", .target = "/mnt"};
	const struct sp_sandbox_spec with_mount = {.mounts = &mount, .mount_count = 1};
	struct sp_provider *p = opened();
	char id[SP_SANDBOX_ID_MAX];
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(
		sp_provider_create(p, &with_mount, id, &err), SP_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "host folders"));
	assert_true(err.not_sent);
	assert_int_equal(ALPHA->calls[FAKE_CREATE], 0);
	sp_provider_close(p);
}

static void a_run_without_an_op_is_create_exec_destroy(void **state)
{
	struct sp_provider *p = opened();
	struct sp_outcome out = {0};
	char id[SP_SANDBOX_ID_MAX];

	(void)state;
	ALPHA->outcome.exit_code = 7;
	assert_int_equal(sp_provider_run(p, &spec, &command, id, &out, NULL), 0);
	assert_int_equal(out.exit_code, 7);
	assert_int_equal(ALPHA->calls[FAKE_CREATE], 1);
	assert_int_equal(ALPHA->calls[FAKE_DESTROY], 1);
	assert_null(fake_find(ALPHA, id));
	sp_provider_close(p);
}

static void a_run_that_fails_destroys_its_sandbox_and_keeps_the_error(void **state)
{
	struct sp_provider *p = opened();
	struct sp_outcome out = {0};
	char id[SP_SANDBOX_ID_MAX];
	struct sp_error err = {0};

	(void)state;
	ALPHA->fail[FAKE_EXEC] = SP_ERR_PROTOCOL;
	ALPHA->not_sent = true;
	assert_int_equal(
		sp_provider_run(p, &spec, &command, id, &out, &err), SP_ERR_PROTOCOL);
	assert_false(err.not_sent); /* a sandbox had been made */
	assert_int_equal(ALPHA->calls[FAKE_DESTROY], 1);
	assert_null(fake_find(ALPHA, id));
	sp_provider_close(p);
}

static void a_sandbox_that_cannot_be_destroyed_fails_the_run(void **state)
{
	struct sp_provider *p = opened();
	struct sp_outcome out = {0};
	char id[SP_SANDBOX_ID_MAX];
	struct sp_error err = {0};

	(void)state;
	ALPHA->fail[FAKE_DESTROY] = SP_ERR_SYSTEM;
	assert_int_equal(
		sp_provider_run(p, &spec, &command, id, &out, &err), SP_ERR_SYSTEM);
	assert_non_null(strstr(err.msg, "destroy alpha:"));
	sp_provider_close(p);
}

static void a_handle_is_split_at_its_colon(void **state)
{
	char provider[SP_PROVIDER_NAME_MAX], id[SP_SANDBOX_ID_MAX];

	(void)state;
	assert_int_equal(sp_handle_parse("local:sb-abc", provider, id, NULL), 0);
	assert_string_equal(provider, "local");
	assert_string_equal(id, "sb-abc");
	assert_int_equal(sp_handle_parse("sb-abc", provider, id, NULL), 0);
	assert_string_equal(provider, "");
	assert_string_equal(id, "sb-abc");
}

static void what_is_no_handle_changes_nothing(void **state)
{
	static const char *const bad[] = {"", ":", "local:", ":sb", "a:b:c",
		"local:../x", "local:sb/x", " local:sb", "local:sb ", "lo cal:sb",
		"\xff:sb", "a-provider-name-too-long:sb"};
	char provider[SP_PROVIDER_NAME_MAX] = "before",
	     id[SP_SANDBOX_ID_MAX] = "before";
	char longest[200];

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		assert_int_equal(
			sp_handle_parse(bad[i], provider, id, NULL), SP_ERR_INVALID);
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(sp_handle_parse(longest, provider, id, NULL), SP_ERR_INVALID);
	assert_string_equal(provider, "before");
	assert_string_equal(id, "before");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fake_reset)
	const struct CMUnitTest tests[] = {
		TEST(an_op_left_out_is_unsupported_and_was_not_sent),
		TEST(an_error_says_what_was_asked_of_which_sandbox),
		TEST(a_caller_without_an_error_still_gets_the_code),
		TEST(a_name_that_is_no_name_reaches_no_driver),
		TEST(a_path_inside_begins_with_a_slash),
		TEST(what_a_provider_cannot_do_is_refused_before_it_is_asked),
		TEST(a_run_without_an_op_is_create_exec_destroy),
		TEST(a_run_that_fails_destroys_its_sandbox_and_keeps_the_error),
		TEST(a_sandbox_that_cannot_be_destroyed_fails_the_run),
		TEST(a_handle_is_split_at_its_colon),
		TEST(what_is_no_handle_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
