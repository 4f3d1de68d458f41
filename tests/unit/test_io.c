/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

/* A folder "in" with a file, and a secret beside it. */
struct place {
	char path[32];
	int base, in;
};

static void put(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	strncpy(p->path, "/tmp/sandpit-io.XXXXXX", sizeof(p->path) - 1);
	if (!mkdtemp(p->path))
		return -1;
	p->base = open(p->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mkdirat(p->base, "in", 0700);
	p->in = openat(p->base, "in", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	put(p->base, "secret", "outside");
	put(p->in, "file", "inside");
	*state = p;
	return 0;
}

/* Only what tests make: one level below each of the two folders. */
static void empty(int dir, const char *const *names)
{
	for (; *names; names++)
		if (unlinkat(dir, *names, 0) < 0)
			(void)unlinkat(dir, *names, AT_REMOVEDIR);
}

static int tear_down(void **state)
{
	static const char *const inside[] = {
		"sub/file", "sub", "file", "link", "fifo", "new", NULL};
	static const char *const outside[] = {
		"secret", "in", "a/b/c", "a/b", "a", NULL};
	struct place *p = *state;

	empty(p->in, inside);
	empty(p->base, outside);
	close(p->in);
	close(p->base);
	/* Anything left over, a temporary file for one, makes this fail. */
	if (rmdir(p->path) < 0)
		return -1;
	free(p);
	return 0;
}

static void assert_text(int dir, const char *name, const char *text)
{
	struct sp_bytes got = {0};

	assert_int_equal(sp_read_file_at(dir, name, 100, &got, NULL), 0);
	assert_string_equal(got.data, text);
	assert_int_equal(got.len, strlen(text));
	free(got.data);
}

static void a_file_is_replaced_with_its_mode(void **state)
{
	struct place *p = *state;
	struct stat st;

	assert_int_equal(sp_write_file_at(p->in, "file", "new", 3, 0640, NULL), 0);
	assert_text(p->in, "file", "new");
	assert_int_equal(fstatat(p->in, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

/* Whoever has the old one open keeps reading the old one. */
static void replacing_does_not_write_into_the_old_file(void **state)
{
	struct place *p = *state;
	sp_autoclose int old = openat(p->in, "file", O_RDONLY | O_CLOEXEC);
	char text[8] = "";

	assert_int_equal(sp_write_file_at(p->in, "file", "x", 1, 0600, NULL), 0);
	assert_int_equal(read(old, text, sizeof(text)), 6);
	assert_string_equal(text, "inside");
}

static void the_leftover_of_a_dead_writer_lends_nothing(void **state)
{
	struct place *p = *state;
	char name[64];
	struct stat st;
	int fd;

	snprintf(name, sizeof(name), ".file.%d", gettid());
	fd = openat(p->in, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	assert_true(fd >= 0);
	assert_int_equal(fchmod(fd, 0666), 0);
	close(fd);
	assert_int_equal(sp_write_file_at(p->in, "file", "x", 1, 0600, NULL), 0);
	assert_int_equal(fstatat(p->in, "file", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(faccessat(p->in, name, F_OK, 0), -1);
}

static void a_link_at_its_place_is_replaced_not_followed(void **state)
{
	struct place *p = *state;

	assert_int_equal(symlinkat("../secret", p->in, "link"), 0);
	assert_int_equal(sp_write_file_at(p->in, "link", "x", 1, 0600, NULL), 0);
	assert_text(p->base, "secret", "outside");
	assert_text(p->in, "link", "x");
}

/* A folder cannot be renamed over; tear_down() sees whether a temporary file is left. */
static void a_failed_write_leaves_nothing(void **state)
{
	struct place *p = *state;
	struct sp_error err = {0};

	assert_int_equal(mkdirat(p->in, "sub", 0700), 0);
	assert_int_equal(
		sp_write_file_at(p->in, "sub", "x", 1, 0600, &err), SP_ERR_EXISTS);
	assert_memory_equal(err.msg, "write sub: rename: ", 19);
}

static void a_full_disk_leaves_the_old_file(void **state)
{
	struct place *p = *state;
	const struct rlimit small = {.rlim_cur = 4, .rlim_max = RLIM_INFINITY};
	struct rlimit before;
	int rc;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	rc = sp_write_file_at(p->in, "file", "too long", 8, 0600, NULL);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	assert_int_equal(rc, SP_ERR_LIMIT);
	assert_text(p->in, "file", "inside");
}

static void a_name_too_long_is_refused(void **state)
{
	struct place *p = *state;
	char name[256];

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	assert_int_equal(
		sp_write_file_at(p->in, name, "x", 1, 0600, NULL), SP_ERR_INVALID);
}

static void a_file_is_read_up_to_its_limit(void **state)
{
	struct place *p = *state;
	struct sp_bytes got = {0};

	assert_int_equal(sp_read_file_at(p->in, "file", 5, &got, NULL), SP_ERR_LIMIT);
	assert_null(got.data);
	assert_int_equal(sp_read_file_at(p->in, "file", 6, &got, NULL), 0);
	assert_int_equal(got.len, 6);
	assert_string_equal(got.data, "inside");
	free(got.data);
}

static void only_regular_files_are_read_and_nothing_blocks(void **state)
{
	struct place *p = *state;
	struct sp_bytes got = {0};

	assert_int_equal(mkfifoat(p->in, "fifo", 0600), 0);
	assert_int_equal(symlinkat("file", p->in, "link"), 0);
	assert_int_equal(sp_read_file_at(p->in, "fifo", 9, &got, NULL), SP_ERR_INVALID);
	assert_int_equal(sp_read_file_at(p->in, "link", 9, &got, NULL), SP_ERR_INVALID);
	assert_int_equal(sp_read_file_at(p->in, ".", 9, &got, NULL), SP_ERR_INVALID);
	assert_int_equal(
		sp_read_file_at(p->in, "none", 9, &got, NULL), SP_ERR_NOT_FOUND);
	assert_null(got.data);
}

static void assert_sealed(int fd)
{
	char byte = 'x';

	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 100), -1);
	assert_ptr_equal(mmap(NULL, 4, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE), -1);
}

static void sealed_memory_cannot_be_changed_by_anyone(void **state)
{
	sp_autoclose int fd = sp_sealed_memfd("x", "text", 4, NULL);
	sp_autoclose int again = -1;
	char path[32], text[8] = "";

	(void)state;
	assert_true(fd >= 0);
	assert_sealed(fd);
	assert_int_equal(read(fd, text, sizeof(text)), 4);
	assert_string_equal(text, "text");
	/* Not even through a description of its own. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDWR | O_CLOEXEC);
	assert_true(again >= 0);
	assert_sealed(again);
}

static void a_sealed_copy_is_the_whole_file(void **state)
{
	struct place *p = *state;
	sp_autoclose int from = openat(p->in, "file", O_RDONLY | O_CLOEXEC);
	sp_autoclose int fd = -1;
	char text[8] = "";

	/* From its start, wherever the caller is in it. */
	assert_int_equal(lseek(from, 3, SEEK_SET), 3);
	fd = sp_sealed_copy("x", from, NULL);
	assert_true(fd >= 0);
	assert_sealed(fd);
	assert_int_equal(read(fd, text, sizeof(text)), 6);
	assert_string_equal(text, "inside");
	assert_int_equal(lseek(from, 0, SEEK_CUR), 3);
}

static void an_end_that_comes_early_is_told(void **state)
{
	sp_autoclose int from = -1, to = -1;
	struct sp_error err = {0};
	char text[4];

	(void)state;
	assert_int_equal(sp_pipe(&from, &to, 0, NULL), 0);
	assert_int_equal(sp_write_all(to, "abc", 3, NULL), 0);
	sp_close_fd(&to);
	assert_int_equal(sp_read_exact(from, text, 4, &err), SP_ERR_PROTOCOL);
	assert_string_equal(err.msg, "ended 1 bytes early");
}

static void a_reader_that_left_is_an_error_not_the_end(void **state)
{
	sp_autoclose int from = -1, to = -1;
	struct sp_error err = {0};
	sigset_t pending;

	(void)state;
	assert_int_equal(sp_pipe(&from, &to, 0, NULL), 0);
	sp_close_fd(&from);
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
	assert_int_equal(sp_write_all(to, "abc", 3, &err), SP_ERR_UNAVAILABLE);
	assert_int_equal(err.sys_errno, EPIPE);
	assert_int_equal(sp_write_some(to, "abc", 3), -1);
	assert_int_equal(errno, EPIPE);
	assert_int_equal(sigpending(&pending), 0);
	assert_false(sigismember(&pending, SIGPIPE));
}

/* The other side reads a byte at a time while the pipe is full and does not block. */
static void a_full_pipe_is_waited_for(void **state)
{
	sp_autofree char *data = calloc(1, 300000);
	sp_autoclose int from = -1, to = -1;
	char chunk[1000];
	ssize_t n, total = 0;
	int status;
	pid_t pid;

	(void)state;
	assert_int_equal(sp_pipe(&from, &to, 4096, NULL), 0);
	assert_int_equal(sp_set_nonblock(to, true, NULL), 0);
	pid = fork();
	if (pid == 0)
		_exit(sp_write_all(to, data, 300000, NULL) == 0 ? 0 : 1);
	sp_close_fd(&to);
	while ((n = read(from, chunk, sizeof(chunk))) > 0)
		total += n;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(total, 300000);
}

static void a_pipe_is_closed_on_exec_and_as_large_as_asked(void **state)
{
	sp_autoclose int from = -1, to = -1;

	(void)state;
	assert_int_equal(sp_pipe(&from, &to, 4096, NULL), 0);
	assert_true(fcntl(from, F_GETFD) & fcntl(to, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(fcntl(to, F_GETPIPE_SZ), 4096);
}

static void folders_are_made_down_to_the_last(void **state)
{
	struct place *p = *state;
	struct stat st;
	char path[64];

	for (int again = 0; again < 2; again++) {
		snprintf(path, sizeof(path), "%s//a/b/c/", p->path);
		assert_int_equal(sp_mkdir_p(path, 0700, NULL), 0);
	}
	assert_int_equal(fstatat(p->base, "a/b/c", &st, 0), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(sp_mkdir_p("/", 0700, NULL), 0);
}

static void a_folder_below_a_file_cannot_be(void **state)
{
	struct place *p = *state;
	char path[64];

	snprintf(path, sizeof(path), "%s/secret/a", p->path);
	assert_int_equal(sp_mkdir_p(path, 0700, NULL), SP_ERR_EXISTS);
	snprintf(path, sizeof(path), "%s/secret", p->path);
	assert_int_equal(sp_mkdir_p(path, 0700, NULL), SP_ERR_EXISTS);
	assert_int_equal(sp_mkdir_p("", 0700, NULL), SP_ERR_INVALID);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_file_is_replaced_with_its_mode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			replacing_does_not_write_into_the_old_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_leftover_of_a_dead_writer_lends_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_link_at_its_place_is_replaced_not_followed, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			a_failed_write_leaves_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_disk_leaves_the_old_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_name_too_long_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_is_read_up_to_its_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			only_regular_files_are_read_and_nothing_blocks, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			sealed_memory_cannot_be_changed_by_anyone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_sealed_copy_is_the_whole_file, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			an_end_that_comes_early_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_reader_that_left_is_an_error_not_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_full_pipe_is_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_pipe_is_closed_on_exec_and_as_large_as_asked, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			folders_are_made_down_to_the_last, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			a_folder_below_a_file_cannot_be, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
