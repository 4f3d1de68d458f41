/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "base/auto.h"
#include "images/inside.h"
#include "images/inside_tell.h"
#include "images/kernel_fs.h"
#include "images/records.h"

/* A descriptor and the stack for each level. */
#define DEPTH_MAX 200

struct walk {
	struct sp_tell tell;
	const char *pattern; /* NULL: any name */
	uint32_t depth;      /* levels to go down */
	unsigned int closed; /* folders that may not be read */
	size_t count, len;
	char path[SP_RECORDS_PATH_MAX]; /* of the entry that is looked at */
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The path as it is told: without slashes at its end, and "" for the root. */
static int set_start(struct walk *w, const char *path, struct sp_error *err)
{
	size_t len = strlen(path);

	while (len > 0 && path[len - 1] == '/')
		len--;
	if (len >= PATH_MAX)
		return sp_fail(
			err, SP_ERR_LIMIT, "%.64s... is over a path's length", path);
	memcpy(w->path, path, len);
	w->path[len] = '\0';
	w->len = len;
	return 0;
}

static int push(struct walk *w, const char *name, struct sp_error *err)
{
	size_t len = strlen(name);

	if (w->len + 1 + len >= sizeof(w->path))
		return sp_fail(
			err, SP_ERR_LIMIT, "%.64s... is nested too deep", w->path);
	w->path[w->len] = '/';
	memcpy(w->path + w->len + 1, name, len + 1);
	w->len += 1 + len;
	return 0;
}

static int tell(struct walk *w, int dirfd, const char *name, const struct stat *st,
	struct sp_error *err)
{
	char link[PATH_MAX];
	ssize_t len = 0;

	if (w->pattern && fnmatch(w->pattern, name, 0) != 0)
		return 0;
	if (++w->count > SP_RECORDS_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "there are more than %d entries",
			SP_RECORDS_MAX);
	if (S_ISLNK(st->st_mode))
		len = readlinkat(dirfd, name, link, sizeof(link) - 1);
	if (len < 0) /* it went, or is something else by now */
		return 0;
	link[len] = '\0';
	return sp_tell_entry(&w->tell, w->path, st, link, err);
}

static int walk_folder(struct walk *w, int *fd, uint32_t level, struct sp_error *err);

/* Into a folder that was just told of, if it still is one. */
static int descend(struct walk *w, int dirfd, const char *name,
	const struct stat *outer, uint32_t level, struct sp_error *err)
{
	sp_autoclose int fd = openat(dirfd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == EACCES) {
		w->closed++;
		return 0;
	}
	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR || errno == ELOOP
			? 0
			: sp_fail_errno(err, "%s", w->path);
	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "%s", w->path);
	if (st.st_dev != outer->st_dev && sp_is_kernel_fs(fd))
		return 0;
	if (level == DEPTH_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "%.64s... is over %d folders deep",
			w->path, DEPTH_MAX);
	return walk_folder(w, &fd, level + 1, err);
}

static int look_at(struct walk *w, int dirfd, const char *name,
	const struct stat *outer, uint32_t level, struct sp_error *err)
{
	struct stat st;
	int rc;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : sp_fail_errno(err, "%s", w->path);
	rc = tell(w, dirfd, name, &st, err);
	if (rc == 0 && S_ISDIR(st.st_mode) && level < w->depth)
		rc = descend(w, dirfd, name, outer, level, err);
	return rc;
}

/* Takes *fd over. */
static int walk_folder(struct walk *w, int *fd, uint32_t level, struct sp_error *err)
{
	SP_AUTO(close_dir) DIR *dir = NULL;
	const size_t len = w->len;
	struct stat st;
	int rc = 0;

	if (fstat(*fd, &st) == 0)
		dir = fdopendir(*fd);
	if (!dir)
		return sp_fail_errno(err, "%s", w->path);
	*fd = -1;
	while (rc == 0) {
		struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return errno ? sp_fail_errno(err, "%s", w->path) : 0;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		rc = push(w, e->d_name, err);
		if (rc == 0)
			rc = look_at(w, dirfd(dir), e->d_name, &st, level, err);
		w->len = len;
		w->path[len] = '\0';
	}
	return rc;
}

static int walk(struct walk *w, const char *path, int out_fd, struct sp_error *err)
{
	sp_autoclose int fd = sp_inside_open(
		path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, err);
	int rc;

	if (fd < 0 && err->sys_errno == ENOTDIR)
		return sp_fail(err, SP_ERR_INVALID, "%s is no folder", path);
	if (fd < 0)
		return fd;
	rc = set_start(w, path, err);
	if (rc == 0)
		rc = sp_tell_begin(&w->tell, out_fd, err);
	if (rc == 0)
		rc = walk_folder(w, &fd, 1, err);
	if (w->closed)
		dprintf(2, "warning: skipped %u folders that may not be read\n",
			w->closed);
	return rc < 0 ? rc : sp_tell_end(&w->tell, err);
}

int sp_inside_list(const char *path, uint32_t depth, int out_fd, struct sp_error *err)
{
	sp_autofree struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	w->depth = depth ? depth : 1;
	return walk(w, path, out_fd, err);
}

int sp_inside_find(
	const char *path, const char *pattern, int out_fd, struct sp_error *err)
{
	sp_autofree struct walk *w = calloc(1, sizeof(*w));

	if (!w)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	w->depth = UINT32_MAX;
	w->pattern = pattern;
	return walk(w, path, out_fd, err);
}

int sp_inside_stat(const char *path, int out_fd, struct sp_error *err)
{
	sp_autofree struct walk *w = calloc(1, sizeof(*w));
	sp_autoclose int fd = sp_inside_open(path, O_PATH, err);
	struct stat st;
	int rc;

	if (!w)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "%s", path);
	rc = set_start(w, path, err);
	if (rc == 0)
		rc = sp_tell_begin(&w->tell, out_fd, err);
	if (rc == 0)
		rc = sp_tell_entry(&w->tell, w->len ? w->path : "/", &st, NULL, err);
	return rc < 0 ? rc : sp_tell_end(&w->tell, err);
}
