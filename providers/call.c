/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/call.h"

#include "base/enc.h"

int sp_call_on_provider(
	const struct sp_provider *p, int rc, const char *op, struct sp_error *err)
{
	return rc < 0 ? sp_wrap(err, rc, "%s on %s", op, p->driver->name) : rc;
}

/* What makes a sandbox is what the caller called: its name would only be said twice. */
int sp_call_by_provider(const struct sp_provider *p, int rc, struct sp_error *err)
{
	return rc < 0 ? sp_wrap(err, rc, "%s", p->driver->name) : rc;
}

int sp_call_on_sandbox(const struct sp_provider *p, int rc, const char *op,
	const char *id, struct sp_error *err)
{
	return rc < 0 ? sp_wrap(err, rc, "%s %s:%s", op, p->driver->name, id) : rc;
}

/* Nothing was sent, so another provider may be asked at once. */
int sp_call_not_offered(struct sp_error *err)
{
	(void)sp_fail(err, SP_ERR_UNSUPPORTED, "this provider cannot do that");
	err->not_sent = true;
	return SP_ERR_UNSUPPORTED;
}

/* Marks the refusal of a check as one that reached nobody. */
int sp_call_unsent(int rc, struct sp_error *err)
{
	if (rc < 0)
		err->not_sent = true;
	return rc;
}

int sp_call_check_id(const char *id, struct sp_error *err)
{
	if (!id || !sp_name_ok(id))
		return sp_call_unsent(
			sp_fail(err, SP_ERR_INVALID, "that is no name of a sandbox"),
			err);
	return 0;
}

int sp_call_check_path(const char *path, struct sp_error *err)
{
	if (!path || path[0] != '/')
		return sp_call_unsent(
			sp_fail(err, SP_ERR_INVALID,
				"path \"%s\" does not begin with /", path ? path : ""),
			err);
	return 0;
}
