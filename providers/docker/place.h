/* SPDX-License-Identifier: Apache-2.0 */
/* From a sandbox's spec to its container: the image brought, the container made. */
#ifndef SP_DOCKER_PLACE_H
#define SP_DOCKER_PLACE_H

#include "providers/docker/agent.h"
#include "providers/docker/base_image.h"
#include "providers/docker/spec.h"

/* Everything about one sandbox on its way into being. */
struct sp_docker_place {
	struct sp_docker *docker;
	const struct sp_sandbox_spec *spec;
	struct sp_docker_agent agent;
	struct sp_docker_plan plan;
	char base[SP_BASE_IMAGE_MAX]; /* empty when the spec names an image */
};
void sp_docker_place_clear(struct sp_docker_place *place);
#define sp_autoplace SP_AUTO(sp_docker_place_clear)

/* Plan it; nothing is made yet.  The caller clears *place, also after a failure. */
int sp_docker_place_plan(struct sp_docker_place *place, struct sp_docker *docker,
	const struct sp_sandbox_spec *spec, struct sp_error *err);

/* Make the container, bringing the image if the engine lacks it. */
int sp_docker_place_create(struct sp_docker_place *place, struct sp_error *err);

int sp_docker_place_start(struct sp_docker_place *place, struct sp_error *err);

/* Remove the container, whatever became of it. */
void sp_docker_place_undo(struct sp_docker_place *place);

/* Is this image, or the default one for NULL, at hand or to be had? */
int sp_docker_has_image(struct sp_provider *p, const char *image, struct sp_error *err);

int sp_docker_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err);

#endif
