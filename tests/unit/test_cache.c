/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
/* cmocka wants the five above before it */
#include <cmocka.h>

#include "base/buf.h"
#include "base/io.h"
#include "seccomp/cache.h"
#include "tests/helpers/require.h"

#define PROGRAM_MAX (1u << 20)
#define FOLDER_MAX  64
#define PATH_BYTES  512

struct fixture {
	char folder[FOLDER_MAX];
	char cache[FOLDER_MAX + 16];
	char entry[PATH_BYTES]; /* of the first program */
	struct sp_seccomp_request req;
	struct sp_buf program;
};

static void fetch(const struct fixture *f, struct sp_buf *out)
{
	struct sp_error err = {0};

	*out = (struct sp_buf)SP_BUF_INIT(PROGRAM_MAX);
	if (sp_seccomp_program(&f->req, out, &err) < 0)
		fail_msg("%s", err.msg);
	assert_true(out->len > 0 && out->len % 8 == 0);
}

static size_t count_entries(const char *folder, char *last)
{
	DIR *dir = opendir(folder);
	struct dirent *e;
	size_t count = 0;

	assert_non_null(dir);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		count++;
		if (last)
			snprintf(last, PATH_BYTES, "%s/%s", folder, e->d_name);
	}
	closedir(dir);
	return count;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "/tmp/sp-cache-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->cache, sizeof(f->cache), "%s/cache", f->folder);
	assert_int_equal(mkdir(f->cache, 0700), 0);
	f->req = (struct sp_seccomp_request){.profile = "default",
		.data_dir = ".",
		.cache_dir = f->cache,
		.granted_caps = 1};
	fetch(f, &f->program);
	assert_int_equal(count_entries(f->cache, f->entry), 1);
	*state = f;
	return 0;
}

static void remove_all(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		char path[2 * PATH_BYTES];

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
		if (unlink(path) < 0)
			remove_all(path);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	remove_all(f->folder);
	sp_buf_clear(&f->program);
	free(f);
	return 0;
}

static ino_t inode_of(const struct fixture *f)
{
	struct stat st;

	assert_int_equal(lstat(f->entry, &st), 0);
	return st.st_ino;
}

