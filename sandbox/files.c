/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "sandbox/settle.h"
#include "sandbox/staging.h"
#include "sandbox/transfer.h"

/* --- Paths -------------------------------------------------------------------------- */

/* A path taken apart: "/a/b/c/." is in "/a/b", named "c", and means what is in it. */
struct place {
	char whole[PATH_MAX]; /* without what is empty, "." or a slash at the end */
	char parent[PATH_MAX];
	char name[NAME_MAX + 1]; /* empty: the root, or "." of this machine */
	bool folder;             /* ended in a slash: must be a folder */
	bool contents;           /* ended in "/." */
};

static bool ends_in(const char *text, const char *end)
{
	size_t len = strlen(text), n = strlen(end);

	return len >= n && strcmp(text + len - n, end) == 0;
}

static void cut_end(struct place *p)
{
	size_t len = strlen(p->whole);

	while (len > 1 && (p->whole[len - 1] == '/' || ends_in(p->whole, "/."))) {
		p->whole[--len] = '\0';
	}
}

/* Split off the last component; dots do not name anything. */
static int split(struct place *p, const char *path, struct sp_error *err)
{
	char *slash;
	const char *name;

	cut_end(p);
	slash = strrchr(p->whole, '/');
	name = slash ? slash + 1 : p->whole;
	if (strlen(name) > NAME_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "name in %.64s... is too long", path);
	memcpy(p->name, name, strlen(name) + 1);
	snprintf(p->parent, sizeof(p->parent), "%.*s",
		slash ? (int)(slash - p->whole) : 1, slash ? p->whole : ".");
	if (slash == p->whole)
		snprintf(p->parent, sizeof(p->parent), "/");
	if (strcmp(p->name, ".") == 0 || strcmp(p->name, "..") == 0)
		p->name[0] = '\0';
	p->contents = p->contents || !p->name[0];
	p->folder = p->folder || p->contents;
	return 0;
}

static int host_place(struct place *p, const char *path, struct sp_error *err)
{
	if (!path[0] || strlen(path) >= sizeof(p->whole))
		return sp_fail(err, SP_ERR_INVALID, "path \"%.64s\" is %s", path,
			path[0] ? "too long" : "empty");
	snprintf(p->whole, sizeof(p->whole), "%s", path);
	p->contents = ends_in(path, "/.") || strcmp(path, ".") == 0;
	p->folder = ends_in(path, "/");
	return split(p, path, err);
}

/* Inside, ".." would have each provider resolve it in its own way. */
static int inside_place(struct place *p, const char *path, struct sp_error *err)
{
	size_t used = 0;

	if (!path[0] || strlen(path) >= sizeof(p->whole) - 1)
		return sp_fail(err, SP_ERR_INVALID, "path inside \"%.64s\" is %s", path,
			path[0] ? "too long" : "empty");
	for (const char *at = path; *at;) {
		size_t len = strcspn(at, "/");

		if (len == 2 && memcmp(at, "..", 2) == 0)
			return sp_fail(err, SP_ERR_INVALID,
				"path inside %s contains \"..\"", path);
		if (len > 0 && !(len == 1 && at[0] == '.')) {
			p->whole[used++] = '/';
			memcpy(p->whole + used, at, len);
			used += len;
		}
		at += len + (at[len] == '/');
	}
	memcpy(p->whole + used, used ? "" : "/", used ? 1 : 2);
	p->contents = ends_in(path, "/.") || strcmp(path, ".") == 0;
	p->folder = ends_in(path, "/");
	return split(p, path, err);
}

/* --- In ----------------------------------------------------------------------------- */

/* Is the source a folder?  A link is one only if a slash says that it is meant. */
static int source_is_folder(const struct place *from, const char *path, bool *is_folder,
	struct sp_error *err)
{
	struct stat st;

	if (fstatat(AT_FDCWD, path, &st, from->folder ? 0 : AT_SYMLINK_NOFOLLOW) < 0)
		return sp_fail_errno(err, "%s", path);
	*is_folder = S_ISDIR(st.st_mode);
	if (from->folder && !*is_folder)
		return sp_fail(err, SP_ERR_INVALID, "%s is no folder", path);
	return 0;
}

/* Into which folder of the sandbox, and under which name (NULL: as packed). */
struct landing {
	const char *folder;
	const char *as;
};

