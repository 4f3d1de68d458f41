/* SPDX-License-Identifier: Apache-2.0 */
/* cp: one side is of this machine, the other in a sandbox. */
#include <string.h>

#include "cli/command.h"
#include "cli/place.h"
#include "cli/signals.h"

/* The handle as text of its own, for the place only points into the word. */
static int take_handle(
	const struct place *p, char handle[static SP_HANDLE_MAX], struct sp_error *err)
{
	if (p->sandbox_len >= SP_HANDLE_MAX)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s...\" is longer than any handle", p->sandbox);
	memcpy(handle, p->sandbox, p->sandbox_len);
	handle[p->sandbox_len] = '\0';
	return 0;
}

static int copy_in(struct sp_client *client, const char *from, const struct place *to,
	struct sp_error *err)
{
	char handle[SP_HANDLE_MAX];
	int rc = take_handle(to, handle, err);

	if (rc < 0)
		return rc;
	if (strcmp(from, "-") != 0)
		return sp_sandbox_copy_in(client, handle, from, to->path, err);
	if (isatty(STDIN_FILENO))
		return sp_fail(err, SP_ERR_INVALID,
			"- is a tar stream, and standard input is a terminal");
	return sp_sandbox_unpack_fd(client, handle, STDIN_FILENO, to->path, err);
}

static int copy_out(struct sp_client *client, const struct place *from, const char *to,
	struct sp_error *err)
{
	char handle[SP_HANDLE_MAX];
	int rc = take_handle(from, handle, err);

	if (rc < 0)
		return rc;
	if (strcmp(to, "-") != 0)
		return sp_sandbox_copy_out(client, handle, from->path, to, err);
	if (isatty(STDOUT_FILENO))
		return sp_fail(err, SP_ERR_INVALID,
			"- is a tar stream, and standard output is a terminal");
	return sp_sandbox_pack_fd(client, handle, from->path, STDOUT_FILENO, err);
}

int cmd_cp(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	struct place from, to;
	int rc;

	if (args->word_count != 2)
		return sp_fail(err, SP_ERR_INVALID, "give FROM and TO");
	rc = place_parse(args->words[0], &from, err);
	if (rc == 0)
		rc = place_parse(args->words[1], &to, err);
	if (rc < 0)
		return rc;
	if (!from.sandbox == !to.sandbox)
		return sp_fail(err, SP_ERR_INVALID,
			"one side has to be SANDBOX:PATH, the other of this machine");
	rc = cli_open_client(args, &progress, &client, err);
	if (rc < 0)
		return rc;
	rc = from.sandbox ? copy_out(client, &from, to.path, err)
			  : copy_in(client, from.path, &to, err);
	progress_end(&progress);
	return rc;
}
