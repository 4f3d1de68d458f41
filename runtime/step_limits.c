/* SPDX-License-Identifier: Apache-2.0 */
/* Limits of each process, hard and soft alike, so that nothing inside raises them. */
#include <errno.h>
#include <sys/resource.h>

#include "runtime/runner.h"

#define LOCKED_BYTES (64 * 1024)
#define QUEUE_BYTES  (800 * 1024)
#define SIGNALS      1024
/* Where no cgroup gives the sandbox one share as a whole, each process counts for less. */
#define NICE 10

/* Without CAP_SYS_RESOURCE the hard limit only goes down: keep the lower of the two. */
static int limit(int which, uint64_t value, const char *name, struct sp_error *err)
{
	struct rlimit now;

	if (getrlimit(which, &now) < 0)
		return sp_fail_errno(err, "read limit of %s", name);
	if (now.rlim_max == RLIM_INFINITY || value < now.rlim_max)
		now.rlim_max = value;
	now.rlim_cur = now.rlim_max;
	if (setrlimit(which, &now) < 0)
		return sp_fail_errno(err, "limit %s", name);
	return 0;
}

/*
 * Where nothing counts for all of them together, each process has this much by itself.
 * A second more before it is killed than told, so that its end says why.
 */
static int limit_cpu_time(uint64_t seconds, struct sp_error *err)
{
	const struct rlimit wanted = {.rlim_cur = seconds, .rlim_max = seconds + 1};
	struct rlimit now;

	if (getrlimit(RLIMIT_CPU, &now) < 0)
		return sp_fail_errno(err, "read limit of CPU time");
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max <= seconds)
		return 0; /* less already, and only goes down */
	if (setrlimit(RLIMIT_CPU, &wanted) < 0)
		return sp_fail_errno(err, "limit CPU time");
	return 0;
}

int set_limits(const struct runner *r, struct sp_error *err)
{
	const struct sp_runner_spec *s = r->spec;
	const struct {
		int which;
		uint64_t value;
		const char *name;
	} table[] = {
		{RLIMIT_NOFILE, s->nofile, "open files"},
		/* A core_pattern pipe runs on the host. */
		{RLIMIT_CORE, 0, "core size"},
		{RLIMIT_MEMLOCK, LOCKED_BYTES, "locked memory"},
		{RLIMIT_MSGQUEUE, QUEUE_BYTES, "message queues"},
		{RLIMIT_SIGPENDING, SIGNALS, "pending signals"},
		{RLIMIT_RTPRIO, 0, "real-time priority"},
		{RLIMIT_NICE, 0, "nice"},
		{RLIMIT_AS, s->address_bytes, "address space"},
		{RLIMIT_NPROC, s->processes, "processes"},
		{RLIMIT_FSIZE, s->file_bytes, "file size"},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		bool is_optional = table[i].which == RLIMIT_AS ||
			table[i].which == RLIMIT_NPROC ||
			table[i].which == RLIMIT_FSIZE;
		int rc;

		if (is_optional && table[i].value == 0)
			continue;
		rc = limit(table[i].which, table[i].value, table[i].name, err);
		if (rc < 0)
			return rc;
	}
	/* Also what lets a supervisor through to hundreds of processes that never rest. */
	if (s->processes && setpriority(PRIO_PROCESS, 0, NICE) < 0 && errno != EACCES)
		return sp_fail_errno(err, "lower the priority");
	return s->cpu_seconds ? limit_cpu_time(s->cpu_seconds, err) : 0;
}
