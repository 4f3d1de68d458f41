/* SPDX-License-Identifier: Apache-2.0 */
#include "images/place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/auto.h"
#include "images/layer.h"

/* openat2 answers EAGAIN when something was renamed on the way. */
#define OPEN_TRIES 64
/* Something hostile may put a thing back as fast as it is removed. */
#define REPLACE_TRIES 16
/* Memory for the paths of folders to be finished. */
#define FOLDER_MAX_BYTES ((size_t)64 * 1024 * 1024)
#define PARENT_MODE      0755

struct sp_place_folder {
	char *path;
	size_t order;
	mode_t mode;
	bool made; /* by us: what was there may be another user's */
	uid_t uid;
	gid_t gid;
	struct timespec mtime;
};

int sp_place_init(struct sp_place *p, int root, mode_t mask, bool keep_kinds,
	struct sp_error *err)
{
	*p = (struct sp_place){.root = root, .mask = mask, .keep_kinds = keep_kinds};
	/* Unguessable, so that nobody can be there first and make us fail. */
	if (getrandom(&p->next_temp, sizeof(p->next_temp), 0) != sizeof(p->next_temp))
		return sp_fail_errno(err, "get random bytes");
	return 0;
}

void sp_place_clear(struct sp_place *p)
{
	for (size_t i = 0; i < p->folder_count; i++)
		free(p->folders[i].path);
	free(p->folders);
	p->folders = NULL;
	p->folder_count = p->folder_cap = 0;
}

/* --- The way there ------------------------------------------------------------------ */

/* Open a path of real folders beneath dirfd.  Returns the descriptor, or -1 with errno. */
static int open_real(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_DIRECTORY | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			RESOLVE_NO_MAGICLINKS,
	};
	long fd = -1;

	for (int tries = 0; tries < OPEN_TRIES && fd < 0; tries++) {
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
		if (fd < 0 && errno != EAGAIN && errno != EINTR)
			break;
	}
	return (int)fd;
}

static int refuse_parent(const char *path, struct sp_error *err)
{
	if (errno == ELOOP || errno == ENOTDIR || errno == EXDEV)
		return sp_fail(err, SP_ERR_DENIED,
			"%s: a folder on the way is a link or no folder", path);
	return sp_fail_errno(err, "open the folder of %s", path);
}

/* Step down by one component, making it where it is missing. */
static int step(int *at, const char *name, const char *path, struct sp_error *err)
{
	int next = open_real(*at, name, O_PATH);

	if (next < 0 && errno == ENOENT) {
		if (mkdirat(*at, name, PARENT_MODE) < 0 && errno != EEXIST)
			return sp_fail_errno(err, "make the folder of %s", path);
		next = open_real(*at, name, O_PATH);
	}
	if (next < 0)
		return refuse_parent(path, err);
	sp_close_fd(at);
	*at = next;
	return 0;
}

static int make_parents(struct sp_place *p, char *parents, const char *path, int *fd,
	struct sp_error *err)
{
	sp_autoclose int at = open_real(p->root, ".", O_PATH);
	char *rest = NULL;
	int rc = 0;

	if (at < 0)
		return sp_fail_errno(err, "open the destination");
	for (char *name = strtok_r(parents, "/", &rest); name && rc == 0;
		name = strtok_r(NULL, "/", &rest))
		rc = step(&at, name, path, err);
	if (rc == 0)
		*fd = sp_take_fd(at);
	return rc;
}

/* The folder a path is in; *name is its last component, within path. */
static int open_parent(struct sp_place *p, const char *path, bool make, int *fd,
	const char **name, struct sp_error *err)
{
	const char *slash = strrchr(path, '/');
	sp_autofree char *parents = slash ? strndup(path, (size_t)(slash - path))
					  : NULL;

	*name = slash ? slash + 1 : path;
	if (slash && !parents)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	*fd = open_real(p->root, slash ? parents : ".", O_PATH);
	if (*fd >= 0)
		return 0;
	if (errno == ENOENT && slash && make)
		return make_parents(p, parents, path, fd, err);
	return refuse_parent(path, err);
}

/* --- Names -------------------------------------------------------------------------- */

static void new_temp(struct sp_place *p, char temp[static SP_PLACE_TEMP_BYTES])
{
	snprintf(temp, SP_PLACE_TEMP_BYTES, ".sandpit-%016llx",
		(unsigned long long)p->next_temp++);
}

static int other_kind(const char *name, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_EXISTS, "%s: there is %s of that name", name,
		errno == ENOTDIR ? "something other than a folder" : "a folder");
}

