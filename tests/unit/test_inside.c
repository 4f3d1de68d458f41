/* SPDX-License-Identifier: Apache-2.0 */
/* The worker's operations, in a temporary folder and without a sandbox around it. */
#include "images/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/io.h"
#include "images/records.h"
#include "images/worker_records.h"

#define DEEP 210

struct world {
	char path[40];
	int dir;
	struct sp_error err;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	memcpy(w->path, "/tmp/sp-inside-XXXXXX", 22);
	assert_non_null(mkdtemp(w->path));
	w->dir = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->dir >= 0);
	umask(0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	assert_int_equal(sp_inside_remove(w->path, &w->err), 0);
	close(w->dir);
	free(w);
	return 0;
}

/* A path of the world's; good until the fourth call after this. */
static const char *at(const struct world *w, const char *name)
{
	static char paths[4][256];
	static unsigned int next;
	char *path = paths[next++ % 4];

	snprintf(path, sizeof(paths[0]), "%s/%s", w->path, name);
	return path;
}

static void put(const struct world *w, const char *name, const char *text)
{
	assert_int_equal(
		sp_write_file_at(w->dir, name, text, strlen(text), 0644, NULL), 0);
}

static void assert_text(const struct world *w, const char *name, const char *text)
{
	struct sp_bytes bytes = {0};

	assert_int_equal(sp_read_file_at(w->dir, name, 4096, &bytes, NULL), 0);
	assert_string_equal(bytes.data, text);
	free(bytes.data);
}

