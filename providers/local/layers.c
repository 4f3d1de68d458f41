/* SPDX-License-Identifier: Apache-2.0 */
/* The state of each protection of a sandbox, in words for its record. */
#include <errno.h>
#include <linux/landlock.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/syscall.h>

#include "providers/local/doctor.h"
#include "providers/local/local.h"
#include "seccomp/cache.h"

#define LINE_MAX_BYTES 8192
#define ENFORCED       "enforced"
#define NOT_ASKED      "off: none was asked for"

static const char *const names[LOCAL_LAYERS] = {
	[LAYER_USER_NS] = "user namespace",
	[LAYER_MOUNT_NS] = "mount namespace",
	[LAYER_PID_NS] = "pid namespace",
	[LAYER_NET_NS] = "net namespace",
	[LAYER_IPC_NS] = "ipc namespace",
	[LAYER_UTS_NS] = "uts namespace",
	[LAYER_CGROUP_NS] = "cgroup namespace",
	[LAYER_ID_RANGE] = "id range",
	[LAYER_GROUPS] = "groups",
	[LAYER_CAPABILITIES] = "capabilities",
	[LAYER_NO_NEW_PRIVS] = "no_new_privs",
	[LAYER_FILTER] = "system call filter",
	[LAYER_LANDLOCK] = "Landlock",
	[LAYER_MASKS] = "masked paths",
	[LAYER_DEVICES] = "device cgroup",
	[LAYER_KEYRING] = "session keyring",
	[LAYER_MOUNT_OWNERS] = "mount owners",
	[LAYER_MEMORY] = "memory limit",
	[LAYER_SWAP] = "swap limit",
	[LAYER_PROCESSES] = "process limit",
	[LAYER_CPU] = "CPU limit",
	[LAYER_DISK] = "disk limit",
	[LAYER_OOM] = "OOM score",
	[LAYER_CPU_TIME] = "CPU time limit",
	[LAYER_FILE_SIZE] = "file size limit",
	[LAYER_PAUSE] = "pause",
	[LAYER_IMAGE_BASE] = "image base",
};

const char *local_layer_name(enum local_layer layer)
{
	return names[layer];
}

/* "id-range" is easier to type than "id range", and nobody remembers which are capitals. */
static bool is_name(const char *word, const char *name)
{
	for (; *word && *name; word++, name++) {
		char c = *word == '-' || *word == '_' ? ' ' : *word;
		char n = *name == '_' ? ' ' : *name;

		if (strncasecmp(&c, &n, 1) != 0)
			return false;
	}
	return !*word && !*name;
}

static int find_layer(const char *word, struct sp_error *err)
{
	char list[400] = "";
	size_t len = 0;

	for (int i = 0; i < LOCAL_LAYERS; i++) {
		if (is_name(word, names[i]))
			return i;
		if (len < sizeof(list))
			len += (size_t)snprintf(list + len, sizeof(list) - len, "%s%s",
				i ? ", " : "", names[i]);
	}
	return sp_fail(
		err, SP_ERR_INVALID, "there is no layer \"%.40s\", but %s", word, list);
}

int local_find_layers(const char *const *words, uint32_t *layers, struct sp_error *err)
{
	*layers = 0;
	for (; words && *words; words++) {
		int layer = find_layer(*words, err);

		if (layer < 0)
			return layer;
		*layers |= 1u << layer;
	}
	return 0;
}

/* What the runner finds out, by its bit, and what is lost then. */
static const struct {
	enum sp_runner_degraded bit;
	enum local_layer layer;
	const char *lost;
} degraded[] = {
	{SP_DEGRADED_IDMAP, LAYER_MOUNT_OWNERS,
		"a file system there cannot map them, so host files belong to nobody "
		"inside"},
	{SP_DEGRADED_KEYRING, LAYER_KEYRING,
		"keyctl is refused here; the filter refuses it inside, too"},
	{SP_DEGRADED_OOM, LAYER_OOM, "it cannot be set to 500 here"},
	{SP_DEGRADED_DEVICES, LAYER_DEVICES,
		"it cannot be made or joined; the user namespace makes no devices"},
};