/* Rename temp to name: a non-folder goes, a folder only if it is empty and may go. */
static int install(struct sp_place *p, int parent, const char *temp, const char *name,
	struct sp_error *err)
{
	for (int tries = 0; tries < REPLACE_TRIES; tries++) {
		if (renameat(parent, temp, parent, name) == 0)
			return 0;
		if (errno != EISDIR && errno != ENOTEMPTY && errno != EEXIST)
			return sp_fail_errno(err, "rename to %s", name);
		if (p->keep_kinds)
			return other_kind(name, err);
		if (unlinkat(parent, name, AT_REMOVEDIR) < 0 && errno != ENOENT &&
			errno != ENOTDIR)
			return sp_fail_errno(err, "replace the folder %s", name);
	}
	return sp_fail(err, SP_ERR_EXISTS, "%s is made again and again", name);
}

/* --- Folders ------------------------------------------------------------------------ */

static int remember(
	struct sp_place *p, const struct sp_place_folder *f, struct sp_error *err)
{
	p->folder_bytes += strlen(f->path) + sizeof(*f);
	if (p->folder_bytes > FOLDER_MAX_BYTES)
		return sp_fail(err, SP_ERR_LIMIT,
			"%s: the names of folders are over %zu bytes", f->path,
			FOLDER_MAX_BYTES);
	if (p->folder_count == p->folder_cap) {
		size_t cap = p->folder_cap ? p->folder_cap * 2 : 64;
		struct sp_place_folder *grown = reallocarray(
			p->folders, cap, sizeof(*grown));

		if (!grown)
			return sp_fail(err, SP_ERR_NOMEM, "out of memory");
		p->folders = grown;
		p->folder_cap = cap;
	}
	p->folders[p->folder_count] = *f;
	p->folders[p->folder_count].order = p->folder_count;
	p->folders[p->folder_count].path = strdup(f->path);
	if (!p->folders[p->folder_count].path)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	p->folder_count++;
	return 0;
}

/* A folder in place of one that was removed shows nothing of that one. */
static int replace_gone(struct sp_place *p, int parent, const char *name, mode_t mode,
	bool *made, struct sp_error *err)
{
	sp_autoclose int fd = -1;
	struct stat st;

	if (!p->layer || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!sp_layer_is_gone(&st))
		return 0;
	if (unlinkat(parent, name, 0) < 0 || mkdirat(parent, name, mode) < 0)
		return sp_fail_errno(err, "make folder %s", name);
	*made = true;
	fd = open_real(parent, name, O_RDONLY);
	return fd < 0 ? sp_fail_errno(err, "open folder %s", name)
		      : sp_layer_make_opaque(fd, err);
}

/* Make it, or find it there.  *made tells which. */
static int make_folder(struct sp_place *p, int parent, const char *name, mode_t mode,
	bool *made, struct sp_error *err)
{
	int rc = replace_gone(p, parent, name, mode, made, err);

	if (rc < 0 || *made)
		return rc;
	for (int tries = 0; tries < REPLACE_TRIES; tries++) {
		sp_autoclose int there = -1;

		*made = mkdirat(parent, name, mode) == 0;
		if (*made)
			return 0;
		if (errno != EEXIST)
			return sp_fail_errno(err, "make folder %s", name);
		there = open_real(parent, name, O_PATH);
		if (there >= 0)
			return 0;
		if (p->keep_kinds && errno != ENOENT) {
			errno = ENOTDIR;
			return other_kind(name, err);
		}
		if (unlinkat(parent, name, 0) < 0 && errno != ENOENT)
			return sp_fail_errno(err, "replace %s", name);
	}
	return sp_fail(err, SP_ERR_EXISTS, "%s is made again and again", name);
}

int sp_place_folder(struct sp_place *p, const char *path, mode_t mode,
	struct timespec mtime, struct sp_error *err)
{
	struct sp_place_folder f = {
		.mode = mode & (p->layer ? 01777 : 0777) & ~p->mask,
		.mtime = mtime,
		.uid = p->uid,
		.gid = p->gid,
	};
	sp_autofree char *copy = strdup(path);
	sp_autoclose int parent = -1;
	const char *name;
	int rc = 0;

	if (!copy)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	f.path = copy;
	rc = open_parent(p, path, true, &parent, &name, err);
	/* Ours to fill for now, whatever the archive wants. */
	if (rc == 0)
		rc = make_folder(p, parent, name, f.mode | 0700, &f.made, err);
	return rc < 0 ? rc : remember(p, &f, err);
}

/* Deeper ones first: a folder may become unreadable to us.  The last word on one counts. */
static int deeper_first(const void *a, const void *b)
{
	const struct sp_place_folder *x = a, *y = b;
	int order = strcmp(y->path, x->path);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

static int finish_folder(
	struct sp_place *p, const struct sp_place_folder *f, struct sp_error *err)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, f->mtime};
	sp_autoclose int fd = open_real(p->root, f->path, O_RDONLY);

	/* A later member, or somebody else, took its place. */
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0)
		return f->made ? sp_fail_errno(err, "open %s", f->path) : 0;
	if ((p->keep_owner && fchown(fd, f->uid, f->gid) < 0) ||
		futimens(fd, times) < 0 || fchmod(fd, f->mode) < 0)
		return f->made ? sp_fail_errno(err, "set mode of %s", f->path) : 0;
	return 0;
}

