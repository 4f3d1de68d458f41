/* SPDX-License-Identifier: Apache-2.0 */
/* The state of each protection of a sandbox, in words for its record. */
#include <stdio.h>
#include <string.h>

#include "providers/local/local.h"
#include "seccomp/cache.h"

#define LINE_MAX_BYTES 8192

static void note_limit(struct sp_record *r, const char *name, enum sp_cgroup_kind kind,
	const char *fallback)
{
	if (r->cgroups.holds[kind])
		sp_strv_addf(&r->layers, "%s=enforced", name);
	else
		sp_strv_addf(&r->layers, "%s=degraded: %s (%s)", name, fallback,
			r->cgroups.why_not[kind]);
}

static void note_ids(const struct local *l, struct local_plan *plan)
{
	struct sp_strv *layers = &plan->record.layers;

	if (plan->ids.why[0])
		sp_strv_addf(layers, "id range=degraded: %s", plan->ids.why);
	else
		sp_strv_add(layers, "id range=enforced");
	if (plan->record.id_count == 1 && local_keeps_groups(l))
		sp_strv_add(layers,
			"groups=degraded: the caller's supplementary groups stay");
	else
		sp_strv_add(layers, "groups=enforced");
}

/* A profile of the user's own may open what the shipped ones keep shut: by name, then. */
static void note_filter(const struct local *l, struct sp_record *r)
{
	const struct sp_seccomp_request req = {.profile = r->seccomp,
		.data_dir = l->data_dir,
		.granted_caps = r->capabilities};
	sp_autobuf struct sp_buf line = SP_BUF_INIT(LINE_MAX_BYTES);
	sp_autostrv struct sp_strv opened = {0};

	if (sp_seccomp_opened(&req, &opened, NULL) < 0 || opened.count == 0) {
		sp_strv_add(&r->layers, "system call filter=enforced");
		return;
	}
	sp_buf_adds(&line, "system call filter=degraded: the profile opens");
	for (size_t i = 0; i < opened.count; i++)
		sp_buf_addf(&line, "%s %s", i ? "," : "", opened.items[i]);
	sp_strv_add(&r->layers, sp_buf_str(&line));
}

void local_note_layers(const struct local *l, struct local_plan *plan,
	const struct sp_sandbox_spec *spec)
{
	struct sp_record *r = &plan->record;

	static const char *const always[] = {"user namespace", "mount namespace",
		"pid namespace", "ipc namespace", "uts namespace", "cgroup namespace",
		"capabilities", "no_new_privs", "masked paths", "disk limit"};

	/* Without one of these the launch fails: there is no sandbox to ask about. */
	for (size_t i = 0; i < SP_COUNT(always); i++)
		sp_strv_addf(&r->layers, "%s=enforced", always[i]);
	if (spec->network == SP_NETWORK_HOST)
		sp_strv_add(
			&r->layers, "net namespace=off: network host was asked for");
	else
		sp_strv_add(&r->layers, "net namespace=enforced");
	if (plan->image.changed)
		sp_strv_addf(&r->layers,
			"image base=degraded: %s changed since snapshot %s was made",
			plan->image.base, plan->image.changed);
	note_filter(l, r);
	note_ids(l, plan);
	note_limit(
		r, "memory limit", SP_CGROUP_MEMORY, "address space of each process");
	if (r->cgroups.swap_why_not[0])
		sp_strv_addf(
			&r->layers, "swap limit=degraded: %s", r->cgroups.swap_why_not);
	note_limit(r, "process limit", SP_CGROUP_PIDS, "processes of the user id");
	if (r->limits.cpu_millis)
		note_limit(r, "CPU limit", SP_CGROUP_CPU, "none");
	local_note_limits(r);
}