/* The first program again; whether the entry was written anew. */
static bool refetched(const struct fixture *f, ino_t before)
{
	sp_autobuf struct sp_buf again = SP_BUF_INIT(PROGRAM_MAX);
	struct stat st;

	fetch(f, &again);
	assert_int_equal(again.len, f->program.len);
	assert_memory_equal(again.data, f->program.data, again.len);
	assert_int_equal(lstat(f->entry, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
	return st.st_ino != before;
}

static struct sp_bytes slurp(const char *path)
{
	struct sp_bytes bytes = {0};

	assert_int_equal(sp_read_file_at(AT_FDCWD, path, PROGRAM_MAX, &bytes, NULL), 0);
	return bytes;
}

/* In place, so that the file keeps its inode. */
static void overwrite(const char *path, const void *data, size_t len)
{
	sp_autoclose int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(sp_write_all(fd, data, len, NULL), 0);
}

static void a_second_call_reads_what_the_first_compiled(void **state)
{
	struct fixture *f = *state;

	assert_false(refetched(f, inode_of(f)));
	assert_int_equal(count_entries(f->cache, NULL), 1);
}

static void capabilities_and_profiles_have_entries_of_their_own(void **state)
{
	struct fixture *f = *state;
	sp_autobuf struct sp_buf strict = SP_BUF_INIT(PROGRAM_MAX);
	sp_autobuf struct sp_buf chroot = SP_BUF_INIT(PROGRAM_MAX);

	f->req.profile = "strict";
	fetch(f, &strict);
	assert_int_equal(count_entries(f->cache, NULL), 2);
	f->req.profile = NULL;
	f->req.granted_caps |= UINT64_C(1) << 18;
	fetch(f, &chroot);
	assert_int_equal(count_entries(f->cache, NULL), 3);
	assert_true(strict.len != f->program.len ||
		memcmp(strict.data, f->program.data, strict.len) != 0);
	assert_true(chroot.len != f->program.len ||
		memcmp(chroot.data, f->program.data, chroot.len) != 0);
}

static void a_changed_byte_is_noticed_and_mended(void **state)
{
	struct fixture *f = *state;
	struct sp_bytes good = slurp(f->entry);

	for (size_t at = 0; at < good.len; at += at < 64 ? 1 : 1009) {
		ino_t before = inode_of(f);

		good.data[at] ^= 0x40;
		overwrite(f->entry, good.data, good.len);
		good.data[at] ^= 0x40;
		assert_true(refetched(f, before));
	}
	free(good.data);
}

static void a_short_or_long_entry_is_replaced(void **state)
{
	struct fixture *f = *state;
	struct sp_bytes good = slurp(f->entry);
	char *longer = calloc(1, good.len + 8);
	const size_t lengths[] = {
		0, 1, 31, 32, 33, good.len / 2, good.len - 8, good.len - 1};

	for (size_t i = 0; i < SP_COUNT(lengths); i++) {
		ino_t before = inode_of(f);

		overwrite(f->entry, good.data, lengths[i]);
		assert_true(refetched(f, before));
	}
	memcpy(longer, good.data, good.len);
	overwrite(f->entry, longer, good.len + 8);
	assert_true(refetched(f, inode_of(f)));
	free(longer);
	free(good.data);
}

static void an_entry_others_may_write_is_replaced(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(chmod(f->entry, 0620), 0);
	assert_true(refetched(f, inode_of(f)));
	assert_int_equal(chmod(f->entry, 0602), 0);
	assert_true(refetched(f, inode_of(f)));
}

static void an_entry_of_another_user_is_replaced(void **state)
{
	struct fixture *f = *state;

	sp_require(geteuid() == 0, "root", "only root can give a file away");
	assert_int_equal(chown(f->entry, 12345, 12345), 0);
	assert_true(refetched(f, inode_of(f)));
}

static void a_link_is_not_followed(void **state)
{
	struct fixture *f = *state;
	char elsewhere[PATH_BYTES];

	snprintf(elsewhere, sizeof(elsewhere), "%s/elsewhere", f->folder);
	assert_int_equal(rename(f->entry, elsewhere), 0);
	assert_int_equal(symlink(elsewhere, f->entry), 0);
	assert_true(refetched(f, inode_of(f)));
	assert_int_equal(access(elsewhere, F_OK), 0);
}

static void a_fifo_does_not_hold_us_up(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(unlink(f->entry), 0);
	assert_int_equal(mkfifo(f->entry, 0600), 0);
	assert_true(refetched(f, inode_of(f)));
}

/* As if two keys, of one length, had one hash: the entry is whole, but another's. */
static void an_entry_made_for_another_key_is_not_taken(void **state)
{
	struct fixture *f = *state;
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
	char others[PATH_BYTES];

	assert_int_equal(unlink(f->entry), 0);
	f->req.granted_caps = 2;
	fetch(f, &program);
	assert_int_equal(count_entries(f->cache, others), 1);
	assert_int_equal(rename(others, f->entry), 0);
	f->req.granted_caps = 1;
	assert_true(refetched(f, inode_of(f)));
}

static void works_without_a_cache(void **state)
{
	struct fixture *f = *state;
	sp_autobuf struct sp_buf a = SP_BUF_INIT(PROGRAM_MAX);
	sp_autobuf struct sp_buf b = SP_BUF_INIT(PROGRAM_MAX);

	f->req.cache_dir = NULL;
	fetch(f, &a);
	f->req.cache_dir = "/nonexistent/folder";
	fetch(f, &b);
	assert_int_equal(a.len, f->program.len);
	assert_memory_equal(a.data, f->program.data, a.len);
	assert_memory_equal(b.data, f->program.data, b.len);
}

static void a_folder_others_may_write_is_not_used(void **state)
{
	struct fixture *f = *state;
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);

	assert_int_equal(unlink(f->entry), 0);
	assert_int_equal(chmod(f->cache, 0770), 0);
	fetch(f, &program);
	assert_int_equal(count_entries(f->cache, NULL), 0);
	assert_memory_equal(program.data, f->program.data, program.len);
}

static void a_folder_behind_a_link_is_not_used(void **state)
{
	struct fixture *f = *state;
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
	char link[PATH_BYTES];

	assert_int_equal(unlink(f->entry), 0);
	snprintf(link, sizeof(link), "%s/link", f->folder);
	assert_int_equal(symlink(f->cache, link), 0);
	f->req.cache_dir = link;
	fetch(f, &program);
	assert_int_equal(count_entries(f->cache, NULL), 0);
}

/* ----- profiles that cannot be had -------------------------------------------- */

static void refuse(const struct fixture *f, const char *profile, enum sp_code code,
	const char *why)
{
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
	struct sp_seccomp_request req = f->req;
	struct sp_error err = {0};

	req.profile = profile;
	assert_int_equal(sp_seccomp_program(&req, &program, &err), code);
	assert_int_equal(err.code, code);
	assert_int_equal(program.len, 0);
	if (!strstr(err.msg, why) || strchr(err.msg, '\n'))
		fail_msg("message: %s", err.msg);
}

static const char *write_file(struct fixture *f, const char *text, size_t len)
{
	static char path[PATH_BYTES];
	sp_autoclose int fd = -1;

	snprintf(path, sizeof(path), "%s/user.json", f->folder);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(sp_write_all(fd, text, len, NULL), 0);
	return path;
}

static void a_profile_that_cannot_be_read_says_which_and_why(void **state)
{
	struct fixture *f = *state;
	char path[PATH_BYTES];
	char *big = calloc(1, (1u << 20) + 1);

	refuse(f, "defualt", SP_ERR_NOT_FOUND, "neither default nor strict");
	refuse(f, "/nonexistent.json", SP_ERR_NOT_FOUND, "/nonexistent.json");
	refuse(f, "/tmp", SP_ERR_INVALID, "not a regular file");
	snprintf(path, sizeof(path), "%s/fifo", f->folder);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse(f, path, SP_ERR_INVALID, "not a regular file");
	refuse(f, write_file(f, "", 0), SP_ERR_PROTOCOL, "user.json");
	refuse(f, write_file(f, "{\"defaultAction\":", 17), SP_ERR_PROTOCOL, "byte");
	refuse(f, write_file(f, "{}", 2), SP_ERR_INVALID, "defaultAction");
	memset(big, ' ', (1u << 20) + 1);
	refuse(f, write_file(f, big, (1u << 20) + 1), SP_ERR_LIMIT, "user.json");
	free(big);
}

static void a_users_file_is_used_and_what_it_opens_is_named(void **state)
{
	static const char text[] =
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		"{\"names\":[\"read\",\"bpf\"],\"action\":\"SCMP_ACT_ALLOW\"}]}";
	struct fixture *f = *state;
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
	sp_autostrv struct sp_strv opened = {0};

	f->req.profile = write_file(f, text, strlen(text));
	fetch(f, &program);
	assert_int_equal(sp_seccomp_opened(&f->req, &opened, NULL), 0);
	assert_int_equal(opened.count, 1);
	assert_string_equal(opened.items[0], "bpf");
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_second_call_reads_what_the_first_compiled),
		CASE(capabilities_and_profiles_have_entries_of_their_own),
		CASE(a_changed_byte_is_noticed_and_mended),
		CASE(a_short_or_long_entry_is_replaced),
		CASE(an_entry_others_may_write_is_replaced),
		CASE(an_entry_of_another_user_is_replaced),
		CASE(a_link_is_not_followed),
		CASE(a_fifo_does_not_hold_us_up),
		CASE(an_entry_made_for_another_key_is_not_taken),
		CASE(works_without_a_cache),
		CASE(a_folder_others_may_write_is_not_used),
		CASE(a_folder_behind_a_link_is_not_used),
		CASE(a_profile_that_cannot_be_read_says_which_and_why),
		CASE(a_users_file_is_used_and_what_it_opens_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
