/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/spec.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/enc.h"
#include "base/io.h"
#include "base/json.h"
#include "providers/docker/agent/report.h"

#define ID_RANDOM         10
#define MEMORY_DEFAULT    (1ull << 30)
#define PIDS_DEFAULT      512
#define NOFILE_DEFAULT    1024
#define OOM_SCORE         500
#define PROFILE_MAX_BYTES (1u << 20)
#define LABELS_MAX        256
#define MOUNTS_MAX        64
#define OWN_LABELS        4

/* What an unprivileged program needs to play root among its own files. */
static const char *const kept_capabilities[] = {"CHOWN", "DAC_OVERRIDE", "FOWNER",
	"FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE",
	"SYS_CHROOT", NULL};
static const char *const dropped_capabilities[] = {"ALL", NULL};

/* The agent is the entry point, whatever the image says. */
static const char *const agent_entrypoint[] = {SP_AGENT_PATH, NULL};

/* Where a mount would hide what protects the host, or our own program. */
static const char *const closed_targets[] = {"/proc", "/sys", "/dev", SP_AGENT_DIR};

static int name_it(struct sp_docker_plan *plan, struct sp_error *err)
{
	int rc;

	memcpy(plan->id, "sb-", 3);
	rc = sp_random_name(plan->id + 3, ID_RANDOM, err);
	if (rc < 0)
		return rc;
	sp_docker_name(plan->name, plan->id);
	plan->container.name = plan->name;
	return 0;
}

/* Two texts in label_texts, which labels point into once it does not grow any more. */
static void add_label(struct sp_docker_plan *plan, const char *prefix, const char *key,
	const char *value)
{
	sp_strv_addf(&plan->label_texts, "%s%s", prefix, key);
	sp_strv_add(&plan->label_texts, value);
}

static void add_own_labels(struct sp_docker_plan *plan)
{
	char text[32];

	add_label(plan, "", SP_DOCKER_LABEL_ID, plan->id);
	add_label(plan, "", SP_DOCKER_LABEL_IMAGE, plan->image);
	snprintf(text, sizeof(text), "%" PRId64, plan->created_ms);
	add_label(plan, "", SP_DOCKER_LABEL_CREATED, text);
	snprintf(text, sizeof(text), "%" PRId64, plan->expires_ms);
	add_label(plan, "", SP_DOCKER_LABEL_EXPIRES, text);
}

static int set_labels(struct sp_docker_plan *plan, const struct sp_sandbox_spec *spec,
	struct sp_error *err)
{
	size_t count = spec->label_count + OWN_LABELS;
	int rc;

	if (spec->label_count > LABELS_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "more than %d labels", LABELS_MAX);
	add_own_labels(plan);
	for (size_t i = 0; i < spec->label_count; i++)
		add_label(plan, SP_DOCKER_LABEL_USER, spec->labels[i].key,
			spec->labels[i].value);
	rc = sp_strv_ok(&plan->label_texts, err);
	if (rc < 0)
		return rc;
	plan->labels = calloc(count, sizeof(plan->labels[0]));
	if (!plan->labels)
		return sp_fail(err, SP_ERR_NOMEM, "labels");
	for (size_t i = 0; i < count; i++)
		plan->labels[i] = (struct sp_label){plan->label_texts.items[2 * i],
			plan->label_texts.items[2 * i + 1]};
	plan->container.labels = plan->labels;
	plan->container.label_count = count;
	return 0;
}

static void set_limits(struct sp_docker_plan *plan, const struct sp_limits *limits)
{
	struct sp_container_spec *c = &plan->container;
	int64_t nofile = limits->nofile ? limits->nofile : NOFILE_DEFAULT;

	c->memory_bytes = limits->memory_bytes ? limits->memory_bytes : MEMORY_DEFAULT;
	/* Both together are the same as the one: no swap. */
	c->memory_swap_bytes = c->memory_bytes;
	c->pids_limit = limits->pids ? limits->pids : PIDS_DEFAULT;
	c->nano_cpus = (uint64_t)limits->cpu_millis * 1000000;
	c->oom_score_adj = OOM_SCORE;
	plan->ulimits[0] = (struct sp_engine_ulimit){"nofile", nofile, nofile};
	/* A core_pattern with a pipe runs its program on the host. */
	plan->ulimits[1] = (struct sp_engine_ulimit){"core", 0, 0};
	c->ulimits = plan->ulimits;
	c->ulimit_count = SP_COUNT(plan->ulimits);
	if (!limits->disk_bytes)
		return;
	snprintf(plan->disk_size, sizeof(plan->disk_size), "%" PRIu64,
		limits->disk_bytes);
	c->disk_size = plan->disk_size;
}

static const char *network_of(enum sp_network network)
{
	switch (network) {
	case SP_NETWORK_NAT:
		return "bridge";
	case SP_NETWORK_HOST:
		return "host";
	case SP_NETWORK_DEFAULT:
	case SP_NETWORK_NONE:
	case SP_NETWORK_ALLOW: /* not offered */
		break;
	}
	return "none";
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 &&
		(path[len] == '/' || path[len] == '\0');
}

static bool has_dotdot(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || p[2] == '\0'))
			return true;
	return false;
}

