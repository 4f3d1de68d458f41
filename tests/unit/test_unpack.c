/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile and honest archives, unpacked into a folder beside a secret. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/io.h"
#include "images/remove_tree.h"
#include "images/unpack.h"
#include "tests/unit/tarball.h"

/* base/ is the temporary folder; base/root is unpacked into, base/secret must stay. */
struct world {
	char path[32];
	int base, root;
	pid_t swapper; /* or 0 */
	struct sp_buf tar;
	off_t read; /* of it, by the last unpack() */
	struct sp_unpack_opts opts;
	struct sp_tar_stats stats;
	struct sp_error err;
};

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	memcpy(w->path, "/tmp/sp-unpack-XXXXXX", 22);
	assert_non_null(mkdtemp(w->path));
	w->base = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->base >= 0);
	assert_int_equal(mkdirat(w->base, "root", 0755), 0);
	assert_int_equal(mkdirat(w->base, "outside", 0755), 0);
	w->root = openat(w->base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(sp_write_file_at(w->base, "secret", "kept", 4, 0600, NULL), 0);
	w->tar = (struct sp_buf)SP_BUF_INIT(TARBALL_MAX);
	umask(0);
	*state = w;
	return 0;
}

/* Whatever a test did, nothing appeared or changed beside the root. */
static void check_outside(struct world *w)
{
	struct sp_bytes text = {0};
	struct stat st;

	assert_int_equal(sp_read_file_at(w->base, "secret", 16, &text, NULL), 0);
	assert_string_equal(text.data, "kept");
	free(text.data);
	assert_int_equal(fstatat(w->base, "secret", &st, 0), 0);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(unlinkat(w->base, "outside", AT_REMOVEDIR), 0);
}

static int tear_down(void **state)
{
	struct world *w = *state;

	if (w->swapper > 0) {
		kill(w->swapper, SIGKILL);
		waitpid(w->swapper, NULL, 0);
	}
	check_outside(w);
	sp_buf_clear(&w->tar);
	close(w->root);
	close(w->base);
	assert_int_equal(sp_remove_tree(AT_FDCWD, w->path, NULL), 0);
	free(w);
	return 0;
}

/* Unpack what the test wrote so far, whole or cut, and begin anew. */
static int unpack_bytes(struct world *w, size_t len)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);
	int rc;

	assert_int_equal(sp_write_all(fd, w->tar.data, len, NULL), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	memset(&w->stats, 0, sizeof(w->stats));
	memset(&w->err, 0, sizeof(w->err));
	rc = sp_unpack(w->root, fd, &w->opts, &w->stats, &w->err);
	assert_int_equal(rc, w->err.code);
	w->read = lseek(fd, 0, SEEK_CUR);
	close(fd);
	return rc;
}

static int unpack(struct world *w)
{
	int rc;

	tarball_end(&w->tar);
	rc = unpack_bytes(w, w->tar.len);
	sp_buf_drop(&w->tar, w->tar.len);
	return rc;
}

