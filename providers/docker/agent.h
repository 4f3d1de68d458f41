/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Brings the agent, and the worker beside it, into containers: in a named volume, mounted
 * read-only in every sandbox.  They are copied once for each engine and build, and nothing
 * inside can change them.
 */
#ifndef SP_DOCKER_AGENT_H
#define SP_DOCKER_AGENT_H

#include "providers/docker/docker.h"

#define SP_AGENT_VOLUME_MAX 64

struct sp_docker_agent {
	struct sp_bytes program, worker;
	char volume[SP_AGENT_VOLUME_MAX]; /* named by their contents */
};
void sp_docker_agent_clear(struct sp_docker_agent *agent);
#define sp_autoagent SP_AUTO(sp_docker_agent_clear)

/* Read our copies. */
int sp_docker_agent_load(
	const struct sp_docker *d, struct sp_docker_agent *out, struct sp_error *err);

/* Start a container whose command is the agent, after a look whether it is there. */
int sp_docker_agent_start(const struct sp_docker *d,
	const struct sp_docker_agent *agent, const char *container, const char *image,
	struct sp_error *err);

#endif
