/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The writable layer, and the overlay that joins it with the image and the layers of
 * snapshots below.  A detached handle of it is what snapshots are taken through.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/pass.h"
#include "runtime/runner.h"
#include "runtime/sys.h"

#define BYTES_PER_INODE (16 * 1024)
/* "NN:" for each, and "lower"; the kernel takes 256 bytes as one value. */
#define LOWER_BYTES (3 * SP_RUNNER_LAYERS_MAX + 8)
_Static_assert(LOWER_BYTES < 256, "the list of layers fits one mount option");

int new_writable(const struct runner *r, struct sp_error *err)
{
	char size[24], inodes[24];
	const struct mount_option options[] = {
		{"size", size}, {"nr_inodes", inodes}, {"mode", "0755"}, {0}};

	snprintf(size, sizeof(size), "%llu", (unsigned long long)r->spec->disk_bytes);
	snprintf(inodes, sizeof(inodes), "%llu",
		(unsigned long long)(r->spec->disk_bytes / BYTES_PER_INODE + 1024));
	return new_fs("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
}

static int attach_below(int dirfd, const char *name, int mount_fd, struct sp_error *err)
{
	if (mkdirat(dirfd, name, 0755) < 0)
		return sp_fail_errno(err, "make a mount point");
	return attach(mount_fd, dirfd, name, err);
}

static int attach_source(const struct runner *r, int stage_fd, enum source_kind kind,
	size_t i, const char *name, const struct sources *s, struct sp_error *err)
{
	int fd = clone_source(r, kind, i, s, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = attach_below(stage_fd, name, fd, err);
	close(fd);
	return rc;
}

/* Everything below the writable layer, named 0, 1 and so on, the topmost first. */
static int attach_lower(const struct runner *r, int stage_fd, const struct sources *s,
	char lower[static LOWER_BYTES], struct sp_error *err)
{
	size_t len = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->spec->layer_count; i++) {
		char name[12];

		snprintf(name, sizeof(name), "%zu", i);
		rc = attach_source(r, stage_fd, SOURCE_LAYER, i, name, s, err);
		len += (size_t)snprintf(
			lower + len, LOWER_BYTES - len, "%s%s", len ? ":" : "", name);
	}
	if (rc == 0 && r->spec->root) {
		rc = attach_source(r, stage_fd, SOURCE_ROOT, 0, "lower", s, err);
		(void)snprintf(
			lower + len, LOWER_BYTES - len, "%slower", len ? ":" : "");
	}
	return rc;
}

/* The writable file system, with the two folders of it that an overlay wants. */
static int attach_writable(struct runner *r, int stage_fd, struct sp_error *err)
{
	int rw = new_writable(r, err);
	int rc = rw < 0 ? rw : attach_below(stage_fd, "rw", rw, err);

	if (rc == 0 && (mkdirat(rw, "up", 0755) < 0 || mkdirat(rw, "work", 0755) < 0))
		rc = sp_fail_errno(err, "prepare the writable layer");
	if (rc == 0) {
		r->layer_fd = openat(
			rw, "up", O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (r->layer_fd < 0)
			rc = sp_fail_errno(err, "keep the writable layer");
	}
	if (rw >= 0)
		close(rw);
	return rc;
}

/*
 * Layers, rw and root beside each other on a staging tmpfs that goes away with the host's
 * tree: from inside no layer can be named.  Paths are relative to it, because the overlay
 * takes its layers as text.
 */
static int fill_stage(
	struct runner *r, int stage_fd, const struct sources *s, struct sp_error *err)
{
	char lower[LOWER_BYTES];
	const struct mount_option options[] = {{"lowerdir", lower},
		{"upperdir", "rw/up"}, {"workdir", "rw/work"}, {"userxattr", NULL},
		{0}};
	int rc = attach_lower(r, stage_fd, s, lower, err);
	int root_fd;

	if (rc == 0)
		rc = attach_writable(r, stage_fd, err);
	if (rc == 0 && fchdir(stage_fd) < 0)
		rc = sp_fail_errno(err, "enter the staging folder");
	if (rc < 0)
		return rc;
	root_fd = new_fs("overlay", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	if (root_fd < 0)
		return root_fd;
	rc = attach_below(stage_fd, "root", root_fd, err);
	if (rc == 0)
		return root_fd;
	close(root_fd);
	return rc;
}

int mount_overlay(struct runner *r, const struct sources *s, struct sp_error *err)
{
	static const struct mount_option stage[] = {
		{"size", "64k"}, {"nr_inodes", "64"}, {"mode", "0700"}, {0}};
	int stage_fd = new_fs(
		"tmpfs", stage, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV, err);
	int rc;

	if (stage_fd < 0)
		return stage_fd;
	rc = attach(stage_fd, AT_FDCWD, "/", err);
	if (rc == 0)
		rc = fill_stage(r, stage_fd, s, err);
	close(stage_fd);
	return rc;
}

int send_layer(const struct runner *r, struct sp_error *err)
{
	return pass_descriptors(r->release[1], &r->layer_fd, 1, err);
}

int keep_layer(const struct runner *r, struct sp_error *err)
{
	size_t count = 0;
	int fd = -1;
	int rc = take_descriptors(r->release[0], &fd, 1, &count, err);

	if (rc < 0)
		return rc;
	if (rc == 0 || count != 1)
		return sp_fail(err, SP_ERR_SYSTEM, "process 1 kept its layer");
	rc = dup3(fd, SP_RUNNER_LAYER_FD, O_CLOEXEC) < 0
		? sp_fail_errno(err, "keep the writable layer")
		: 0;
	close(fd);
	return rc;
}