static int land(const struct place *from, bool is_folder, const struct place *to,
	const struct sp_file_stat *there, struct landing *out, struct sp_error *err)
{
	bool is_there = there->type != 0;

	if (is_there && there->type != SP_FILE_FOLDER && (to->folder || is_folder))
		return sp_fail(err, SP_ERR_EXISTS, "%s inside is no folder", to->whole);
	if (from->contents) {
		out->folder = to->whole;
		out->as = NULL;
	} else if (there->type == SP_FILE_FOLDER ||
		(!is_there && to->folder && !is_folder)) {
		out->folder = to->whole;
		out->as = from->name;
	} else {
		out->folder = to->parent;
		out->as = to->name;
	}
	return 0;
}

/* Not there is an answer, too; whether the sandbox is will show when it is sent to. */
static int look_inside(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *there, struct sp_error *err)
{
	struct sp_error failure = {0};
	int rc = sp_provider_stat(p, id, path, there, &failure);

	if (rc < 0 && rc != SP_ERR_NOT_FOUND) {
		*err = failure;
		return rc;
	}
	if (rc < 0)
		*there = (struct sp_file_stat){0};
	return 0;
}

static int send(struct sp_provider *p, const char *id, const char *libexec_dir,
	const char *from, const struct landing *at, struct sp_error *err)
{
	sp_autotransfer struct sp_transfer t = SP_TRANSFER_INIT;
	struct sp_source source = sp_transfer_source(&t);
	int rc = sp_transfer_pack(&t, libexec_dir, from, at->as, err);

	if (rc < 0)
		return rc;
	rc = sp_provider_put_archive(p, id, at->folder, &source, err);
	return sp_transfer_end(&t, rc, err);
}

int sp_files_copy_in(struct sp_provider *p, const char *id, const char *libexec_dir,
	const char *from, const char *to, struct sp_error *err)
{
	struct place source = {0}, target = {0};
	struct sp_file_stat there = {0};
	struct sp_error unwanted = {0};
	bool is_folder = false;
	struct landing at = {0};
	int rc;

	err = err ? err : &unwanted;
	rc = host_place(&source, from, err);
	if (rc == 0)
		rc = inside_place(&target, to, err);
	if (rc == 0)
		rc = source_is_folder(&source, from, &is_folder, err);
	if (rc < 0)
		return rc;
	rc = look_inside(p, id, target.whole, &there, err);
	if (rc == 0)
		rc = land(&source, is_folder, &target, &there, &at, err);
	if (rc == 0)
		rc = send(p, id, libexec_dir, from, &at, err);
	return rc < 0 ? sp_wrap(err, rc, "copy %s to %s", from, to) : 0;
}

/* --- Out ---------------------------------------------------------------------------- */

