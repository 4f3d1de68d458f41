/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets for a host: where they come from is said on the command line, never what they are. */
#ifndef SP_CLI_CREDENTIAL_H
#define SP_CLI_CREDENTIAL_H

#include "cli/args.h"

/*
 * "HOST=HEADER:[PREFIX ]env:NAME" or "HOST=HEADER:[PREFIX ]@FILE" into a list of host,
 * header and value.
 */
int cli_add_credential(
	struct cli_args *args, void *field, const char *value, struct sp_error *err);

#endif
