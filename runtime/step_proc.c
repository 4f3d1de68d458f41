/* SPDX-License-Identifier: Apache-2.0 */
/* /proc: mounted for the new pid namespace, then its dangerous parts masked. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "runtime/runner.h"
#include "runtime/sys.h"

#define LOCKED \
	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)

static const char *const masked[] = {"acpi", "asound", "interrupts", "kcore", "keys",
	"key-users", "kpagecount", "kpageflags", "kpagecgroup", "latency_stats",
	"pagetypeinfo", "sched_debug", "scsi", "slabinfo", "timer_list", "timer_stats",
	"vmallocinfo"};

static const char *const read_only[] = {"bus", "fs", "irq", "sys", "sysrq-trigger"};

/* The mask must be what shows now: the real null device or an empty tmpfs. */
static int check_mask(int proc_fd, const char *name, bool folder, struct sp_error *err)
{
	struct statfs fs = {0};
	struct stat st = {0};
	int fd = openat(proc_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool holds;

	if (fd < 0)
		return sp_fail_errno(err, "check mask of /proc/%s", name);
	if (folder)
		holds = fstatfs(fd, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
	else
		holds = fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
			st.st_rdev == makedev(1, 3);
	close(fd);
	return holds
		? 0
		: sp_fail(err, SP_ERR_SYSTEM, "mask of /proc/%s does not hold", name);
}

/* What covers a file is the null device, what covers a folder an empty file system. */
static int open_cover(int null_fd, bool folder, struct sp_error *err)
{
	static const struct mount_option options[] = {
		{"size", "4k"}, {"nr_inodes", "2"}, {"mode", "0555"}, {0}};

	if (folder)
		return new_fs("tmpfs", options, LOCKED, err);
	return clone_tree(
		null_fd, "", LOCKED & ~(uint64_t)MOUNT_ATTR_NODEV, false, err);
}

static int mask(int proc_fd, const char *name, int null_fd, struct sp_error *err)
{
	struct stat st;
	bool folder;
	int fd, rc;

	if (fstatat(proc_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : sp_fail_errno(err, "look at /proc/%s", name);
	folder = S_ISDIR(st.st_mode);
	fd = open_cover(null_fd, folder, err);
	if (fd < 0)
		return fd;
	rc = attach(fd, proc_fd, name, err);
	close(fd);
	return rc < 0 ? rc : check_mask(proc_fd, name, folder, err);
}

static int make_read_only(int proc_fd, const char *name, struct sp_error *err)
{
	struct statvfs fs;
	int fd = openat(proc_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return errno == ENOENT ? 0
				       : sp_fail_errno(err, "look at /proc/%s", name);
	close(fd);
	fd = clone_tree(proc_fd, name, LOCKED, true, err);
	if (fd < 0)
		return fd;
	rc = attach(fd, proc_fd, name, err);
	close(fd);
	if (rc < 0)
		return rc;
	fd = openat(proc_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstatvfs(fd, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		rc = sp_fail(err, SP_ERR_SYSTEM, "/proc/%s is not read-only", name);
	if (fd >= 0)
		close(fd);
	return rc;
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
	int rc = forbid_nested_namespaces(proc_fd, err);

	for (size_t i = 0; rc == 0 && i < sizeof(masked) / sizeof(masked[0]); i++)
		rc = mask(proc_fd, masked[i], null_fd, err);
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
	rc = proc_fd < 0 ? proc_fd : attach(proc_fd, root_fd, "proc", err);
	if (rc == 0)
		rc = cover(proc_fd, null_fd, err);
	if (proc_fd >= 0)
		close(proc_fd);
	close(null_fd);
	return rc;
}
