/* SPDX-License-Identifier: Apache-2.0 */
/* Make, run one command, remove: the command is the container's own, so no exec. */
#ifndef SP_DOCKER_RUN_H
#define SP_DOCKER_RUN_H

#include "providers/docker/docker.h"

int sp_docker_run(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err);

#endif
