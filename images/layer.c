/* SPDX-License-Identifier: Apache-2.0 */
#include "images/layer.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define RESERVED_PREFIX ".wh..wh."
/* Of an overlay mounted with userxattr, as every one of a user namespace is. */
#define OPAQUE_ATTRIBUTE "user.overlay.opaque"

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

enum sp_layer_mark sp_layer_mark_of(const char *name)
{
	if (!begins(name, SP_LAYER_GONE_PREFIX))
		return SP_LAYER_NO_MARK;
	if (strcmp(name, SP_LAYER_OPAQUE_NAME) == 0)
		return SP_LAYER_OPAQUE;
	return begins(name, RESERVED_PREFIX) ? SP_LAYER_RESERVED : SP_LAYER_GONE;
}

bool sp_layer_is_gone(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0);
}

bool sp_layer_is_opaque(int folder)
{
	char value;

	return fgetxattr(folder, OPAQUE_ATTRIBUTE, &value, 1) == 1 && value == 'y';
}

static int not_kept(const char *what, struct sp_error *err)
{
	if (errno == EPERM || errno == EOPNOTSUPP)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"%s cannot be kept on the file system of the store (another "
			"overlay, or a kernel before 5.8): set SANDPIT_STORE_DIR to a "
			"folder elsewhere",
			what);
	return sp_fail_errno(err, "keep %s", what);
}

int sp_layer_make_gone(int folder, const char *name, struct sp_error *err)
{
	if (mknodat(folder, name, S_IFCHR, makedev(0, 0)) == 0 || errno == EEXIST)
		return 0;
	return not_kept("the removal of a file", err);
}

int sp_layer_make_opaque(int folder, struct sp_error *err)
{
	if (fsetxattr(folder, OPAQUE_ATTRIBUTE, "y", 1, 0) == 0)
		return 0;
	return not_kept("the removal of a folder", err);
}
