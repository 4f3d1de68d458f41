/* SPDX-License-Identifier: Apache-2.0 */
/* pause and resume. */
#include "cli/command.h"

typedef int change_fn(
	struct sp_client *client, const char *handle, struct sp_error *err);

/* The first error is kept, and those that can be changed still are. */
static int change_all(struct cli_args *args, change_fn *change, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int rc;

	if (args->word_count == 0)
		return sp_fail(err, SP_ERR_INVALID, "there is no SANDBOX");
	rc = cli_open_client(args, &progress, &client, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < args->word_count; i++) {
		struct sp_error why = {0};
		int one = change(client, args->words[i], &why);

		if (one < 0 && rc == 0) {
			rc = one;
			*err = why;
		}
	}
	return rc;
}

int cmd_pause(struct cli_args *args, struct sp_error *err)
{
	return change_all(args, sp_sandbox_pause, err);
}

int cmd_resume(struct cli_args *args, struct sp_error *err)
{
	return change_all(args, sp_sandbox_resume, err);
}
