/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/driver.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/clock.h"
#include "providers/local/events.h"
#include "providers/local/pool.h"
#include "providers/local/stored.h"

static void local_close(struct sp_provider *p)
{
	struct local *l = local_of(p);

	free(l->subids);
	free(l->sandboxes);
	free(l->state);
	free(l->store);
	free(l->ids);
	free(l->cache);
	free(l->data_dir);
	free(l->libexec_dir);
	free(l->refill);
	free(l->runner);
	free(l->worker);
	free(l->gate);
	free(l);
}

static char *join_path(const char *folder, const char *name)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", folder, name) < 0 ? NULL : path;
}

static int local_open(const struct sp_provider_config *cfg, struct sp_provider **out,
	struct sp_error *err)
{
	struct local *l = calloc(1, sizeof(*l));

	if (!l)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	l->base.driver = &sp_driver_local;
	l->sandboxes = join_path(cfg->state_dir, "local");
	l->state = strdup(cfg->state_dir);
	l->store = strdup(cfg->store_dir ? cfg->store_dir : "");
	l->ids = join_path(cfg->state_dir, "ids");
	l->cache = strdup(cfg->state_dir);
	l->data_dir = strdup(cfg->data_dir);
	l->libexec_dir = strdup(cfg->libexec_dir);
	l->refill = join_path(cfg->libexec_dir, "sandpit-refill");
	l->runner = join_path(cfg->libexec_dir, "sandpit-runner");
	l->worker = join_path(cfg->libexec_dir, "sandpit-worker");
	l->gate = join_path(cfg->libexec_dir, "sandpit-gate");
	l->subids = calloc(1, sizeof(*l->subids));
	if (!l->sandboxes || !l->state || !l->store || !l->ids || !l->cache ||
		!l->data_dir || !l->libexec_dir || !l->runner || !l->worker ||
		!l->gate || !l->refill || !l->subids) {
		local_close(&l->base);
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	*out = &l->base;
	return 0;
}

static int local_has_image(
	struct sp_provider *p, const char *image, struct sp_error *err)
{
	local_autoimage found = {0};

	return local_image_find(local_of(p), image, &found, err);
}

static int ignore_output(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)ctx;
	(void)stream;
	(void)data;
	(void)len;
	return 0;
}

/* The one sure answer to "does it work here" is to do it. */
static int local_health(struct sp_provider *p, int64_t timeout_ms,
	struct sp_health *out, struct sp_error *err)
{
	static const char *const argv[] = {"/bin/sh", "-c", ":", NULL};
	const struct sp_sandbox_spec spec = {0};
	const struct sp_command command = {.argv = argv,
		.timeout_ms = timeout_ms,
		.stdin_fd = -1,
		.cancel_fd = -1,
		.on_output = ignore_output};
	char id[SP_SANDBOX_ID_MAX];
	struct sp_outcome outcome = {0};
	struct utsname host;
	int64_t start_us = sp_clock_us();
	int rc = local_run(p, &spec, &command, id, &outcome, err);

	out->latency_us = sp_clock_us() - start_us;
	out->ok = rc == 0 && outcome.exit_code == 0;
	if (uname(&host) == 0)
		snprintf(out->version, sizeof(out->version), "Linux %.50s",
			host.release);
	if (rc < 0)
		snprintf(out->detail, sizeof(out->detail), "%.255s", err->msg);
	else if (outcome.exit_code)
		snprintf(out->detail, sizeof(out->detail), "/bin/sh ended with %d",
			outcome.exit_code);
	return 0;
}

const struct sp_driver sp_driver_local = {
	.name = "local",
	.capabilities = SP_CAP_STDIN | SP_CAP_SEPARATE_STDERR | SP_CAP_USER |
		SP_CAP_FILES | SP_CAP_LABELS | SP_CAP_LIST | SP_CAP_TTL |
		SP_CAP_MOUNTS | SP_CAP_LIMITS | SP_CAP_DISK_LIMIT |
		SP_CAP_SECCOMP_PROFILE | SP_CAP_NETWORK_NONE | SP_CAP_NETWORK_HOST |
		SP_CAP_ROOT_DIR | SP_CAP_OFFLINE | SP_CAP_FILE_OPS | SP_CAP_CPU_TIME |
		SP_CAP_PAUSE | SP_CAP_STATS | SP_CAP_SNAPSHOT | SP_CAP_FORK |
		SP_CAP_VOLUMES | SP_CAP_EVENTS | SP_CAP_NETWORK_ALLOW |
		SP_CAP_NETWORK_NAT | SP_CAP_PORTS | SP_CAP_TTY | SP_CAP_BACKGROUND |
		SP_CAP_TIMEOUT | SP_CAP_POOL | SP_CAP_REQUIRE,
	.open = local_open,
	.close = local_close,
	.health = local_health,
	.has_image = local_has_image,
	.create = local_noted_create,
	.run = local_warm_run,
	.exec = local_noted_exec,
	.get = local_get,
	.list = local_list,
	.inspect = local_inspect,
	.get_archive = local_get_archive,
	.put_archive = local_put_archive,
	.stat = local_stat,
	.destroy = local_noted_destroy,
	.set_ttl = local_noted_set_ttl,
	.pool_fill = local_pool_fill,
	.pools = local_pools,
	.pool_drain = local_pool_drain,
	.file = local_file,
	.pause = local_noted_pause,
	.resume = local_noted_resume,
	.stats = local_stats,
	.snapshot = local_noted_snapshot,
	.fork = local_noted_fork,
	.stored = local_stored,
	.stored_remove = local_stored_remove,
	.volume_create = local_volume_create,
	.port = local_port,
	.start = local_noted_start,
	.processes = local_processes,
	.logs = local_logs,
	.wait = local_wait,
	.signal = local_signal,
	.attach = local_attach,
	.events = local_events,
};
