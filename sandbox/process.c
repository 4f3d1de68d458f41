/* SPDX-License-Identifier: Apache-2.0 */
/* Processes in the background: which provider has them, and what it is asked. */
#include "sandbox/exec.h"

static int ignore_output(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)ctx;
	(void)stream;
	(void)data;
	(void)len;
	return 0;
}

int sp_process_start(struct sp_client *client, const char *handle,
	const char *const argv[], const struct sp_exec_opts *opts, uint32_t *number,
	struct sp_error *err)
{
	SP_AUTO(sp_execution_clear) struct sp_execution x;
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc;

	sp_execution_init(&x, argv, opts);
	x.command.on_output = NULL; /* it is kept */
	rc = sp_client_locate(client, handle, &p, id, err);
	return rc < 0 ? rc : sp_provider_start(p, id, &x.command, number, err);
}

int sp_process_list(struct sp_client *client, const char *handle,
	struct sp_process_list *out, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_processes(p, id, out, err);
}

int sp_process_logs(struct sp_client *client, const char *handle, uint32_t number,
	const struct sp_logs_opts *opts, struct sp_error *err)
{
	const struct sp_logs logs = {
		.follow = opts && opts->follow,
		.has_tail = opts && opts->has_tail,
		.tail_bytes = opts ? opts->tail_bytes : 0,
		.cancel_fd = opts && opts->has_cancel ? opts->cancel_fd : -1,
		.on_output = opts && opts->on_output ? opts->on_output : ignore_output,
		.on_output_ctx = opts ? opts->on_output_ctx : NULL,
	};
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_logs(p, id, number, &logs, err);
}

int sp_process_wait(struct sp_client *client, const char *handle, uint32_t number,
	int64_t timeout_ms, struct sp_process_info *out, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_wait(p, id, number, timeout_ms, out, err);
}

int sp_process_kill(struct sp_client *client, const char *handle, uint32_t number,
	int signal, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_signal(p, id, number, signal, err);
}

int sp_process_attach(struct sp_client *client, const char *handle, uint32_t number,
	const struct sp_exec_opts *opts, struct sp_exec_result *out,
	struct sp_error *err)
{
	SP_AUTO(sp_execution_clear) struct sp_execution x;
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc;

	sp_execution_init(&x, NULL, opts);
	rc = sp_client_locate(client, handle, &p, id, err);
	if (rc == 0)
		rc = sp_provider_attach(p, id, number, &x.command, &x.outcome, err);
	return rc < 0 ? rc : sp_execution_result(&x, p, id, out, err);
}
