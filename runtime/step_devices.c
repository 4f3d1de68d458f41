/* SPDX-License-Identifier: Apache-2.0 */
/* The device cgroup, where the host's root starts sandboxes: see devices.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "runtime/devices.h"
#include "runtime/runner.h"

#define PATH_BYTES 512

static void hold_devices(struct runner *r)
{
	struct sp_error err = {0};
	int fd, high;

	if (!r->spec->device_cgroup)
		return;
	fd = sp_devices_hold(spec_text(r, r->spec->device_cgroup), &err);
	if (fd < 0) {
		errno = err.sys_errno;
		degrade(r, SP_DEGRADED_DEVICES);
		return;
	}
	/* Below, numbers have a meaning. */
	high = fcntl(fd, F_DUPFD_CLOEXEC, OWN_FD);
	close(fd);
	r->devices_fd = high;
}

static int open_tasks(const char *group)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/tasks", group);
	return open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
}

void open_device_door(struct runner *r, int *fds, size_t *count)
{
	int fd;

	hold_devices(r);
	if (r->devices_fd < 0)
		return;
	fd = open_tasks(spec_text(r, r->spec->device_cgroup));
	if (fd < 0)
		degrade(r, SP_DEGRADED_DEVICES);
	else
		fds[(*count)++] = fd;
}

/* As step_cgroup.c joins: a thread that moves itself spares the wait. */
static int move_self(const char *group)
{
	ssize_t n = -1;
	int fd = open_tasks(group);

	if (fd >= 0) {
		n = write(fd, "0", 1);
		close(fd);
	}
	return n == 1 ? 0 : -1;
}

/* One that joins a sandbox goes without it only if the sandbox does. */
int join_devices(const struct runner *r, struct sp_error *err)
{
	const char *group = spec_text(r, r->spec->device_cgroup);

	if (group && !(r->degraded & SP_DEGRADED_DEVICES) && move_self(group) < 0)
		return sp_fail_errno(err, "join the device cgroup %s", group);
	return 0;
}
