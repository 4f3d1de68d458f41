/* SPDX-License-Identifier: Apache-2.0 */
/* From what a sandbox should be to the container that is it. */
#ifndef SP_DOCKER_SPEC_H
#define SP_DOCKER_SPEC_H

#include "providers/docker/docker.h"

/* One container to be made, and all the memory its spec points to. */
struct sp_docker_plan {
	struct sp_container_spec container;
	char id[SP_SANDBOX_ID_MAX];
	char name[SP_DOCKER_NAME_MAX];
	int64_t created_ms;
	int64_t expires_ms; /* 0 never */

	/* What the above points to. */
	char *image;
	char *seccomp;
	char disk_size[24];
	char volume[64];
	struct sp_engine_volume volumes[1];
	struct sp_engine_ulimit ulimits[2];
	struct sp_strv cmd;
	struct sp_strv label_texts;
	struct sp_label *labels;
};

/* What a plan depends on besides the spec, so that it can be tested without any of it. */
struct sp_docker_plan_inputs {
	const char *image;  /* resolved: never NULL */
	const char *volume; /* that holds the agent */
	const char *data_dir;
	int64_t now_ms;
};

/*
 * A hardened container for this sandbox, with a new id.  Its command is keeping it: a
 * caller with another in mind replaces it.
 *
 * Owns:    caller clears *plan, also after a failure
 * Errors:  NOT_FOUND (profile), LIMIT, PROTOCOL (profile), UNSUPPORTED
 */
int sp_docker_plan_make(struct sp_docker_plan *plan, const struct sp_sandbox_spec *spec,
	const struct sp_docker_plan_inputs *in, struct sp_error *err);
void sp_docker_plan_clear(struct sp_docker_plan *plan);
#define sp_autoplan SP_AUTO(sp_docker_plan_clear)

#endif