uint32_t local_required_bits(uint32_t layers)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < SP_COUNT(degraded); i++)
		if (layers >> degraded[i].layer & 1)
			bits |= degraded[i].bit;
	return bits;
}

/* One line for each layer: a later one takes the place of an earlier. */
static void note(struct sp_record *r, enum local_layer layer, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void note(struct sp_record *r, enum local_layer layer, const char *fmt, ...)
{
	char line[LINE_MAX_BYTES];
	int len = snprintf(line, sizeof(line), "%s=", names[layer]);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line + len, sizeof(line) - (size_t)len, fmt, ap);
	va_end(ap);
	sp_strv_set_env(&r->layers, line);
}

void local_note_degraded(struct sp_record *r, uint32_t bits)
{
	for (size_t i = 0; i < SP_COUNT(degraded); i++)
		if (bits & degraded[i].bit)
			note(r, degraded[i].layer, "degraded: %s", degraded[i].lost);
}

static void note_limit(struct sp_record *r, enum local_layer layer,
	enum sp_cgroup_kind kind, const char *fallback)
{
	if (sp_cgroup_for(&r->cgroups, kind))
		note(r, layer, ENFORCED);
	else
		note(r, layer, "degraded: %s (%s)", fallback, r->cgroups.why_not[kind]);
}

static void note_limits(struct sp_record *r)
{
	note(r, LAYER_DISK, ENFORCED);
	note(r, LAYER_OOM, ENFORCED);
	note_limit(r, LAYER_MEMORY, SP_CGROUP_MEMORY, "address space of each process");
	if (!r->cgroups.holds[SP_CGROUP_MEMORY])
		note(r, LAYER_SWAP, "off: no memory limit to be part of");
	else if (r->cgroups.swap_why_not[0])
		note(r, LAYER_SWAP, "degraded: %s", r->cgroups.swap_why_not);
	else
		note(r, LAYER_SWAP, ENFORCED);
	note_limit(r, LAYER_PROCESSES, SP_CGROUP_PIDS, "processes of the user id");
	if (r->limits.cpu_millis)
		note_limit(r, LAYER_CPU, SP_CGROUP_CPU, "none");
	else
		note(r, LAYER_CPU, NOT_ASKED);
	if (r->limits.cpu_time_ms)
		note_limit(
			r, LAYER_CPU_TIME, SP_CGROUP_USAGE, "each process by itself");
	else
		note(r, LAYER_CPU_TIME, NOT_ASKED);
	note(r, LAYER_FILE_SIZE, r->limits.file_bytes ? ENFORCED : NOT_ASKED);
	if (r->is_kept)
		note_limit(r, LAYER_PAUSE, SP_CGROUP_FREEZE, "by signals");
	else
		note(r, LAYER_PAUSE, "off: only what is kept can be paused");
}

static void note_ids(const struct local *l, struct local_plan *plan)
{
	struct sp_record *r = &plan->record;

	if (plan->ids.why[0])
		note(r, LAYER_ID_RANGE, "degraded: %s", plan->ids.why);
	else
		note(r, LAYER_ID_RANGE, ENFORCED);
	if (r->id_count == 1 && local_keeps_groups(l))
		note(r, LAYER_GROUPS,
			"degraded: the caller's supplementary groups stay");
	else
		note(r, LAYER_GROUPS, ENFORCED);
}

