/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/manager.h"

#include <string.h>

#include "base/strv.h"

struct sp_manager {
	const struct sp_registry *registry;
	char *provider; /* or NULL */
	struct sp_strv fallback;
	struct sp_provider_config config;
	char *state_dir, *store_dir, *data_dir, *libexec_dir;
	struct sp_provider *opened[SP_PROVIDERS_MAX]; /* as the registry's entries */
};

/* Names in the order in which they are tried. */
struct candidates {
	const char *names[2 * SP_PROVIDERS_MAX];
	size_t count;
};

static int check_name(
	const struct sp_registry *r, const char *name, struct sp_error *err)
{
	sp_autobuf struct sp_buf known = SP_BUF_INIT(1024);

	if (sp_registry_find(r, name))
		return 0;
	sp_registry_names(r, &known);
	return sp_fail(err, SP_ERR_NOT_FOUND,
		"there is no provider \"%.64s\" (there are: %s)", name,
		sp_buf_str(&known));
}

static int check_names(const struct sp_manager_opts *opts, struct sp_error *err)
{
	size_t count = 0;
	int rc = 0;

	if (opts->provider)
		rc = check_name(opts->registry, opts->provider, err);
	for (; rc == 0 && opts->fallback && opts->fallback[count]; count++)
		rc = check_name(opts->registry, opts->fallback[count], err);
	if (rc == 0 && count > SP_PROVIDERS_MAX)
		rc = sp_fail(err, SP_ERR_INVALID, "more than %d fallbacks",
			SP_PROVIDERS_MAX);
	return rc;
}

static char *copy_text(const char *text)
{
	return strdup(text ? text : "");
}

int sp_manager_open(const struct sp_manager_opts *opts, struct sp_manager **out,
	struct sp_error *err)
{
	struct sp_manager *m;
	int rc = check_names(opts, err);

	if (rc < 0)
		return rc;
	m = calloc(1, sizeof(*m));
	if (!m)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	m->registry = opts->registry;
	m->config = opts->config;
	m->provider = opts->provider ? strdup(opts->provider) : NULL;
	m->config.state_dir = m->state_dir = copy_text(opts->config.state_dir);
	m->config.store_dir = m->store_dir = copy_text(opts->config.store_dir);
	m->config.data_dir = m->data_dir = copy_text(opts->config.data_dir);
	m->config.libexec_dir = m->libexec_dir = copy_text(opts->config.libexec_dir);
	sp_strv_add_all(&m->fallback, opts->fallback);
	if ((opts->provider && !m->provider) || !m->state_dir || !m->store_dir ||
		!m->data_dir || !m->libexec_dir || sp_strv_ok(&m->fallback, NULL) < 0) {
		sp_manager_close(m);
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	*out = m;
	return 0;
}

void sp_manager_close(struct sp_manager *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->registry->count; i++)
		sp_provider_close(m->opened[i]);
	sp_strv_clear(&m->fallback);
	free(m->provider);
	free(m->state_dir);
	free(m->store_dir);
	free(m->data_dir);
	free(m->libexec_dir);
	free(m);
}

static int open_entry(struct sp_manager *m, const struct sp_registry_entry *entry,
	struct sp_provider **out, struct sp_error *err)
{
	const struct sp_driver *driver;
	int rc = sp_registry_driver(entry, m->libexec_dir, &driver, err);

	if (rc < 0)
		return sp_wrap(err, rc, "provider %s", entry->name);
	rc = driver->open(&m->config, out, err);
	if (rc < 0 && err)
		err->not_sent = true;
	return rc < 0 ? sp_wrap(err, rc, "provider %s", entry->name) : 0;
}

int sp_manager_provider(struct sp_manager *m, const char *name,
	struct sp_provider **out, struct sp_error *err)
{
	const struct sp_registry_entry *entry = sp_registry_find(m->registry, name);
	size_t i;
	int rc;

	if (!entry)
		return check_name(m->registry, name, err);
	i = (size_t)(entry - m->registry->entries);
	if (!m->opened[i]) {
		rc = open_entry(m, entry, &m->opened[i], err);
		if (rc < 0)
			return rc;
	}
	*out = m->opened[i];
	return 0;
}

size_t sp_manager_places(const struct sp_manager *m, const char **names)
{
	size_t count = 0;

	if (m->provider) {
		names[0] = m->provider;
		return 1;
	}
	for (size_t i = 0; i < m->registry->count; i++)
		if (m->registry->entries[i].answers &&
			m->registry->entries[i].answers())
			names[count++] = m->registry->entries[i].name;
	return count;
}