static mode_t mode_of(struct world *w, const char *name)
{
	struct stat st;

	return fstatat(w->root, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_mode;
}

static void check_text(struct world *w, const char *name, const char *text)
{
	struct sp_bytes got = {0};

	assert_int_equal(sp_read_file_at(w->root, name, 1 << 20, &got, &w->err), 0);
	assert_string_equal(got.data, text);
	free(got.data);
}

/* Names in the root, temporary ones among them. */
static int count_entries(struct world *w)
{
	DIR *dir = fdopendir(openat(w->root, ".", O_RDONLY | O_DIRECTORY));
	int count = -2;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* --- Honest -------------------------------------------------------------------------- */

static void keeps_content_mode_and_time(void **state)
{
	struct world *w = *state;
	struct sp_tar_header h = tarball_header("d", '5', "", 0);
	struct stat st;

	memcpy(h.mode, "0000555", 8);
	tarball_add(&w->tar, h, NULL, 0);
	tarball_file(&w->tar, "d/f", "hello");
	tarball_symlink(&w->tar, "d/l", "../../secret");
	tarball_hardlink(&w->tar, "d/h", "d/f");
	assert_int_equal(unpack(w), 0);

	check_text(w, "d/f", "hello");
	assert_int_equal(mode_of(w, "d/f"), S_IFREG | 0644);
	assert_int_equal(mode_of(w, "d"), S_IFDIR | 0555);
	assert_true(S_ISLNK(mode_of(w, "d/l")));
	for (size_t i = 0; i < 4; i++) {
		static const char *const names[] = {"d", "d/f", "d/l", "d/h"};

		assert_int_equal(
			fstatat(w->root, names[i], &st, AT_SYMLINK_NOFOLLOW), 0);
		assert_int_equal(st.st_mtim.tv_sec, 1000000000);
	}
	assert_int_equal(st.st_nlink, 2);
	assert_int_equal(w->stats.members, 4);
	assert_int_equal(w->stats.bytes, 5);
}

static void makes_missing_folders_on_the_way(void **state)
{
	struct world *w = *state;

	tarball_file(&w->tar, "a/b/c/f", "x");
	assert_int_equal(unpack(w), 0);
	assert_int_equal(mode_of(w, "a/b"), S_IFDIR | 0755);
	check_text(w, "a/b/c/f", "x");
}

static void takes_names_relative_to_the_folder(void **state)
{
	static const char *const names[] = {
		"/etc/f", "./etc//f", "//etc/./f", "etc/./f"};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(names); i++) {
		tarball_file(&w->tar, names[i], names[i]);
		assert_int_equal(unpack(w), 0);
		check_text(w, "etc/f", names[i]);
	}
	assert_int_equal(count_entries(w), 1);
}

static void reads_pax_names_times_and_sizes(void **state)
{
	static const char records[] = "18 path=real/name\n"
				      "30 mtime=1234567890.123456789\n"
				      "10 size=5\n"
				      "20 comment=whatever\n";
	struct world *w = *state;
	struct stat st;

	tarball_extension(&w->tar, 'g', "20 comment=whatever\n", 20);
	tarball_extension(&w->tar, 'x', records, sizeof(records) - 1);
	tarball_add(&w->tar, tarball_header("fake", '0', "", 0), "12345", 5);
	assert_int_equal(unpack(w), 0);
	check_text(w, "real/name", "12345");
	assert_int_equal(fstatat(w->root, "real/name", &st, 0), 0);
	assert_int_equal(st.st_mtim.tv_sec, 1234567890);
	assert_int_equal(st.st_mtim.tv_nsec, 123456789);
	assert_int_equal(count_entries(w), 1);
}

static void reads_gnu_long_names_and_posix_prefixes(void **state)
{
	struct world *w = *state;
	struct sp_tar_header h = tarball_header("file", '0', "", 1);
	char name[202] = {0}, to[302] = {0};
	char link[512];
	ssize_t len;

	memset(name, 'n', 200);
	memset(to, 't', 300);
	tarball_extension(&w->tar, 'L', name, 201);
	tarball_extension(&w->tar, 'K', to, 301);
	tarball_symlink(&w->tar, "short", "short");
	memcpy(h.prefix, "some/prefix", 12);
	tarball_add(&w->tar, h, "p", 1);
	memcpy(h.magic, "ustar  ", 8); /* GNU keeps other things there */
	tarball_add(&w->tar, h, "g", 1);
	assert_int_equal(unpack(w), 0);

	len = readlinkat(w->root, name, link, sizeof(link));
	assert_int_equal(len, 300);
	assert_memory_equal(link, to, 300);
	check_text(w, "some/prefix/file", "p");
	check_text(w, "file", "g");
}

static void keeps_names_that_are_no_text(void **state)
{
	struct world *w = *state;

	tarball_file(&w->tar, "\xff\xfe\n\x1b[31m", "odd");
	tarball_pax(&w->tar, "path", "\xc3(\x80", 3);
	tarball_file(&w->tar, "x", "pax");
	assert_int_equal(unpack(w), 0);
	check_text(w, "\xff\xfe\n\x1b[31m", "odd");
	check_text(w, "\xc3(\x80", "pax");
}

static void renames_the_first_component(void **state)
{
	struct world *w = *state;

	w->opts.as = "new";
	tarball_folder(&w->tar, "old/");
	tarball_file(&w->tar, "old/f", "x");
	tarball_hardlink(&w->tar, "old/h", "old/f");
	assert_int_equal(unpack(w), 0);
	check_text(w, "new/h", "x");
	assert_int_equal(count_entries(w), 1);

	tarball_file(&w->tar, "old/f", "x");
	tarball_file(&w->tar, "other/f", "x");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
}

static void limits_a_name_by_what_it_becomes(void **state)
{
	struct world *w = *state;
	char name[SP_TAR_NAME_MAX];

	w->opts.as = "new";
	memset(name, 'n', sizeof(name));
	tarball_pax(&w->tar, "path", name, 256);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	for (size_t i = 1; i < sizeof(name); i += 200)
		name[i] = '/';
	tarball_pax(&w->tar, "path", name, sizeof(name));
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	assert_non_null(strstr(w->err.msg, "4095"));
	assert_int_equal(count_entries(w), 0);
}

static void leaves_the_folder_itself_as_it_is(void **state)
{
	struct world *w = *state;
	struct sp_tar_header h = tarball_header("./", '5', "", 0);

	memcpy(h.mode, "0000777", 8);
	tarball_add(&w->tar, h, NULL, 0);
	assert_int_equal(unpack(w), 0);
	assert_int_equal(mode_of(w, "."), S_IFDIR | 0755);
	tarball_symlink(&w->tar, ".", "../outside");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
}

static void reads_on_after_the_end_mark(void **state)
{
	struct world *w = *state;

	tarball_file(&w->tar, "f", "x");
	tarball_end(&w->tar);
	for (int i = 0; i < 20000; i++)
		sp_buf_add(&w->tar, "padding of a record, and then some", 34);
	assert_int_equal(unpack_bytes(w, w->tar.len), 0);
	assert_int_equal(w->read, w->tar.len);
	check_text(w, "f", "x");
}

/* --- Names that lead out ------------------------------------------------------------- */

static void rejects_names_that_lead_out(void **state)
{
	static const char *const names[] = {"..", "../new", "a/../../new", "a/..",
		"/../new", "./..//new", "../secret"};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(names); i++) {
		tarball_file(&w->tar, names[i], "x");
		assert_int_equal(unpack(w), SP_ERR_DENIED);
		tarball_folder(&w->tar, names[i]);
		assert_int_equal(unpack(w), SP_ERR_DENIED);
		tarball_pax(&w->tar, "path", names[i], strlen(names[i]));
		tarball_file(&w->tar, "harmless", "x");
		assert_int_equal(unpack(w), SP_ERR_DENIED);
		tarball_extension(&w->tar, 'L', names[i], strlen(names[i]) + 1);
		tarball_symlink(&w->tar, "harmless", "x");
		assert_int_equal(unpack(w), SP_ERR_DENIED);
	}
	assert_int_equal(count_entries(w), 0);
	assert_int_equal(faccessat(w->base, "new", F_OK, 0), -1);
}

