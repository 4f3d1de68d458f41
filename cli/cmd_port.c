/* SPDX-License-Identifier: Apache-2.0 */
/* port: a port of a sandbox at one of this machine's own, until there is enough of it. */
#include "base/json.h"
#include "cli/command.h"
#include "cli/signals.h"

struct shown {
	const struct cli_args *args;
	struct sp_error err;
	bool failed;
};

/* Its address, for people and for programs that wait for it. */
static void show(void *ctx, const struct sp_port *port)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(256);
	struct shown *s = ctx;

	if (s->args->json)
		sp_buf_addf(&line,
			"{\"port\":%u,\"host_port\":%u,\"url\":\"http://127.0.0.1:%u\"}"
			"\n",
			port->port, port->host_port, port->host_port);
	else
		sp_buf_addf(&line, "http://127.0.0.1:%u\n", port->host_port);
	s->failed = out_text(&line, &s->err) < 0;
}

int cmd_port(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	struct shown shown = {.args = args};
	struct sp_port port = {0};
	int cancel_fd, rc;

	if (args->word_count != 2)
		return sp_fail(err, SP_ERR_INVALID, "give SANDBOX and [HOSTPORT:]PORT");
	rc = cli_parse_port(args->words[1], &port, err);
	if (rc < 0)
		return rc;
	cancel_fd = cli_signals_init(err);
	rc = cancel_fd < 0 ? cancel_fd : cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = sp_sandbox_port(
			client, args->words[0], &port, cancel_fd, show, &shown, err);
	if (rc == 0 && shown.failed) {
		*err = shown.err;
		rc = err->code;
	}
	return rc;
}
