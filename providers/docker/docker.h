/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the docker provider share: the provider itself and its names. */
#ifndef SP_DOCKER_DOCKER_H
#define SP_DOCKER_DOCKER_H

#include "base/strv.h"
#include "engine/container.h"
#include "engine/engine.h"
#include "providers/provider.h"

/*
 * A sandbox is a container of this name with these labels.  An image can carry labels of
 * its own but cannot choose the container's name, so both together are believed.
 */
#define SP_DOCKER_NAME_PREFIX   "sandpit-"
#define SP_DOCKER_LABEL_ID      "dev.sandpit.id"
#define SP_DOCKER_LABEL_CREATED "dev.sandpit.created_ms"
#define SP_DOCKER_LABEL_EXPIRES "dev.sandpit.expires_ms"
#define SP_DOCKER_LABEL_IMAGE   "dev.sandpit.image"
/* The user's own, so that they never meet the image's or ours. */
#define SP_DOCKER_LABEL_USER "dev.sandpit.label."

#define SP_DOCKER_NAME_MAX (sizeof(SP_DOCKER_NAME_PREFIX) + SP_SANDBOX_ID_MAX)

#define SP_DOCKER_WORKDIR "/workspace"

struct sp_docker {
	struct sp_provider base; /* first: the driver's ops cast */
	struct sp_engine *engine;
	char *state_dir;
	char *data_dir;
	char *libexec_dir;
	void (*on_progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	void *progress_ctx;
};

static inline struct sp_docker *sp_docker_of(struct sp_provider *p)
{
	return (struct sp_docker *)p;
}

/* The container's name of a sandbox. */
void sp_docker_name(char out[static SP_DOCKER_NAME_MAX], const char *id);

/*
 * Say which engine it was, and what to do where nobody answers.  Returns rc, err NULL or
 * not.
 */
int sp_docker_explain(const struct sp_docker *d, int rc, struct sp_error *err);

/* Hold state_dir/name until the descriptor it returns is closed. */
int sp_docker_lock(const struct sp_docker *d, const char *name, struct sp_error *err);

#endif
