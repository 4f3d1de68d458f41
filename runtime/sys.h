/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that not every C library knows, by number.  The runner is built with musl
 * where that is there: glibc asks the processor for its caches at every start, which a
 * virtual machine answers slowly, and a runner needs none of it.
 */
#ifndef SP_RUNTIME_SYS_H
#define SP_RUNTIME_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of <sys/mount.h>, which cannot stand beside <linux/mount.h>. */
#define SYS_MNT_DETACH 2

/* Of <fcntl.h>, where the C library is older than the kernel's. */
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

/*
 * A child as fork() makes it, into these namespaces.  Filters of containers, which cannot
 * see what clone3 is asked for, say that there is none: then the older call is made, that
 * knows no control groups.
 */
static inline long sys_clone(struct clone_args *args)
{
	long pid = syscall(SYS_clone3, args, sizeof(*args));

	if (pid >= 0 || errno != ENOSYS || (args->flags & CLONE_INTO_CGROUP))
		return pid;
	return syscall(SYS_clone, (unsigned long)(args->flags | args->exit_signal), 0,
		args->pidfd, 0, 0);
}

static inline int sys_fsopen(const char *type)
{
	return (int)syscall(SYS_fsopen, type, FSOPEN_CLOEXEC);
}

/* value NULL sets a flag. */
static inline int sys_fsconfig_set(int fs, const char *key, const char *value)
{
	return (int)syscall(SYS_fsconfig, fs,
		value ? FSCONFIG_SET_STRING : FSCONFIG_SET_FLAG, key, value, 0);
}

static inline int sys_fsconfig_create(int fs)
{
	return (int)syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
}

static inline int sys_fsmount(int fs, unsigned int attributes)
{
	return (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, attributes);
}

static inline int sys_open_tree_clone(int dirfd, const char *path, unsigned int flags)
{
	return (int)syscall(SYS_open_tree, dirfd, path,
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | flags);
}

static inline int sys_move_mount(int from_fd, int to_dirfd, const char *to)
{
	unsigned int flags = MOVE_MOUNT_F_EMPTY_PATH;

	if (!*to)
		flags |= MOVE_MOUNT_T_EMPTY_PATH;
	return (int)syscall(SYS_move_mount, from_fd, "", to_dirfd, to, flags);
}

static inline int sys_mount_setattr(
	int fd, unsigned int flags, const struct mount_attr *attr)
{
	return (int)syscall(
		SYS_mount_setattr, fd, "", AT_EMPTY_PATH | flags, attr, sizeof(*attr));
}

/* The same for what path shows; a link is not followed. */
static inline int sys_mount_setattr_at(
	int dirfd, const char *path, unsigned int flags, const struct mount_attr *attr)
{
	return (int)syscall(SYS_mount_setattr, dirfd, path, AT_SYMLINK_NOFOLLOW | flags,
		attr, sizeof(*attr));
}

/*
 * By paths and not by descriptors, which takes half the time: for sources and targets that
 * nobody but us can have made or changed.  What shows afterwards is looked at all the same.
 */
static inline int sys_bind(const char *from, const char *to, unsigned long flags)
{
	return (int)syscall(SYS_mount, from, to, NULL, MS_BIND | flags, NULL);
}

static inline int sys_make_private(void)
{
	return (int)syscall(SYS_mount, NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

static inline int sys_detach_cwd(void)
{
	return (int)syscall(SYS_umount2, ".", SYS_MNT_DETACH);
}

static inline int sys_close_range(unsigned int first, unsigned int last)
{
	return (int)syscall(SYS_close_range, first, last, 0);
}

#endif
