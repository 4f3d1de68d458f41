/* SPDX-License-Identifier: Apache-2.0 */
/* A container as the sandbox it is: labels and states, and the JSON of inspect. */
#ifndef SP_DOCKER_WIRE_H
#define SP_DOCKER_WIRE_H

#include "providers/docker/docker.h"

/* Is this container one of ours?  Its name and its label have to agree. */
bool sp_docker_is_sandbox(const struct sp_container_info *container);

/* Fill *out, which the caller clears, also after a failure. */
int sp_docker_info(const struct sp_container_info *container, int64_t now_ms,
	struct sp_sandbox_info *out, struct sp_error *err);

/* The sandbox as one JSON object, with the engine's own answer in it. */
int sp_docker_inspect_json(const struct sp_sandbox_info *info, const struct sp_buf *raw,
	struct sp_buf *json, struct sp_error *err);

#endif
