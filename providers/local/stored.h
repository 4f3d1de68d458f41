/* SPDX-License-Identifier: Apache-2.0 */
/* The driver's ops on what outlives sandboxes, and on copies of sandboxes. */
#ifndef SP_PROVIDERS_LOCAL_STORED_H
#define SP_PROVIDERS_LOCAL_STORED_H

#include "providers/local/store.h"

/* volumes.c */
int local_volume_create(struct sp_provider *p, const char *name, struct sp_error *err);
int local_stored(struct sp_provider *p, enum sp_stored_kind kind,
	struct sp_stored_list *out, struct sp_error *err);
int local_stored_remove(struct sp_provider *p, enum sp_stored_kind kind,
	const char *name, struct sp_error *err);

/* snapshot.c */
int local_snapshot(
	struct sp_provider *p, const char *id, const char *name, struct sp_error *err);
int local_fork(struct sp_provider *p, const char *id,
	char fork_id[static SP_SANDBOX_ID_MAX], struct sp_error *err);

#endif