/* Does the provider answer, can it do all that, and has it, or can it get, the image? */
static bool can_serve(struct sp_manager *m, const char *name,
	const struct sp_sandbox_spec *spec, const struct sp_command *command)
{
	struct sp_provider *p = NULL;
	struct sp_error why = {0};
	int rc = sp_manager_provider(m, name, &p, &why);

	if (rc == 0)
		rc = sp_spec_supported(p->driver->capabilities, spec, &why);
	if (rc == 0 && command)
		rc = sp_command_supported(p->driver->capabilities, command, &why);
	if (rc == 0)
		rc = sp_provider_has_image(p, spec->image, &why);
	if (rc < 0)
		sp_log(SP_LOG_INFO, "provider passed over", "provider=%s error=%s",
			name, why.msg);
	return rc == 0;
}

/* The first that can serve.  The last is not asked: it says itself what is missing. */
static const char *choose(struct sp_manager *m, const struct sp_sandbox_spec *spec,
	const struct sp_command *command)
{
	const char *names[SP_PROVIDERS_MAX];
	size_t count = sp_manager_places(m, names);

	if (count == 0)
		return NULL;
	for (size_t i = 0; i + 1 < count; i++)
		if (can_serve(m, names[i], spec, command))
			return names[i];
	return names[count - 1];
}

static void add_candidate(struct candidates *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->names[i], name) == 0)
			return;
	c->names[c->count++] = name;
}

/* command NULL: none is known yet. */
static int find_candidates(struct sp_manager *m, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, struct candidates *c, struct sp_error *err)
{
	const char *first = choose(m, spec, command);

	if (first)
		add_candidate(c, first);
	for (size_t i = 0; i < m->fallback.count; i++)
		add_candidate(c, m->fallback.items[i]);
	if (c->count == 0)
		return sp_fail(err, SP_ERR_UNAVAILABLE, "no provider answers");
	return 0;
}

/* A request that makes no sense here makes none elsewhere. */
static bool is_worth_another(int rc)
{
	return rc != SP_ERR_INVALID && rc != SP_ERR_NOMEM && rc != SP_ERR_CANCELLED;
}

/*
 * Create on the first candidate that can, from *at on; *at is left there.  A failed create
 * left nothing behind (the drivers' contract), so the next one may be asked.
 */
static int create_on_one(struct sp_manager *m, const struct sp_sandbox_spec *spec,
	const struct candidates *c, size_t *at, struct sp_provider **where,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	struct sp_error scratch = {0};

	err = err ? err : &scratch;
	for (;; (*at)++) {
		int rc = sp_manager_provider(m, c->names[*at], where, err);

		if (rc == 0)
			rc = sp_provider_create(*where, spec, id, err);
		if (rc == 0 || *at + 1 >= c->count || !is_worth_another(rc))
			return rc;
		sp_log(SP_LOG_WARN, "falling back", "from=%s to=%s error=%s",
			c->names[*at], c->names[*at + 1], err->msg);
	}
}

int sp_manager_create(struct sp_manager *m, const struct sp_sandbox_spec *spec,
	struct sp_provider **where, char id[static SP_SANDBOX_ID_MAX],
	struct sp_error *err)
{
	struct candidates c = {.count = 0};
	size_t at = 0;
	int rc = sp_spec_check(spec, err);

	if (rc == 0)
		rc = find_candidates(m, spec, NULL, &c, err);
	return rc < 0 ? rc : create_on_one(m, spec, &c, &at, where, id, err);
}

int sp_manager_run(struct sp_manager *m, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, struct sp_provider **where,
	char id[static SP_SANDBOX_ID_MAX], struct sp_outcome *out, struct sp_error *err)
{
	struct candidates c = {.count = 0};
	size_t at = 0;
	int rc = sp_spec_check(spec, err);

	if (rc == 0)
		rc = sp_command_check(command, err);
	if (rc == 0)
		rc = find_candidates(m, spec, command, &c, err);
	if (rc < 0)
		return rc;
	if (c.count == 1) {
		rc = sp_manager_provider(m, c.names[0], where, err);
		return rc < 0 ? rc
			      : sp_provider_run(*where, spec, command, id, out, err);
	}
	/* In two steps, for only of a failed create is it certain that nothing ran. */
	rc = create_on_one(m, spec, &c, &at, where, id, err);
	return rc < 0 ? rc : sp_provider_run_created(*where, id, command, out, err);
}
