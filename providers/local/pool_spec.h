/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A specification as text: by it a pool is known, and from it a pool is filled again.
 * Labels and time to live are not part of it.
 */
#ifndef SP_PROVIDERS_LOCAL_POOL_SPEC_H
#define SP_PROVIDERS_LOCAL_POOL_SPEC_H

#include "base/buf.h"
#include "base/strv.h"

#define POOL_SPEC_MAX  ((size_t)1 << 20)
#define POOL_NAME_SIZE 24

/* One that was read; what spec points to is in here. */
struct pool_spec {
	struct sp_sandbox_spec spec;
	struct sp_strv texts, env, allow, require;
	struct sp_mount *mounts;
};
void pool_spec_clear(struct pool_spec *p);
#define autopoolspec SP_AUTO(pool_spec_clear)

/* UNSUPPORTED for what cannot be held ready. */
int pool_spec_print(
	struct sp_buf *out, const struct sp_sandbox_spec *spec, struct sp_error *err);
/* PROTOCOL for anything that does not parse to its end. */
int pool_spec_parse(
	const char *text, size_t len, struct pool_spec *out, struct sp_error *err);

/* The name of the pool for this text. */
void pool_spec_name(char name[static POOL_NAME_SIZE], const struct sp_buf *text);

#endif
