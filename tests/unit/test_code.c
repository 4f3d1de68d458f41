/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/code.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "base/proc.h"

static const char *named(const char *name)
{
	const struct sp_language *l = sp_language_named(name);

	return l ? sp_language_name(l) : "none";
}

static const char *of_file(const char *name)
{
	const struct sp_language *l = sp_language_of_file(name);

	return l ? sp_language_name(l) : "none";
}

static const char *of_text(const char *text)
{
	const struct sp_language *l = sp_language_of_text(text, strlen(text));

	return l ? sp_language_name(l) : "none";
}

static void languages_go_by_name_and_alias(void **state)
{
	(void)state;
	assert_string_equal(named("python"), "python");
	assert_string_equal(named("py"), "python");
	assert_string_equal(named("javascript"), "node");
	assert_string_equal(named("ts"), "typescript");
	assert_string_equal(named("golang"), "go");
	assert_string_equal(named("rs"), "rust");
	assert_string_equal(named("sh"), "bash");
	assert_string_equal(named("cobol"), "none");
	assert_string_equal(named(""), "none");
}

static void a_file_is_known_by_what_follows_its_last_dot(void **state)
{
	(void)state;
	assert_string_equal(of_file("a/b.c/main.py"), "python");
	assert_string_equal(of_file("x.mjs"), "node");
	assert_string_equal(of_file("x.test.ts"), "typescript");
	assert_string_equal(of_file("a.py/main"), "none");
	assert_string_equal(of_file("py"), "none");
	assert_string_equal(of_file("x."), "none");
}

static void a_first_line_tells_its_interpreter(void **state)
{
	(void)state;
	assert_string_equal(of_text("#!/bin/sh\n"), "bash");
	assert_string_equal(of_text("#!/usr/bin/env python3\nx"), "python");
	assert_string_equal(of_text("#!/usr/bin/env -S python3.11 -u\r\n"), "python");
	assert_string_equal(of_text("#! /usr/bin/node"), "node");
	assert_string_equal(of_text("#!/usr/bin/env"), "none");
	assert_string_equal(of_text("#!"), "none");
	assert_string_equal(of_text("#"), "none");
	assert_string_equal(of_text("print(1) #!/bin/sh"), "none");
}

static void a_file_keeps_its_name_where_that_is_harmless(void **state)
{
	const struct sp_language *python = sp_language_named("python");
	static const struct {
		const char *given, *kept;
	} cases[] = {
		{"dir/hello.py", "hello.py"},
		{NULL, "main.py"},
		{"hello", "main.py"},
		{"he llo.py", "main.py"},
		{"hello.sh", "main.py"},
		{"..", "main.py"},
		{"dir/", "main.py"},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		sp_autobuf struct sp_buf name = SP_BUF_INIT(256);

		sp_language_file_name(python, cases[i].given, &name);
		assert_string_equal(sp_buf_str(&name), cases[i].kept);
	}
}

/* A file of a language in a folder of its own, and a PATH with only these programs. */
struct place {
	char folder[64], file[128];
};

static void write_text(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	assert_true(fd >= 0);
	assert_int_equal(sp_write_all(fd, text, strlen(text), NULL), 0);
	close(fd);
}

static void make_place(struct place *p)
{
	*p = (struct place){.folder = "/tmp/sandpit-test-XXXXXX"};
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->file, sizeof(p->file), "%s/main", p->folder);
	write_text(p->file, "code", 0600);
}

static void remove_place(struct place *p)
{
	const char *const argv[] = {"/bin/rm", "-r", "--", p->folder, NULL};

	assert_int_equal(sp_run_tool(argv, 10000, NULL, NULL), 0);
}

/* Run the script of a language there; what it printed is in out, its status returned. */
static int run_script(const struct place *p, const char *language, struct sp_buf *out)
{
	sp_autobuf struct sp_buf script = SP_BUF_INIT(16384);
	char env[80];
	const char *const environment[] = {env, NULL};
	const char *const argv[] = {
		"sh", "-c", NULL, "sandpit", p->file, "a b", "c", NULL};
	const char *with_script[SP_COUNT(argv)];
	struct sp_spawn s = {.path = "/bin/sh",
		.argv = with_script,
		.env = environment,
		.fds = {-1, -1, -1},
		.fd_count = 3};
	int from, to, status;
	pid_t pid;

	snprintf(env, sizeof(env), "PATH=%s", p->folder);
	sp_language_script(sp_language_named(language), &script);
	memcpy(with_script, argv, sizeof(argv));
	with_script[2] = sp_buf_str(&script);
	assert_int_equal(sp_pipe(&from, &to, 0, NULL), 0);
	s.fds[1] = s.fds[2] = to;
	pid = sp_spawn(&s, NULL, NULL);
	assert_true(pid > 0);
	close(to);
	assert_int_equal(sp_buf_read_fd(out, from, NULL), 0);
	close(from);
	assert_int_equal(sp_wait(pid, -1, 0, &status, NULL), 0);
	return sp_exit_code(status);
}

