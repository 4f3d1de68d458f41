/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the five above before it */
#include <cmocka.h>

#include "base/proc.h"
#include "providers/docker/tar.h"

#define STREAM_MAX (4u << 20)

struct fixture {
	char folder[64];
	struct sp_tar tar;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "%s/test-tar.XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(f->folder))
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"/bin/rm", "-rf", f->folder, NULL};

	sp_run_tool(argv, 10000, NULL, NULL);
	sp_tar_clear(&f->tar);
	free(f);
	return 0;
}

static void add(struct fixture *f, enum sp_tar_type type, const char *name,
	const char *text, const char *link)
{
	sp_autofree char *n = strdup(name);
	sp_autofree char *t = text ? strdup(text) : NULL;
	sp_autofree char *l = link ? strdup(link) : NULL;

	sp_tar_add(&f->tar,
		&(struct sp_tar_member){.type = type,
			.name = n,
			.data = t,
			.size = text ? strlen(text) : 0,
			.link = l,
			.mode = 0750,
			.mtime = 1000});
}

/* The whole stream, read in pieces of that size. */
static void read_all(struct fixture *f, size_t piece, struct sp_buf *out)
{
	sp_autotarreader struct sp_tar_reader reader;
	struct sp_error err = {0};
	struct sp_source source;
	char data[4096];
	ssize_t n;

	assert_int_equal(sp_tar_ok(&f->tar, &err), 0);
	sp_tar_reader_init(&reader, &f->tar);
	source = sp_tar_source(&reader);
	while ((n = source.read(source.ctx, data, piece, &err)) > 0)
		sp_buf_add(out, data, (size_t)n);
	assert_int_equal(n, 0);
	assert_int_equal(out->len, sp_tar_length(&f->tar));
	assert_int_equal(sp_buf_ok(out, &err), 0);
}

/* What tar(1) makes of it. */
static void list(struct fixture *f, struct sp_buf *listing)
{
	sp_autobuf struct sp_buf stream = SP_BUF_INIT(STREAM_MAX);
	char path[128];
	const char *const argv[] = {
		"/bin/tar", "--utc", "--full-time", "-tvf", path, NULL};
	struct sp_error err = {0};
	int fd;

	read_all(f, 1000, &stream);
	snprintf(path, sizeof(path), "%s/x.tar", f->folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(sp_write_all(fd, stream.data, stream.len, &err), 0);
	close(fd);
	if (sp_run_tool(argv, 10000, listing, &err) < 0)
		fail_msg("%s", err.msg);
}

static void tar_reads_what_it_writes(void **state)
{
	sp_autobuf struct sp_buf listing = SP_BUF_INIT(STREAM_MAX);
	struct fixture *f = *state;
	char name[301];

	memset(name, 'n', 300);
	name[300] = '\0';
	add(f, SP_TAR_FILE, "a/b/file", "twelve bytes", NULL);
	add(f, SP_TAR_LINK, "a/link", NULL, "b/file");
	add(f, SP_TAR_HARD_LINK, "a/hard", NULL, "a/b/file");
	add(f, SP_TAR_FILE, name, "x", NULL);
	add(f, SP_TAR_FOLDER, "empty", NULL, NULL);
	list(f, &listing);
	assert_non_null(strstr(sp_buf_str(&listing),
		"-rwxr-x--- 0/0              12 1970-01-01 00:16:40 a/b/file\n"));
	assert_non_null(strstr(sp_buf_str(&listing), "a/link -> b/file\n"));
	assert_non_null(strstr(sp_buf_str(&listing), "a/hard link to a/b/file\n"));
	assert_non_null(strstr(sp_buf_str(&listing), name));
	assert_non_null(strstr(sp_buf_str(&listing), " empty\n"));
}

static void adds_the_folders_above_once(void **state)
{
	struct fixture *f = *state;

	add(f, SP_TAR_FILE, "a/b/c", "1", NULL);
	add(f, SP_TAR_FILE, "a/b/d", "2", NULL);
	assert_int_equal(f->tar.count, 4);
	assert_string_equal(f->tar.items[0].name, "a");
	assert_string_equal(f->tar.items[1].name, "a/b");
}

static void a_name_that_is_there_stays_as_it_was(void **state)
{
	struct fixture *f = *state;

	add(f, SP_TAR_FILE, "a", "first", NULL);
	add(f, SP_TAR_FILE, "a", "second, longer", NULL);
	assert_int_equal(f->tar.count, 1);
	assert_int_equal(f->tar.items[0].size, 5);
	assert_true(sp_tar_has(&f->tar, "a"));
	assert_false(sp_tar_has(&f->tar, "b"));
}

static void finds_each_of_many_names(void **state)
{
	struct fixture *f = *state;
	char name[32];

	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		add(f, SP_TAR_FILE, name, "x", NULL);
	}
	assert_int_equal(f->tar.count, 2000);
	for (int i = 0; i < 2000; i++) {
		snprintf(name, sizeof(name), "file-%d", i);
		assert_true(sp_tar_has(&f->tar, name));
	}
}

static void is_the_same_in_pieces_of_any_size(void **state)
{
	sp_autobuf struct sp_buf whole = SP_BUF_INIT(STREAM_MAX);
	struct fixture *f = *state;

	add(f, SP_TAR_FILE, "one", "some text", NULL);
	add(f, SP_TAR_FILE, "two", "", NULL);
	read_all(f, 4096, &whole);
	for (size_t piece = 1; piece < 600; piece += 37) {
		sp_autobuf struct sp_buf cut = SP_BUF_INIT(STREAM_MAX);

		read_all(f, piece, &cut);
		assert_memory_equal(cut.data, whole.data, whole.len);
	}
}

/* A tar that promises more bytes than it has would swallow the next member. */
static void a_file_that_became_shorter_is_an_error(void **state)
{
	sp_autotarreader struct sp_tar_reader reader;
	struct fixture *f = *state;
	struct sp_error err = {0};
	struct sp_source source;
	char data[1024], path[128];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/short", f->folder);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "abc", 3), 3);
	close(fd);
	sp_tar_add(&f->tar,
		&(struct sp_tar_member){.type = SP_TAR_FILE,
			.name = path + 1,
			.source = path,
			.size = 10});
	sp_tar_reader_init(&reader, &f->tar);
	source = sp_tar_source(&reader);
	while ((n = source.read(source.ctx, data, sizeof(data), &err)) > 0)
		;
	assert_int_equal(n, SP_ERR_SYSTEM);
	assert_non_null(strstr(err.msg, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			tar_reads_what_it_writes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			adds_the_folders_above_once, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_name_that_is_there_stays_as_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(
			finds_each_of_many_names, setup, teardown),
		cmocka_unit_test_setup_teardown(
			is_the_same_in_pieces_of_any_size, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_file_that_became_shorter_is_an_error, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
