/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/driver.h"

#include <string.h>

#include "base/clock.h"
#include "engine/image.h"
#include "providers/docker/base_image.h"
#include "providers/docker/command.h"
#include "providers/docker/files.h"
#include "providers/docker/place.h"
#include "providers/docker/run.h"
#include "providers/docker/wire.h"

#define INSPECT_MAX_BYTES (4u << 20)
#define REMOVED_MS        15000

static void docker_close(struct sp_provider *p)
{
	struct sp_docker *d = sp_docker_of(p);

	sp_engine_close(d->engine);
	free(d->state_dir);
	free(d->data_dir);
	free(d->libexec_dir);
	free(d);
}

static const char *setting(const struct sp_provider_config *cfg, const char *key)
{
	for (size_t i = 0; i < cfg->setting_count; i++)
		if (strcmp(cfg->settings[i].key, key) == 0)
			return cfg->settings[i].value;
	return NULL;
}

static int open_engine(const struct sp_provider_config *cfg, struct sp_engine **out,
	struct sp_error *err)
{
	const char *verify = setting(cfg, "tls_verify");
	struct sp_engine_opts opts = {
		.host = setting(cfg, "host"),
		.cert_dir = setting(cfg, "cert_path"),
		.tls_no_verify = verify && (!*verify || strcmp(verify, "0") == 0),
	};

	sp_engine_opts_from_env(&opts);
	return sp_engine_open(&opts, out, err);
}

static int docker_open(const struct sp_provider_config *cfg, struct sp_provider **out,
	struct sp_error *err)
{
	struct sp_docker *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return sp_fail(err, SP_ERR_NOMEM, "docker provider");
	d->base.driver = &sp_driver_docker;
	d->on_progress = cfg->on_progress;
	d->progress_ctx = cfg->progress_ctx;
	d->state_dir = strdup(cfg->state_dir);
	d->data_dir = strdup(cfg->data_dir);
	d->libexec_dir = strdup(cfg->libexec_dir);
	rc = open_engine(cfg, &d->engine, err);
	if (rc == 0 && (!d->state_dir || !d->data_dir || !d->libexec_dir))
		rc = sp_fail(err, SP_ERR_NOMEM, "docker provider");
	if (rc < 0) {
		docker_close(&d->base);
		return rc;
	}
	*out = &d->base;
	return 0;
}

/* One line of what this engine cannot protect; empty where it can all. */
static void describe(const struct sp_docker *d, const struct sp_engine_info *info,
	struct sp_health *out)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1024);
	const struct {
		bool is_there;
		const char *missing;
	} parts[] = {
		{info->has_seccomp, "no system call filter"},
		{info->memory_limit, "no memory limit"},
		{info->swap_limit, "no swap limit"},
		{info->pids_limit, "no process limit"},
	};
	char base[SP_BASE_IMAGE_MAX];
	struct sp_error err;

	for (size_t i = 0; i < SP_COUNT(parts); i++)
		if (!parts[i].is_there)
			sp_buf_addf(&text, "%s; ", parts[i].missing);
	if (sp_docker_base_name(d, base, &err) < 0)
		sp_buf_addf(&text, "%s; ", err.msg);
	else if (sp_engine_image_inspect(d->engine, base, NULL, NULL, &err) < 0)
		sp_buf_adds(&text, "default image not made yet; ");
	sp_buf_addf(&text, "%s, cgroup v%s%s%s", sp_engine_host(d->engine),
		info->cgroup_version[0] ? info->cgroup_version : "1",
		info->rootless ? ", rootless" : "", info->has_userns ? ", userns" : "");
	snprintf(out->detail, sizeof(out->detail), "%s", sp_buf_str(&text));
}

static int ask_health(struct sp_docker *d, int64_t timeout_ms, struct sp_health *out,
	struct sp_error *err)
{
	struct sp_engine_version version;
	struct sp_engine_info info;
	int64_t start_us = sp_clock_us();
	int rc = sp_engine_ping(d->engine, timeout_ms, NULL, err);

	out->latency_us = sp_clock_us() - start_us;
	if (rc == 0)
		rc = sp_engine_version(d->engine, timeout_ms, &version, err);
	if (rc == 0)
		rc = sp_engine_info(d->engine, timeout_ms, &info, NULL, err);
	if (rc < 0)
		return rc;
	snprintf(out->version, sizeof(out->version), "%s", version.version);
	if (version.os[0] && strcmp(version.os, "linux") != 0)
		return sp_fail(err, SP_ERR_UNSUPPORTED, "an engine for %s containers",
			version.os);
	describe(d, &info, out);
	return 0;
}

static int docker_health(struct sp_provider *p, int64_t timeout_ms,
	struct sp_health *out, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	struct sp_health health = {0};
	int rc = sp_docker_explain(d, ask_health(d, timeout_ms, &health, err), err);

	if (rc == SP_ERR_NOMEM)
		return rc;
	health.ok = rc == 0;
	if (rc < 0)
		snprintf(health.detail, sizeof(health.detail), "%.*s",
			(int)sizeof(health.detail) - 1, err->msg);
	*out = health;
	return 0;
}

/* The container of this sandbox; NOT_FOUND also for one that only looks like it. */
static int find(struct sp_docker *d, const char *id,
	struct sp_container_info *container, struct sp_buf *raw, struct sp_error *err)
{
	char name[SP_DOCKER_NAME_MAX];
	const char *label;
	int rc;

