/* SPDX-License-Identifier: Apache-2.0 */
/* Filling, listing and draining pools. */
#include "providers/local/pool.h"

#include <string.h>

#include "base/clock.h"

#define MAX_IDLE_MS  ((int64_t)300 * 1000)
#define TTL_MS       ((int64_t)3600 * 1000)
#define DURATION_MAX ((int64_t)10 * 365 * 24 * 3600 * 1000)

/* One whose supervisor ended, by itself or not, is no longer offered. */
static bool is_alive(int base, const char *id)
{
	enum sp_liveness life;

	return sp_state_life(base, id, &life, NULL, NULL) == 0 &&
		life == SP_LIFE_RUNNING;
}

/* How many can be taken; what is dead is taken out and cleaned away. */
static int count_ready(
	struct local *l, const struct pool *pool, uint32_t *count, struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(l->sandboxes, err);
	sp_autostrv struct sp_strv ids = {0};
	int rc = base < 0 ? base : pool_ready(pool, &ids, err);

	*count = 0;
	for (size_t i = 0; rc == 0 && i < ids.count; i++) {
		if (is_alive(base, ids.items[i]))
			(*count)++;
		else if (pool_claim(pool, ids.items[i]))
			(void)local_destroy(&l->base, ids.items[i], NULL);
	}
	return rc;
}

static int add_one(struct local *l, const struct pool *pool,
	const struct pool_settings *settings, const struct pool_spec *spec,
	struct sp_error *err)
{
	struct sp_sandbox_spec one = spec->spec;
	char id[SP_SANDBOX_ID_MAX];
	int rc;

	one.ttl_ms = settings->max_idle_ms;
	rc = local_create_for_pool(l, &one, pool->name, id, err);
	if (rc < 0)
		return rc;
	rc = pool_offer(pool, id, err);
	if (rc < 0)
		(void)local_destroy(&l->base, id, NULL);
	return rc;
}

/* Too many, because it was filled with a smaller size. */
static void shrink(struct local *l, const struct pool *pool, uint32_t extra)
{
	sp_autostrv struct sp_strv ids = {0};

	if (pool_ready(pool, &ids, NULL) < 0)
		return;
	for (size_t i = 0; i < ids.count && extra; i++)
		if (pool_claim(pool, ids.items[i])) {
			(void)local_destroy(&l->base, ids.items[i], NULL);
			extra--;
		}
}

/*
 * One step under the lock, so that a drain waits for no more than this.  Returns 1 when
 * there is more to do.
 */
static int fill_one(
	struct local *l, const struct pool *pool, bool wait, struct sp_error *err)
{
	autopoolspec struct pool_spec spec = {.mounts = NULL};
	sp_autoclose int lock = pool_lock(pool, wait);
	struct pool_settings settings = {0};
	uint32_t ready;
	int rc;

	if (lock < 0)
		return 0; /* whoever holds it looks once more after that */
	rc = pool_read(pool, &settings, &spec, err);
	if (rc == 0)
		rc = count_ready(l, pool, &ready, err);
	if (rc < 0)
		return rc;
	if (ready > settings.size)
		shrink(l, pool, ready - settings.size);
	if (ready >= settings.size || sp_clock_real_ms() >= settings.expires_ms)
		return 0;
	rc = add_one(l, pool, &settings, &spec, err);
	return rc < 0 ? rc : 1;
}

static int fill(
	struct local *l, const struct pool *pool, bool wait, struct sp_error *err)
{
	int rc;

	while ((rc = fill_one(l, pool, wait, err)) > 0)
		;
	return rc;
}

int local_pool_refill(struct local *l, const char *name, struct sp_error *err)
{
	autopool struct pool pool = {.fd = -1};
	int rc = pool_open(l, name, &pool, err);

	return rc < 0 ? rc : fill(l, &pool, false, err);
}

static int info_of(struct local *l, const struct pool *pool, struct sp_pool_info *out,
	struct sp_error *err)
{
	autopoolspec struct pool_spec spec = {.mounts = NULL};
	struct pool_settings settings = {0};
	struct sp_pool_info info = {.size = 0};
	int rc = pool_read(pool, &settings, &spec, err);