int sp_place_finish(struct sp_place *p, struct sp_error *err)
{
	int rc = 0;

	if (p->folder_count > 1)
		qsort(p->folders, p->folder_count, sizeof(*p->folders), deeper_first);
	for (size_t i = 0; i < p->folder_count && rc == 0; i++)
		rc = finish_folder(p, &p->folders[i], err);
	return rc;
}

/* --- Links -------------------------------------------------------------------------- */

int sp_place_symlink(struct sp_place *p, const char *path, const char *text,
	struct timespec mtime, struct sp_error *err)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
	char temp[SP_PLACE_TEMP_BYTES];
	sp_autoclose int parent = -1;
	const char *name;
	int rc = open_parent(p, path, true, &parent, &name, err);

	if (rc < 0)
		return rc;
	new_temp(p, temp);
	if (symlinkat(text, parent, temp) < 0)
		return sp_fail_errno(err, "make link %s", path);
	if (p->keep_owner &&
		fchownat(parent, temp, p->uid, p->gid, AT_SYMLINK_NOFOLLOW) < 0) {
		rc = sp_fail_errno(err, "set owner of %s", path);
		unlinkat(parent, temp, 0);
		return rc;
	}
	/* Its date is a nicety that not every file system stores. */
	(void)utimensat(parent, temp, times, AT_SYMLINK_NOFOLLOW);
	rc = install(p, parent, temp, name, err);
	if (rc < 0)
		unlinkat(parent, temp, 0);
	return rc;
}

static int check_regular(
	int parent, const char *name, const char *target, struct sp_error *err)
{
	struct stat st;

	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return sp_fail_errno(err, "hard link to %s", target);
	if (!S_ISREG(st.st_mode))
		return sp_fail(err, SP_ERR_DENIED,
			"hard link to %s, which is no regular file", target);
	return 0;
}

int sp_place_hardlink(
	struct sp_place *p, const char *path, const char *target, struct sp_error *err)
{
	sp_autoclose int from = -1, parent = -1;
	char temp[SP_PLACE_TEMP_BYTES];
	const char *name, *from_name;
	int rc = open_parent(p, target, false, &from, &from_name, err);

	if (rc == 0)
		rc = open_parent(p, path, true, &parent, &name, err);
	if (rc < 0)
		return rc;
	new_temp(p, temp);
	if (linkat(from, from_name, parent, temp, 0) < 0)
		return sp_fail_errno(err, "hard link %s to %s", path, target);
	/* Judged by the name only we know: the other one may change at any time. */
	rc = check_regular(parent, temp, target, err);
	if (rc == 0)
		rc = install(p, parent, temp, name, err);
	/* rename() does nothing when both are the same file already. */
	unlinkat(parent, temp, 0);
	return rc;
}

/* --- Marks of layers ----------------------------------------------------------------- */

int sp_place_opaque(struct sp_place *p, const char *path, struct sp_error *err)
{
	sp_autoclose int fd = open_real(p->root, path, O_RDONLY);

	if (fd < 0)
		return refuse_parent(path, err);
	return sp_layer_make_opaque(fd, err);
}

/* What this layer itself has there stays; a folder shows no more of those below. */
int sp_place_gone(struct sp_place *p, const char *path, struct sp_error *err)
{
	sp_autoclose int parent = -1;
	const char *name;
	struct stat st;
	int rc = open_parent(p, path, true, &parent, &name, err);

	if (rc < 0)
		return rc;
	if (fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? sp_layer_make_gone(parent, name, err)
				       : sp_fail_errno(err, "look at %s", path);
	return S_ISDIR(st.st_mode) ? sp_place_opaque(p, path, err) : 0;
}

/* --- Files -------------------------------------------------------------------------- */

int sp_place_file_begin(struct sp_place *p, const char *path, mode_t mode,
	struct sp_place_file *f, struct sp_error *err)
{
	int rc = open_parent(p, path, true, &f->parent, &f->name, err);

	if (rc < 0)
		return rc;
	new_temp(p, f->temp);
	f->fd = openat(f->parent, f->temp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		mode & 0777 & ~p->mask);
	return f->fd < 0 ? sp_fail_errno(err, "make file %s", path) : 0;
}

int sp_place_file_commit(struct sp_place *p, struct sp_place_file *f,
	struct timespec mtime, struct sp_error *err)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, mtime};
	int rc;

	if (p->keep_owner && fchown(f->fd, p->uid, p->gid) < 0)
		return sp_fail_errno(err, "set owner of %s", f->name);
	if (futimens(f->fd, times) < 0)
		return sp_fail_errno(err, "set time of %s", f->name);
	rc = install(p, f->parent, f->temp, f->name, err);
	if (rc == 0)
		sp_close_fd(&f->fd);
	return rc;
}

void sp_place_file_clear(struct sp_place_file *f)
{
	if (f->fd >= 0)
		unlinkat(f->parent, f->temp, 0);
	sp_close_fd(&f->fd);
	sp_close_fd(&f->parent);
}