static void rejects_malformed_names(void **state)
{
	struct world *w = *state;

	tarball_file(&w->tar, "", "x");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	tarball_folder(&w->tar, "");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	tarball_pax(&w->tar, "path", "a\0b", 3);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	tarball_extension(&w->tar, 'L', "a\0b", 4);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	tarball_symlink(&w->tar, "l", "");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	tarball_file(&w->tar, ".", "x");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	assert_int_equal(count_entries(w), 0);
}

/* Two names for one member are two members for two readers. */
static void rejects_a_member_named_twice(void **state)
{
	struct world *w = *state;

	tarball_pax(&w->tar, "path", "a", 1);
	tarball_pax(&w->tar, "path", "b", 1);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	tarball_extension(&w->tar, 'L', "a", 2);
	tarball_pax(&w->tar, "path", "b", 1);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	tarball_extension(&w->tar, 'g', "9 path=a\n", 9);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_UNSUPPORTED);
	assert_int_equal(count_entries(w), 0);
}

static void limits_the_length_and_depth_of_names(void **state)
{
	struct world *w = *state;
	char text[2 * 4096 + 1];

	memset(text, 'n', sizeof(text));
	tarball_pax(&w->tar, "path", text, 256);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	tarball_pax(&w->tar, "linkpath", text, SP_TAR_NAME_MAX + 1);
	tarball_symlink(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	for (size_t i = 1; i < sizeof(text); i += 2)
		text[i] = '/';
	tarball_pax(&w->tar, "path", text, SP_TAR_NAME_MAX + 1);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	tarball_pax(&w->tar, "path", text, (size_t)2 * SP_TAR_DEPTH_DEFAULT + 1);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	assert_int_equal(count_entries(w), 0);
	tarball_pax(&w->tar, "path", text, (size_t)2 * SP_TAR_DEPTH_DEFAULT - 1);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), 0);
}

