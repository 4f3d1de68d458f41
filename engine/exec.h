/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in a running container. */
#ifndef SP_ENGINE_EXEC_H
#define SP_ENGINE_EXEC_H

#include "engine/engine.h"

struct sp_engine_exec_spec {
	const char *const *argv;
	const char *const *env; /* "K=V" on top of the container's, or NULL */
	const char *workdir;    /* needs API 1.35 */
	const char *user;
	bool tty;
	bool attach_stdin; /* stdout and stderr always are, unless detached */
	bool detached;
	bool privileged;
};

/* NOT_FOUND: no such container; EXISTS: it is not running, or paused. */
int sp_engine_exec_create(struct sp_engine *engine, const char *container,
	const struct sp_engine_exec_spec *spec, char id[static SP_ENGINE_ID_MAX],
	struct sp_error *err);

/*
 * Start it and take its streams; stream.h reads them.  A program that cannot be executed
 * is not an error here: inspect tells 126 or 127, and the stream has the engine's words.
 */
int sp_engine_exec_start(struct sp_engine *engine, const char *id,
	const struct sp_engine_exec_spec *spec, struct sp_duplex **out,
	struct sp_error *err);

/* Start one that was made with detached; nothing of it comes back. */
int sp_engine_exec_start_detached(
	struct sp_engine *engine, const char *id, struct sp_error *err);

struct sp_engine_exec_info {
	bool running;
	bool has_exit_code;
	int exit_code;
	int64_t pid; /* as the engine's host numbers it; 0 unknown */
	char container[SP_ENGINE_ID_MAX];
};
int sp_engine_exec_inspect(struct sp_engine *engine, const char *id,
	struct sp_engine_exec_info *out, struct sp_error *err);

/*
 * Wait for the exit code of one whose streams have ended: the engine notes it a moment
 * later.  Asks again with growing pauses; TIMEOUT when it goes on running.
 */
int sp_engine_exec_exit_code(struct sp_engine *engine, const char *id,
	int64_t timeout_ms, int *exit_code, struct sp_error *err);

#endif
