/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sandboxes prepared ahead.  A pool is a folder named after its specification; a sandbox
 * that waits in it is a file named after its ID, and whoever takes that file away has the
 * sandbox: there is no server and no lock.
 */
#ifndef SP_PROVIDERS_LOCAL_POOL_H
#define SP_PROVIDERS_LOCAL_POOL_H

#include "providers/local/local.h"
#include "providers/local/pool_spec.h"

#define POOLS_FOLDER  "pools"
#define POOL_SIZE_MAX 4096

/* Counters are files that grow by a byte. */
#define POOL_TAKEN  "taken"
#define POOL_MISSED "missed"

/* pool_store.c: what is on disk. */
struct pool {
	char name[POOL_NAME_SIZE];
	int fd; /* its folder; -1: there is none */
};
struct pool_settings {
	uint32_t size;
	int64_t max_idle_ms, expires_ms;
};
void pool_close(struct pool *pool);
#define autopool SP_AUTO(pool_close)

int pool_open(const struct local *l, const char *name, struct pool *out,
	struct sp_error *err);
/* The one of this specification; out->fd is -1 when there is none. */
int pool_find(const struct local *l, const struct sp_sandbox_spec *spec,
	struct pool *out, struct sp_error *err);
/* Make it, or give it other settings. */
int pool_make(const struct local *l, const struct sp_sandbox_spec *spec,
	const struct pool_settings *settings, struct pool *out, struct sp_error *err);
/* Of a pool that is drained or outdated NOT_FOUND. */
int pool_read(const struct pool *pool, struct pool_settings *settings,
	struct pool_spec *spec, struct sp_error *err);
int pool_names(const struct local *l, struct sp_strv *names, struct sp_error *err);
/* The IDs of those that wait in it. */
int pool_ready(const struct pool *pool, struct sp_strv *ids, struct sp_error *err);
int pool_offer(const struct pool *pool, const char *id, struct sp_error *err);
bool pool_claim(const struct pool *pool, const char *id);
bool pool_has(const struct local *l, const char *name, const char *id);
void pool_count(const struct pool *pool, const char *counter);
uint64_t pool_counted(const struct pool *pool, const char *counter);
/* One filler at a time; -1 without waiting when another is at it. */
int pool_lock(const struct pool *pool, bool wait);
void pool_unset(const struct pool *pool);
void pool_remove(const struct local *l, const struct pool *pool);

/* pool.c */
int local_pool_fill(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_pool_opts *opts, struct sp_pool_info *out,
	struct sp_error *err);
int local_pools(struct sp_provider *p, struct sp_pool_list *out, struct sp_error *err);
int local_pool_drain(struct sp_provider *p, const char *name, struct sp_error *err);
/* Fill it up again, unless somebody is at it or its time is over. */
int local_pool_refill(struct local *l, const char *name, struct sp_error *err);

/* warm.c: create and run, from a pool where there is one, else new. */
int local_warm_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err);
int local_warm_run(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err);

#endif