/* --- Links --------------------------------------------------------------------------- */

static void writes_nothing_through_a_link(void **state)
{
	static const char *const targets[] = {
		"../outside", "..", "/", ".", "d", "/proc/self/cwd"};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(targets); i++) {
		tarball_folder(&w->tar, "d");
		tarball_symlink(&w->tar, "l", targets[i]);
		tarball_file(&w->tar, "l/new", "x");
		assert_int_equal(unpack(w), SP_ERR_DENIED);
		tarball_symlink(&w->tar, "l", targets[i]);
		tarball_folder(&w->tar, "l/new");
		assert_int_equal(unpack(w), SP_ERR_DENIED);
		tarball_symlink(&w->tar, "l", targets[i]);
		tarball_file(&w->tar, "l/deep/er/new", "x");
		assert_int_equal(unpack(w), SP_ERR_DENIED);
	}
	assert_int_equal(mode_of(w, "d/new"), 0);
}

static void replaces_a_link_instead_of_following_it(void **state)
{
	struct world *w = *state;

	tarball_symlink(&w->tar, "l", "../secret");
	tarball_file(&w->tar, "l", "mine");
	tarball_symlink(&w->tar, "m", "../outside");
	tarball_folder(&w->tar, "m");
	tarball_file(&w->tar, "m/f", "inside");
	assert_int_equal(unpack(w), 0);
	check_text(w, "l", "mine");
	check_text(w, "m/f", "inside");
}

/* The file that is in the way may be another user's by a hard link. */
static void never_opens_what_is_in_the_way(void **state)
{
	struct world *w = *state;

	assert_int_equal(linkat(w->base, "secret", w->root, "f", 0), 0);
	assert_int_equal(mkfifoat(w->root, "fifo", 0600), 0);
	tarball_file(&w->tar, "f", "new");
	tarball_file(&w->tar, "fifo", "new");
	assert_int_equal(unpack(w), 0);
	check_text(w, "f", "new");
	check_text(w, "fifo", "new");
}

static void hard_links_only_files_of_the_tree(void **state)
{
	struct world *w = *state;

	tarball_hardlink(&w->tar, "h", "../secret");
	assert_int_equal(unpack(w), SP_ERR_DENIED);
	tarball_symlink(&w->tar, "up", "..");
	tarball_hardlink(&w->tar, "h", "up/secret");
	assert_int_equal(unpack(w), SP_ERR_DENIED);
	tarball_symlink(&w->tar, "l", "../secret");
	tarball_hardlink(&w->tar, "h", "l");
	assert_int_equal(unpack(w), SP_ERR_DENIED);
	tarball_folder(&w->tar, "d");
	tarball_hardlink(&w->tar, "h", "d");
	assert_int_equal(unpack(w), SP_ERR_DENIED);
	tarball_hardlink(&w->tar, "h", "nothing");
	assert_int_equal(unpack(w), SP_ERR_NOT_FOUND);
	assert_int_equal(mkfifoat(w->root, "fifo", 0600), 0);
	tarball_hardlink(&w->tar, "h", "fifo");
	assert_int_equal(unpack(w), SP_ERR_DENIED);
	tarball_hardlink(&w->tar, "h", ".");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	assert_int_equal(mode_of(w, "h"), 0);
}

