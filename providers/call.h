/* SPDX-License-Identifier: Apache-2.0 */
/* What every wrapper around a driver's op does: check its arguments, name what failed. */
#ifndef SP_PROVIDERS_CALL_H
#define SP_PROVIDERS_CALL_H

#include "providers/provider.h"

/* A caller who does not want the error still has to get the right code. */
#define NEED_ERR(err) \
	struct sp_error scratch_ = {0}; \
	(err) = (err) ? (err) : &scratch_

int sp_call_on_provider(
	const struct sp_provider *p, int rc, const char *op, struct sp_error *err);
int sp_call_by_provider(const struct sp_provider *p, int rc, struct sp_error *err);
int sp_call_on_sandbox(const struct sp_provider *p, int rc, const char *op,
	const char *id, struct sp_error *err);
int sp_call_not_offered(struct sp_error *err);
int sp_call_unsent(int rc, struct sp_error *err);
int sp_call_check_id(const char *id, struct sp_error *err);
int sp_call_check_path(const char *path, struct sp_error *err);

#endif