	if (rc == 0)
		rc = count_ready(l, pool, &info.ready, err);
	if (rc < 0)
		return rc;
	memcpy(info.name, pool->name, sizeof(pool->name));
	info.image = strdup(spec.spec.image ? spec.spec.image : LOCAL_IMAGE_HOST);
	info.size = settings.size;
	info.expires_ms = settings.expires_ms;
	info.taken = pool_counted(pool, POOL_TAKEN);
	info.missed = pool_counted(pool, POOL_MISSED);
	if (!info.image)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	*out = info;
	return 0;
}

static int settings_of(const struct sp_pool_opts *opts, struct pool_settings *out,
	struct sp_error *err)
{
	const int64_t ttl_ms = opts->ttl_ms ? opts->ttl_ms : TTL_MS;

	*out = (struct pool_settings){.size = opts->size,
		.max_idle_ms = opts->max_idle_ms ? opts->max_idle_ms : MAX_IDLE_MS,
		.expires_ms = sp_clock_real_ms() + ttl_ms};
	if (opts->size < 1 || opts->size > POOL_SIZE_MAX)
		return sp_fail(err, SP_ERR_INVALID, "size %u is not 1 to %d",
			opts->size, POOL_SIZE_MAX);
	if (opts->max_idle_ms < 0 || opts->max_idle_ms > DURATION_MAX || ttl_ms < 0 ||
		ttl_ms > DURATION_MAX)
		return sp_fail(err, SP_ERR_INVALID, "a time out of range");
	return 0;
}

int local_pool_fill(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_pool_opts *opts, struct sp_pool_info *out, struct sp_error *err)
{
	autopool struct pool pool = {.fd = -1};
	struct local *l = local_of(p);
	struct pool_settings settings;
	int rc = settings_of(opts, &settings, err);

	if (rc == 0)
		rc = pool_make(l, spec, &settings, &pool, err);
	if (rc == 0)
		rc = fill(l, &pool, true, err);
	return rc < 0 ? rc : info_of(l, &pool, out, err);
}

int local_pools(struct sp_provider *p, struct sp_pool_list *out, struct sp_error *err)
{
	SP_AUTO(sp_pool_list_clear) struct sp_pool_list list = {0};
	sp_autostrv struct sp_strv names = {0};
	struct local *l = local_of(p);
	int rc = pool_names(l, &names, err);

	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		autopool struct pool pool = {.fd = -1};
		struct sp_pool_info info = {.size = 0};

		rc = pool_open(l, names.items[i], &pool, err);
		if (rc == 0)
			rc = info_of(l, &pool, &info, err);
		if (rc == 0)
			rc = sp_pool_list_add(&list, &info, err);
		sp_pool_info_clear(&info);
		if (rc == SP_ERR_NOT_FOUND) /* being drained, or outdated */
			rc = 0;
	}
	if (rc < 0)
		return rc;
	*out = list;
	list = (struct sp_pool_list){0};
	return 0;
}

static int drain(struct local *l, const char *name, struct sp_error *err)
{
	autopool struct pool pool = {.fd = -1};
	sp_autostrv struct sp_strv ids = {0};
	sp_autoclose int lock = -1;
	int rc = pool_open(l, name, &pool, err);

	if (rc < 0)
		return rc;
	pool_unset(&pool);
	lock = pool_lock(&pool, true);
	if (lock < 0)
		return sp_fail_errno(err, "lock pool %s", name);
	rc = pool_ready(&pool, &ids, err);
	for (size_t i = 0; i < ids.count; i++) {
		struct sp_error why = {0};

		if (!pool_claim(&pool, ids.items[i]))
			continue; /* taken just now: it is somebody's */
		if (local_destroy(&l->base, ids.items[i], &why) < 0 && rc == 0) {
			*err = why;
			rc = why.code;
		}
	}
	if (rc == 0)
		pool_remove(l, &pool);
	return rc;
}

int local_pool_drain(struct sp_provider *p, const char *name, struct sp_error *err)
{
	sp_autostrv struct sp_strv names = {0};
	struct local *l = local_of(p);
	int rc = 0;

	if (name)
		return drain(l, name, err);
	rc = pool_names(l, &names, err);
	for (size_t i = 0; rc == 0 && i < names.count; i++) {
		rc = drain(l, names.items[i], err);
		if (rc == SP_ERR_NOT_FOUND)
			rc = 0;
	}
	return rc;
}