static void links_a_file_to_itself_and_leaves_nothing_behind(void **state)
{
	struct world *w = *state;

	tarball_file(&w->tar, "f", "x");
	tarball_hardlink(&w->tar, "f", "f");
	tarball_hardlink(&w->tar, "h", "f");
	tarball_hardlink(&w->tar, "h", "f");
	assert_int_equal(unpack(w), 0);
	check_text(w, "f", "x");
	assert_int_equal(count_entries(w), 2);
}

/* --- Kinds --------------------------------------------------------------------------- */

static void add_kind(struct world *w, char kind, const char *name)
{
	if (kind == 'f')
		tarball_file(&w->tar, name, "x");
	if (kind == 'd')
		tarball_folder(&w->tar, name);
	if (kind == 'l')
		tarball_symlink(&w->tar, name, "../outside");
}

static void lets_the_last_of_duplicates_win(void **state)
{
	static const char *const pairs[] = {
		"ff", "fd", "fl", "df", "dd", "dl", "lf", "ld", "ll"};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(pairs); i++) {
		mode_t want = pairs[i][1] == 'f' ? S_IFREG
			: pairs[i][1] == 'd'     ? S_IFDIR
						 : S_IFLNK;

		add_kind(w, pairs[i][0], pairs[i]);
		add_kind(w, pairs[i][1], pairs[i]);
		assert_int_equal(unpack(w), 0);
		assert_int_equal(mode_of(w, pairs[i]) & S_IFMT, want);
	}
	assert_int_equal(count_entries(w), (int)SP_COUNT(pairs));
}

static void keeps_a_folder_that_is_not_empty(void **state)
{
	static const char kinds[] = "fl";
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		tarball_file(&w->tar, "d/f", "x");
		add_kind(w, kinds[i], "d");
		assert_int_equal(unpack(w), SP_ERR_EXISTS);
		check_text(w, "d/f", "x");
	}
	assert_int_equal(count_entries(w), 1);
}

static void keeps_kinds_when_asked_to(void **state)
{
	static const char *const pairs[] = {"fd", "ld", "df", "dl"};
	struct world *w = *state;

	w->opts.keep_kinds = true;
	for (size_t i = 0; i < SP_COUNT(pairs); i++) {
		mode_t before;

		add_kind(w, pairs[i][0], pairs[i]);
		assert_int_equal(unpack(w), 0);
		before = mode_of(w, pairs[i]);
		add_kind(w, pairs[i][1], pairs[i]);
		assert_int_equal(unpack(w), SP_ERR_EXISTS);
		assert_int_equal(mode_of(w, pairs[i]), before);
	}
	tarball_file(&w->tar, "ld", "a file over a link");
	assert_int_equal(unpack(w), 0);
	assert_int_equal(count_entries(w), (int)SP_COUNT(pairs));
}

static void skips_devices_and_counts_them(void **state)
{
	static const char types[] = "346";
	struct world *w = *state;

	for (size_t i = 0; i < 3; i++)
		tarball_add(&w->tar, tarball_header("dev", types[i], "", 0), NULL, 0);
	assert_int_equal(unpack(w), 0);
	assert_int_equal(w->stats.skipped, 3);
	assert_int_equal(count_entries(w), 0);
}

static void clears_set_id_and_sticky_bits(void **state)
{
	static const char types[] = "05";
	struct world *w = *state;

	for (size_t i = 0; i < 2; i++) {
		const char name[] = {types[i], '\0'};
		struct sp_tar_header h = tarball_header(name, types[i], "", 0);

		memcpy(h.mode, "0007777", 8);
		tarball_add(&w->tar, h, NULL, 0);
	}
	assert_int_equal(unpack(w), 0);
	assert_int_equal(mode_of(w, "0"), S_IFREG | 0777);
	assert_int_equal(mode_of(w, "5"), S_IFDIR | 0777);
}

