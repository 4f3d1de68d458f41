/* SPDX-License-Identifier: Apache-2.0 */
/* Create and run, from a pool where there is one for the specification. */
#include <string.h>
#include <sys/wait.h>

#include "base/proc.h"
#include "providers/local/pool.h"

/*
 * Fill it again, in a process of its own which no one waits for: the program goes on in
 * the background.
 */
static void refill(const struct local *l, const struct pool *pool)
{
	const char *argv[SP_RUNNER_REFILL_MAX] = {NULL};
	const struct sp_spawn s = {
		.path = l->refill, .argv = argv, .fds = {-1, -1, -1}, .fd_count = 3};
	struct sp_error why = {0};
	pid_t pid;

	local_refill_argv(l, pool->name, argv);
	pid = sp_spawn(&s, NULL, &why);

	if (pid > 0)
		(void)sp_wait(pid, -1, 0, NULL, &why);
	else
		sp_log(SP_LOG_WARN, "pool not filled again", "error=%s", why.msg);
}

/* The next that is ours alone, and lives as far as its supervisor can still tell. */
static bool take(const struct pool *pool, struct sp_strv *ids, size_t *at,
	char id[static SP_SANDBOX_ID_MAX])
{
	while (*at < ids->count) {
		const char *next = ids->items[(*at)++];

		if (!pool_claim(pool, next))
			continue;
		memcpy(id, next, strlen(next) + 1);
		return true;
	}
	return false;
}

static int open_for(const struct local *l, const struct sp_sandbox_spec *spec,
	struct pool *pool, struct sp_strv *ids)
{
	int rc = pool_find(l, spec, pool, NULL);

	if (rc < 0 || pool->fd < 0)
		return -1;
	return pool_ready(pool, ids, NULL);
}

int local_warm_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	autopool struct pool pool = {.fd = -1};
	sp_autostrv struct sp_strv ids = {0};
	struct local *l = local_of(p);
	size_t at = 0;
	int rc;

	if (open_for(l, spec, &pool, &ids) < 0)
		return local_create(p, spec, id, err);
	while (take(&pool, &ids, &at, id)) {
		if (local_make_ours(l, id, spec, NULL) == 0) {
			pool_count(&pool, POOL_TAKEN);
			refill(l, &pool);
			return 0;
		}
		(void)local_destroy(p, id, NULL); /* it died waiting */
	}
	pool_count(&pool, POOL_MISSED);
	rc = local_create(p, spec, id, err);
	refill(l, &pool);
	return rc;
}

/* Its supervisor sees to it that the pool is filled again, and that it ends. */
static int run_in(struct sp_provider *p, const char *id,
	const struct sp_sandbox_spec *spec, const struct sp_command *command,
	struct sp_outcome *out, struct sp_error *err)
{
	int rc = spec->label_count ? local_make_ours(local_of(p), id, spec, err) : 0;

	if (rc < 0) {
		err->not_sent = true;
		return rc;
	}
	return local_exec_last(p, id, command, out, err);
}

int local_warm_run(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err)
{
	autopool struct pool pool = {.fd = -1};
	sp_autostrv struct sp_strv ids = {0};
	struct local *l = local_of(p);
	size_t at = 0;
	int rc;

	if (open_for(l, spec, &pool, &ids) < 0)
		return local_run(p, spec, command, id, out, err);
	while (take(&pool, &ids, &at, id)) {
		struct sp_error why = {0};

		rc = run_in(p, id, spec, command, out, &why);
		if (rc == 0 || !why.not_sent) {
			pool_count(&pool, POOL_TAKEN);
			if (rc < 0 && err)
				*err = why;
			return rc;
		}
		(void)local_destroy(p, id, NULL); /* it died waiting */
	}
	pool_count(&pool, POOL_MISSED);
	rc = local_run(p, spec, command, id, out, err);
	refill(l, &pool);
	return rc;
}
