/* SPDX-License-Identifier: Apache-2.0 */
/* Copies between this machine and a provider that keeps its sandbox in a folder. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/io.h"
#include "images/pack.h"
#include "images/remove_tree.h"
#include "images/unpack.h"
#include "sandbox/files.h"
#include "tests/unit/tarball.h"

/* base/in is "/" of the sandbox, base/host what is copied from and to. */
struct world {
	struct sp_provider provider;
	char path[32];
	char libexec[PATH_MAX];
	int base;
	int get_hangs; /* tells this descriptor, then waits to be killed; -1 never */
	size_t get_fails_after; /* bytes; 0 never */
	struct sp_buf archive;  /* given out instead of a real one, when not empty */
	struct sp_error err;
};

static struct world *world_of(struct sp_provider *p)
{
	return (struct world *)p;
}

static const char *inside(struct world *w, const char *path)
{
	static char text[PATH_MAX];

	assert_int_equal(path[0], '/');
	/* The root has no name of its own. */
	snprintf(text, sizeof(text), "%s/in%s", w->path, path[1] ? path : "/.");
	return text;
}

/* --- The provider ---------------------------------------------------------------------- */

static int fake_stat(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *out, struct sp_error *err)
{
	struct stat st;

	(void)id;
	if (stat(inside(world_of(p), path), &st) < 0)
		return sp_fail_errno(err, "stat %s", path);
	out->type = S_ISDIR(st.st_mode) ? SP_FILE_FOLDER
		: S_ISREG(st.st_mode)   ? SP_FILE_REGULAR
					: SP_FILE_OTHER;
	return 0;
}

static int send_all(struct world *w, const char *data, size_t len,
	const struct sp_sink *sink, struct sp_error *err)
{
	size_t stop = w->get_fails_after;

	for (size_t at = 0; at < len; at += 1000) {
		size_t n = len - at < 1000 ? len - at : 1000;
		int rc = stop && at >= stop
			? sp_fail(err, SP_ERR_UNAVAILABLE, "engine gone")
			: sink->write(sink->ctx, data + at, n, err);

		if (rc < 0)
			return rc;
		if (w->get_hangs >= 0 && at > len / 2) {
			assert_int_equal(write(w->get_hangs, "x", 1), 1);
			pause();
		}
	}
	return 0;
}

static int fake_get(struct sp_provider *p, const char *id, const char *path,
	const struct sp_sink *sink, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TARBALL_MAX);
	const struct sp_pack_opts opts = {0};
	struct sp_pack_start start = {.fd = -1};
	struct sp_tar_stats stats = {0};
	struct world *w = world_of(p);
	int fd = memfd_create("archive", MFD_CLOEXEC);
	int rc;

	(void)id;
	if (w->archive.len)
		return send_all(w, w->archive.data, w->archive.len, sink, err);
	rc = sp_pack_open(inside(w, path), &start, err);
	if (rc == 0)
		rc = sp_pack(&start, &opts, fd, &stats, err);
	lseek(fd, 0, SEEK_SET);
	if (rc == 0)
		rc = sp_buf_read_fd(&text, fd, err);
	close(fd);
	sp_close_fd(&start.fd);
	return rc < 0 ? rc : send_all(w, text.data, text.len, sink, err);
}

static int fake_put(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err)
{
	const struct sp_unpack_opts opts = {.keep_kinds = true};
	struct sp_tar_stats stats = {0};
	struct world *w = world_of(p);
	int fd = memfd_create("archive", MFD_CLOEXEC);
	char data[4096];
	ssize_t n;
	int root, rc = 0;

	(void)id;
	while ((n = source->read(source->ctx, data, sizeof(data), err)) > 0)
		assert_int_equal(sp_write_all(fd, data, (size_t)n, NULL), 0);
	if (n == 0)
		rc = sp_mkdir_p(inside(w, path), 0755, err);
	if (n == 0 && rc == 0) {
		root = open(inside(w, path), O_RDONLY | O_DIRECTORY);
		lseek(fd, 0, SEEK_SET);
		rc = sp_unpack(root, fd, &opts, &stats, err);
		sp_close_fd(&root);
	}
	close(fd);
	return n < 0 ? (int)n : rc;
}

