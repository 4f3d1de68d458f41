/* SPDX-License-Identifier: Apache-2.0 */
/* The mounts of a sandbox on its record: as they were asked for, so that a fork has them. */
#ifndef SP_PROVIDERS_LOCAL_MOUNTS_H
#define SP_PROVIDERS_LOCAL_MOUNTS_H

#include "base/strv.h"
#include "providers/local/local.h"

/* "rw|ro:volume|folder:SOURCE:TARGET", the source percent-encoded. */
int mounts_note(struct sp_strv *to, const struct sp_mount *m, struct sp_error *err);

/*
 * Back again; the caller frees *out, whose texts belong to *texts.  PROTOCOL for what
 * mounts_note() did not write.
 */
int mounts_read(const struct sp_strv *from, struct sp_mount **out, size_t *count,
	struct sp_strv *texts, struct sp_error *err);

bool mounts_have_volume(const struct sp_strv *mounts, const char *name);

#endif