/* The root of a sandbox has no name that its members could begin with. */
static int fetch(struct sp_provider *p, const char *id, const char *libexec_dir,
	const struct place *from, int folder_fd, const char *as, struct sp_error *err)
{
	sp_autotransfer struct sp_transfer t = SP_TRANSFER_INIT;
	struct sp_sink sink = sp_transfer_sink(&t);
	sp_autoclose int own = -1;
	char path[PATH_MAX + 1];
	int rc;

	if (!from->name[0]) {
		if (mkdirat(folder_fd, as, 0755) < 0)
			return sp_fail_errno(err, "make folder %s", as);
		own = openat(folder_fd, as, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (own < 0)
			return sp_fail_errno(err, "open folder %s", as);
	}
	rc = sp_transfer_unpack(
		&t, libexec_dir, own >= 0 ? own : folder_fd, own >= 0 ? NULL : as, err);
	if (rc < 0)
		return rc;
	/* The slash makes the other side follow a link to the folder that is meant. */
	snprintf(path, sizeof(path), "%s%s", from->whole,
		from->folder && from->name[0] ? "/" : "");
	rc = sp_provider_get_archive(p, id, path, &sink, err);
	return sp_transfer_end(&t, rc, err);
}

/* What came is there, and is a folder if it was asked for as one. */
static int check_fetched(
	int staging, const char *as, const struct place *from, struct sp_error *err)
{
	struct stat st;

	if (fstatat(staging, as, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return sp_fail(err, SP_ERR_NOT_FOUND,
			"%s inside is nothing that can be copied", from->whole);
	if (from->folder && !S_ISDIR(st.st_mode))
		return sp_fail(
			err, SP_ERR_INVALID, "%s inside is no folder", from->whole);
	return 0;
}

/*
 * What is there gets replaced, which is right for a file and for a link, and would be a
 * disaster for /dev/null or for /dev/stdout, a link into procfs.
 */
static int check_replaceable(
	const char *path, const struct stat *st, struct sp_error *err)
{
	char text[PATH_MAX];
	ssize_t len = readlink(path, text, sizeof(text));

	if (!S_ISREG(st->st_mode))
		return sp_fail(err, SP_ERR_INVALID,
			"%s is a device, FIFO or socket: nothing is copied there",
			path);
	if (len >= 6 && memcmp(text, "/proc/", 6) == 0)
		return sp_fail(err, SP_ERR_INVALID,
			"%s is a link into /proc: nothing is copied there", path);
	return 0;
}

/* Where the result goes on this machine, judged before anything is fetched. */
static int aim(const struct place *from, const struct place *to, const char *path,
	const char **folder, const char **as, bool *merge, struct sp_error *err)
{
	struct stat st;
	bool is_there = stat(path, &st) == 0;

	*merge = false;
	if (!is_there && errno != ENOENT)
		return sp_fail_errno(err, "%s", path);
	if (is_there && S_ISDIR(st.st_mode)) {
		*merge = from->contents;
		*folder = path;
		*as = from->name[0] ? from->name : "root";
		return 0;
	}
	if (is_there && to->folder)
		return sp_fail(err, SP_ERR_EXISTS, "%s is no folder", path);
	if (is_there && check_replaceable(path, &st, err) < 0)
		return err->code;
	if (!is_there && !to->name[0])
		return sp_fail(err, SP_ERR_NOT_FOUND, "%s: no such folder", path);
	if (!is_there && to->folder && !from->folder)
		return sp_fail(err, SP_ERR_NOT_FOUND, "%s: no such folder", path);
	*folder = to->parent;
	*as = to->name;
	return 0;
}

static int copy_out(struct sp_provider *p, const char *id, const char *libexec_dir,
	const struct place *from, const struct place *to, const char *path,
	struct sp_error *err)
{
	SP_AUTO(sp_staging_clear) struct sp_staging s = SP_STAGING_INIT;
	const char *folder = NULL, *as = NULL;
	bool merge;
	int rc = aim(from, to, path, &folder, &as, &merge, err);

	if (rc == 0)
		rc = sp_staging_open(&s, libexec_dir, folder, err);
	if (rc == 0)
		rc = fetch(p, id, libexec_dir, from, s.fd, as, err);
	if (rc == 0)
		rc = check_fetched(s.fd, as, from, err);
	if (rc < 0)
		return rc;
	return merge ? sp_settle_contents(s.fd, as, s.target, err)
		     : sp_settle(s.fd, as, s.target, as, err);
}

int sp_files_copy_out(struct sp_provider *p, const char *id, const char *libexec_dir,
	const char *from, const char *to, struct sp_error *err)
{
	struct place source = {0}, target = {0};
	struct sp_error unwanted = {0};
	int rc;

	err = err ? err : &unwanted;
	rc = inside_place(&source, from, err);
	if (rc == 0)
		rc = host_place(&target, to, err);
	if (rc == 0)
		rc = copy_out(p, id, libexec_dir, &source, &target, to, err);
	return rc < 0 ? sp_wrap(err, rc, "copy %s to %s", from, to) : 0;
}

/* --- Streams ------------------------------------------------------------------------ */

static ssize_t read_fd(void *ctx, char *data, size_t len, struct sp_error *err)
{
	ssize_t n;

	do
		n = read(*(const int *)ctx, data, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? sp_fail_errno(err, "read archive") : n;
}

static int write_fd(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	return sp_write_all(*(const int *)ctx, data, len, err);
}

int sp_files_unpack_fd(struct sp_provider *p, const char *id, const char *libexec_dir,
	int fd, const char *to, struct sp_error *err)
{
	struct sp_source source = {.read = read_fd, .ctx = &fd};
	struct place target = {0};
	int rc = inside_place(&target, to, err);

	(void)libexec_dir;
	return rc < 0 ? rc : sp_provider_put_archive(p, id, target.whole, &source, err);
}

int sp_files_pack_fd(struct sp_provider *p, const char *id, const char *libexec_dir,
	const char *from, int fd, struct sp_error *err)
{
	struct sp_sink sink = {.write = write_fd, .ctx = &fd};
	struct place source = {0};
	int rc = inside_place(&source, from, err);

	(void)libexec_dir;
	return rc < 0 ? rc : sp_provider_get_archive(p, id, source.whole, &sink, err);
}
