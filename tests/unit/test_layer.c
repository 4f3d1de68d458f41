/* SPDX-License-Identifier: Apache-2.0 */
/* Upper folders of overlays as layers of an image, there and back, and hostile ones. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/io.h"
#include "images/layer.h"
#include "images/pack.h"
#include "images/remove_tree.h"
#include "images/unpack.h"
#include "tests/unit/tarball.h"

#define BIG ((off_t)1 << 30)

/* base/tree is packed, base/out unpacked into. */
struct world {
	char path[32];
	int base, tree, out, archive;
	struct sp_buf tar;
	struct sp_tar_stats stats;
	struct sp_error err;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	memcpy(w->path, "/tmp/sp-layer-XXXXXX", 21);
	assert_non_null(mkdtemp(w->path));
	w->base = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(w->base, "tree", 0755), 0);
	assert_int_equal(mkdirat(w->base, "out", 0755), 0);
	w->tree = openat(w->base, "tree", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->out = openat(w->base, "out", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->archive = memfd_create("archive", MFD_CLOEXEC);
	w->tar = (struct sp_buf)SP_BUF_INIT(TARBALL_MAX);
	umask(0);
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	close(w->tree);
	close(w->out);
	close(w->archive);
	close(w->base);
	sp_buf_clear(&w->tar);
	assert_int_equal(sp_remove_tree(AT_FDCWD, w->path, NULL), 0);
	free(w);
	return 0;
}

static int pack(struct world *w)
{
	const struct sp_pack_start start = {.fd = w->tree, .name = "."};
	const struct sp_pack_opts opts = {.layer = true};
	int rc = sp_pack(&start, &opts, w->archive, &w->stats, &w->err);

	lseek(w->archive, 0, SEEK_SET);
	return rc;
}

static int unpack_layer(struct world *w)
{
	const struct sp_unpack_opts opts = {
		.layer = true, .keep_owners = geteuid() == 0};
	struct sp_tar_stats stats = {0};

	return sp_unpack(w->out, w->archive, &opts, &stats, &w->err);
}

static int unpack_tarball(struct world *w)
{
	tarball_end(&w->tar);
	assert_int_equal(ftruncate(w->archive, 0), 0);
	assert_int_equal(sp_write_all(w->archive, w->tar.data, w->tar.len, &w->err), 0);
	lseek(w->archive, 0, SEEK_SET);
	return unpack_layer(w);
}

static void there_and_back(struct world *w)
{
	assert_int_equal(pack(w), 0);
	assert_int_equal(unpack_layer(w), 0);
}

static void put(struct world *w, const char *name, const char *text)
{
	assert_int_equal(
		sp_write_file_at(w->tree, name, text, strlen(text), 0640, &w->err), 0);
}

static struct stat stat_out(struct world *w, const char *name)
{
	struct stat st = {0};

	assert_int_equal(fstatat(w->out, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static bool is_there(struct world *w, const char *name)
{
	struct stat st;

	return fstatat(w->out, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_gone_mark(struct world *w, const char *name)
{
	struct stat st = stat_out(w, name);

	return sp_layer_is_gone(&st);
}

static bool is_opaque(struct world *w, const char *name)
{
	sp_autoclose int fd = openat(w->out, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return sp_layer_is_opaque(fd);
}

static void names_of_a_layer_mean_what_oci_says(void **state)
{
	(void)state;
	assert_int_equal(sp_layer_mark_of("file"), SP_LAYER_NO_MARK);
	assert_int_equal(sp_layer_mark_of(".whfile"), SP_LAYER_NO_MARK);
	assert_int_equal(sp_layer_mark_of(".wh.file"), SP_LAYER_GONE);
	assert_int_equal(sp_layer_mark_of(".wh..wh..opq"), SP_LAYER_OPAQUE);
	assert_int_equal(sp_layer_mark_of(".wh..wh.plnk"), SP_LAYER_RESERVED);
}

static void what_was_removed_is_still_removed(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdirat(w->tree, "d", 0755), 0);
	assert_int_equal(mknodat(w->tree, "d/gone", S_IFCHR, 0), 0);
	assert_int_equal(mknodat(w->tree, "top", S_IFCHR, 0), 0);
	put(w, "stays", "x");
	there_and_back(w);
	assert_true(is_gone_mark(w, "d/gone"));
	assert_true(is_gone_mark(w, "top"));
	assert_false(is_there(w, "d/.wh.gone"));
	assert_true(is_there(w, "stays"));
	assert_int_equal(w->stats.skipped, 0);
}

static void a_replaced_folder_still_hides_the_one_below(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdirat(w->tree, "new", 0755), 0);
	assert_int_equal(mkdirat(w->tree, "old", 0755), 0);
	assert_int_equal(mknodat(w->tree, "new/file", S_IFREG | 0644, 0), 0);
	{
		sp_autoclose int fd = openat(w->tree, "new", O_RDONLY | O_DIRECTORY);

		assert_int_equal(sp_layer_make_opaque(fd, &w->err), 0);
	}
	there_and_back(w);
	assert_true(is_opaque(w, "new"));
	assert_false(is_opaque(w, "old"));
	assert_true(is_there(w, "new/file"));
}

static void owners_and_sticky_bits_stay_and_set_id_bits_do_not(void **state)
{
	struct world *w = *state;
	bool is_root = geteuid() == 0;

	put(w, "file", "x");
	assert_int_equal(mkdirat(w->tree, "tmp", 0), 0);
	assert_int_equal(symlinkat("file", w->tree, "link"), 0);
	if (is_root) {
		assert_int_equal(fchownat(w->tree, "file", 1000, 7, 0), 0);
		assert_int_equal(fchownat(w->tree, "tmp", 65535, 65534, 0), 0);
		assert_int_equal(
			fchownat(w->tree, "link", 12, 13, AT_SYMLINK_NOFOLLOW), 0);
	}
	assert_int_equal(fchmodat(w->tree, "file", 06755, 0), 0);
	assert_int_equal(fchmodat(w->tree, "tmp", 03777, 0), 0);
	there_and_back(w);
	assert_int_equal(stat_out(w, "file").st_mode & 07777, 0755);
	assert_int_equal(stat_out(w, "tmp").st_mode & 07777, 01777);
	if (!is_root)
		return;
	assert_int_equal(stat_out(w, "file").st_uid, 1000);
	assert_int_equal(stat_out(w, "file").st_gid, 7);
	assert_int_equal(stat_out(w, "tmp").st_uid, 65535);
	assert_int_equal(stat_out(w, "tmp").st_gid, 65534);
	assert_int_equal(stat_out(w, "link").st_uid, 12);
}

static void holes_stay_holes(void **state)
{
	struct world *w = *state;
	sp_autoclose int fd = openat(w->tree, "sparse", O_CREAT | O_RDWR, 0644);
	sp_autoclose int hole = openat(w->tree, "hole", O_CREAT | O_RDWR, 0644);
	sp_autoclose int out = -1;
	char middle[5];

	assert_int_equal(pwrite(fd, "start", 5, 0), 5);
	assert_int_equal(pwrite(fd, "there", 5, BIG / 2), 5);
	assert_int_equal(ftruncate(fd, BIG), 0);
	assert_int_equal(ftruncate(hole, 3000000), 0);
	there_and_back(w);
	assert_true(lseek(w->archive, 0, SEEK_END) < 1 << 20);
	assert_int_equal(stat_out(w, "sparse").st_size, BIG);
	assert_true(stat_out(w, "sparse").st_blocks * 512 < 1 << 20);
	assert_int_equal(stat_out(w, "hole").st_size, 3000000);
	assert_int_equal(stat_out(w, "hole").st_blocks, 0);
	out = openat(w->out, "sparse", O_RDONLY);
	assert_int_equal(pread(out, middle, 5, BIG / 2), 5);
	assert_memory_equal(middle, "there", 5);
	assert_int_equal(pread(out, middle, 5, 0), 5);
	assert_memory_equal(middle, "start", 5);
}

static void hard_links_stay_links(void **state)
{
	struct world *w = *state;

	put(w, "one", "x");
	assert_int_equal(linkat(w->tree, "one", w->tree, "two", 0), 0);
	there_and_back(w);
	assert_int_equal(stat_out(w, "one").st_ino, stat_out(w, "two").st_ino);
}

static void a_file_named_like_a_mark_is_refused(void **state)
{
	struct world *w = *state;

	put(w, ".wh.file", "x");
	assert_int_equal(pack(w), SP_ERR_INVALID);
	assert_non_null(strstr(w->err.msg, ".wh.file"));
}

static void fifos_and_devices_are_left_out(void **state)
{
	struct world *w = *state;

	assert_int_equal(mknodat(w->tree, "fifo", S_IFIFO | 0644, 0), 0);
	if (geteuid() == 0)
		assert_int_equal(
			mknodat(w->tree, "null", S_IFCHR | 0666, makedev(1, 3)), 0);
	there_and_back(w);
	assert_false(is_there(w, "fifo"));
	assert_false(is_there(w, "null"));
	assert_int_equal(w->stats.skipped, geteuid() == 0 ? 2 : 1);
}

static void a_removed_name_that_is_there_again_hides_the_old_folder(void **state)
{
	struct world *w = *state;

	tarball_file(&w->tar, ".wh.before", "");
	tarball_folder(&w->tar, "before/");
	tarball_file(&w->tar, "before/file", "x");
	tarball_folder(&w->tar, "after/");
	tarball_file(&w->tar, ".wh.after", "");
	tarball_file(&w->tar, "plain", "x");
	tarball_file(&w->tar, ".wh.plain", "");
	tarball_file(&w->tar, ".wh..wh.plnk", "");
	assert_int_equal(unpack_tarball(w), 0);
	assert_true(is_opaque(w, "before"));
	assert_true(is_there(w, "before/file"));
	assert_true(is_opaque(w, "after"));
	assert_int_equal(stat_out(w, "plain").st_size, 1);
	assert_false(is_there(w, ".wh..wh.plnk"));
}

static void refused(void **state, int code, const char *name, char type)
{
	struct world *w = *state;

	tarball_add(&w->tar, tarball_header(name, type, "x", 0), NULL, 0);
	assert_int_equal(unpack_tarball(w), code);
	assert_int_equal(w->err.code, code);
}

static void a_mark_of_nothing_is_refused(void **state)
{
	refused(state, SP_ERR_PROTOCOL, "d/.wh.", '0');
}

static void a_mark_of_the_parent_is_refused(void **state)
{
	refused(state, SP_ERR_PROTOCOL, "d/.wh...", '0');
}

static void a_mark_of_the_folder_itself_is_refused(void **state)
{
	refused(state, SP_ERR_PROTOCOL, "d/.wh..", '0');
}

static void a_folder_named_like_a_mark_is_refused(void **state)
{
	refused(state, SP_ERR_PROTOCOL, "d/.wh.x/file", '0');
}

static void a_layer_that_hides_the_whole_root_is_refused(void **state)
{
	refused(state, SP_ERR_UNSUPPORTED, ".wh..wh..opq", '0');
}

static void a_mark_through_a_link_is_refused(void **state)
{
	struct world *w = *state;

	tarball_symlink(&w->tar, "link", "/tmp");
	tarball_file(&w->tar, "link/.wh.file", "");
	assert_int_equal(unpack_tarball(w), SP_ERR_DENIED);
}

static void an_opaque_mark_through_a_link_is_refused(void **state)
{
	struct world *w = *state;

	tarball_symlink(&w->tar, "link", "/tmp");
	tarball_file(&w->tar, "link/.wh..wh..opq", "");
	assert_int_equal(unpack_tarball(w), SP_ERR_DENIED);
}

static void owners_beyond_a_sandbox_are_refused(void **state)
{
	struct world *w = *state;
	struct sp_tar_header h = tarball_header("file", '0', "", 0);

	memcpy(h.uid, "0200000", 8); /* 65536 */
	tarball_add(&w->tar, h, NULL, 0);
	assert_int_equal(unpack_tarball(w), SP_ERR_PROTOCOL);
	assert_non_null(strstr(w->err.msg, "65535"));
}

static void pax_owners_count(void **state)
{
	struct world *w = *state;

	tarball_pax(&w->tar, "uid", "70000", 5);
	tarball_file(&w->tar, "file", "");
	assert_int_equal(unpack_tarball(w), SP_ERR_PROTOCOL);
}

/* Deeper than descriptors and stack would go, as only somebody inside makes them. */
static void a_tree_of_any_depth_can_be_removed(void **state)
{
	struct world *w = *state;
	sp_autoclose int at = dup(w->tree);

	for (int i = 0; i < 5000; i++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0700), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	assert_int_equal(sp_remove_tree(w->base, "tree", &w->err), 0);
	assert_int_equal(faccessat(w->base, "tree", F_OK, 0), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_a_layer_mean_what_oci_says),
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		T(what_was_removed_is_still_removed),
		T(a_replaced_folder_still_hides_the_one_below),
		T(owners_and_sticky_bits_stay_and_set_id_bits_do_not),
		T(holes_stay_holes),
		T(hard_links_stay_links),
		T(a_file_named_like_a_mark_is_refused),
		T(fifos_and_devices_are_left_out),
		T(a_removed_name_that_is_there_again_hides_the_old_folder),
		T(a_mark_of_nothing_is_refused),
		T(a_mark_of_the_parent_is_refused),
		T(a_mark_of_the_folder_itself_is_refused),
		T(a_folder_named_like_a_mark_is_refused),
		T(a_layer_that_hides_the_whole_root_is_refused),
		T(a_mark_through_a_link_is_refused),
		T(an_opaque_mark_through_a_link_is_refused),
		T(owners_beyond_a_sandbox_are_refused),
		T(pax_owners_count),
		T(a_tree_of_any_depth_can_be_removed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
