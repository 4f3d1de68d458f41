/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which provider gets a request: the one that was named, else the first that answers and
 * has the image; the next one only while nothing has run.
 */
#ifndef SP_PROVIDERS_MANAGER_H
#define SP_PROVIDERS_MANAGER_H

#include "providers/registry.h"

struct sp_manager;

struct sp_manager_opts {
	const struct sp_registry *registry;
	const char *provider;             /* or NULL: choose */
	const char *const *fallback;      /* NULL-terminated, or NULL */
	struct sp_provider_config config; /* the texts are copied */
};

/* Check the names; no provider is opened before it is needed. */
int sp_manager_open(const struct sp_manager_opts *opts, struct sp_manager **out,
	struct sp_error *err);
void sp_manager_close(struct sp_manager *m);

/* One provider by name, opened on first use, borrowed. */
int sp_manager_provider(struct sp_manager *m, const char *name,
	struct sp_provider **out, struct sp_error *err);

/*
 * Where sandboxes may be: the provider that was named, or all that look as if they
 * answer.  Fills names, at most SP_PROVIDERS_MAX, borrowed; returns how many.
 */
size_t sp_manager_places(const struct sp_manager *m, const char **names);

/* Create on the provider of choice; *where is borrowed. */
int sp_manager_create(struct sp_manager *m, const struct sp_sandbox_spec *spec,
	struct sp_provider **where, char id[static SP_SANDBOX_ID_MAX],
	struct sp_error *err);

/* Create, run, destroy on the provider of choice. */
int sp_manager_run(struct sp_manager *m, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, struct sp_provider **where,
	char id[static SP_SANDBOX_ID_MAX], struct sp_outcome *out,
	struct sp_error *err);

#endif
