/* SPDX-License-Identifier: Apache-2.0 */
/* /dev: six verified devices of the host, terminals of its own, nothing else. */
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "runtime/runner.h"
#include "runtime/sys.h"

static const struct device {
	const char *name, *host_path;
	unsigned int major, minor;
} devices[] = {
	{"null", "/dev/null", 1, 3},
	{"zero", "/dev/zero", 1, 5},
	{"full", "/dev/full", 1, 7},
	{"random", "/dev/random", 1, 8},
	{"urandom", "/dev/urandom", 1, 9},
	{"tty", "/dev/tty", 5, 0},
};

static const struct {
	const char *name, *to;
} links[] = {
	{"ptmx", "pts/ptmx"},
	{"fd", "/proc/self/fd"},
	{"stdin", "/proc/self/fd/0"},
	{"stdout", "/proc/self/fd/1"},
	{"stderr", "/proc/self/fd/2"},
};

/* What shows there must be the device, whatever the host's name of it led to. */
static int check_device(int dev_fd, const struct device *d, struct sp_error *err)
{
	struct stat st;

	if (fstatat(dev_fd, d->name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return sp_fail_errno(err, "look at /dev/%s", d->name);
	if (S_ISCHR(st.st_mode) && st.st_rdev == makedev(d->major, d->minor))
		return 0;
	return sp_fail(err, SP_ERR_DENIED, "%s of the host is not device %u:%u",
		d->host_path, d->major, d->minor);
}

/* In the working directory, a file system that is new and ours. */
static int bind_device(int dev_fd, const struct device *d, struct sp_error *err)
{
	if (mknodat(dev_fd, d->name, S_IFREG | 0644, 0) < 0)
		return sp_fail_errno(err, "make /dev/%s", d->name);
	if (sys_bind(d->host_path, d->name, 0) < 0)
		return sp_fail_errno(err, "bind %s", d->host_path);
	return check_device(dev_fd, d, err);
}

static int bind_devices(int dev_fd, struct sp_error *err)
{
	const struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC};
	int rc = 0;

	if (fchdir(dev_fd) < 0)
		return sp_fail_errno(err, "enter /dev");
	for (size_t i = 0; rc == 0 && i < sizeof(devices) / sizeof(devices[0]); i++)
		rc = bind_device(dev_fd, &devices[i], err);
	if (rc == 0 && sys_mount_setattr(dev_fd, AT_RECURSIVE, &attr) < 0)
		rc = sp_fail_errno(err, "restrict devices");
	return rc;
}

/* A new file system on a new folder of /dev. */
static int mount_at(int dev_fd, const char *name, const char *type,
	const struct mount_option *options, unsigned int attributes,
	struct sp_error *err)
{
	int fd, rc;

	if (mkdirat(dev_fd, name, 0755) < 0)
		return sp_fail_errno(err, "make /dev/%s", name);
	fd = new_fs(type, options, attributes, err);
	if (fd < 0)
		return fd;
	rc = attach(fd, dev_fd, name, err);
	close(fd);
	return rc;
}

static int fill(const struct runner *r, int dev_fd, struct sp_error *err)
{
	static const struct mount_option shm[] = {
		{"size", "64m"}, {"nr_inodes", "16384"}, {"mode", "1777"}, {0}};
	static const struct mount_option pts[] = {{"ptmxmode", "0666"},
		{"mode", "0620"}, {"max", "64"}, {"gid", "5"}, {0}};
	static const struct mount_option pts_one_id[] = {
		{"ptmxmode", "0666"}, {"mode", "0600"}, {"max", "64"}, {0}};
	int rc = bind_devices(dev_fd, err);

	for (size_t i = 0; rc == 0 && i < sizeof(links) / sizeof(links[0]); i++)
		if (symlinkat(links[i].to, dev_fd, links[i].name) < 0)
			rc = sp_fail_errno(err, "make /dev/%s", links[i].name);
	if (rc == 0)
		rc = mount_at(dev_fd, "pts", "devpts",
			r->spec->id_count > 5 ? pts : pts_one_id,
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	if (rc == 0)
		rc = mount_at(dev_fd, "shm", "tmpfs", shm,
			MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	return rc;
}

int mount_dev(const struct runner *r, int root_fd, struct sp_error *err)
{
	static const struct mount_option options[] = {
		{"size", "64k"}, {"nr_inodes", "64"}, {"mode", "0755"}, {0}};
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_RDONLY};
	int dev_fd = new_fs(
		"tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, err);
	int rc;

	if (dev_fd < 0)
		return dev_fd;
	rc = attach(dev_fd, root_fd, "dev", err);
	if (rc == 0)
		rc = fill(r, dev_fd, err);
	if (rc == 0 && sys_mount_setattr(dev_fd, 0, &attr) < 0)
		rc = sp_fail_errno(err, "make /dev read-only");
	close(dev_fd);
	return rc;
}
