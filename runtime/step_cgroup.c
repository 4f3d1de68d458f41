/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining the cgroups that the caller made and limited, what they have to tell, and
 * stopping all that is in them.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/runner.h"
#include "runtime/sys.h"

#define PATH_BYTES 4096
/* How long is waited for all to have stopped: longer, and the tree is ended as it is. */
#define FREEZE_TRIES 200
#define FREEZE_NS    1000000

static int open_in_cgroup(const struct runner *r, size_t i, const char *file, int flags)
{
	char path[PATH_BYTES];

	snprintf(path, sizeof(path), "%s/%s", spec_text(r, r->spec->cgroups[i].path),
		file);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW);
}

static bool write_in_cgroup(
	const struct runner *r, size_t i, const char *file, const char *text)
{
	int fd = open_in_cgroup(r, i, file, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = write(fd, text, strlen(text));
	close(fd);
	return n > 0;
}

static bool read_in_cgroup(
	const struct runner *r, size_t i, const char *file, char *text, size_t size)
{
	int fd = open_in_cgroup(r, i, file, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, size - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool born_inside(const struct runner *r, size_t i)
{
	return r->spec->cgroups[i].is_v2 && !r->lacks_clone3 &&
		(r->spec->flags & SP_RF_HAS_CGROUP2);
}

/*
 * In version 1 a thread that moves itself spares the lock, and with it the wait for every
 * processor, that moving a process by its number takes: milliseconds.
 */
static bool move_self(const struct runner *r, size_t i)
{
	return write_in_cgroup(
		r, i, r->spec->cgroups[i].is_v2 ? "cgroup.procs" : "tasks", "0");
}

/* As in clone_init(): there is no cheap way into one of version 2 later. */
pid_t fork_into_cgroup(const struct runner *r, struct sp_error *err)
{
	struct clone_args args = {.exit_signal = SIGCHLD};
	int fd = -1;
	long pid;

	for (size_t i = 0; i < r->spec->cgroup_count && fd < 0; i++) {
		if (!born_inside(r, i))
			continue;
		fd = open_in_cgroup(r, i, "", O_PATH | O_DIRECTORY);
		if (fd < 0)
			return sp_fail_errno(err, "join cgroup %s",
				spec_text(r, r->spec->cgroups[i].path));
		args.flags = CLONE_INTO_CGROUP;
		args.cgroup = (uint64_t)fd;
	}
	pid = sys_clone(&args);
	if (fd >= 0)
		close(fd);
	return pid < 0 ? sp_fail_errno(err, "fork") : (pid_t)pid;
}

int join_cgroups(const struct runner *r, struct sp_error *err)
{
	for (size_t i = 0; i < r->spec->cgroup_count; i++)
		if (!born_inside(r, i) && !move_self(r, i))
			return sp_fail_errno(err, "join cgroup %s",
				spec_text(r, r->spec->cgroups[i].path));
	return 0;
}

size_t count_cgroup_doors(const struct runner *r)
{
	size_t count = 0;

	for (size_t i = 0; i < r->spec->cgroup_count; i++)
		count += !born_inside(r, i);
	return count;
}

int open_cgroup_doors(
	const struct runner *r, int *fds, size_t *count, struct sp_error *err)
{
	for (size_t i = 0; i < r->spec->cgroup_count; i++) {
		int fd;

		if (born_inside(r, i))
			continue;
		fd = open_in_cgroup(r, i,
			r->spec->cgroups[i].is_v2 ? "cgroup.procs" : "tasks", O_WRONLY);
		if (fd < 0)
			return sp_fail_errno(err, "open cgroup %s",
				spec_text(r, r->spec->cgroups[i].path));
		fds[(*count)++] = fd;
	}
	return 0;
}

int enter_cgroup_doors(const int *fds, size_t count, struct sp_error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (write(fds[i], "0", 1) != 1)
			return sp_fail_errno(err, "join cgroup %zu", i);
		close(fds[i]);
	}
	return 0;
}

/* --- What they tell ------------------------------------------------------------------ */

static bool find_cgroup(const struct runner *r, enum sp_cgroup_kind kind, size_t *i)
{
	for (*i = 0; *i < r->spec->cgroup_count; (*i)++)
		if (r->spec->cgroups[*i].kinds >> kind & 1)
			return true;
	return false;
}

/* The number behind "KEY " at the beginning of a line, or 0. */
static uint64_t number_after(const char *text, const char *key)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) == 0)
			return strtoull(line + len, NULL, 10);
	}
	return 0;
}

uint64_t count_oom_kills(const struct runner *r)
{
	char text[1024];
	size_t i;

	if (!find_cgroup(r, SP_CGROUP_MEMORY, &i) ||
		!read_in_cgroup(r, i,
			r->spec->cgroups[i].is_v2 ? "memory.events"
						  : "memory.oom_control",
			text, sizeof(text)))
		return 0;
	return number_after(text, "oom_kill ");
}

uint64_t count_refused_forks(const struct runner *r)
{
	char text[128];
	size_t i;

	if (!find_cgroup(r, SP_CGROUP_PIDS, &i) ||
		!read_in_cgroup(r, i, "pids.events", text, sizeof(text)))
		return 0;
	return number_after(text, "max ");
}

int open_cpu_usage(const struct runner *r)
{
	size_t i;

	if (!find_cgroup(r, SP_CGROUP_USAGE, &i))
		return -1;
	return open_in_cgroup(r, i,
		r->spec->cgroups[i].is_v2 ? "cpu.stat" : "cpuacct.usage", O_RDONLY);
}

uint64_t read_cpu_usage_us(int fd)
{
	char text[1024];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* Version 1 has one number, in nanoseconds. */
	if (*text >= '0' && *text <= '9')
		return strtoull(text, NULL, 10) / 1000;
	return number_after(text, "usage_usec ");
}

/* --- Stopping ------------------------------------------------------------------------ */

static bool has_stopped(const struct runner *r, size_t i)
{
	char text[256];

	if (r->spec->cgroups[i].is_v2)
		return read_in_cgroup(r, i, "cgroup.events", text, sizeof(text)) &&
			number_after(text, "frozen ") == 1;
	return read_in_cgroup(r, i, "freezer.state", text, sizeof(text)) &&
		strcmp(text, "FROZEN\n") == 0;
}

enum freeze freeze_all(const struct runner *r)
{
	const struct timespec pause = {.tv_nsec = FREEZE_NS};
	size_t i;

	if (!find_cgroup(r, SP_CGROUP_FREEZE, &i))
		return FREEZE_NONE;
	if (has_stopped(r, i))
		return FREEZE_WAS;
	if (!(r->spec->cgroups[i].is_v2
			    ? write_in_cgroup(r, i, "cgroup.freeze", "1")
			    : write_in_cgroup(r, i, "freezer.state", "FROZEN")))
		return FREEZE_NONE;
	for (int k = 0; k < FREEZE_TRIES && !has_stopped(r, i); k++)
		nanosleep(&pause, NULL);
	return FREEZE_DONE;
}

void thaw_all(const struct runner *r)
{
	size_t i;

	if (!find_cgroup(r, SP_CGROUP_FREEZE, &i))
		return;
	if (r->spec->cgroups[i].is_v2)
		(void)write_in_cgroup(r, i, "cgroup.freeze", "0");
	else
		(void)write_in_cgroup(r, i, "freezer.state", "THAWED");
}

void let_die(const struct runner *r)
{
	size_t i;

	if (find_cgroup(r, SP_CGROUP_FREEZE, &i) && !r->spec->cgroups[i].is_v2)
		thaw_all(r);
}
