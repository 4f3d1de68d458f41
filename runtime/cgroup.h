/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups of one sandbox: found, made and limited before anything runs in them, on
 * hosts with version 2, version 1 or both.  Where neither can be used the reason is kept.
 */
#ifndef SP_RUNTIME_CGROUP_H
#define SP_RUNTIME_CGROUP_H

#include "base/buf.h"
#include "runtime/spec.h"

struct sp_cgroup_limits {
	uint64_t memory_bytes; /* swap included; 0 is no limit */
	uint32_t pids;
	uint32_t cpu_millis; /* 0 is no limit */
};

enum sp_cgroup_kind {
	SP_CGROUP_MEMORY,
	SP_CGROUP_PIDS,
	SP_CGROUP_CPU,
	SP_CGROUP_KINDS
};

/* What one sandbox has; zeroed is nothing. */
struct sp_cgroup_set {
	struct sp_cgroup {
		char path[256];
		bool is_v2;
		bool is_memory;
		uint32_t kinds; /* bit for each sp_cgroup_kind it is to limit */
	} items[SP_RUNNER_CGROUPS_MAX];
	size_t count;
	bool holds[SP_CGROUP_KINDS];
	char why_not[SP_CGROUP_KINDS][320]; /* for each kind that does not hold */
	char swap_why_not[160];             /* empty: swap is limited too */
};

/*
 * Decide where the cgroups of sandbox id go, without making any: the paths are on record
 * before the first exists.  A kind the host refuses is left out with its reason: the
 * caller decides whether that is an error.
 */
int sp_cgroup_plan(const char *id, const struct sp_cgroup_limits *limits,
	struct sp_cgroup_set *out, struct sp_error *err);

/* Make them and write the limits; false when not all could be done, *set says which. */
bool sp_cgroup_apply(struct sp_cgroup_set *set, const struct sp_cgroup_limits *limits);

/* Remove them again; they must be empty, or become so within two seconds. */
void sp_cgroup_remove(const struct sp_cgroup_set *set);

/* Memory used now, in bytes, or 0 where nothing counts it. */
uint64_t sp_cgroup_memory_now(const struct sp_cgroup_set *set);

#endif
