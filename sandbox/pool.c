/* SPDX-License-Identifier: Apache-2.0 */
/* Pools, on the provider that was named or the first that has any. */
#include "sandbox/sandbox.h"

static int find_place(
	struct sp_client *client, struct sp_provider **out, struct sp_error *err)
{
	const char *names[SP_PROVIDERS_MAX];
	size_t count = sp_manager_places(client->manager, names);

	for (size_t i = 0; i < count; i++) {
		struct sp_provider *p = NULL;
		int rc = sp_manager_provider(client->manager, names[i], &p, err);

		if (rc < 0)
			return rc;
		if (i + 1 == count || (p->driver->capabilities & SP_CAP_POOL)) {
			*out = p;
			return 0;
		}
	}
	return sp_fail(err, SP_ERR_UNAVAILABLE, "no provider answers");
}

int sp_pool_fill(struct sp_client *client, const struct sp_sandbox_spec *spec,
	const struct sp_pool_opts *opts, struct sp_pool_info *out, struct sp_error *err)
{
	struct sp_provider *p = NULL;
	int rc = find_place(client, &p, err);

	return rc < 0 ? rc : sp_provider_pool_fill(p, spec, opts, out, err);
}

int sp_pool_list(
	struct sp_client *client, struct sp_pool_list *out, struct sp_error *err)
{
	struct sp_provider *p = NULL;
	int rc = find_place(client, &p, err);

	return rc < 0 ? rc : sp_provider_pools(p, out, err);
}

int sp_pool_drain(struct sp_client *client, const char *name, struct sp_error *err)
{
	struct sp_provider *p = NULL;
	int rc = find_place(client, &p, err);

	return rc < 0 ? rc : sp_provider_pool_drain(p, name, err);
}
