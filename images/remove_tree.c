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

/* Deeper folders are moved up first: they cost descriptors and stack, and have no end. */
#define DEPTH_MAX  256
#define MOVE_TRIES 64

struct removal {
	int top; /* the folder that is removed, where deep ones go; -1 before it is open */
	unsigned int moved;
	bool again; /* something was moved up, perhaps behind the reader */
};

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int mount_point(const char *name, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_DENIED, "%s is a mount point, which stays", name);
}

static int remove_entry(struct removal *r, int dirfd, const char *name,
	unsigned int depth, struct sp_error *err);

/* Takes fd over. */
static int remove_children(
	struct removal *r, int fd, unsigned int depth, struct sp_error *err)
{
	SP_AUTO(close_dir) DIR *dir = fdopendir(fd);
	int rc = 0;

	if (!dir) {
		rc = sp_fail_errno(err, "read folder");
		close(fd);
		return rc;
	}
	while (rc == 0) {
		struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return errno ? sp_fail_errno(err, "read folder") : 0;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			rc = remove_entry(r, dirfd(dir), e->d_name, depth, err);
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

/* A free name is soon found, whatever names the tree has. */
static int move_up(struct removal *r, int dirfd, const char *name, struct sp_error *err)
{
	char to[32];

	for (int i = 0; i < MOVE_TRIES; i++) {
		snprintf(to, sizeof(to), ".deep-%u", r->moved++);
		if (renameat(dirfd, name, r->top, to) == 0) {
			r->again = true;
			return 0;
		}
	}
	return sp_fail_errno(err, "move %s up", name);
}

static int remove_entry(struct removal *r, int dirfd, const char *name,
	unsigned int depth, struct sp_error *err)
{
	int fd, rc;

	if (unlinkat(dirfd, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR)
		return errno == EBUSY ? mount_point(name, err)
				      : sp_fail_errno(err, "remove %s", name);
	if (depth > DEPTH_MAX)
		return move_up(r, dirfd, name, err);
	fd = open_anyway(dirfd, name);
	if (fd < 0)
		return errno == EXDEV ? mount_point(name, err)
				      : sp_fail_errno(err, "open %s", name);
	if (depth == 0)
		r->top = fd; /* open for as long as its children are removed */
	rc = remove_children(r, fd, depth + 1, err);
	if (rc == 0 && unlinkat(dirfd, name, AT_REMOVEDIR) < 0 &&
		!(depth == 0 && r->again && errno == ENOTEMPTY))
		return errno == EBUSY ? mount_point(name, err)
				      : sp_fail_errno(err, "remove %s", name);
	return rc;
}

int sp_remove_tree(int dirfd, const char *name, struct sp_error *err)
{
	struct removal r = {.top = -1};
	int rc = 0;

	do {
		r.again = false;
		rc = remove_entry(&r, dirfd, name, 0, err);
	} while (rc == 0 && r.again);
	return rc;
}