/* A profile of the user's own may open what the shipped ones keep shut: by name, then. */
static void note_filter(const struct local *l, struct sp_record *r)
{
	const struct sp_seccomp_request req = {.profile = r->seccomp,
		.data_dir = l->data_dir,
		.granted_caps = r->capabilities};
	sp_autobuf struct sp_buf line = SP_BUF_INIT(LINE_MAX_BYTES / 2);
	sp_autostrv struct sp_strv opened = {0};

	if (sp_seccomp_opened(&req, &opened, NULL) < 0 || opened.count == 0) {
		note(r, LAYER_FILTER, ENFORCED);
		return;
	}
	for (size_t i = 0; i < opened.count; i++)
		sp_buf_addf(&line, "%s %s", i ? "," : "", opened.items[i]);
	note(r, LAYER_FILTER, "degraded: the profile opens%s", sp_buf_str(&line));
}

long local_landlock_abi(void)
{
	return syscall(
		SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* The runner takes every right the kernel knows, so what is missing is the kernel's. */
static void note_landlock(struct sp_record *r)
{
	long abi = local_landlock_abi();

	if (abi < 0)
		note(r, LAYER_LANDLOCK, "off: %s (%s)", sp_errno_name(errno),
			strerrordesc_np(errno));
	else if (abi < LOCAL_LANDLOCK_FILES)
		note(r, LAYER_LANDLOCK, "degraded: ABI %ld knows no %s", abi,
			abi < 3 ? "truncate" : "ioctl of devices");
	else
		note(r, LAYER_LANDLOCK, ENFORCED);
}

static void note_devices(struct local_plan *plan)
{
	if (plan->device_why[0])
		note(&plan->record, LAYER_DEVICES,
			"degraded: the user namespace makes no devices (%s)",
			plan->device_why);
	else
		note(&plan->record, LAYER_DEVICES, ENFORCED);
}

void local_note_layers(const struct local *l, struct local_plan *plan)
{
	/* Without one of these the launch fails: there is no sandbox to ask about. */
	static const enum local_layer always[] = {LAYER_USER_NS, LAYER_MOUNT_NS,
		LAYER_PID_NS, LAYER_IPC_NS, LAYER_UTS_NS, LAYER_CGROUP_NS,
		LAYER_CAPABILITIES, LAYER_NO_NEW_PRIVS, LAYER_MASKS};
	struct sp_record *r = &plan->record;

	for (size_t i = 0; i < SP_COUNT(always); i++)
		note(r, always[i], ENFORCED);
	if (r->network == SP_NETWORK_HOST)
		note(r, LAYER_NET_NS, "off: network host was asked for");
	else
		note(r, LAYER_NET_NS, ENFORCED);
	if (plan->image.changed)
		note(r, LAYER_IMAGE_BASE,
			"degraded: %s changed since snapshot %s was made",
			plan->image.base, plan->image.changed);
	else
		note(r, LAYER_IMAGE_BASE, ENFORCED);
	note_filter(l, r);
	note_landlock(r);
	note_ids(l, plan);
	note_devices(plan);
	/* Unless the runner tells otherwise. */
	note(r, LAYER_KEYRING, ENFORCED);
	note(r, LAYER_MOUNT_OWNERS, ENFORCED);
	note_limits(r);
}

/* The state behind "NAME=", or "" for a layer that is not on the record. */
static const char *state_of(const struct sp_record *r, enum local_layer layer)
{
	size_t len = strlen(names[layer]);

	for (size_t i = 0; i < r->layers.count; i++)
		if (strncmp(r->layers.items[i], names[layer], len) == 0 &&
			r->layers.items[i][len] == '=')
			return r->layers.items[i] + len + 1;
	return "";
}

int local_check_layers(const struct local_plan *plan, struct sp_error *err)
{
	for (int i = 0; i < LOCAL_LAYERS; i++) {
		const char *state = state_of(&plan->record, (enum local_layer)i);
		char mend[200];

		if (!(plan->required >> i & 1) || strcmp(state, ENFORCED) == 0)
			continue;
		local_layer_mend((enum local_layer)i, mend, sizeof(mend));
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"layer \"%s\" is required and is %.220s%s%.190s", names[i],
			state, mend[0] ? "; to mend it: " : "", mend);
	}
	return sp_strv_ok(&plan->record.layers, err);
}
