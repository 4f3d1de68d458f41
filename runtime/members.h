/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a sandbox, one by one: for hosts where no cgroup counts them. */
#ifndef SP_RUNTIME_MEMBERS_H
#define SP_RUNTIME_MEMBERS_H

#include "runtime/state.h"

struct sp_members {
	uint64_t processes;
	uint64_t memory_bytes; /* what is theirs alone, without files */
	uint64_t cpu_us;       /* with those that ended and were waited for */
};

/*
 * All that descends from the supervisor, which is outside itself, as are the supervisors
 * of its commands.  A moment's view: they come and go while it is taken.
 */
int sp_members_count(const struct sp_supervisor *s, struct sp_members *out);

/* One /proc/PID/stat, whose name may hold anything; false when it is none. */
struct sp_member {
	pid_t pid, parent;
	uint64_t ticks, children_ticks, resident_pages;
};
bool sp_member_parse(const char *text, struct sp_member *out);

#endif
