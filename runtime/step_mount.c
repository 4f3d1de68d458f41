/* SPDX-License-Identifier: Apache-2.0 */
/* The new mount interface in four functions: everything by descriptor, nothing by path. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/runner.h"
#include "runtime/sys.h"

int new_fs(const char *type, const struct mount_option *options,
	unsigned int attributes, struct sp_error *err)
{
	int fs = sys_fsopen(type);
	int fd = -1;
	int rc = 0;

	if (fs < 0)
		return sp_fail_errno(err, "open file system %s", type);
	for (; options && options->key && rc == 0; options++) {
		rc = sys_fsconfig_set(fs, options->key, options->value);
		if (rc < 0)
			rc = sp_fail_errno(err, "set %s of %s", options->key, type);
	}
	if (rc == 0 && sys_fsconfig_create(fs) < 0)
		rc = sp_fail_errno(err, "create file system %s", type);
	if (rc == 0) {
		fd = sys_fsmount(fs, attributes);
		rc = fd < 0 ? sp_fail_errno(err, "mount file system %s", type) : fd;
	}
	close(fs);
	return rc;
}

int clone_tree(int dirfd, const char *path, uint64_t attributes, bool recursive,
	struct sp_error *err)
{
	struct mount_attr attr = {.attr_set = attributes};
	unsigned int deep = recursive ? AT_RECURSIVE : 0;
	int fd = sys_open_tree_clone(dirfd, path, deep);

	if (fd < 0)
		return sp_fail_errno(err, "clone mount %s", path);
	if (sys_mount_setattr(fd, deep, &attr) < 0) {
		int rc = sp_fail_errno(err, "restrict mount %s", path);

		close(fd);
		return rc;
	}
	return fd;
}

int attach(int mount_fd, int dirfd, const char *target, struct sp_error *err)
{
	if (sys_move_mount(mount_fd, dirfd, target) < 0)
		return sp_fail_errno(err, "mount on %s", *target ? target : "target");
	return 0;
}

static int open_component(int dirfd, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(O_PATH | O_NOFOLLOW | O_CLOEXEC |
			flags),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));
}

/* One level: open it, or make it and open it; folders most often are to be made. */
static int enter_component(int dirfd, const char *name, bool folder, bool create)
{
	int fd;

	if (folder) {
		if (create && mkdirat(dirfd, name, 0755) < 0 && errno != EEXIST)
			return -1;
		return open_component(dirfd, name, O_DIRECTORY);
	}
	fd = open_component(dirfd, name, 0);
	if (fd >= 0 || errno != ENOENT || !create)
		return fd;
	fd = openat(dirfd, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
		0644);
	if (fd < 0)
		return -1;
	close(fd);
	return open_component(dirfd, name, 0);
}

int open_target(
	int root_fd, const char *path, bool folder, bool create, struct sp_error *err)
{
	int at = fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
	const char *p = path + strspn(path, "/");

	while (at >= 0 && *p) {
		char name[256];
		size_t len = strcspn(p, "/");
		const char *next = p + len + strspn(p + len, "/");
		int fd;

		if (len >= sizeof(name) || strncmp(p, "..", len) == 0) {
			close(at);
			return sp_fail(err, SP_ERR_INVALID, "mount point %s", path);
		}
		memcpy(name, p, len);
		name[len] = '\0';
		fd = enter_component(at, name, folder || *next, create);
		close(at);
		if (fd < 0 && (errno == ELOOP || errno == ENOTDIR))
			return sp_fail(err, SP_ERR_DENIED,
				"mount point %s: \"%s\" is a link or no folder in the "
				"image",
				path, name);
		at = fd;
		p = next;
	}
	return at < 0 ? sp_fail_errno(err, "mount point %s", path) : at;
}
