/* SPDX-License-Identifier: Apache-2.0 */
/* From what a caller asks for to what is launched: everything checked, nothing made yet. */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/io.h"
#include "providers/local/mounts.h"
#include "providers/local/store.h"
#include "seccomp/cache.h"

#define ID_PREFIX       "sb-"
#define ID_RANDOM       10
#define DEFAULT_MEMORY  (1ull << 30)
#define DEFAULT_DISK    (2ull << 30)
#define DEFAULT_PIDS    512
#define DEFAULT_NOFILE  1024
#define DISK_MIN        (1ull << 20)
#define MEMORY_MIN      (4ull << 20)
#define FILTER_MAX      (64 * 1024)
#define DEFAULT_WORKDIR "/workspace"
#define DEFAULT_USER    "0"

#define CAP(name) (1ull << CAP_##name)
/* What programs that install and serve need, inside their own user namespace. */
#define CAPABILITIES \
	(CAP(CHOWN) | CAP(DAC_OVERRIDE) | CAP(FOWNER) | CAP(FSETID) | CAP(KILL) | \
		CAP(SETGID) | CAP(SETUID) | CAP(SETPCAP) | CAP(NET_BIND_SERVICE) | \
		CAP(SYS_CHROOT))

static const char *const default_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"LANG=C.UTF-8",
	NULL,
};

void local_plan_clear(struct local_plan *plan)
{
	sp_record_clear(&plan->record);
	sp_strv_clear(&plan->resolved);
	local_image_clear(&plan->image);
	free(plan->root);
	free(plan->mounts);
	free(plan->state_path);
	local_network_clear(&plan->network);
	sp_close_fd(&plan->filter_fd);
	sp_close_fd(&plan->base_fd);
	sp_close_fd(&plan->lock_fd);
	sp_close_fd(&plan->store_fd);
}

static int plan_image(const struct local *l, struct local_plan *plan,
	const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	struct local_image *image = &plan->image;
	struct sp_record *r = &plan->record;
	int rc = image->name ? 0 : local_image_find(l, spec->image, image, err);
	bool is_host;

	if (rc < 0)
		return rc;
	is_host = strcmp(image->base, LOCAL_IMAGE_HOST) == 0;
	plan->root = is_host ? NULL : strdup(image->base);
	r->image = strdup(image->name);
	r->base = strdup(image->base);
	sp_strv_add_all(&r->snapshots, sp_strv_list(&image->snapshots));
	if (!r->image || !r->base || (!plan->root && !is_host))
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	return sp_strv_ok(&r->snapshots, err);
}

/* A mount may not stand in for what the launch itself puts there. */
static int check_target(const char *target, struct sp_error *err)
{
	static const char *const reserved[] = {"/proc", "/sys", "/dev"};

	/* "//proc" and "/./proc" are other names of what is reserved. */
	if (target[0] != '/' || strstr(target, "/../") || strstr(target, "//") ||
		strstr(target, "/./") || strcmp(target, "/") == 0 ||
		(strlen(target) >= 3 &&
			strcmp(target + strlen(target) - 3, "/..") == 0))
		return sp_fail(err, SP_ERR_INVALID,
			"mount target \"%s\" is not an absolute path below /", target);
	for (size_t i = 0; i < SP_COUNT(reserved); i++) {
		size_t len = strlen(reserved[i]);

		if (strncmp(target, reserved[i], len) == 0 &&
			(target[len] == '\0' || target[len] == '/'))
			return sp_fail(err, SP_ERR_DENIED, "mount target %s is in %s",
				target, reserved[i]);
	}
	return 0;
}

