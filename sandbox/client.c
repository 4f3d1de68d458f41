/* SPDX-License-Identifier: Apache-2.0 */
/* Opening and closing, and what handles mean. */
#include <stdio.h>
#include <string.h>

#include "sandbox/sandbox.h"

/* Fewer characters would soon mean another sandbox than yesterday. */
#define PREFIX_MIN 4

int sp_client_open_with(const struct sp_client_opts *opts,
	const struct sp_registry *registry, struct sp_client **out,
	struct sp_error *err)
{
	const struct sp_client_opts none = {0};
	struct sp_manager_opts m = {.registry = registry};
	struct sp_client *client = calloc(1, sizeof(*client));
	int rc;

	if (!client)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	opts = opts ? opts : &none;
	rc = sp_dirs_find(opts->state_dir, &client->dirs, err);
	if (rc == 0 && opts->provider) {
		client->provider = strdup(opts->provider);
		if (!client->provider)
			rc = sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	if (rc == 0) {
		m.provider = opts->provider;
		m.fallback = opts->fallback;
		m.config = (struct sp_provider_config){
			.state_dir = client->dirs.state,
			.store_dir = client->dirs.store,
			.data_dir = client->dirs.data,
			.libexec_dir = client->dirs.libexec,
			.on_progress = opts->on_progress,
			.progress_ctx = opts->progress_ctx,
		};
		rc = sp_manager_open(&m, &client->manager, err);
	}
	if (rc < 0) {
		sp_client_close(client);
		return rc;
	}
	*out = client;
	return 0;
}

int sp_client_open(
	const struct sp_client_opts *opts, struct sp_client **out, struct sp_error *err)
{
	return sp_client_open_with(opts, &sp_registry_builtin, out, err);
}

void sp_client_close(struct sp_client *client)
{
	if (!client)
		return;
	sp_manager_close(client->manager);
	sp_dirs_clear(&client->dirs);
	free(client->provider);
	free(client);
}

const char *const *sp_client_provider_names(void)
{
	static const char *names[SP_PROVIDERS_MAX + 1];

	for (size_t i = 0; i < sp_registry_builtin.count; i++)
		names[i] = sp_registry_builtin.entries[i].name;
	return names;
}

void sp_handle_make(
	char handle[static SP_HANDLE_MAX], const struct sp_provider *p, const char *id)
{
	snprintf(handle, SP_HANDLE_MAX, "%s:%s", p->driver->name, id);
}

/* A search over providers: what was found, and why some could not be asked. */
struct search {
	struct sp_provider *where;
	char id[SP_SANDBOX_ID_MAX];
	char other[SP_SANDBOX_ID_MAX]; /* a second one that would fit */
	size_t count;
	struct sp_error trouble; /* the first, other than NOT_FOUND */
};

static void note_trouble(struct search *s, const struct sp_error *err)
{
	if (err->code != SP_ERR_NOT_FOUND && s->trouble.code == SP_OK)
		s->trouble = *err;
}

static void note_found(struct search *s, struct sp_provider *p, const char *id)
{
	if (s->count++ == 0) {
		s->where = p;
		snprintf(s->id, sizeof(s->id), "%s", id);
	} else {
		snprintf(s->other, sizeof(s->other), "%s", id);
	}
}

static void search_exact(struct search *s, struct sp_provider *p, const char *id)
{
	sp_autoinfo struct sp_sandbox_info info = {0};
	struct sp_error err = {0};

	if (sp_provider_get(p, id, &info, &err) == 0)
		note_found(s, p, id);
	else
		note_trouble(s, &err);
}

static void search_prefix(struct search *s, struct sp_provider *p, const char *prefix)
{
	sp_autolist struct sp_sandbox_list list = {0};
	struct sp_error err = {0};

	if (sp_provider_list(p, NULL, 0, &list, &err) < 0) {
		note_trouble(s, &err);
		return;
	}
	for (size_t i = 0; i < list.count; i++)
		if (strncmp(list.items[i].id, prefix, strlen(prefix)) == 0)
			note_found(s, p, list.items[i].id);
}

typedef void search_fn(struct search *s, struct sp_provider *p, const char *id);

static void search_all(struct search *s, struct sp_client *client, const char **names,
	size_t count, const char *id, search_fn *look)
{
	for (size_t i = 0; i < count; i++) {
		struct sp_error err = {0};
		struct sp_provider *p = NULL;

		if (sp_manager_provider(client->manager, names[i], &p, &err) < 0)
			note_trouble(s, &err);
		else
			look(s, p, id);
	}
}

static int search_result(const struct search *s, const char *name, struct sp_error *err)
{
	if (s->count == 1)
		return 0;
	if (s->count > 1)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" could be %s or %s: give more of it", name, s->id,
			s->other);
	if (s->trouble.code != SP_OK) {
		if (err)
			*err = s->trouble;
		return sp_wrap(err, s->trouble.code, "find sandbox %.64s", name);
	}
	return sp_fail(err, SP_ERR_NOT_FOUND, "there is no sandbox %.64s", name);
}

/* What handle or name means; provider may be empty. */
static int search_named(struct sp_client *client, const char *name,
	const char *provider, const char *id, struct search *s, struct sp_error *err)
{
	const char *names[SP_PROVIDERS_MAX];
	size_t count = 1;

	names[0] = provider;
	if (!*provider)
		count = sp_manager_places(client->manager, names);
	search_all(s, client, names, count, id, search_exact);
	if (s->count == 0 && strlen(id) >= PREFIX_MIN)
		search_all(s, client, names, count, id, search_prefix);
	return search_result(s, name, err);
}

static int parse_handle(struct sp_client *client, const char *handle,
	char provider[static SP_PROVIDER_NAME_MAX], char id[static SP_SANDBOX_ID_MAX],
	struct sp_error *err)
{
	int rc = sp_handle_parse(handle ? handle : "", provider, id, err);

	if (rc < 0)
		return rc;
	if (*provider && client->provider && strcmp(provider, client->provider) != 0)
		return sp_fail(err, SP_ERR_INVALID,
			"sandbox %s is not one of provider %s", handle,
			client->provider);
	return 0;
}

int sp_client_locate(struct sp_client *client, const char *handle,
	struct sp_provider **p, char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	char provider[SP_PROVIDER_NAME_MAX];
	struct search s = {.count = 0};
	int rc = parse_handle(client, handle, provider, id, err);

	if (rc < 0)
		return rc;
	/* A whole handle needs no search: the op itself will say if it is gone. */
	if (*provider)
		return sp_manager_provider(client->manager, provider, p, err);
	rc = search_named(client, handle, provider, id, &s, err);
	if (rc < 0)
		return rc;
	*p = s.where;
	memcpy(id, s.id, sizeof(s.id));
	return 0;
}

int sp_sandbox_resolve(struct sp_client *client, const char *name,
	char handle[SP_HANDLE_MAX], struct sp_error *err)
{
	char provider[SP_PROVIDER_NAME_MAX], id[SP_SANDBOX_ID_MAX];
	struct search s = {.count = 0};
	int rc = parse_handle(client, name, provider, id, err);

	if (rc == 0)
		rc = search_named(client, name, provider, id, &s, err);
	if (rc == 0)
		sp_handle_make(handle, s.where, s.id);
	return rc;
}