static int check_mount(const struct sp_mount *mount, struct sp_error *err)
{
	const char *target = mount->target;

	if (target[0] != '/' || target[1] == '\0' || has_dotdot(target) ||
		strstr(target, "//") || strstr(target, "/./"))
		return sp_fail(err, SP_ERR_INVALID,
			"mount target %s: not a plain absolute path", target);
	for (size_t i = 0; i < SP_COUNT(closed_targets); i++)
		if (is_below(target, closed_targets[i]))
			return sp_fail(err, SP_ERR_DENIED,
				"mount target %s: nothing is mounted at or below %s",
				target, closed_targets[i]);
	return 0;
}

static int set_mounts(struct sp_docker_plan *plan, const struct sp_sandbox_spec *spec,
	const char *volume, struct sp_error *err)
{
	int rc;

	if (spec->mount_count > MOUNTS_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "more than %d mounts", MOUNTS_MAX);
	for (size_t i = 0; i < spec->mount_count; i++) {
		rc = check_mount(&spec->mounts[i], err);
		if (rc < 0)
			return rc;
	}
	plan->container.mounts = spec->mounts;
	plan->container.mount_count = spec->mount_count;
	snprintf(plan->volume, sizeof(plan->volume), "%s", volume);
	plan->volumes[0] = (struct sp_engine_volume){
		.name = plan->volume, .target = SP_AGENT_DIR, .read_only = true};
	plan->container.volumes = plan->volumes;
	plan->container.volume_count = 1;
	return 0;
}

/* The profile's text, checked to be JSON: the engine's words on it are of no help. */
static int load_profile(const char *path, char **out, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(PROFILE_MAX_BYTES);
	sp_autojson struct json_object *doc = NULL;
	sp_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	int rc;

	if (fd < 0)
		return sp_fail_errno(err, "seccomp profile %s", path);
	rc = sp_buf_read_fd(&text, fd, err);
	if (rc == 0)
		rc = sp_json_parse(sp_buf_str(&text), text.len, &doc, err);
	if (rc < 0)
		return sp_wrap(err, rc, "seccomp profile %s", path);
	*out = sp_buf_take(&text);
	return 0;
}

static int set_seccomp(struct sp_docker_plan *plan, const char *profile,
	const char *data_dir, struct sp_error *err)
{
	sp_autofree char *path = NULL;
	int rc;

	if (!profile || strcmp(profile, "default") == 0)
		return 0; /* the engine's own default is on unless taken away */
	if (strcmp(profile, "strict") != 0)
		rc = load_profile(profile, &plan->seccomp, err);
	else if (asprintf(&path, "%s/seccomp/strict.json", data_dir) < 0)
		rc = sp_fail(err, SP_ERR_NOMEM, "seccomp profile");
	else
		rc = load_profile(path, &plan->seccomp, err);
	plan->container.seccomp_json = plan->seccomp;
	return rc;
}

static int set_command(struct sp_docker_plan *plan, struct sp_error *err)
{
	plan->container.entrypoint = agent_entrypoint;
	sp_strv_add(&plan->cmd, "keep");
	sp_strv_addf(&plan->cmd, "%" PRId64, plan->expires_ms);
	plan->container.cmd = sp_strv_list(&plan->cmd);
	return sp_strv_ok(&plan->cmd, err);
}

static void harden(struct sp_container_spec *c)
{
	c->no_new_privileges = true;
	c->cap_drop = dropped_capabilities;
	c->cap_add = kept_capabilities;
	c->hostname = "sandbox";
	/* The engine would keep every byte of output on the host's disk, without end. */
	c->log_driver = "none";
}

int sp_docker_plan_make(struct sp_docker_plan *plan, const struct sp_sandbox_spec *spec,
	const struct sp_docker_plan_inputs *in, struct sp_error *err)
{
	struct sp_container_spec *c = &plan->container;
	int rc;

	memset(plan, 0, sizeof(*plan));
	plan->created_ms = in->now_ms;
	plan->expires_ms = spec->ttl_ms ? in->now_ms + spec->ttl_ms : 0;
	plan->image = strdup(in->image);
	if (!plan->image)
		return sp_fail(err, SP_ERR_NOMEM, "image");
	c->image = plan->image;
	c->env = spec->env;
	c->user = spec->user;
	c->workdir = spec->workdir ? spec->workdir : SP_DOCKER_WORKDIR;
	c->network_mode = network_of(spec->network);
	/* Nobody has to be there when its time is over. */
	c->auto_remove = spec->ttl_ms != 0;
	harden(c);
	set_limits(plan, &spec->limits);

	rc = name_it(plan, err);
	if (rc == 0)
		rc = set_labels(plan, spec, err);
	if (rc == 0)
		rc = set_mounts(plan, spec, in->volume, err);
	if (rc == 0)
		rc = set_seccomp(plan, spec->seccomp, in->data_dir, err);
	if (rc == 0)
		rc = set_command(plan, err);
	return rc;
}

void sp_docker_plan_clear(struct sp_docker_plan *plan)
{
	free(plan->image);
	free(plan->seccomp);
	free(plan->labels);
	sp_strv_clear(&plan->cmd);
	sp_strv_clear(&plan->label_texts);
	memset(plan, 0, sizeof(*plan));
}
