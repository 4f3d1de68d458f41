/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in a sandbox that is there, and ending them. */
#ifndef SP_DOCKER_COMMAND_H
#define SP_DOCKER_COMMAND_H

#include "providers/docker/docker.h"

/* source, unless NULL, is its standard input. */
int sp_docker_exec_fed(struct sp_provider *p, const char *id,
	const struct sp_command *command, const struct sp_source *source,
	struct sp_outcome *out, struct sp_error *err);
int sp_docker_exec(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err);

#endif
