/* SPDX-License-Identifier: Apache-2.0 */
/* timeout: when a sandbox ends by itself. */
#include "cli/command.h"

#define SECONDS_MAX ((int64_t)10 * 365 * 24 * 3600)

int cmd_timeout(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int64_t ttl_ms = 0;
	int rc;

	if (args->word_count != 2)
		return sp_fail(err, SP_ERR_INVALID,
			"give SANDBOX and SECONDS; 0 seconds is never");
	rc = cli_parse_thousandths(args->words[1], SECONDS_MAX, &ttl_ms, err);
	if (rc < 0)
		return sp_wrap(err, rc, "SECONDS");
	rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = sp_sandbox_timeout(client, args->words[0], ttl_ms, err);
	return rc;
}
