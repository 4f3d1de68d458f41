/* SPDX-License-Identifier: Apache-2.0 */
/* Joining the cgroups that the caller made and limited, and what they have to tell. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/runner.h"

#define PATH_BYTES 4096

static int open_in_cgroup(const struct runner *r, size_t i, const char *file, int flags)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", spec_text(r, r->spec->cgroups[i].path),
		file);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW);
}

static bool born_inside(const struct runner *r, size_t i)
{
	return r->spec->cgroups[i].is_v2 && (r->spec->flags & SP_RF_HAS_CGROUP2);
}

/*
 * In version 1 a thread that moves itself spares the lock, and with it the wait for every
 * processor, that moving a process by its number takes: milliseconds.
 */
static int move_self(const struct runner *r, size_t i)
{
	int fd = open_in_cgroup(
		r, i, r->spec->cgroups[i].is_v2 ? "cgroup.procs" : "tasks", O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, "0", 1);
	close(fd);
	return n == 1 ? 0 : -1;
}

int join_cgroups(const struct runner *r, struct sp_error *err)
{
	for (size_t i = 0; i < r->spec->cgroup_count; i++)
		if (!born_inside(r, i) && move_self(r, i) < 0)
			return sp_fail_errno(err, "join cgroup %s",
				spec_text(r, r->spec->cgroups[i].path));
	return 0;
}

/* The count behind "oom_kill " in memory.events (v2) or memory.oom_control (v1). */
static uint64_t read_oom_kills(int fd)
{
	char text[1024];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	char *at;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	at = strstr(text, "oom_kill ");
	return at ? strtoull(at + strlen("oom_kill "), NULL, 10) : 0;
}

uint64_t count_oom_kills(const struct runner *r)
{
	uint64_t count = 0;

	for (size_t i = 0; i < r->spec->cgroup_count; i++) {
		const struct sp_runner_cgroup *c = &r->spec->cgroups[i];
		int fd;

		if (!c->is_memory)
			continue;
		fd = open_in_cgroup(r, i,
			c->is_v2 ? "memory.events" : "memory.oom_control", O_RDONLY);
		if (fd < 0)
			continue;
		count += read_oom_kills(fd);
		close(fd);
	}
	return count;
}
