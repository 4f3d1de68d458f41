/* SPDX-License-Identifier: Apache-2.0 */
/* What of a sandbox's limits is the control groups', and what is said of the rest. */
#include "providers/local/local.h"

struct sp_cgroup_limits local_cgroup_limits(const struct sp_record *r)
{
	/* What only counts or stops costs time to make: for those that are kept. */
	return (struct sp_cgroup_limits){
		.memory_bytes = r->limits.memory_bytes,
		.pids = r->limits.pids,
		.cpu_millis = r->limits.cpu_millis,
		.usage = r->is_kept || r->limits.cpu_time_ms,
		.freeze = r->is_kept,
		.io = r->is_kept,
	};
}

void local_note_limits(struct sp_record *r)
{
	const struct sp_cgroup_set *set = &r->cgroups;

	if (r->limits.cpu_time_ms && sp_cgroup_for(set, SP_CGROUP_USAGE))
		sp_strv_add(&r->layers, "CPU time limit=enforced");
	else if (r->limits.cpu_time_ms)
		sp_strv_addf(&r->layers,
			"CPU time limit=degraded: each process by itself (%s)",
			set->why_not[SP_CGROUP_USAGE]);
	if (r->limits.file_bytes)
		sp_strv_add(&r->layers, "file size limit=enforced");
	if (r->is_kept && sp_cgroup_for(set, SP_CGROUP_FREEZE))
		sp_strv_add(&r->layers, "pause=enforced");
	else if (r->is_kept)
		sp_strv_addf(&r->layers, "pause=degraded: by signals (%s)",
			set->why_not[SP_CGROUP_FREEZE]);
}