static void applies_the_mask_of_the_host(void **state)
{
	struct world *w = *state;

	w->opts.mask = 027;
	tarball_file(&w->tar, "f", "x");
	tarball_folder(&w->tar, "d");
	assert_int_equal(unpack(w), 0);
	assert_int_equal(mode_of(w, "f"), S_IFREG | 0640);
	assert_int_equal(mode_of(w, "d"), S_IFDIR | 0750);
}

static void owns_what_it_unpacks(void **state)
{
	struct world *w = *state;
	struct sp_tar_header h = tarball_header("f", '0', "", 0);
	struct stat st;

	memcpy(h.uid, "0001747", 8);
	memcpy(h.gid, "0001747", 8);
	tarball_add(&w->tar, h, NULL, 0);
	assert_int_equal(unpack(w), 0);
	assert_int_equal(fstatat(w->root, "f", &st, 0), 0);
	assert_int_equal(st.st_uid, geteuid());
	assert_int_equal(st.st_gid, getegid());
}

static void refuses_unknown_types(void **state)
{
	static const char types[] = "VMDNAXsZ\x80";
	struct world *w = *state;

	for (size_t i = 0; i + 1 < sizeof(types); i++) {
		tarball_add(&w->tar, tarball_header("f", types[i], "", 0), NULL, 0);
		assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	}
	assert_int_equal(count_entries(w), 0);
}

/* --- Limits -------------------------------------------------------------------------- */

static void limits_bytes_and_members(void **state)
{
	struct world *w = *state;

	w->opts.limits.bytes = 10;
	tarball_file(&w->tar, "a", "12345");
	tarball_file(&w->tar, "b", "123456");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	assert_int_equal(count_entries(w), 1);
	w->opts.limits.bytes = 0;
	w->opts.limits.members = 2;
	tarball_file(&w->tar, "a", "");
	tarball_file(&w->tar, "b", "");
	tarball_file(&w->tar, "c", "");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	assert_int_equal(mode_of(w, "c"), 0);
}

static void limits_extension_headers(void **state)
{
	struct world *w = *state;
	static char big[2 * 1024 * 1024];

	memset(big, 'n', sizeof(big));
	tarball_extension(&w->tar, 'L', big, sizeof(big));
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	tarball_pax(&w->tar, "comment", big, sizeof(big));
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	for (int i = 0; i < 100; i++)
		tarball_extension(&w->tar, 'x', "12 comment=\n", 12);
	tarball_file(&w->tar, "f", "x");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
}

static void checks_numbers_for_overflow(void **state)
{
	static const char *const sizes[] = {"77777777777",
		("\x80\xff\xff\xff\xff\xff\xff"
		 "\xff\xff\xff\xff"),
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", "9", "1 1", "-1",
		"0x1"};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(sizes); i++) {
		struct sp_tar_header h = tarball_header("f", '0', "", 0);

		memset(h.size, 0, sizeof(h.size));
		memcpy(h.size, sizes[i], strlen(sizes[i]));
		tarball_add(&w->tar, h, NULL, 0);
		assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	}
	tarball_pax(&w->tar, "size", "99999999999999999999", 20);
	tarball_file(&w->tar, "f", "");
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	assert_int_equal(count_entries(w), 0);
}

static void rejects_malformed_pax_records(void **state)
{
	static const char *const records[] = {"9 path=ab\n", "9 path=ab", "9 path=a",
		"99 path=a\n", "0 \n", "path=a\n", "7 path\n", "8 =path\n",
		"-9 path=a\n", "3 \n", "10 mtime=x\n",
		"99999999999999999999999 path=a\n", " 9 path=a\n"};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(records); i++) {
		tarball_extension(&w->tar, 'x', records[i], strlen(records[i]));
		tarball_file(&w->tar, "f", "");
		assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	}
	assert_int_equal(count_entries(w), 0);
}

/* --- Broken off ---------------------------------------------------------------------- */