/* Where it is on the host; of a volume that may be about to be made. */
static char *source_of(
	const struct local *l, const struct sp_mount *m, struct sp_error *err)
{
	char *path = NULL;

	if (!m->is_volume) {
		path = realpath(m->source, NULL);
		if (!path)
			sp_fail_errno(err, "mount %s", m->source);
	} else if (asprintf(&path, "%s/volumes/%s/" STORE_DATA, l->store, m->source) <
		0) {
		path = NULL;
		sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	return path;
}

static int plan_mount(const struct local *l, struct local_plan *plan,
	const struct sp_mount *m, struct sp_error *err)
{
	sp_autofree char *real = source_of(l, m, err);
	int rc;

	if (!real)
		return (int)err->code;
	rc = check_target(m->target, err);
	if (rc == 0) {
		sp_strv_add(&plan->resolved, real);
		rc = sp_strv_ok(&plan->resolved, err);
	}
	if (rc == 0)
		rc = mounts_note(&plan->record.mounts, m, err);
	if (rc < 0)
		return rc;
	plan->mounts[plan->mount_count++] = (struct sp_mount){
		.source = plan->resolved.items[plan->resolved.count - 1],
		.target = m->target,
		.writable = m->writable,
		.is_volume = m->is_volume};
	return 0;
}

/* Volumes are the store's, where the caller's groups open nothing. */
static bool has_host_folders(const struct sp_sandbox_spec *spec)
{
	for (size_t i = 0; i < spec->mount_count; i++)
		if (!spec->mounts[i].is_volume)
			return true;
	return false;
}

static int plan_mounts(const struct local *l, struct local_plan *plan,
	const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	if (spec->mount_count == 0)
		return 0;
	if (spec->mount_count > SP_RUNNER_MOUNTS_MAX)
		return sp_fail(
			err, SP_ERR_LIMIT, "more than %d mounts", SP_RUNNER_MOUNTS_MAX);
	if (has_host_folders(spec) && local_keeps_groups(l))
		return sp_fail(err, SP_ERR_DENIED,
			"mounts: your supplementary groups cannot be dropped without "
			"privilege and would apply to these files inside; start as "
			"root, as a user with ids in /etc/subuid, or as one without "
			"further groups");
	plan->mounts = calloc(spec->mount_count, sizeof(*plan->mounts));
	if (!plan->mounts)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < spec->mount_count; i++) {
		int rc = plan_mount(l, plan, &spec->mounts[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int plan_limits(
	struct sp_limits *to, const struct sp_limits *asked, struct sp_error *err)
{
	*to = *asked;
	to->memory_bytes = asked->memory_bytes ? asked->memory_bytes : DEFAULT_MEMORY;
	to->disk_bytes = asked->disk_bytes ? asked->disk_bytes : DEFAULT_DISK;
	to->pids = asked->pids ? asked->pids : DEFAULT_PIDS;
	to->nofile = asked->nofile ? asked->nofile : DEFAULT_NOFILE;
	if (to->memory_bytes < MEMORY_MIN)
		return sp_fail(err, SP_ERR_INVALID, "memory limit is below 4m");
	if (to->disk_bytes < DISK_MIN)
		return sp_fail(err, SP_ERR_INVALID, "disk limit is below 1m");
	if (to->nofile < 16)
		return sp_fail(err, SP_ERR_INVALID, "open files limit is below 16");
	if (asked->cpu_millis && asked->cpu_millis < 10)
		return sp_fail(err, SP_ERR_INVALID, "CPU limit is below 0.01");
	return 0;
}

struct sp_limits local_asked_limits(const struct sp_limits *limits)
{
	struct sp_limits asked = *limits;

	if (asked.memory_bytes == DEFAULT_MEMORY)
		asked.memory_bytes = 0;
	if (asked.disk_bytes == DEFAULT_DISK)
		asked.disk_bytes = 0;
	if (asked.pids == DEFAULT_PIDS)
		asked.pids = 0;
	if (asked.nofile == DEFAULT_NOFILE)
		asked.nofile = 0;
	return asked;
}

/* What is asked for and cannot be had is an error; a default falls back, and says so. */
static int plan_cgroups(
	struct sp_record *r, const struct sp_limits *asked, struct sp_error *err)
{
	const struct sp_cgroup_limits limits = local_cgroup_limits(r);
	int rc = sp_cgroup_plan(r->id, &limits, &r->cgroups, err);
	const struct {
		bool is_asked;
		const char *name;
	} kinds[SP_CGROUP_KINDS] = {
		{asked->memory_bytes != 0, "memory"},
		{asked->pids != 0, "process"},
		{asked->cpu_millis != 0, "CPU"},
	};

	for (int k = 0; rc == 0 && k < SP_CGROUP_KINDS; k++)
		if (kinds[k].is_asked && !r->cgroups.holds[k])
			rc = sp_fail(err, SP_ERR_UNSUPPORTED,
				"the %s limit cannot be enforced: %.200s",
				kinds[k].name, r->cgroups.why_not[k]);
	return rc;
}

int local_plan_filter(
	const struct local *l, struct local_plan *plan, struct sp_error *err)
{
	sp_autobuf struct sp_buf program = SP_BUF_INIT(FILTER_MAX);
	struct sp_seccomp_request req = {.profile = plan->record.seccomp,
		.data_dir = l->data_dir,
		.cache_dir = l->cache,
		.granted_caps = plan->record.capabilities};
	int rc = sp_seccomp_program(&req, &program, err);

	if (rc < 0)
		return sp_wrap(err, rc, "system call filter");
	plan->filter_fd = sp_sealed_memfd(
		"sandpit-filter", program.data, program.len, err);
	return plan->filter_fd < 0 ? plan->filter_fd : 0;
}

static char *copy_or(const char *text, const char *fallback)
{
	return strdup(text ? text : fallback);
}

static int plan_texts(
	struct sp_record *r, const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	int rc = sp_random_name(r->id + strlen(ID_PREFIX), ID_RANDOM, err);

	if (rc < 0)
		return rc;
	memcpy(r->id, ID_PREFIX, strlen(ID_PREFIX));
	r->workdir = copy_or(spec->workdir, DEFAULT_WORKDIR);
	r->user = copy_or(spec->user, DEFAULT_USER);
	r->seccomp = copy_or(spec->seccomp, "default");
	if (spec->require)
		sp_strv_add_all(&r->require, spec->require);
	sp_strv_add_all(&r->env, default_env);
	for (const char *const *e = spec->env; e && *e; e++)
		sp_strv_set_env(&r->env, *e);
	for (size_t i = 0; i < spec->label_count; i++)
		sp_strv_addf(&r->labels, "%s=%s", spec->labels[i].key,
			spec->labels[i].value);
	if (!r->workdir || !r->user || !r->seccomp)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	rc = sp_strv_ok(&r->env, err);
	if (rc == 0)
		rc = sp_strv_ok(&r->require, err);
	return rc < 0 ? rc : sp_strv_ok(&r->labels, err);
}

int local_plan_make(const struct local *l, const struct sp_sandbox_spec *spec,
	enum sp_runner_mode mode, struct local_plan *plan, struct sp_error *err)
{
	struct sp_record *r = &plan->record;
	int rc = local_find_layers(spec->require, &plan->required, err);

	r->is_kept = mode == SP_RUNNER_CREATE;
	r->created_ms = sp_clock_real_ms();
	r->expires_ms = spec->ttl_ms ? r->created_ms + spec->ttl_ms : 0;
	r->network = spec->network ? spec->network : SP_NETWORK_NONE;
	if (rc == 0)
		rc = plan_texts(r, spec, err);
	if (rc == 0)
		rc = local_network_plan(spec, &plan->network, r, err);
	r->capabilities = r->seccomp && strcmp(r->seccomp, "strict") == 0
		? 0
		: CAPABILITIES;
	if (rc == 0)
		rc = plan_image(l, plan, spec, err);
	if (rc == 0)
		rc = plan_mounts(l, plan, spec, err);
	if (rc == 0)
		rc = local_use_store(l, plan, err);
	if (rc == 0)
		rc = plan_limits(&r->limits, &spec->limits, err);
	if (rc == 0)
		rc = plan_cgroups(r, &spec->limits, err);
	if (rc == 0 && asprintf(&plan->state_path, "%s/%s", l->sandboxes, r->id) < 0)
		rc = sp_fail(err, SP_ERR_NOMEM, "out of memory");
	return rc;
}
