/* SPDX-License-Identifier: Apache-2.0 */
/* Packing trees, quiet ones and ones that change meanwhile, and reading them again. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/proc.h"
#include "images/pack.h"
#include "images/remove_tree.h"
#include "images/unpack.h"

/* base/tree is packed, base/out unpacked into. */
struct world {
	char path[32];
	int base, tree, out;
	pid_t swapper; /* or 0 */
	int archive;   /* what the last pack() wrote */
	struct sp_pack_opts opts;
	struct sp_tar_stats stats;
	struct sp_error err;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	memcpy(w->path, "/tmp/sp-pack-XXXXXX", 20);
	assert_non_null(mkdtemp(w->path));
	w->base = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->base >= 0);
	assert_int_equal(mkdirat(w->base, "tree", 0755), 0);
	assert_int_equal(mkdirat(w->base, "out", 0755), 0);
	w->tree = openat(w->base, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->out = openat(w->base, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->archive = -1;
	umask(0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	if (w->swapper > 0) {
		kill(w->swapper, SIGKILL);
		waitpid(w->swapper, NULL, 0);
	}
	close(w->tree);
	close(w->out);
	close(w->base);
	sp_close_fd(&w->archive);
	assert_int_equal(sp_remove_tree(AT_FDCWD, w->path, NULL), 0);
	free(w);
	return 0;
}

static void put(struct world *w, const char *name, const char *text)
{
	assert_int_equal(
		sp_write_file_at(w->tree, name, text, strlen(text), 0640, &w->err), 0);
}

/* Pack base/NAME into memory. */
static int pack(struct world *w, const char *name)
{
	struct sp_pack_start start = {.fd = -1};
	char path[4096 + 64];
	int rc;

	sp_close_fd(&w->archive);
	w->archive = memfd_create("archive", MFD_CLOEXEC);
	memset(&w->stats, 0, sizeof(w->stats));
	memset(&w->err, 0, sizeof(w->err));
	snprintf(path, sizeof(path), "%s/%s", w->path, name);
	rc = sp_pack_open(path, &start, &w->err);
	if (rc == 0)
		rc = sp_pack(&start, &w->opts, w->archive, &w->stats, &w->err);
	assert_int_equal(rc, w->err.code);
	sp_close_fd(&start.fd);
	lseek(w->archive, 0, SEEK_SET);
	return rc;
}

static void unpack(struct world *w)
{
	const struct sp_unpack_opts opts = {0};
	struct sp_tar_stats stats = {0};

	assert_int_equal(sp_unpack(w->out, w->archive, &opts, &stats, &w->err), 0);
}

static void check_same(struct world *w, const char *name)
{
	struct sp_bytes a = {0}, b = {0};
	struct stat before, after;
	char path[4096];

	snprintf(path, sizeof(path), "tree/%s", name);
	assert_int_equal(sp_read_file_at(w->base, path, 1 << 24, &a, &w->err), 0);
	assert_int_equal(sp_read_file_at(w->out, path, 1 << 24, &b, &w->err), 0);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	free(a.data);
	free(b.data);
	assert_int_equal(fstatat(w->base, path, &before, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(fstatat(w->out, path, &after, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(before.st_mode, after.st_mode);
	assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec);
	assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}

/* The names of the members, one a line. */
static void list(struct world *w, struct sp_buf *names)
{
	sp_autotarreader struct sp_tar_reader *r = NULL;
	struct sp_tar_member m;

	lseek(w->archive, 0, SEEK_SET);
	assert_int_equal(sp_tar_reader_new(w->archive, &r, &w->err), 0);
	while (sp_tar_next(r, &m, &w->err) == 1)
		sp_buf_addf(names, "%s\n", m.name);
	lseek(w->archive, 0, SEEK_SET);
}

static void check_list(struct world *w, const char *want)
{
	sp_autobuf struct sp_buf names = SP_BUF_INIT(1 << 20);

	list(w, &names);
	assert_string_equal(sp_buf_str(&names), want);
}

/* --- Quiet trees --------------------------------------------------------------------- */

static void what_was_packed_comes_out_the_same(void **state)
{
	static char big[300 * 1024 + 1];
	struct world *w = *state;
	char text[16] = {0};

	memset(big, 'b', sizeof(big) - 1);
	put(w, "small", "hello");
	put(w, "empty", "");
	put(w, "big", big);
	put(w, "\xff\x80 no text\n\x1b[0m", "odd");
	assert_int_equal(symlinkat("/etc/passwd", w->tree, "link"), 0);
	assert_int_equal(pack(w, "tree"), 0);
	assert_int_equal(w->stats.members, 6);
	assert_int_equal(w->stats.bytes, 5 + sizeof(big) - 1 + 3);
	unpack(w);
	check_same(w, "small");
	check_same(w, "empty");
	check_same(w, "big");
	check_same(w, "\xff\x80 no text\n\x1b[0m");
	assert_int_equal(readlinkat(w->out, "tree/link", text, sizeof(text)), 11);
	assert_string_equal(text, "/etc/passwd");
}

static void keeps_times_before_1970_and_their_fractions(void **state)
{
	static const struct timespec times[] = {
		{-1, 250000000}, {-2, 0}, {-100, 999999999}, {0, 1}, {1LL << 34, 5}};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(times); i++) {
		const struct timespec both[2] = {times[i], times[i]};

		put(w, "f", "x");
		assert_int_equal(utimensat(w->tree, "f", both, 0), 0);
		assert_int_equal(pack(w, "tree"), 0);
		unpack(w);
		check_same(w, "f");
	}
}

static void keeps_long_names_and_link_texts(void **state)
{
	struct world *w = *state;
	char component[201] = {0}, path[4096] = {0};
	char text[1024];
	int at = dup(w->tree);

	memset(component, 'n', 200);
	for (int i = 0; i < 5; i++) {
		int next;

		assert_int_equal(mkdirat(at, component, 0755), 0);
		next = openat(at, component, O_RDONLY | O_DIRECTORY);
		close(at);
		at = next;
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s/",
			component);
	}
	assert_int_equal(sp_write_file_at(at, "f", "deep", 4, 0600, NULL), 0);
	assert_int_equal(symlinkat(path, at, "l"), 0);
	close(at);
	assert_int_equal(pack(w, "tree"), 0);
	unpack(w);
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "f");
	check_same(w, path);
	path[strlen(path) - 1] = 'l';
	assert_int_equal(fchdir(w->out) | chdir("tree") |
			(readlink(path, text, sizeof(text)) == 201 * 5 ? 0 : 1) |
			chdir("/"),
		0);
}

static void keeps_hard_links(void **state)
{
	struct world *w = *state;
	struct stat a, b;

	put(w, "a", "x");
	assert_int_equal(mkdirat(w->tree, "d", 0755), 0);
	assert_int_equal(linkat(w->tree, "a", w->tree, "d/b", 0), 0);
	assert_int_equal(pack(w, "tree"), 0);
	unpack(w);
	check_same(w, "a");
	check_same(w, "d/b");
	assert_int_equal(fstatat(w->out, "tree/a", &a, 0), 0);
	assert_int_equal(fstatat(w->out, "tree/d/b", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
}

static void keeps_many_hard_links_apart(void **state)
{
	struct world *w = *state;
	char name[16], other[16];

	for (int i = 0; i < 500; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		snprintf(other, sizeof(other), "h%d", i);
		put(w, name, name);
		assert_int_equal(linkat(w->tree, name, w->tree, other, 0), 0);
	}
	assert_int_equal(pack(w, "tree"), 0);
	unpack(w);
	for (int i = 0; i < 500; i++) {
		snprintf(other, sizeof(other), "h%d", i);
		check_same(w, other);
	}
}

static void names_members_by_the_last_component(void **state)
{
	struct world *w = *state;

	put(w, "f", "x");
	assert_int_equal(pack(w, "tree"), 0);
	check_list(w, "tree/\ntree/f\n");
	assert_int_equal(pack(w, "tree//"), 0);
	check_list(w, "tree/\ntree/f\n");
	assert_int_equal(pack(w, "tree/."), 0);
	check_list(w, "./\n./f\n");
	assert_int_equal(pack(w, "tree/f"), 0);
	check_list(w, "f\n");
	w->opts.as = "new";
	assert_int_equal(pack(w, "tree"), 0);
	check_list(w, "new/\nnew/f\n");
	assert_int_equal(pack(w, "tree/."), 0);
	check_list(w, "new/\nnew/f\n");
	assert_int_equal(pack(w, "tree/f"), 0);
	check_list(w, "new\n");
}

static void packs_a_link_as_a_link_unless_a_slash_follows(void **state)
{
	struct world *w = *state;

	put(w, "f", "x");
	assert_int_equal(symlinkat("tree", w->base, "link"), 0);
	assert_int_equal(pack(w, "link"), 0);
	check_list(w, "link\n");
	assert_int_equal(pack(w, "link/"), 0);
	check_list(w, "link/\nlink/f\n");
	assert_int_equal(pack(w, "link/."), 0);
	check_list(w, "./\n./f\n");
	assert_int_equal(pack(w, "link/f"), 0);
	check_list(w, "f\n");
}

static void tells_what_is_missing(void **state)
{
	struct world *w = *state;

	put(w, "f", "x");
	assert_int_equal(pack(w, "nothing"), SP_ERR_NOT_FOUND);
	assert_int_equal(pack(w, "no/thing"), SP_ERR_NOT_FOUND);
	assert_int_equal(pack(w, "tree/f/"), SP_ERR_NOT_FOUND);
	assert_int_equal(pack(w, "tree/f/."), SP_ERR_NOT_FOUND);
}

/* Waiting for a writer of the FIFO would take forever. */
static void skips_fifos_and_sockets_and_counts_them(void **state)
{
	struct world *w = *state;

	put(w, "f", "x");
	assert_int_equal(mkfifoat(w->tree, "fifo", 0600), 0);
	assert_int_equal(mknodat(w->tree, "socket", S_IFSOCK | 0600, 0), 0);
	assert_int_equal(pack(w, "tree"), 0);
	assert_int_equal(w->stats.skipped, 2);
	check_list(w, "tree/\ntree/f\n");
	assert_int_equal(pack(w, "tree/fifo"), SP_ERR_INVALID);
	assert_int_equal(pack(w, "tree/socket"), SP_ERR_INVALID);
}

static void does_not_enter_the_kernels_own_trees(void **state)
{
	struct world *w = *state;
	struct sp_pack_start start = {.fd = -1};

	w->archive = memfd_create("archive", MFD_CLOEXEC);
	assert_int_equal(sp_pack_open("/proc", &start, &w->err), 0);
	assert_int_equal(sp_pack(&start, &w->opts, w->archive, &w->stats, &w->err), 0);
	close(start.fd);
	check_list(w, "proc/\n");
}

static void limits_bytes_members_and_depth(void **state)
{
	struct world *w = *state;

	put(w, "f", "12345");
	w->opts.limits.bytes = 4;
	assert_int_equal(pack(w, "tree"), SP_ERR_LIMIT);
	w->opts.limits.bytes = 5;
	assert_int_equal(pack(w, "tree"), 0);
	w->opts.limits.members = 1;
	assert_int_equal(pack(w, "tree"), SP_ERR_LIMIT);
	w->opts.limits.members = 0;
	assert_int_equal(mkdirat(w->tree, "d", 0755), 0);
	assert_int_equal(mkdirat(w->tree, "d/e", 0755), 0);
	w->opts.limits.depth = 1;
	assert_int_equal(pack(w, "tree"), SP_ERR_LIMIT);
}

/* A failed stream must not look whole. */
static void writes_no_end_mark_after_a_failure(void **state)
{
	const struct sp_unpack_opts opts = {0};
	struct sp_tar_stats stats = {0};
	struct world *w = *state;

	put(w, "f", "12345");
	w->opts.limits.bytes = 4;
	assert_int_equal(pack(w, "tree"), SP_ERR_LIMIT);
	assert_int_equal(
		sp_unpack(w->out, w->archive, &opts, &stats, &w->err), SP_ERR_PROTOCOL);
}

/* --- Sizes --------------------------------------------------------------------------- */

static void keeps_sizes_beyond_eight_gigabytes(void **state)
{
	const struct sp_tar_member m = {.type = SP_TAR_FILE,
		.name = "big",
		.link = "",
		.size = UINT64_C(9) << 30};
	sp_autotarwriter struct sp_tar_writer *out = NULL;
	sp_autotarreader struct sp_tar_reader *in = NULL;
	struct world *w = *state;
	struct sp_tar_member got;
	static char some[512 * 1024];

	w->archive = memfd_create("archive", MFD_CLOEXEC);
	assert_int_equal(sp_tar_writer_new(w->archive, &out, &w->err), 0);
	assert_int_equal(sp_tar_write_member(out, &m, &w->err), 0);
	assert_int_equal(sp_tar_write(out, some, sizeof(some), &w->err), 0);
	lseek(w->archive, 0, SEEK_SET);
	assert_int_equal(sp_tar_reader_new(w->archive, &in, &w->err), 0);
	assert_int_equal(sp_tar_next(in, &got, &w->err), 1);
	assert_true(got.size == m.size);
}

/* What follows a file that changed its size must still be where it belongs. */
static void keeps_the_size_first_seen(void **state)
{
	static const struct {
		uint64_t size, missing;
	} cases[] = {{100, 0}, {100000, 0}, {200000, 0}, {200001, 1}, {300000, 100000}};
	struct world *w = *state;
	static char text[200001];

	memset(text, 'x', 200000);
	put(w, "f", text);
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		sp_autotarwriter struct sp_tar_writer *out = NULL;
		struct sp_tar_member m = {.type = SP_TAR_FILE,
			.name = "f",
			.link = "",
			.size = cases[i].size};
		uint64_t missing = 0;
		int from = openat(w->tree, "f", O_RDONLY);

		sp_close_fd(&w->archive);
		w->archive = memfd_create("archive", MFD_CLOEXEC);
		assert_int_equal(sp_tar_writer_new(w->archive, &out, &w->err), 0);
		assert_int_equal(sp_tar_write_member(out, &m, &w->err), 0);
		assert_int_equal(
			sp_tar_write_file(out, from, m.size, &missing, &w->err), 0);
		close(from);
		assert_true(missing == cases[i].missing);
		m.size = 0;
		m.name = "next";
		assert_int_equal(sp_tar_write_member(out, &m, &w->err), 0);
		assert_int_equal(sp_tar_write_end(out, &w->err), 0);
		check_list(w, "f\nnext\n");
	}
}

/* --- Others read it too --------------------------------------------------------------- */

static void gnu_tar_reads_what_we_write(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1 << 20);
	struct world *w = *state;
	char file[64], into[64];
	const char *const argv[] = {
		"/bin/tar", "--extract", "--file", file, "--directory", into, NULL};
	char name[151] = {0};

	if (access(argv[0], X_OK) < 0)
		skip();
	memset(name, 'l', 150);
	put(w, "f", "hello");
	put(w, name, "long");
	assert_int_equal(linkat(w->tree, "f", w->tree, "h", 0), 0);
	assert_int_equal(pack(w, "tree"), 0);
	snprintf(file, sizeof(file), "%s/archive", w->path);
	snprintf(into, sizeof(into), "%s/out", w->path);
	assert_int_equal(sp_buf_ok(&text, NULL), 0);
	assert_int_equal(sp_buf_read_fd(&text, w->archive, &w->err), 0);
	assert_int_equal(
		sp_write_file_at(w->base, "archive", text.data, text.len, 0600, NULL),
		0);
	assert_int_equal(sp_run_tool(argv, 10000, NULL, &w->err), 0);
	check_same(w, "f");
	check_same(w, name);
	check_same(w, "h");
}

static void we_read_every_format_gnu_tar_writes(void **state)
{
	static const char *const formats[] = {"--format=v7", "--format=oldgnu",
		"--format=gnu", "--format=ustar", "--format=posix"};
	struct world *w = *state;
	char file[64], from[64];

	if (access("/bin/tar", X_OK) < 0)
		skip();
	put(w, "f", "hello");
	put(w, "sparse", "front");
	assert_int_equal(linkat(w->tree, "f", w->tree, "h", 0), 0);
	snprintf(from, sizeof(from), "%s/tree/sparse", w->path);
	assert_int_equal(truncate(from, 10 << 20), 0);
	snprintf(file, sizeof(file), "%s/archive", w->path);
	for (size_t i = 0; i < SP_COUNT(formats); i++) {
		/* v7 and ustar have no way to write holes. */
		const char *sparse = i == 0 || i == 3 ? "--no-xattrs" : "--sparse";
		const char *const argv[] = {"/bin/tar", "--create", formats[i], sparse,
			"--file", file, "--directory", w->path, "tree", NULL};
		struct stat st;

		assert_int_equal(sp_run_tool(argv, 10000, NULL, &w->err), 0);
		sp_close_fd(&w->archive);
		w->archive = openat(w->base, "archive", O_RDONLY);
		unpack(w);
		assert_int_equal(fstatat(w->out, "tree/h", &st, 0), 0);
		assert_int_equal(st.st_size, 5);
		assert_int_equal(fstatat(w->out, "tree/sparse", &st, 0), 0);
		assert_int_equal(st.st_size, 10 << 20);
		assert_true(sparse[2] == 'n' || st.st_blocks < 1000);
	}
}

/* --- Races --------------------------------------------------------------------------- */

/*
 * Until killed: tree/d is a folder or a link to the secret, tree/f a file or such a link,
 * tree/g a file or a FIFO, and tree/gone is there or not.
 */
static void start_swapping(struct world *w)
{
	w->swapper = fork();
	assert_true(w->swapper >= 0);
	if (w->swapper != 0)
		return;
	for (;;) {
		renameat2(w->tree, "d", w->tree, "dlink", RENAME_EXCHANGE);
		renameat2(w->tree, "f", w->tree, "flink", RENAME_EXCHANGE);
		renameat2(w->tree, "g", w->tree, "fifo", RENAME_EXCHANGE);
		close(openat(w->tree, "gone", O_CREAT | O_WRONLY, 0600));
		unlinkat(w->tree, "gone", 0);
	}
}

/* Members that are content, not links, must never be the secret. */
static void check_no_secret(struct world *w)
{
	sp_autobuf struct sp_buf all = SP_BUF_INIT(1 << 24);

	assert_int_equal(sp_buf_read_fd(&all, w->archive, &w->err), 0);
	assert_null(memmem(all.data, all.len, "TOP SECRET", 10));
}

static void never_follows_a_link_that_takes_the_place_of_a_file(void **state)
{
	struct world *w = *state;
	int private;

	assert_int_equal(mkdirat(w->base, "private", 0700), 0);
	private = openat(w->base, "private", O_RDONLY | O_DIRECTORY);
	assert_int_equal(
		sp_write_file_at(private, "f", "TOP SECRET", 10, 0600, NULL), 0);
	close(private);
	put(w, "f", "harmless");
	put(w, "g", "harmless");
	assert_int_equal(mkfifoat(w->tree, "fifo", 0600), 0);
	assert_int_equal(mkdirat(w->tree, "d", 0755), 0);
	assert_int_equal(symlinkat("../private/f", w->tree, "flink"), 0);
	assert_int_equal(symlinkat("../private", w->tree, "dlink"), 0);
	start_swapping(w);
	for (int i = 0; i < 2000; i++) {
		/* A thing that is gone when it is opened is no error. */
		assert_int_equal(pack(w, "tree"), 0);
		check_no_secret(w);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_was_packed_comes_out_the_same),
		T(keeps_times_before_1970_and_their_fractions),
		T(keeps_long_names_and_link_texts),
		T(keeps_hard_links),
		T(keeps_many_hard_links_apart),
		T(names_members_by_the_last_component),
		T(packs_a_link_as_a_link_unless_a_slash_follows),
		T(tells_what_is_missing),
		T(skips_fifos_and_sockets_and_counts_them),
		T(does_not_enter_the_kernels_own_trees),
		T(limits_bytes_members_and_depth),
		T(writes_no_end_mark_after_a_failure),
		T(keeps_sizes_beyond_eight_gigabytes),
		T(keeps_the_size_first_seen),
		T(gnu_tar_reads_what_we_write),
		T(we_read_every_format_gnu_tar_writes),
		T(never_follows_a_link_that_takes_the_place_of_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