static const struct sp_driver fake_driver = {
	.name = "fake",
	.capabilities = SP_CAP_FILES,
	.get_archive = fake_get,
	.put_archive = fake_put,
	.stat = fake_stat,
};

/* --- The world --------------------------------------------------------------------------- */

/* The worker is in the build folder, two above this program's. */
static void find_worker(struct world *w)
{
	ssize_t len = readlink("/proc/self/exe", w->libexec, sizeof(w->libexec) - 1);

	assert_true(len > 0);
	w->libexec[len] = '\0';
	for (int i = 0; i < 3; i++)
		*strrchr(w->libexec, '/') = '\0';
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->provider.driver = &fake_driver;
	w->get_hangs = -1;
	memcpy(w->path, "/tmp/sp-files-XXXXXX", 21);
	assert_non_null(mkdtemp(w->path));
	w->base = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(w->base, "in", 0755), 0);
	assert_int_equal(mkdirat(w->base, "host", 0755), 0);
	w->archive = (struct sp_buf)SP_BUF_INIT(TARBALL_MAX);
	find_worker(w);
	umask(022);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	close(w->base);
	sp_buf_clear(&w->archive);
	assert_int_equal(sp_remove_tree(AT_FDCWD, w->path, NULL), 0);
	free(w);
	return 0;
}

/* Make a file, with the folders it is in. */
static void put(struct world *w, const char *path, const char *text)
{
	char whole[PATH_MAX];
	char *slash;
	int dir;

	snprintf(whole, sizeof(whole), "%s/%s", w->path, path);
	slash = strrchr(whole, '/');
	*slash = '\0';
	assert_int_equal(sp_mkdir_p(whole, 0755, NULL), 0);
	dir = open(whole, O_RDONLY | O_DIRECTORY);
	assert_int_equal(
		sp_write_file_at(dir, slash + 1, text, strlen(text), 0644, NULL), 0);
	close(dir);
}

static void check(struct world *w, const char *path, const char *text)
{
	struct sp_bytes got = {0};

	if (sp_read_file_at(w->base, path, 1 << 20, &got, &w->err) < 0)
		fail_msg("%s: %s", path, w->err.msg);
	assert_string_equal(got.data, text);
	free(got.data);
}