static void leaves_no_half_file_of_an_archive_cut_short(void **state)
{
	struct world *w = *state;
	char text[1001] = {0};

	memset(text, 'x', 1000);
	tarball_file(&w->tar, "f", text);
	for (size_t len = 0; len <= w->tar.len; len += 31) {
		assert_int_equal(unpack_bytes(w, len), SP_ERR_PROTOCOL);
		if (mode_of(w, "f"))
			check_text(w, "f", text);
		assert_true(count_entries(w) == (mode_of(w, "f") ? 1 : 0));
		unlinkat(w->root, "f", 0);
	}
	/* Whole members, but nothing says that they are all. */
	assert_int_equal(unpack_bytes(w, w->tar.len), SP_ERR_PROTOCOL);
}

static void notices_damage(void **state)
{
	struct world *w = *state;

	tarball_file(&w->tar, "f", "x");
	w->tar.data[1] ^= 1;
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	for (int i = 0; i < SP_TAR_BLOCK; i++)
		sp_buf_addc(&w->tar, 'x');
	assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	assert_int_equal(count_entries(w), 0);
}

/* --- Sparse files -------------------------------------------------------------------- */

/* GNU's pax format 1.0: a map of `lines`, then the pieces. */
static void add_sparse(
	struct world *w, const char *real_size, const char *lines, const char *pieces)
{
	static const char head[] = "22 GNU.sparse.major=1\n"
				   "22 GNU.sparse.minor=0\n"
				   "26 GNU.sparse.name=sparse\n";
	struct sp_buf body = SP_BUF_INIT(TARBALL_MAX);
	struct sp_buf records = SP_BUF_INIT(TARBALL_MAX);

	sp_buf_adds(&records, head);
	sp_buf_addf(&records, "%zu GNU.sparse.realsize=%s\n",
		strlen(real_size) + strlen("25 GNU.sparse.realsize=\n"), real_size);
	tarball_extension(&w->tar, 'x', records.data, records.len);
	sp_buf_adds(&body, lines);
	tarball_pad(&body);
	sp_buf_adds(&body, pieces);
	tarball_add(&w->tar,
		tarball_header("GNUSparseFile.1/sparse", '0', "", body.len), body.data,
		body.len);
	sp_buf_clear(&records);
	sp_buf_clear(&body);
}

static void check_sparse(struct world *w)
{
	char text[100 + 1] = {0};
	int fd = openat(w->root, "sparse", O_RDONLY);

	assert_int_equal(read(fd, text, 101), 100);
	close(fd);
	assert_memory_equal(text + 10, "abc", 3);
	assert_memory_equal(text + 50, "de", 2);
	for (size_t i = 0; i < 100; i++)
		assert_true(
			(text[i] != 0) == ((i >= 10 && i < 13) || (i >= 50 && i < 52)));
}

static void restores_the_holes_of_sparse_files(void **state)
{
	struct world *w = *state;
	struct sp_tar_header h = tarball_header("sparse", 'S', "", 5);
	char *raw = (char *)&h;

	add_sparse(w, "100", "3\n10\n3\n50\n2\n100\n0\n", "abcde");
	assert_int_equal(unpack(w), 0);
	check_sparse(w);
	assert_int_equal(unlinkat(w->root, "sparse", 0), 0);

	memcpy(h.magic, "ustar  ", 8);
	memcpy(raw + 386, "00000000012\00000000000003", 24);
	memcpy(raw + 386 + 24, "00000000062\00000000000002", 24);
	memcpy(raw + 483, "00000000144", 12);
	tarball_add(&w->tar, h, "abcde", 5);
	assert_int_equal(unpack(w), 0);
	check_sparse(w);
	assert_int_equal(w->stats.bytes, 100);
}