static void put_tool(const struct place *p, const char *name, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", p->folder, name);
	write_text(path, text, 0700);
}

static void the_first_tool_there_is_gets_file_and_arguments(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(4096);
	struct place p;

	(void)state;
	make_place(&p);
	put_tool(&p, "python", "#!/bin/sh\necho \"$#:${1##*/}:$2:$3\"; exit 9\n");
	assert_int_equal(run_script(&p, "python", &out), 9);
	assert_string_equal(sp_buf_str(&out), "3:main:a b:c\n");
	remove_place(&p);
}

static void an_image_without_the_tool_is_127_and_one_line(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(4096);
	struct place p;

	(void)state;
	make_place(&p);
	assert_int_equal(run_script(&p, "rust", &out), 127);
	assert_string_equal(sp_buf_str(&out),
		"sandpit: the image has no rustc, which rust code needs: choose an "
		"image that has it with --image\n");
	remove_place(&p);
}

static void an_old_node_is_no_tool_for_typescript(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(4096);
	struct place p;

	(void)state;
	make_place(&p);
	put_tool(&p, "node", "#!/bin/sh\n[ \"$1\" != -e ] || exit 1\necho node\n");
	put_tool(&p, "deno", "#!/bin/sh\necho \"deno $1\"\n");
	assert_int_equal(run_script(&p, "typescript", &out), 0);
	assert_string_equal(sp_buf_str(&out), "deno run\n");
	remove_place(&p);
}

static void what_does_not_compile_is_not_run(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(4096);
	struct place p;

	(void)state;
	make_place(&p);
	put_tool(&p, "go", "#!/bin/sh\necho 'syntax error'; exit 3\n");
	put_tool(&p, "program", "#!/bin/sh\necho ran\n");
	assert_int_equal(run_script(&p, "go", &out), 3);
	assert_string_equal(sp_buf_str(&out), "syntax error\n");
	remove_place(&p);
}

static void a_compiled_program_keeps_its_own_exit_code(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(4096);
	struct place p;

	(void)state;
	make_place(&p);
	put_tool(&p, "rustc", "#!/bin/sh\n:\n");
	put_tool(&p, "program", "#!/bin/sh\necho \"$1|$2\"; exit 42\n");
	assert_int_equal(run_script(&p, "rust", &out), 42);
	assert_string_equal(sp_buf_str(&out), "a b|c\n");
	remove_place(&p);
}

static void the_archive_is_one_that_tar_reads(void **state)
{
	sp_autobuf struct sp_buf archive = SP_BUF_INIT(1 << 16);
	sp_autobuf struct sp_buf listing = SP_BUF_INIT(4096);
	char path[] = "/tmp/sandpit-test-XXXXXX";
	const char *const argv[] = {"/bin/tar", "--numeric-owner", "-tvf", path, NULL};
	int fd = mkstemp(path);

	(void)state;
	sp_code_archive(&archive, "folder", "main.py", "print(1)\n", 9, 0);
	assert_int_equal(archive.len % 512, 0);
	assert_int_equal(sp_write_all(fd, archive.data, archive.len, NULL), 0);
	close(fd);
	assert_int_equal(sp_run_tool(argv, 10000, &listing, NULL), 0);
	assert_non_null(strstr(sp_buf_str(&listing), "drwxrwxrwx 0/0"));
	assert_non_null(strstr(sp_buf_str(&listing), "-rw-r--r-- 0/0"));
	assert_non_null(strstr(sp_buf_str(&listing), "folder/main.py"));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(languages_go_by_name_and_alias),
		cmocka_unit_test(a_file_is_known_by_what_follows_its_last_dot),
		cmocka_unit_test(a_first_line_tells_its_interpreter),
		cmocka_unit_test(a_file_keeps_its_name_where_that_is_harmless),
		cmocka_unit_test(the_first_tool_there_is_gets_file_and_arguments),
		cmocka_unit_test(an_image_without_the_tool_is_127_and_one_line),
		cmocka_unit_test(an_old_node_is_no_tool_for_typescript),
		cmocka_unit_test(what_does_not_compile_is_not_run),
		cmocka_unit_test(a_compiled_program_keeps_its_own_exit_code),
		cmocka_unit_test(the_archive_is_one_that_tar_reads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
