/* SPDX-License-Identifier: Apache-2.0 */
/* A port of a sandbox, reached from here. */
#include "sandbox/sandbox.h"

int sp_sandbox_port(struct sp_client *client, const char *handle,
	const struct sp_port *port, int cancel_fd,
	void (*on_ready)(void *ctx, const struct sp_port *port), void *ctx,
	struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc
		      : sp_provider_port(p, id, port, cancel_fd, on_ready, ctx, err);
}