static void rejects_maps_that_do_not_fit(void **state)
{
	static const char *const maps[] = {
		"2\n0\n3\n2\n2\n",              /* overlap */
		"2\n10\n3\n5\n2\n",             /* order */
		"1\n96\n5\n",                   /* beyond the end */
		"1\n0\n4\n",                    /* less than there is */
		"1\n0\n6\n",                    /* more than there is */
		"1\n999999999999999999\n5\n",   /* far */
		"1\n18446744073709551615\n5\n", /* no number of ours */
		"99999999\n0\n5\n",             /* map longer than the content */
		"1\n0\nx\n",
		"-1\n",
		"\n",
		"1\n0\n00000000000000000000000005\n",
	};
	struct world *w = *state;

	for (size_t i = 0; i < SP_COUNT(maps); i++) {
		add_sparse(w, "100", maps[i], "abcde");
		assert_int_equal(unpack(w), SP_ERR_PROTOCOL);
	}
	assert_int_equal(count_entries(w), 0);
}

static void counts_the_holes_of_a_sparse_file(void **state)
{
	struct world *w = *state;

	w->opts.limits.bytes = 99;
	add_sparse(w, "100", "1\n0\n5\n", "abcde");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	w->opts.limits.bytes = 0;
	add_sparse(w, "999999999999999", "1\n0\n5\n", "abcde");
	assert_int_equal(unpack(w), SP_ERR_LIMIT);
	assert_int_equal(count_entries(w), 0);
}

/* --- Races --------------------------------------------------------------------------- */

/* Until killed: root/d is a folder, a link to the folder outside, a folder again. */
static void start_swapping(struct world *w)
{
	assert_int_equal(symlinkat("../outside", w->root, "link"), 0);
	w->swapper = fork();
	assert_true(w->swapper >= 0);
	if (w->swapper != 0)
		return;
	for (;;) {
		mkdirat(w->root, "d", 0755);
		renameat2(w->root, "d", w->root, "link", RENAME_EXCHANGE);
	}
}

static void stays_inside_while_folders_are_swapped_for_links(void **state)
{
	struct world *w = *state;

	start_swapping(w);
	for (int round = 0; round < 300; round++) {
		for (int i = 0; i < 10; i++) {
			tarball_folder(&w->tar, "d/sub");
			tarball_file(&w->tar, "d/f", "x");
			tarball_file(&w->tar, "d/sub/f", "x");
			tarball_symlink(&w->tar, "d/l", "x");
			tarball_hardlink(&w->tar, "d/h", "d/f");
		}
		/* Whether it gets through or not, nothing may appear outside. */
		(void)unpack(w);
	}
}

#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(keeps_content_mode_and_time),
		T(makes_missing_folders_on_the_way),
		T(takes_names_relative_to_the_folder),
		T(reads_pax_names_times_and_sizes),
		T(reads_gnu_long_names_and_posix_prefixes),
		T(keeps_names_that_are_no_text),
		T(renames_the_first_component),
		T(limits_a_name_by_what_it_becomes),
		T(leaves_the_folder_itself_as_it_is),
		T(reads_on_after_the_end_mark),
		T(rejects_names_that_lead_out),
		T(rejects_malformed_names),
		T(rejects_a_member_named_twice),
		T(limits_the_length_and_depth_of_names),
		T(writes_nothing_through_a_link),
		T(replaces_a_link_instead_of_following_it),
		T(never_opens_what_is_in_the_way),
		T(hard_links_only_files_of_the_tree),
		T(links_a_file_to_itself_and_leaves_nothing_behind),
		T(lets_the_last_of_duplicates_win),
		T(keeps_a_folder_that_is_not_empty),
		T(keeps_kinds_when_asked_to),
		T(skips_devices_and_counts_them),
		T(clears_set_id_and_sticky_bits),
		T(applies_the_mask_of_the_host),
		T(owns_what_it_unpacks),
		T(refuses_unknown_types),
		T(limits_bytes_and_members),
		T(limits_extension_headers),
		T(checks_numbers_for_overflow),
		T(rejects_malformed_pax_records),
		T(leaves_no_half_file_of_an_archive_cut_short),
		T(notices_damage),
		T(restores_the_holes_of_sparse_files),
		T(rejects_maps_that_do_not_fit),
		T(counts_the_holes_of_a_sparse_file),
		T(stays_inside_while_folders_are_swapped_for_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