	sp_docker_name(name, id);
	rc = sp_engine_container_inspect(d->engine, name, container, raw, err);
	if (rc == SP_ERR_NOT_FOUND)
		return sp_fail(err, SP_ERR_NOT_FOUND, "no such sandbox");
	if (rc < 0)
		return rc;
	label = sp_container_label(container, SP_DOCKER_LABEL_ID);
	if (!sp_docker_is_sandbox(container) || strcmp(label, id) != 0)
		return sp_fail(err, SP_ERR_NOT_FOUND,
			"container %s is not a sandbox of ours", name);
	return 0;
}

static int docker_get(struct sp_provider *p, const char *id,
	struct sp_sandbox_info *out, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	struct sp_container_info container = {0};
	sp_autoinfo struct sp_sandbox_info info = {0};
	int rc = find(d, id, &container, NULL, err);

	if (rc == 0)
		rc = sp_docker_info(&container, sp_clock_real_ms(), &info, err);
	sp_container_info_clear(&container);
	if (rc < 0)
		return sp_docker_explain(d, rc, err);
	*out = info;
	info = (struct sp_sandbox_info){0};
	return 0;
}

static int docker_inspect(struct sp_provider *p, const char *id, struct sp_buf *json,
	struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	sp_autobuf struct sp_buf raw = SP_BUF_INIT(INSPECT_MAX_BYTES);
	sp_autoinfo struct sp_sandbox_info info = {0};
	struct sp_container_info container = {0};
	int rc = find(d, id, &container, &raw, err);

	if (rc == 0)
		rc = sp_docker_info(&container, sp_clock_real_ms(), &info, err);
	if (rc == 0)
		rc = sp_docker_inspect_json(&info, &raw, json, err);
	sp_container_info_clear(&container);
	return sp_docker_explain(d, rc, err);
}

/* Ours, and with all these labels, into the list. */
static int add_if_asked(const struct sp_container_info *container,
	const struct sp_label *labels, size_t label_count, struct sp_sandbox_list *list,
	struct sp_error *err)
{
	sp_autoinfo struct sp_sandbox_info info = {0};
	int rc;

	if (!sp_docker_is_sandbox(container))
		return 0;
	rc = sp_docker_info(container, sp_clock_real_ms(), &info, err);
	if (rc < 0 || !sp_labels_match(&info, labels, label_count))
		return rc;
	return sp_sandbox_list_add(list, &info, err);
}

static int docker_list(struct sp_provider *p, const struct sp_label *labels,
	size_t label_count, struct sp_sandbox_list *out, struct sp_error *err)
{
	const struct sp_label ours = {SP_DOCKER_LABEL_ID, NULL};
	struct sp_docker *d = sp_docker_of(p);
	struct sp_container_list containers = {0};
	sp_autolist struct sp_sandbox_list list = {0};
	int rc = sp_engine_container_list(d->engine, &ours, 1, &containers, err);

	for (size_t i = 0; rc == 0 && i < containers.count; i++)
		rc = add_if_asked(
			&containers.items[i], labels, label_count, &list, err);
	sp_container_list_clear(&containers);
	if (rc < 0)
		return sp_docker_explain(d, rc, err);
	*out = list;
	list = (struct sp_sandbox_list){0};
	return 0;
}

static int docker_destroy(struct sp_provider *p, const char *id, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	struct sp_container_info container = {0};
	char name[SP_DOCKER_NAME_MAX];
	int rc = find(d, id, &container, NULL, err);

	sp_container_info_clear(&container);
	if (rc == SP_ERR_NOT_FOUND)
		return 0;
	if (rc < 0)
		return sp_docker_explain(d, rc, err);
	sp_docker_name(name, id);
	rc = sp_engine_container_remove(d->engine, name, err);
	if (rc == SP_ERR_EXISTS) /* somebody else is removing it */
		rc = sp_engine_container_wait_removed(d->engine, name, REMOVED_MS, err);
	return rc == SP_ERR_NOT_FOUND ? 0 : sp_docker_explain(d, rc, err);
}

const struct sp_driver sp_driver_docker = {
	.name = "docker",
	.capabilities = SP_CAP_STDIN | SP_CAP_SEPARATE_STDERR | SP_CAP_USER |
		SP_CAP_FILES | SP_CAP_LABELS | SP_CAP_LIST | SP_CAP_TTL |
		SP_CAP_MOUNTS | SP_CAP_LIMITS | SP_CAP_DISK_LIMIT |
		SP_CAP_SECCOMP_PROFILE | SP_CAP_NETWORK_NONE | SP_CAP_NETWORK_NAT |
		SP_CAP_NETWORK_HOST | SP_CAP_IMAGES | SP_CAP_OFFLINE | SP_CAP_FILE_OPS,
	.open = docker_open,
	.close = docker_close,
	.health = docker_health,
	.has_image = sp_docker_has_image,
	.create = sp_docker_create,
	.run = sp_docker_run,
	.exec = sp_docker_exec,
	.get = docker_get,
	.list = docker_list,
	.inspect = docker_inspect,
	.get_archive = sp_docker_get_archive,
	.put_archive = sp_docker_put_archive,
	.stat = sp_docker_stat,
	.destroy = docker_destroy,
	.file = sp_docker_file,
};
