/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/settle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"

/* More than an unpacked tree can have: see SP_TAR_DEPTH_DEFAULT. */
#define DEPTH_MAX    300
#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

typedef int entry_fn(
	int dirfd, const char *name, int to, unsigned int depth, struct sp_error *err);

/* Call fn for each entry of an open folder, which stays the caller's. */
static int each_entry(
	int folder, entry_fn *fn, int to, unsigned int depth, struct sp_error *err)
{
	int own = openat(folder, ".", FOLDER_FLAGS);
	SP_AUTO(close_dir) DIR *dir = own < 0 ? NULL : fdopendir(own);
	int rc = 0;

	if (!dir) {
		rc = sp_fail_errno(err, "read folder");
		sp_close_fd(&own);
		return rc;
	}
	if (depth > DEPTH_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "over %d folders deep", DEPTH_MAX);
	while (rc == 0) {
		struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return errno ? sp_fail_errno(err, "read folder") : 0;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = fn(folder, e->d_name, to, depth + 1, err);
	}
	return rc;
}

/* --- Moving ------------------------------------------------------------------------- */

enum kind {
	MISSING,
	FOLDER,
	OTHER,
};

static enum kind kind_of(int dirfd, const char *name)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return MISSING;
	return S_ISDIR(st.st_mode) ? FOLDER : OTHER;
}

/* Open a folder of the finished tree; its mode must not keep us out. */
static int open_own(int dirfd, const char *name, struct stat *st, struct sp_error *err)
{
	int fd;

	if (fstatat(dirfd, name, st, AT_SYMLINK_NOFOLLOW) < 0)
		return sp_fail_errno(err, "stat %s", name);
	if ((st->st_mode & 0700) != 0700 &&
		fchmodat(dirfd, name, (st->st_mode & 0777) | 0700, 0) < 0)
		return sp_fail_errno(err, "open up %s", name);
	fd = openat(dirfd, name, FOLDER_FLAGS);
	return fd < 0 ? sp_fail_errno(err, "open folder %s", name) : fd;
}

static int set_mode_and_time(int fd, const struct stat *st, struct sp_error *err)
{
	const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};

	if (futimens(fd, times) < 0 || fchmod(fd, st->st_mode & 0777) < 0)
		return sp_fail_errno(err, "set mode of a folder");
	return 0;
}

static int check_entry(
	int from, const char *name, int to, unsigned int depth, struct sp_error *err);
static int move_entry(
	int from, const char *name, int to, unsigned int depth, struct sp_error *err);

static int check_as(int from, const char *name, int to, const char *as,
	unsigned int depth, struct sp_error *err)
{
	enum kind source = kind_of(from, name), target = kind_of(to, as);
	sp_autoclose int from_fd = -1, to_fd = -1;
	struct stat st;
	int rc;

	if (target == MISSING || (source == OTHER && target == OTHER))
		return 0;
	if (source != target)
		return sp_fail(err, SP_ERR_EXISTS, "%s is %s there", as,
			target == FOLDER ? "a folder" : "no folder");
	from_fd = open_own(from, name, &st, err);
	if (from_fd < 0)
		return from_fd;
	to_fd = openat(to, as, FOLDER_FLAGS);
	if (to_fd < 0)
		return sp_fail_errno(err, "open folder %s", as);
	if (faccessat(to_fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		return sp_fail_errno(err, "write to folder %s", as);
	rc = each_entry(from_fd, check_entry, to_fd, depth, err);
	/* As it was, for the move takes its mode from it. */
	return rc < 0 ? rc : set_mode_and_time(from_fd, &st, err);
}

static int check_entry(
	int from, const char *name, int to, unsigned int depth, struct sp_error *err)
{
	return check_as(from, name, to, name, depth, err);
}

/* A folder that changes its parent must be writable by its owner meanwhile. */
static int move_folder(int from, const char *name, int to, const char *as,
	unsigned int depth, struct sp_error *err)
{
	sp_autoclose int to_fd = -1;
	struct stat st;
	sp_autoclose int from_fd = open_own(from, name, &st, err);
	int rc = 0;

	if (from_fd < 0)
		return from_fd;
	if (kind_of(to, as) == MISSING) {
		if (renameat(from, name, to, as) < 0)
			return sp_fail_errno(err, "move %s into place", as);
		return set_mode_and_time(from_fd, &st, err);
	}
	to_fd = openat(to, as, FOLDER_FLAGS);
	if (to_fd < 0)
		return sp_fail_errno(err, "open folder %s", as);
	rc = each_entry(from_fd, move_entry, to_fd, depth, err);
	return rc < 0 ? rc : set_mode_and_time(to_fd, &st, err);
}

static int move_as(int from, const char *name, int to, const char *as,
	unsigned int depth, struct sp_error *err)
{
	if (kind_of(from, name) == FOLDER)
		return move_folder(from, name, to, as, depth, err);
	if (renameat(from, name, to, as) < 0)
		return sp_fail_errno(err, "move %s into place", as);
	return 0;
}

static int move_entry(
	int from, const char *name, int to, unsigned int depth, struct sp_error *err)
{
	return move_as(from, name, to, name, depth, err);
}

int sp_settle(int from, const char *name, int to, const char *as, struct sp_error *err)
{
	int rc = check_as(from, name, to, as, 0, err);

	return rc < 0 ? rc : move_as(from, name, to, as, 0, err);
}

int sp_settle_contents(int from, const char *name, int to, struct sp_error *err)
{
	struct stat st;
	sp_autoclose int fd = open_own(from, name, &st, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = each_entry(fd, check_entry, to, 0, err);
	return rc < 0 ? rc : each_entry(fd, move_entry, to, 0, err);
}