static bool is_there(const struct world *w, const char *name)
{
	struct stat st;

	return fstatat(w->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- Answers -------------------------------------------------------------------------- */

static int note(void *ctx, const struct sp_entry *e, struct sp_error *err)
{
	(void)err;
	sp_buf_addf(ctx, "%s;", strrchr(e->path, '/') + 1);
	return 0;
}

static int anonymous(void)
{
	int fd = memfd_create("answer", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

/* The names an answer tells, whose file is closed. */
static void read_names(struct world *w, int fd, struct sp_buf *names)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1 << 20);
	struct sp_worker_records r;

	sp_worker_records_init(&r, w->path);
	r.on_entry = note;
	r.ctx = names;
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(sp_buf_read_fd(&text, fd, NULL), 0);
	assert_int_equal(
		sp_worker_records_feed(&r, sp_buf_str(&text), text.len, &w->err), 0);
	assert_int_equal(sp_worker_records_end(&r, &w->err), 0);
	sp_worker_records_clear(&r);
	close(fd);
}

static void an_answer_is_what_the_reader_takes(void **state)
{
	sp_autobuf struct sp_buf names = SP_BUF_INIT(4096);
	struct world *w = *state;
	int fd = anonymous();

	put(w, "a\nb", "");
	assert_int_equal(sp_inside_list(w->path, 0, fd, &w->err), 0);
	read_names(w, fd, &names);
	assert_string_equal(sp_buf_str(&names), "a\nb;");
}

static void a_tree_that_is_too_deep_is_an_error(void **state)
{
	struct world *w = *state;
	int fd = dup(w->dir), null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	for (int i = 0; i < DEEP; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "d", 0755), 0);
		next = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	close(fd);
	assert_int_equal(sp_inside_find(w->path, "*", null, &w->err), SP_ERR_LIMIT);
	assert_int_equal(sp_inside_list(w->path, 20, null, &w->err), 0);
	close(null);
}

/* --- Writing -------------------------------------------------------------------------- */

/* A pipe with these chunks, and at its end a last one or none. */
static int chunks(const char *text, bool is_whole)
{
	uint32_t head = htobe32((uint32_t)strlen(text));
	const uint32_t last = 0;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(sp_write_all(fds[1], &head, sizeof(head), NULL), 0);
	assert_int_equal(sp_write_all(fds[1], text, strlen(text), NULL), 0);
	if (is_whole)
		assert_int_equal(sp_write_all(fds[1], &last, sizeof(last), NULL), 0);
	close(fds[1]);
	return fds[0];
}

static int write_text(
	struct world *w, const char *name, const char *text, bool is_whole)
{
	int fd = chunks(text, is_whole);
	int rc = sp_inside_write(at(w, name), 0, fd, &w->err);

	close(fd);
	return rc;
}

static void a_stream_without_a_last_chunk_changes_nothing(void **state)
{
	sp_autobuf struct sp_buf names = SP_BUF_INIT(4096);
	struct world *w = *state;
	int fd;

	put(w, "f", "old");
	assert_int_equal(write_text(w, "f", "new", false), SP_ERR_PROTOCOL);
	assert_int_equal(write_text(w, "g", "new", false), SP_ERR_PROTOCOL);
	assert_text(w, "f", "old");
	fd = anonymous();
	assert_int_equal(sp_inside_list(w->path, 0, fd, &w->err), 0);
	read_names(w, fd, &names);
	assert_string_equal(sp_buf_str(&names), "f;");
	assert_int_equal(write_text(w, "f", "new", true), 0);
	assert_text(w, "f", "new");
}

static void a_chunk_has_a_limit(void **state)
{
	const uint32_t head = htobe32(SP_CHUNK_MAX + 1);
	struct world *w = *state;
	int fd = anonymous();

	assert_int_equal(pwrite(fd, &head, sizeof(head), 0), sizeof(head));
	assert_int_equal(sp_inside_write(at(w, "f"), 0, fd, &w->err), SP_ERR_PROTOCOL);
	close(fd);
}

static void a_hard_link_does_not_share_what_is_written(void **state)
{
	struct world *w = *state;

	put(w, "f", "old");
	assert_int_equal(linkat(w->dir, "f", w->dir, "g", 0), 0);
	assert_int_equal(write_text(w, "f", "new", true), 0);
	assert_text(w, "g", "old");
}

/* --- Paths ---------------------------------------------------------------------------- */

static void a_chain_of_links_is_followed_to_its_end(void **state)
{
	struct world *w = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/d/../b", w->path);
	assert_int_equal(mkdirat(w->dir, "d", 0755), 0);
	assert_int_equal(symlinkat(path, w->dir, "a"), 0);
	assert_int_equal(symlinkat("d/c", w->dir, "b"), 0);
	assert_int_equal(write_text(w, "a", "there", true), 0);
	assert_text(w, "d/c", "there");
}

static void names_that_are_none_are_refused(void **state)
{
	static const char *const bad[] = {".", "..", "x/.", "x/..", "x/../"};
	struct world *w = *state;

	assert_int_equal(mkdirat(w->dir, "x", 0755), 0);
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		assert_int_equal(
			sp_inside_remove(at(w, bad[i]), &w->err), SP_ERR_INVALID);
		assert_int_equal(sp_inside_rename(at(w, bad[i]), at(w, "y"), &w->err),
			SP_ERR_INVALID);
	}
	assert_int_equal(sp_inside_remove("/", &w->err), SP_ERR_INVALID);
	assert_int_equal(write_text(w, "x/", "", true), SP_ERR_INVALID);
	assert_true(is_there(w, "x"));
}

/* A folder mounted twice is on the same device, which tells nothing. */
static void removing_stops_at_a_mount_of_the_same_file_system(void **state)
{
	struct world *w = *state;

	if (unshare(CLONE_NEWNS) < 0 ||
		mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		skip();
	assert_int_equal(write_text(w, "kept/f", "kept", true), 0);
	assert_int_equal(mkdirat(w->dir, "tree", 0755), 0);
	assert_int_equal(mkdirat(w->dir, "tree/mount", 0755), 0);
	assert_int_equal(
		mount(at(w, "kept"), at(w, "tree/mount"), NULL, MS_BIND, NULL), 0);
	assert_int_equal(sp_inside_remove(at(w, "tree"), &w->err), SP_ERR_DENIED);
	assert_int_equal(sp_inside_remove(at(w, "tree/mount"), &w->err), SP_ERR_DENIED);
	assert_text(w, "kept/f", "kept");
	assert_int_equal(umount2(at(w, "tree/mount"), MNT_DETACH), 0);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(an_answer_is_what_the_reader_takes),
		T(a_tree_that_is_too_deep_is_an_error),
		T(a_stream_without_a_last_chunk_changes_nothing),
		T(a_chunk_has_a_limit),
		T(a_hard_link_does_not_share_what_is_written),
		T(a_chain_of_links_is_followed_to_its_end),
		T(names_that_are_none_are_refused),
		T(removing_stops_at_a_mount_of_the_same_file_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
