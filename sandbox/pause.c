/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping a sandbox and letting it go on, and what it uses. */
#include "sandbox/sandbox.h"

int sp_sandbox_pause(struct sp_client *client, const char *handle, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_pause(p, id, err);
}

int sp_sandbox_resume(
	struct sp_client *client, const char *handle, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_resume(p, id, err);
}

int sp_sandbox_stats(struct sp_client *client, const char *handle, struct sp_stats *out,
	struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_stats(p, id, out, err);
}