/* How many names a folder has: nothing temporary may be left. */
static int count(struct world *w, const char *path)
{
	DIR *dir = fdopendir(openat(w->base, path, O_RDONLY | O_DIRECTORY));
	int n = -2;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int in(struct world *w, const char *from, const char *to)
{
	char path[PATH_MAX];
	int rc;

	memset(&w->err, 0, sizeof(w->err));
	snprintf(path, sizeof(path), "%s/host/%s", w->path, from);
	rc = sp_files_copy_in(&w->provider, "id", w->libexec, path, to, &w->err);
	assert_int_equal(rc, w->err.code);
	return rc;
}

static int out(struct world *w, const char *from, const char *to)
{
	char path[PATH_MAX];
	int rc;

	memset(&w->err, 0, sizeof(w->err));
	snprintf(path, sizeof(path), "%s/host/%s", w->path, to);
	rc = sp_files_copy_out(&w->provider, "id", w->libexec, from, path, &w->err);
	assert_int_equal(rc, w->err.code);
	return rc;
}

/* --- In ----------------------------------------------------------------------------------- */

static void a_file_goes_into_a_folder_or_under_a_new_name(void **state)
{
	struct world *w = *state;

	put(w, "host/f", "hello");
	put(w, "in/d/there", "");
	assert_int_equal(in(w, "f", "/d"), 0);
	check(w, "in/d/f", "hello");
	assert_int_equal(in(w, "f", "/d/"), 0);
	assert_int_equal(in(w, "f", "/d/new"), 0);
	check(w, "in/d/new", "hello");
	assert_int_equal(in(w, "f", "/"), 0);
	check(w, "in/f", "hello");
	assert_int_equal(in(w, "f", "relative"), 0);
	check(w, "in/relative", "hello");
}

static void missing_parents_inside_are_made(void **state)
{
	struct world *w = *state;

	put(w, "host/f", "hello");
	assert_int_equal(in(w, "f", "/a/b/name"), 0);
	check(w, "in/a/b/name", "hello");
	assert_int_equal(in(w, "f", "/c/d/"), 0);
	check(w, "in/c/d/f", "hello");
}

static void a_folder_goes_in_as_cp_does_it(void **state)
{
	struct world *w = *state;

	put(w, "host/d/sub/f", "deep");
	assert_int_equal(in(w, "d", "/new"), 0);
	check(w, "in/new/sub/f", "deep");
	assert_int_equal(in(w, "d", "/new"), 0);
	check(w, "in/new/d/sub/f", "deep");
	assert_int_equal(in(w, "d/.", "/contents"), 0);
	check(w, "in/contents/sub/f", "deep");
	assert_int_equal(in(w, "d/", "/slash/"), 0);
	check(w, "in/slash/sub/f", "deep");
	assert_int_equal(count(w, "in/contents"), 1);
}

static void a_folder_over_a_file_is_an_error_and_the_reverse(void **state)
{
	struct world *w = *state;

	put(w, "host/d/f", "x");
	put(w, "host/f", "x");
	put(w, "in/f", "kept");
	put(w, "in/d/f/kept", "kept");
	assert_int_equal(in(w, "d", "/f"), SP_ERR_EXISTS);
	assert_int_equal(in(w, "d/.", "/f"), SP_ERR_EXISTS);
	assert_int_equal(in(w, "f", "/f/"), SP_ERR_EXISTS);
	assert_int_equal(in(w, "f", "/d"), SP_ERR_EXISTS);
	check(w, "in/f", "kept");
	check(w, "in/d/f/kept", "kept");
}

static void what_cannot_be_read_is_reported_by_name(void **state)
{
	struct world *w = *state;

	put(w, "host/f", "x");
	assert_int_equal(in(w, "nothing", "/x"), SP_ERR_NOT_FOUND);
	assert_non_null(strstr(w->err.msg, "nothing"));
	assert_int_equal(in(w, "f/", "/x"), SP_ERR_NOT_FOUND);
	assert_int_equal(mkfifoat(w->base, "host/fifo", 0600), 0);
	assert_int_equal(in(w, "fifo", "/x"), SP_ERR_INVALID);
	assert_int_equal(in(w, "f", "/a/../../x"), SP_ERR_INVALID);
	assert_int_equal(in(w, "f", ""), SP_ERR_INVALID);
	assert_int_equal(count(w, "in"), 0);
}

static void a_link_goes_in_as_a_link(void **state)
{
	struct world *w = *state;
	char text[16] = {0};

	assert_int_equal(symlinkat("/etc/hosts", w->base, "host/l"), 0);
	assert_int_equal(in(w, "l", "/x"), 0);
	assert_int_equal(readlinkat(w->base, "in/x", text, sizeof(text)), 10);
}

static void a_missing_worker_is_an_error_that_names_it(void **state)
{
	struct world *w = *state;

	put(w, "host/f", "x");
	memcpy(w->libexec, "/nowhere", 9);
	assert_true(in(w, "f", "/x") < 0);
	assert_non_null(strstr(w->err.msg, "sandpit-worker"));
	assert_int_equal(count(w, "in"), 0);
}

/* --- Out ---------------------------------------------------------------------------------- */

static void a_file_comes_out_into_a_folder_or_under_a_new_name(void **state)
{
	struct world *w = *state;

	put(w, "in/d/f", "hello");
	put(w, "host/d/there", "");
	put(w, "host/old", "old");
	assert_int_equal(out(w, "/d/f", "d"), 0);
	check(w, "host/d/f", "hello");
	assert_int_equal(out(w, "/d/f", "new"), 0);
	check(w, "host/new", "hello");
	assert_int_equal(out(w, "/d/f", "old"), 0);
	check(w, "host/old", "hello");
	assert_int_equal(out(w, "d/f", "."), 0);
	check(w, "host/f", "hello");
	assert_int_equal(count(w, "host"), 4);
	assert_int_equal(count(w, "host/d"), 2);
}

static void a_folder_comes_out_as_cp_does_it(void **state)
{
	struct world *w = *state;

	put(w, "in/d/sub/f", "deep");
	put(w, "in/top", "top");
	assert_int_equal(out(w, "/d", "new"), 0);
	check(w, "host/new/sub/f", "deep");
	put(w, "host/new/d/sub/mine", "mine");
	assert_int_equal(out(w, "/d", "new"), 0);
	check(w, "host/new/d/sub/f", "deep");
	check(w, "host/new/d/sub/mine", "mine");
	put(w, "host/merged/sub/mine", "mine");
	assert_int_equal(out(w, "/d/.", "merged"), 0);
	check(w, "host/merged/sub/f", "deep");
	check(w, "host/merged/sub/mine", "mine");
	assert_int_equal(out(w, "/d/.", "fresh"), 0);
	check(w, "host/fresh/sub/f", "deep");
	assert_int_equal(out(w, "/", "all"), 0);
	check(w, "host/all/top", "top");
	assert_int_equal(count(w, "host"), 4);
}

static void parents_must_be_there(void **state)
{
	struct world *w = *state;

	put(w, "in/f", "x");
	assert_int_equal(out(w, "/f", "a/b"), SP_ERR_NOT_FOUND);
	assert_int_equal(out(w, "/f", "a/"), SP_ERR_NOT_FOUND);
	assert_int_equal(out(w, "/nothing", "x"), SP_ERR_NOT_FOUND);
	assert_int_equal(out(w, "/f/", "x"), SP_ERR_NOT_FOUND);
	assert_int_equal(out(w, "/../f", "x"), SP_ERR_INVALID);
	assert_int_equal(count(w, "host"), 0);
}

static void a_conflict_is_found_before_anything_is_moved(void **state)
{
	struct world *w = *state;

	put(w, "in/d/a", "new");
	put(w, "in/d/z", "new");
	put(w, "in/d/m/f", "new");
	put(w, "in/f", "new");
	put(w, "host/d/a", "kept");
	put(w, "host/d/m", "kept");
	put(w, "host/d/f/x", "kept");
	put(w, "host/file", "kept");
	assert_int_equal(out(w, "/d", "."), SP_ERR_EXISTS);
	assert_int_equal(out(w, "/d/.", "d"), SP_ERR_EXISTS);
	assert_int_equal(out(w, "/d", "file"), SP_ERR_EXISTS);
	assert_int_equal(out(w, "/f", "d"), SP_ERR_EXISTS);
	assert_int_equal(out(w, "/f", "file/"), SP_ERR_NOT_FOUND);
	check(w, "host/d/a", "kept");
	check(w, "host/d/m", "kept");
	assert_int_equal(count(w, "host/d"), 3);
	assert_int_equal(count(w, "host"), 2);
}

static void links_of_an_earlier_download_are_replaced_never_followed(void **state)
{
	struct world *w = *state;

	put(w, "in/d/f", "new");
	put(w, "in/f", "new");
	put(w, "host/secret", "kept");
	put(w, "host/d/x", "");
	assert_int_equal(symlinkat("../secret", w->base, "host/d/f"), 0);
	assert_int_equal(out(w, "/f", "d"), 0);
	check(w, "host/d/f", "new");
	assert_int_equal(unlinkat(w->base, "host/d/f", 0), 0);
	assert_int_equal(symlinkat("../secret", w->base, "host/d/f"), 0);
	assert_int_equal(out(w, "/d", "."), 0);
	check(w, "host/d/f", "new");
	check(w, "host/secret", "kept");
	/* A folder of ours is not put where a link leads. */
	assert_int_equal(mkdirat(w->base, "host/into", 0755), 0);
	assert_int_equal(symlinkat("..", w->base, "host/into/d"), 0);
	assert_int_equal(out(w, "/d", "into"), SP_ERR_EXISTS);
}

static void devices_and_links_into_procfs_are_not_replaced(void **state)
{
	struct world *w = *state;
	struct stat st;

	put(w, "in/f", "new");
	put(w, "host/target", "kept");
	assert_int_equal(mkfifoat(w->base, "host/fifo", 0600), 0);
	assert_int_equal(symlinkat("fifo", w->base, "host/link"), 0);
	assert_int_equal(symlinkat("/proc/self/exe", w->base, "host/magic"), 0);
	assert_int_equal(out(w, "/f", "fifo"), SP_ERR_INVALID);
	assert_int_equal(out(w, "/f", "link"), SP_ERR_INVALID);
	assert_int_equal(out(w, "/f", "magic"), SP_ERR_INVALID);
	assert_int_equal(fstatat(w->base, "host/fifo", &st, 0), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(count(w, "host"), 4);
}

static void modes_that_lock_us_out_are_moved_all_the_same(void **state)
{
	struct world *w = *state;
	struct stat st;

	put(w, "in/d/e/f", "x");
	assert_int_equal(fchmodat(w->base, "in/d/e", 0500, 0), 0);
	assert_int_equal(fchmodat(w->base, "in/d", 0777, 0), 0);
	assert_int_equal(out(w, "/d", "."), 0);
	put(w, "in/d/a", "not moved unless all can be");
	assert_int_equal(out(w, "/d", "."), geteuid() ? SP_ERR_DENIED : 0);
	assert_int_equal(count(w, "host/d"), geteuid() ? 1 : 2);
	check(w, "host/d/e/f", "x");
	assert_int_equal(fstatat(w->base, "host/d/e", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0500);
	assert_int_equal(fstatat(w->base, "host/d", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
}

/* --- Hostile and broken streams ------------------------------------------------------------- */

static void a_hostile_archive_stays_out_of_the_host(void **state)
{
	static const char *const names[] = {"../evil", "d/../../evil", "link/evil"};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(names); i++) {
		tarball_folder(&w->archive, "d");
		tarball_symlink(&w->archive, "d/link", "../..");
		tarball_file(&w->archive, names[i], "evil");
		tarball_end(&w->archive);
		assert_true(out(w, "/d", "d") < 0);
		assert_int_equal(count(w, "host"), 0);
		sp_buf_drop(&w->archive, w->archive.len);
	}
	tarball_folder(&w->archive, "d");
	tarball_symlink(&w->archive, "d/link", "../..");
	tarball_file(&w->archive, "d/link/evil", "evil");
	tarball_end(&w->archive);
	assert_int_equal(out(w, "/d", "d"), SP_ERR_DENIED);
	assert_int_equal(count(w, "host"), 0);
	assert_int_equal(count(w, "."), 2);
}

static void an_archive_of_something_else_is_refused(void **state)
{
	struct world *w = *state;

	tarball_file(&w->archive, "d", "one");
	tarball_file(&w->archive, "e", "two");
	tarball_end(&w->archive);
	assert_int_equal(out(w, "/d", "."), SP_ERR_PROTOCOL);
	assert_int_equal(count(w, "host"), 0);
	sp_buf_drop(&w->archive, w->archive.len);
	tarball_end(&w->archive);
	assert_int_equal(out(w, "/d", "."), SP_ERR_NOT_FOUND);
	sp_buf_adds(&w->archive, "HTTP/1.1 500 Internal Server Error");
	assert_true(out(w, "/d", ".") < 0);
	assert_int_equal(count(w, "host"), 0);
}

static void a_stream_that_breaks_leaves_nothing(void **state)
{
	static char text[40000];
	struct world *w = *state;

	memset(text, 'x', sizeof(text) - 1);
	put(w, "in/d/a", text);
	put(w, "in/d/b", text);
	put(w, "host/d/a", "kept");
	for (size_t at = 1000; at < 80000; at += 7000) {
		w->get_fails_after = at;
		assert_int_equal(out(w, "/d", "."), SP_ERR_UNAVAILABLE);
		assert_non_null(strstr(w->err.msg, "engine gone"));
	}
	check(w, "host/d/a", "kept");
	assert_int_equal(count(w, "host"), 1);
	assert_int_equal(count(w, "host/d"), 1);
}

static void the_workers_own_words_come_before_a_broken_pipe(void **state)
{
	struct world *w = *state;
	static char text[3 << 20];

	memset(text, 'x', sizeof(text) - 1);
	tarball_file(&w->archive, "../first", "x");
	for (int i = 0; i < 4; i++)
		tarball_file(&w->archive, "d", text);
	tarball_end(&w->archive);
	assert_int_equal(out(w, "/d", "."), SP_ERR_DENIED);
	assert_non_null(strstr(w->err.msg, ".."));
	assert_int_equal(count(w, "host"), 0);
}

/* Up to ten seconds for somebody else to bring a folder to this many names. */
static void await_count(struct world *w, const char *path, int names)
{
	for (int i = 0; i < 2000 && count(w, path) != names; i++)
		poll(NULL, 0, 5);
	assert_int_equal(count(w, path), names);
}

static void being_killed_leaves_nothing(void **state)
{
	static char text[40000];
	struct world *w = *state;
	int ready[2];

	memset(text, 'x', sizeof(text) - 1);
	put(w, "in/d/a", text);
	put(w, "in/d/b", text);
	for (size_t i = 0; i < 3; i++) {
		static const int signals[] = {SIGKILL, SIGTERM, SIGINT};
		char byte;
		pid_t pid;

		assert_int_equal(pipe(ready), 0);
		pid = fork();
		if (pid == 0) {
			w->get_hangs = ready[1];
			(void)out(w, "/d", ".");
			_exit(0);
		}
		assert_true(pid > 0);
		assert_int_equal(read(ready[0], &byte, 1), 1);
		assert_int_equal(count(w, "host"), 1);
		kill(pid, signals[i]);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		await_count(w, "host", 0);
		close(ready[0]);
		close(ready[1]);
	}
}

static void the_error_may_be_unwanted(void **state)
{
	struct world *w = *state;

	put(w, "in/f", "x");
	assert_int_equal(
		sp_files_copy_in(&w->provider, "id", w->libexec, "/none", "/x", NULL),
		SP_ERR_NOT_FOUND);
	assert_int_equal(sp_files_copy_out(&w->provider, "id", w->libexec, "/f",
				 "/dev/null", NULL),
		SP_ERR_INVALID);
	w->get_fails_after = 1;
	assert_int_equal(
		sp_files_copy_out(&w->provider, "id", w->libexec, "/f", w->path, NULL),
		SP_ERR_UNAVAILABLE);
	assert_int_equal(count(w, "."), 2);
}

/* --- Streams -------------------------------------------------------------------------------- */

static void an_archive_goes_out_and_in_again_as_a_stream(void **state)
{
	struct world *w = *state;
	int fd = memfd_create("stream", MFD_CLOEXEC);

	put(w, "in/d/f", "hello");
	assert_int_equal(
		sp_files_pack_fd(&w->provider, "id", w->libexec, "/d", fd, &w->err), 0);
	lseek(fd, 0, SEEK_SET);
	assert_int_equal(
		sp_files_unpack_fd(&w->provider, "id", w->libexec, fd, "e", &w->err),
		0);
	check(w, "in/e/d/f", "hello");
	close(fd);
	assert_int_equal(
		sp_files_pack_fd(&w->provider, "id", w->libexec, "/a/..", 1, &w->err),
		SP_ERR_INVALID);
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_file_goes_into_a_folder_or_under_a_new_name),
		T(missing_parents_inside_are_made),
		T(a_folder_goes_in_as_cp_does_it),
		T(a_folder_over_a_file_is_an_error_and_the_reverse),
		T(what_cannot_be_read_is_reported_by_name),
		T(a_link_goes_in_as_a_link),
		T(a_missing_worker_is_an_error_that_names_it),
		T(a_file_comes_out_into_a_folder_or_under_a_new_name),
		T(a_folder_comes_out_as_cp_does_it),
		T(parents_must_be_there),
		T(a_conflict_is_found_before_anything_is_moved),
		T(links_of_an_earlier_download_are_replaced_never_followed),
		T(devices_and_links_into_procfs_are_not_replaced),
		T(modes_that_lock_us_out_are_moved_all_the_same),
		T(a_hostile_archive_stays_out_of_the_host),
		T(an_archive_of_something_else_is_refused),
		T(a_stream_that_breaks_leaves_nothing),
		T(the_workers_own_words_come_before_a_broken_pipe),
		T(being_killed_leaves_nothing),
		T(the_error_may_be_unwanted),
		T(an_archive_goes_out_and_in_again_as_a_stream),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
