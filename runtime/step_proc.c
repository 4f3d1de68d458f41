/* SPDX-License-Identifier: Apache-2.0 */
/* /proc: mounted for the new pid namespace, then its dangerous parts masked. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/runner.h"
#include "runtime/sys.h"

#define LOCKED \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const struct mask {
	const char *name;
	bool folder;
} masked[] = {
	{"acpi", true},
	{"asound", true},
	{"interrupts", false},
	{"kcore", false},
	{"keys", false},
	{"key-users", false},
	{"kpagecount", false},
	{"kpageflags", false},
	{"kpagecgroup", false},
	{"latency_stats", false},
	{"pagetypeinfo", false},
	{"sched_debug", false},
	{"scsi", true},
	{"slabinfo", false},
	{"timer_list", false},
	{"timer_stats", false},
	{"vmallocinfo", false},
};

static const char *const read_only[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};

/*
 * What covers a file is the null device, what covers a folder an empty file system.  The
 * first of each kind is made, the others are bound from it.
 */
struct covers {
	int proc_fd; /* and the working directory */
	int null_fd;
	const char *file, *folder; /* what is covered already, or NULL */
	dev_t folder_dev;
};

/* The mask must be what shows now: the real null device or the empty file system. */
static int check_mask(
	const struct covers *c, const char *name, bool folder, struct sp_error *err)
{
	struct stat st;
	bool holds;

	if (fstatat(c->proc_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return sp_fail_errno(err, "check mask of /proc/%s", name);
	if (folder)
		holds = S_ISDIR(st.st_mode) && st.st_dev == c->folder_dev;
	else
		holds = S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3);
	return holds
		? 0
		: sp_fail(err, SP_ERR_SYSTEM, "mask of /proc/%s does not hold", name);
}

static int open_cover(struct covers *c, bool folder, struct sp_error *err)
{
	static const struct mount_option options[] = {
		{"size", "4k"}, {"nr_inodes", "2"}, {"mode", "0555"}, {0}};
	struct stat st;
	int fd;

	if (!folder)
		return clone_tree(c->null_fd, "", LOCKED & ~(uint64_t)MOUNT_ATTR_NODEV,
			false, err);
	fd = new_fs("tmpfs", options, LOCKED, err);
	if (fd >= 0 && fstat(fd, &st) == 0)
		c->folder_dev = st.st_dev;
	return fd;
}

/* Not before it is known that there is something to cover: undoing it takes long. */
static int mask_first(
	struct covers *c, const char *name, bool folder, struct sp_error *err)
{
	struct stat st;
	int fd, rc;

	if (fstatat(c->proc_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : sp_fail_errno(err, "look at /proc/%s", name);
	fd = open_cover(c, folder, err);
	if (fd < 0)
		return fd;
	rc = attach(fd, c->proc_fd, name, err);
	close(fd);
	if (rc < 0)
		return rc;
	*(folder ? &c->folder : &c->file) = name;
	return check_mask(c, name, folder, err);
}

static int mask(struct covers *c, const struct mask *m, struct sp_error *err)
{
	const char *from = m->folder ? c->folder : c->file;

	if (!from)
		return mask_first(c, m->name, m->folder, err);
	if (sys_bind(from, m->name, 0) < 0)
		return errno == ENOENT ? 0
				       : sp_fail_errno(err, "mask /proc/%s", m->name);
	return check_mask(c, m->name, m->folder, err);
}

static int make_read_only(int proc_fd, const char *name, struct sp_error *err)
{
	const struct mount_attr locked = {.attr_set = LOCKED};
	struct statvfs fs;

	if (sys_bind(name, name, MS_REC) < 0)
		return errno == ENOENT ? 0 : sp_fail_errno(err, "bind /proc/%s", name);
	if (sys_mount_setattr_at(proc_fd, name, AT_RECURSIVE, &locked) < 0)
		return sp_fail_errno(err, "restrict /proc/%s", name);
	if (statvfs(name, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		return sp_fail(err, SP_ERR_SYSTEM, "/proc/%s is not read-only", name);
	return 0;
}

/* Most local root exploits of recent years begin in a user namespace of one's own. */
static int forbid_nested_namespaces(int proc_fd, struct sp_error *err)
{
	int fd = openat(proc_fd, "sys/user/max_user_namespaces", O_WRONLY | O_CLOEXEC);
	ssize_t n = -1;

	if (fd >= 0) {
		n = write(fd, "0", 1);
		close(fd);
	}
	return n == 1 ? 0 : sp_fail_errno(err, "forbid nested user namespaces");
}

static int cover(int proc_fd, int null_fd, struct sp_error *err)
{
	struct covers c = {.proc_fd = proc_fd, .null_fd = null_fd};
	int rc = forbid_nested_namespaces(proc_fd, err);

	if (rc == 0 && fchdir(proc_fd) < 0)
		rc = sp_fail_errno(err, "enter /proc");
	for (size_t i = 0; rc == 0 && i < sizeof(masked) / sizeof(masked[0]); i++)
		rc = mask(&c, &masked[i], err);
	for (size_t i = 0; rc == 0 && i < sizeof(read_only) / sizeof(read_only[0]); i++)
		rc = make_read_only(proc_fd, read_only[i], err);
	return rc;
}

/* The device is opened while the host's /dev is still there, and looked at. */
static int open_null(struct sp_error *err)
{
	struct stat st;
	int fd = open("/dev/null", O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return sp_fail_errno(err, "open /dev/null");
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3))
		return fd;
	close(fd);
	return sp_fail(err, SP_ERR_DENIED, "/dev/null of the host is not device 1:3");
}

int mount_proc(int root_fd, struct sp_error *err)
{
	int null_fd = open_null(err);
	int proc_fd, rc;

	if (null_fd < 0)
		return null_fd;
	proc_fd = new_fs("proc", NULL,
		MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC, err);
	if (proc_fd < 0 && err->sys_errno == EPERM)
		proc_fd = sp_wrap(err, proc_fd,
			"a container around us covers parts of /proc, and the kernel "
			"grants no other then (docker run --security-opt "
			"systempaths=unconfined)");
	rc = proc_fd < 0 ? proc_fd : attach(proc_fd, root_fd, "proc", err);
	if (rc == 0)
		rc = cover(proc_fd, null_fd, err);
	if (proc_fd >= 0)
		close(proc_fd);
	close(null_fd);
	return rc;
}
