/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host folders that go inside.  The caller resolved each once, to a descriptor.  As host
 * root the parent clones the mount from that descriptor, with owners mapped, and sends it
 * to the child.  Without privilege only the child may clone, in its own mount namespace:
 * it opens the path again and goes on only if that is still the same file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/pass.h"
#include "runtime/runner.h"
#include "runtime/sys.h"

#define BIND_ATTRIBUTES (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

/* One object of the host, whatever it is for. */
struct source {
	uint32_t path;
	uint64_t dev, ino;
	uint64_t attributes;
};

static size_t source_count(const struct sp_runner_spec *s)
{
	return (s->root ? 1 : 0) + s->layer_count + s->mount_count;
}

/* Its place among all: image root, layers, mounts. */
static size_t index_of(const struct sp_runner_spec *s, enum source_kind kind, size_t i)
{
	size_t layers = s->root ? 1 : 0;

	return kind == SOURCE_ROOT     ? 0
		: kind == SOURCE_LAYER ? layers + i
				       : layers + s->layer_count + i;
}

static struct source source_at(const struct sp_runner_spec *s, size_t i)
{
	const struct sp_runner_mount *m;

	if (s->root && i == 0)
		return (struct source){s->root, s->root_dev, s->root_ino,
			BIND_ATTRIBUTES | MOUNT_ATTR_RDONLY};
	i -= s->root ? 1 : 0;
	if (i < s->layer_count)
		return (struct source){s->layers[i].source, s->layers[i].dev,
			s->layers[i].ino, BIND_ATTRIBUTES | MOUNT_ATTR_RDONLY};
	m = &s->mounts[i - s->layer_count];
	return (struct source){m->source, m->dev, m->ino,
		BIND_ATTRIBUTES | (m->is_writable ? 0 : MOUNT_ATTR_RDONLY)};
}

/* Show host ids 0.. as the sandbox's own 0..; file systems that cannot keep foreign owners. */
static void map_owners(struct runner *r, int mount_fd, int user_ns)
{
	struct mount_attr attr = {
		.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)user_ns};

	if (sys_mount_setattr(mount_fd, AT_RECURSIVE, &attr) < 0)
		degrade(r, SP_DEGRADED_IDMAP);
}

static int open_privileged(
	struct runner *r, int user_ns, struct sources *out, struct sp_error *err)
{
	for (size_t i = 0; i < source_count(r->spec); i++) {
		int fd = clone_tree(SP_RFD_SOURCES + (int)i, "",
			source_at(r->spec, i).attributes, true, err);

		/* Root in a container may have no say over mounts: then the child has. */
		if (fd < 0 && i == 0 && err->sys_errno == EPERM) {
			degrade(r, SP_DEGRADED_IDMAP);
			return 0;
		}
		if (fd < 0)
			return fd;
		map_owners(r, fd, user_ns);
		out->fds[out->count++] = fd;
	}
	return 0;
}

int open_sources(
	struct runner *r, pid_t child, struct sources *out, struct sp_error *err)
{
	char path[32];
	int user_ns;
	int rc;

	if (!(r->spec->flags & SP_RF_PRIVILEGED) || source_count(r->spec) == 0)
		return 0;
	snprintf(path, sizeof(path), "%d/ns/user", child);
	user_ns = openat(r->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (user_ns < 0)
		return sp_fail_errno(err, "open user namespace");
	rc = open_privileged(r, user_ns, out, err);
	close(user_ns);
	return rc;
}

int send_sources(const struct runner *r, const struct sources *s, struct sp_error *err)
{
	int rc = pass_descriptors(r->release[0], s->fds, s->count, err);

	if (rc < 0)
		return sp_wrap(err, rc, "release process 1");
	for (size_t i = 0; i < s->count; i++)
		close(s->fds[i]);
	return 0;
}

int receive_sources(const struct runner *r, struct sources *out, struct sp_error *err)
{
	int rc = take_descriptors(
		r->release[1], out->fds, SOURCES_MAX, &out->count, err);

	if (rc == 0)
		_exit(125); /* the supervisor is gone: there is nobody to tell */
	return rc < 0 ? rc : 0;
}

/* Open path again and refuse anything but the object the caller meant. */
static int reopen(const char *path, uint64_t dev, uint64_t ino, struct sp_error *err)
{
	struct stat st;
	int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return sp_fail_errno(err, "open %s", path);
	if (fstat(fd, &st) == 0 && st.st_dev == dev && st.st_ino == ino)
		return fd;
	close(fd);
	return sp_fail(err, SP_ERR_DENIED, "%s was replaced during the launch", path);
}

int clone_source(const struct runner *r, enum source_kind kind, size_t i,
	const struct sources *s, struct sp_error *err)
{
	size_t at = index_of(r->spec, kind, i);
	const struct source source = source_at(r->spec, at);
	int fd, mount_fd;

	if (at < s->count)
		return s->fds[at];
	fd = reopen(spec_text(r, source.path), source.dev, source.ino, err);
	if (fd < 0)
		return fd;
	mount_fd = clone_tree(fd, "", source.attributes, true, err);
	close(fd);
	return mount_fd;
}
