/* SPDX-License-Identifier: Apache-2.0 */
/* Which device cgroup a sandbox is to have: version 1's, a BPF program in version 2, none. */
#include "runtime/devices.h"

#include <stdio.h>
#include <string.h>

#include "providers/local/local.h"

/* A group that is ours, with nobody in it but sandboxes. */
#define OWN_PARENT "/sandpit"

static void give_up(struct local_plan *plan, const struct sp_error *err)
{
	snprintf(plan->device_why, sizeof(plan->device_why), "%.250s", err->msg);
}

void local_plan_devices(struct local_plan *plan)
{
	struct sp_record *r = &plan->record;
	struct sp_error err = {0};
	char path[256];

	if (!r->is_privileged) {
		sp_fail(&err, SP_ERR_DENIED, "a device cgroup is root's to make");
		give_up(plan, &err);
	} else if (sp_devices_path(path, sizeof(path), &err) == 0) {
		r->device_cgroup = strdup(path);
	} else if (r->cgroups.count == 0 || !r->cgroups.items[0].is_v2) {
		give_up(plan, &err);
	}
}

/* In version 2 a program guards the sandbox's own group, or once for all the one above. */
void local_guard_devices(struct local_plan *plan)
{
	const struct sp_cgroup_set *set = &plan->record.cgroups;
	struct sp_error err = {0};
	char path[sizeof(set->items[0].path)];
	char *slash;

	if (plan->record.device_cgroup || plan->device_why[0])
		return;
	if (set->count == 0 || !set->items[0].is_v2) {
		sp_fail(&err, SP_ERR_UNSUPPORTED, "there is no control group for it");
		give_up(plan, &err);
		return;
	}
	snprintf(path, sizeof(path), "%s", set->items[0].path);
	slash = strrchr(path, '/');
	if (slash) {
		size_t len = (size_t)(slash - path), own = strlen(OWN_PARENT);

		if (len > own && strncmp(slash - own, OWN_PARENT "/", own + 1) == 0)
			*slash = '\0';
	}
	if (sp_devices_guard(path, &err) < 0)
		give_up(plan, &err);
}
