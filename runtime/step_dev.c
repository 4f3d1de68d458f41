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

/* What is bound was looked at on the very descriptor: type and number must be the device's. */
static int open_device(const struct device *d, struct sp_error *err)
{
	struct stat st;
	int fd = open(d->host_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return sp_fail_errno(err, "open %s", d->host_path);
	if (fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
		st.st_rdev == makedev(d->major, d->minor))
		return fd;
	close(fd);
	return sp_fail(err, SP_ERR_DENIED, "%s of the host is not device %u:%u",
		d->host_path, d->major, d->minor);
}

static int bind_device(int dev_fd, const struct device *d, struct sp_error *err)
{
	int from = open_device(d, err);
	int to, fd, rc;

	if (from < 0)
		return from;
	to = openat(dev_fd, d->name,
		O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0666);
	if (to < 0) {
		close(from);
		return sp_fail_errno(err, "make /dev/%s", d->name);
	}
	close(to);
	fd = clone_tree(from, "", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, false, err);
	close(from);
	if (fd < 0)
		return fd;
	rc = attach(fd, dev_fd, d->name, err);
	close(fd);
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
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(devices) / sizeof(devices[0]); i++)
		rc = bind_device(dev_fd, &devices[i], err);
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
