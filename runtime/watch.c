/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the limits did to a command: the kernel's counters before and after it, the CPU
 * time while it runs, the writable file system at its end.
 *
 * CPU time is that of the whole sandbox.  It is looked at again when the limit can be
 * reached at the earliest, so that a sandbox which does nothing costs nothing.
 */
#include <signal.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "runtime/runner.h"

/* Nothing is told more finely than the kernel's tick. */
#define LOOK_MIN_MS 2
#define LOOK_MAX_MS 60000

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

void watch_limits(struct limit_watch *w, const struct runner *r)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	*w = (struct limit_watch){.cpu_fd = -1, .processors = n > 0 ? (uint64_t)n : 1};
	/* Of a sandbox that is there before the command: what it did is not the command's. */
	if (r->spec->mode == SP_RUNNER_ENTER) {
		w->oom_kills = count_oom_kills(r);
		w->refused_forks = count_refused_forks(r);
	}
	if (r->spec->cpu_time_ms > 0) {
		w->cpu_limit_us = (uint64_t)r->spec->cpu_time_ms * 1000;
		w->cpu_fd = open_cpu_usage(r);
		w->last_look_us = now_us();
	}
}

/*
 * With the sandbox its cgroup goes, perhaps before this was looked at: then all that could
 * have been used since the last look was.
 */
static uint64_t used_us(struct limit_watch *w)
{
	uint64_t used = read_cpu_usage_us(w->cpu_fd);
	uint64_t at = now_us();

	if (used == 0)
		return w->last_used_us + (at - w->last_look_us) * w->processors;
	w->last_used_us = used;
	w->last_look_us = at;
	return used;
}

int watch_cpu_left_ms(struct limit_watch *w)
{
	uint64_t used, left_ms;

	if (w->cpu_fd < 0)
		return -1;
	used = used_us(w);
	if (used >= w->cpu_limit_us) {
		w->cpu_is_used_up = true;
		return 0;
	}
	left_ms = (w->cpu_limit_us - used) / w->processors / 1000;
	return left_ms < LOOK_MIN_MS    ? LOOK_MIN_MS
		: left_ms > LOOK_MAX_MS ? LOOK_MAX_MS
					: (int)left_ms;
}

static bool disk_is_full(void)
{
	struct statfs fs;

	return fstatfs(SP_RUNNER_LAYER_FD, &fs) == 0 &&
		(fs.f_bavail == 0 || fs.f_ffree == 0);
}

void tell_limits(
	struct limit_watch *w, const struct runner *r, struct sp_runner_event *event)
{
	bool by_kernel = WIFSIGNALED(event->status) &&
		WTERMSIG(event->status) == SIGXCPU;

	event->oom_killed = count_oom_kills(r) > w->oom_kills;
	event->pids_exceeded = count_refused_forks(r) > w->refused_forks;
	/* Of a sandbox around one command nobody had a use for it before. */
	if (r->spec->mode == SP_RUNNER_RUN)
		(void)keep_layer(r, NULL);
	event->disk_full = disk_is_full();
	/* Another supervisor of the same sandbox may have seen it first. */
	(void)watch_cpu_left_ms(w);
	event->cpu_time_exceeded = w->cpu_is_used_up ||
		(r->spec->cpu_seconds && by_kernel);
	if (w->cpu_fd >= 0)
		close(w->cpu_fd);
	w->cpu_fd = -1;
}
