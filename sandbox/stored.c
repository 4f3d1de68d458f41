/* SPDX-License-Identifier: Apache-2.0 */
/* Snapshots, forks, volumes and events: what is asked of one provider. */
#include "sandbox/sandbox.h"

int sp_sandbox_snapshot(struct sp_client *client, const char *handle, const char *name,
	struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_snapshot(p, id, name, err);
}

int sp_sandbox_fork(struct sp_client *client, const char *handle,
	char fork[SP_HANDLE_MAX], struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX], fork_id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	if (rc == 0)
		rc = sp_provider_fork(p, id, fork_id, err);
	if (rc == 0)
		sp_handle_make(fork, p, fork_id);
	return rc;
}

/* The one that was named; else the first that answers and has what is asked for. */
static int find_provider(struct sp_client *client, const char *name,
	uint32_t capability, const char *what, struct sp_provider **p,
	struct sp_error *err)
{
	const char *names[SP_PROVIDERS_MAX];
	size_t count;

	if (!name)
		name = client->provider;
	if (name)
		return sp_manager_provider(client->manager, name, p, err);
	count = sp_manager_places(client->manager, names);
	for (size_t i = 0; i < count; i++)
		if (sp_manager_provider(client->manager, names[i], p, NULL) == 0 &&
			((*p)->driver->capabilities & capability))
			return 0;
	return sp_fail(err, SP_ERR_UNSUPPORTED, "no provider here has %s", what);
}

static int find_store(struct sp_client *client, const char *name,
	enum sp_stored_kind kind, struct sp_provider **p, struct sp_error *err)
{
	if (kind == SP_STORED_SNAPSHOT)
		return find_provider(
			client, name, SP_CAP_SNAPSHOT, "snapshots", p, err);
	if (kind == SP_STORED_VOLUME)
		return find_provider(client, name, SP_CAP_VOLUMES, "volumes", p, err);
	return sp_fail(err, SP_ERR_INVALID, "there is no such kind of thing");
}

int sp_stored_list(struct sp_client *client, const char *provider,
	enum sp_stored_kind kind, struct sp_stored_list *out, struct sp_error *err)
{
	struct sp_stored_list list = {0};
	struct sp_provider *p = NULL;
	int rc = find_store(client, provider, kind, &p, err);

	if (rc == 0)
		rc = sp_provider_stored(p, kind, &list, err);
	if (rc == 0)
		*out = list;
	return rc;
}

int sp_stored_remove(struct sp_client *client, const char *provider,
	enum sp_stored_kind kind, const char *name, struct sp_error *err)
{
	struct sp_provider *p = NULL;
	int rc = find_store(client, provider, kind, &p, err);

	return rc < 0 ? rc : sp_provider_stored_remove(p, kind, name, err);
}

int sp_volume_create(struct sp_client *client, const char *provider, const char *name,
	struct sp_error *err)
{
	struct sp_provider *p = NULL;
	int rc = find_store(client, provider, SP_STORED_VOLUME, &p, err);

	return rc < 0 ? rc : sp_provider_volume_create(p, name, err);
}

int sp_client_events(struct sp_client *client, const struct sp_events_opts *opts,
	struct sp_error *err)
{
	struct sp_events_opts of_provider = *opts;
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc;

	if (opts->handle) {
		rc = sp_client_locate(client, opts->handle, &p, id, err);
		of_provider.handle = id;
	} else {
		rc = find_provider(client, NULL, SP_CAP_EVENTS, "events", &p, err);
	}
	return rc < 0 ? rc : sp_provider_events(p, &of_provider, err);
}
