/* SPDX-License-Identifier: Apache-2.0 */
#include "images/remove_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/auto.h"

/* More than an unpacked tree can have: see SP_TAR_DEPTH_DEFAULT. */
#define DEPTH_MAX 512

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int mount_point(const char *name, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_DENIED, "%s is a mount point, which stays", name);
}

static int remove_entry(
	int dirfd, const char *name, unsigned int depth, struct sp_error *err);

/* Takes fd over. */
static int remove_children(int fd, unsigned int depth, struct sp_error *err)
{
	SP_AUTO(close_dir) DIR *dir = fdopendir(fd);
	int rc = 0;

	if (!dir) {
		rc = sp_fail_errno(err, "read folder");
		close(fd);
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
			rc = remove_entry(dirfd(dir), e->d_name, depth, err);
	}
	return rc;
}

/* Not across a mount, also where the same file system is mounted twice. */
static int open_here(int dirfd, const char *name)
{
	struct open_how how = {
		.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

/* Modes of an archive may lock us out of our own folder. */
static int open_anyway(int dirfd, const char *name)
{
	struct stat st;
	int fd = open_here(dirfd, name);

	if (fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0700) != 0700)
		(void)!fchmod(fd, 0700);
	if (fd < 0 && errno == EACCES && fchmodat(dirfd, name, 0700, 0) == 0)
		fd = open_here(dirfd, name);
	return fd;
}

static int remove_entry(
	int dirfd, const char *name, unsigned int depth, struct sp_error *err)
{
	int fd, rc;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return errno == EBUSY ? mount_point(name, err)
				      : sp_fail_errno(err, "remove %s", name);
	fd = open_anyway(dirfd, name);
	if (fd < 0)
		return errno == EXDEV ? mount_point(name, err)
				      : sp_fail_errno(err, "open %s", name);
	rc = remove_children(fd, depth + 1, err);
	if (rc == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0)
		return errno == EBUSY ? mount_point(name, err)
				      : sp_fail_errno(err, "remove %s", name);
	return rc;
}

int sp_remove_tree(int dirfd, const char *name, struct sp_error *err)
{
	return remove_entry(dirfd, name, 0, err);
}
