/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a sandbox, by the engine's archive calls, and by our worker inside. */
#ifndef SP_DOCKER_FILES_H
#define SP_DOCKER_FILES_H

#include "providers/docker/docker.h"

int sp_docker_get_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_sink *sink, struct sp_error *err);
int sp_docker_put_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err);
int sp_docker_stat(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *out, struct sp_error *err);
int sp_docker_file(struct sp_provider *p, const char *id,
	const struct sp_file_request *request, struct sp_error *err);

#endif
