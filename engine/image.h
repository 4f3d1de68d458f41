/* SPDX-License-Identifier: Apache-2.0 */
/* Images of a Docker engine. */
#ifndef SP_ENGINE_IMAGE_H
#define SP_ENGINE_IMAGE_H

#include "base/strv.h"
#include "engine/engine.h"

struct sp_engine_image_info {
	char id[SP_ENGINE_ID_MAX]; /* "sha256:…" */
	char os[32];
	char arch[32];
	int64_t size_bytes;
	int64_t created_ms;
	char *user;    /* of its commands, or NULL */
	char *workdir; /* or NULL */
	bool has_entrypoint, has_cmd;
};
void sp_engine_image_info_clear(struct sp_engine_image_info *info);

/* NOT_FOUND when the engine does not have it.  Either of out and json may be NULL. */
int sp_engine_image_inspect(struct sp_engine *engine, const char *ref,
	struct sp_engine_image_info *out, struct sp_buf *json, struct sp_error *err);

/* Bytes so far and altogether of all layers known; total 0 is unknown. */
typedef void sp_engine_progress_fn(
	void *ctx, const char *what, uint64_t done, uint64_t total);

struct sp_engine_pull_opts {
	const char *auth_base64;            /* X-Registry-Auth as it is, or NULL */
	const char *platform;               /* "linux/amd64", or NULL */
	sp_engine_progress_fn *on_progress; /* or NULL */
	void *progress_ctx;
	int64_t timeout_ms; /* default one hour */
	bool has_cancel;
	int cancel_fd;
};

/*
 * Pull a reference; without tag or digest, its "latest".  The engine answers 200 and
 * tells a failure within the stream: that is this call's error.
 *
 * Errors:  NOT_FOUND, DENIED, UNAVAILABLE (registry), CANCELLED, TIMEOUT
 * Retry:   always
 */
int sp_engine_image_pull(struct sp_engine *engine, const char *ref,
	const struct sp_engine_pull_opts *opts, struct sp_error *err);

struct sp_engine_import_opts {
	const char *const *changes; /* Dockerfile lines: "CMD …", "ENV A=b", or NULL */
	const char *message;
	const char *platform;
};

/* Make an image of one layer from a tar stream, tagged repo:tag.  Gives its id. */
int sp_engine_image_import(struct sp_engine *engine, const char *repo, const char *tag,
	const struct sp_source *tar, const struct sp_engine_import_opts *opts,
	char id[static SP_ENGINE_ID_MAX], struct sp_error *err);

/* The tags of a repository that the engine has, "repo:tag" each, added to out. */
int sp_engine_image_tags(struct sp_engine *engine, const char *repo,
	struct sp_strv *out, struct sp_error *err);

/*
 * Ask the engine to ask the registry whether it could be pulled; needs API 1.30.
 *
 * Errors:  NOT_FOUND, DENIED (also what private and absent names look like),
 *          UNAVAILABLE, TIMEOUT
 */
int sp_engine_image_in_registry(struct sp_engine *engine, const char *ref,
	int64_t timeout_ms, struct sp_error *err);

int sp_engine_image_tag(struct sp_engine *engine, const char *ref, const char *repo,
	const char *tag, struct sp_error *err);

/* EXISTS while a container uses it, unless forced. */
enum sp_image_remove { SP_IMAGE_REMOVE_UNUSED, SP_IMAGE_REMOVE_FORCED };
int sp_engine_image_remove(struct sp_engine *engine, const char *ref,
	enum sp_image_remove how, struct sp_error *err);

#endif
