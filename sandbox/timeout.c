/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

int sp_sandbox_timeout(struct sp_client *client, const char *handle, int64_t ttl_ms,
	struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_set_ttl(p, id, ttl_ms, err);
}
