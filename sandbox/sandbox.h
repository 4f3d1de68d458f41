/* SPDX-License-Identifier: Apache-2.0 */
/* The client behind include/sandpit.h, as far as the files of this folder share it. */
#ifndef SP_SANDBOX_SANDBOX_H
#define SP_SANDBOX_SANDBOX_H

#include "providers/manager.h"
#include "sandbox/dirs.h"

struct sp_client {
	struct sp_manager *manager;
	struct sp_dirs dirs;
	char *provider; /* the one that was named, or NULL */
};

/* sp_client_open() with providers of the caller's: how the tests bring their own. */
int sp_client_open_with(const struct sp_client_opts *opts,
	const struct sp_registry *registry, struct sp_client **out,
	struct sp_error *err);

/* The provider and the ID a handle means; *p is borrowed. */
int sp_client_locate(struct sp_client *client, const char *handle,
	struct sp_provider **p, char id[static SP_SANDBOX_ID_MAX],
	struct sp_error *err);

/* PROVIDER:ID. */
void sp_handle_make(
	char handle[static SP_HANDLE_MAX], const struct sp_provider *p, const char *id);

#endif
