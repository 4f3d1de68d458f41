/* SPDX-License-Identifier: Apache-2.0 */
/* What of a sandbox's limits is the control groups'. */
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
