/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "images/inside.h"
#include "images/remove_tree.h"

int sp_inside_mkdir(const char *path, struct sp_error *err)
{
	sp_autoclose int fd = sp_inside_make(path, err);

	return fd < 0 ? fd : 0;
}

int sp_inside_remove(const char *path, struct sp_error *err)
{
	struct sp_inside_place p = SP_INSIDE_PLACE_INIT;
	struct stat st;
	int rc = sp_inside_locate(path, SP_INSIDE_KEEP, false, &p, err);

	if (rc < 0)
		return rc;
	if (fstatat(p.folder, p.name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		rc = sp_fail_errno(err, "%s", path);
	else
		rc = sp_remove_tree(p.folder, p.name, err);
	close(p.folder);
	return rc;
}

static int cannot_rename(const char *from, const char *to, struct sp_error *err)
{
	switch (errno) {
	case ENOENT:
		return sp_fail(err, SP_ERR_NOT_FOUND, "%s: nothing is there", from);
	case EXDEV:
		return sp_fail(err, SP_ERR_INVALID,
			"%s and %s are on different mounts: copy it and remove it",
			from, to);
	case EINVAL:
		return sp_fail(err, SP_ERR_INVALID,
			"%s cannot become a part of itself (%s)", from, to);
	case EBUSY:
		return sp_fail(err, SP_ERR_DENIED,
			"%s or %s is a mount point, which stays", from, to);
	case EISDIR:
	case ENOTDIR:
	case ENOTEMPTY:
	case EEXIST:
		return sp_fail(err, SP_ERR_EXISTS,
			"%s is there, and %s cannot take its place", to, from);
	default:
		return sp_fail_errno(err, "rename %s to %s", from, to);
	}
}

int sp_inside_rename(const char *from, const char *to, struct sp_error *err)
{
	struct sp_inside_place a = SP_INSIDE_PLACE_INIT, b = SP_INSIDE_PLACE_INIT;
	int rc = sp_inside_locate(from, SP_INSIDE_KEEP, false, &a, err);

	if (rc == 0)
		rc = sp_inside_locate(to, SP_INSIDE_KEEP, false, &b, err);
	if (rc == 0 && renameat(a.folder, a.name, b.folder, b.name) < 0)
		rc = cannot_rename(from, to, err);
	sp_close_fd(&a.folder);
	sp_close_fd(&b.folder);
	return rc;
}
