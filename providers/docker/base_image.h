/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default image, made once from this machine's own files: nothing is downloaded.
 * images/recipes/base/host-files says which.
 */
#ifndef SP_DOCKER_BASE_IMAGE_H
#define SP_DOCKER_BASE_IMAGE_H

#include "providers/docker/docker.h"

#define SP_BASE_IMAGE_MAX 64

/* Its reference: another one when the machine's programs have changed. */
int sp_docker_base_name(const struct sp_docker *d, char out[static SP_BASE_IMAGE_MAX],
	struct sp_error *err);

/* Make it, unless it is there: also when several processes ask at once. */
int sp_docker_base_make(
	const struct sp_docker *d, const char *name, struct sp_error *err);

#endif
