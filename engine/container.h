/* SPDX-License-Identifier: Apache-2.0 */
/* Containers of a Docker engine: make, start, attach, end, look at. */
#ifndef SP_ENGINE_CONTAINER_H
#define SP_ENGINE_CONTAINER_H

#include "base/strv.h"
#include "engine/engine.h"

struct sp_engine_ulimit {
	const char *name; /* "nofile", "core" */
	int64_t soft, hard;
};

struct sp_engine_tmpfs {
	const char *target;
	const char *options; /* "size=64m,mode=1777", or NULL */
};

/* A named volume, made by the engine if it is not there; nothing is copied up into it. */
struct sp_engine_volume {
	const char *name;
	const char *target;
	bool read_only;
	const char *label; /* the key of one it is made with, or NULL */
};

/* One container to be made.  Lists are NULL-terminated and may be NULL; 0 is unset. */
struct sp_container_spec {
	const char *name; /* or NULL: the engine's choice */
	const char *image;
	const char *const *cmd;
	const char *const
		*entrypoint;    /* NULL keeps the image's; an empty list removes it */
	const char *const *env; /* "K=V" */
	const struct sp_label *labels;
	size_t label_count;
	const char *user;
	const char *workdir;
	const char *hostname;
	const char *network_mode; /* "none", "bridge", "host" */
	const char *stop_signal;
	const char *runtime;
	const char *log_driver; /* "none": what it writes is kept nowhere */

	uint64_t memory_bytes;
	uint64_t memory_swap_bytes; /* memory and swap together; = memory: no swap */
	uint64_t nano_cpus;
	int64_t pids_limit;
	int oom_score_adj;
	uint64_t shm_bytes;
	const char *disk_size; /* StorageOpt size, "2g", where the driver has quotas */
	const struct sp_engine_ulimit *ulimits;
	size_t ulimit_count;

	const char *const *cap_drop;
	const char *const *cap_add;
	bool no_new_privileges;
	const char
		*seccomp_json; /* a profile's text; "unconfined"; NULL: the engine's */
	const char *const *security_opt; /* more, as they are */

	const struct sp_mount *mounts; /* bound; the source must exist */
	size_t mount_count;
	const struct sp_engine_volume *volumes;
	size_t volume_count;
	const struct sp_engine_tmpfs *tmpfs;
	size_t tmpfs_count;

	bool readonly_rootfs;
	bool init; /* the engine's own reaper as process 1 */
	bool open_stdin, stdin_once, tty;
	bool attach_stdin, attach_stdout, attach_stderr;
	bool auto_remove;
};

/*
 * Make a container.  What the engine could not set comes as a line in *warnings: a
 * missing limit is there, not in an error.
 *
 * Shape:   warnings may be NULL
 * Errors:  NOT_FOUND (image), EXISTS (name), INVALID (what the engine refuses)
 * Retry:   only when err->not_sent, or with a name
 */
int sp_engine_container_create(struct sp_engine *engine,
	const struct sp_container_spec *spec, char id[static SP_ENGINE_ID_MAX],
	struct sp_strv *warnings, struct sp_error *err);

/* Starting one that runs is a success.  id is an id or a name, here and below. */
int sp_engine_container_start(
	struct sp_engine *engine, const char *id, struct sp_error *err);

enum sp_attach {
	SP_ATTACH_STDIN = 1 << 0,
	SP_ATTACH_STDOUT = 1 << 1,
	SP_ATTACH_STDERR = 1 << 2,
	SP_ATTACH_LOGS = 1 << 3, /* what was written before, too */
};

/* Take its streams; attach before start to miss nothing.  stream.h reads them. */
int sp_engine_container_attach(struct sp_engine *engine, const char *id,
	unsigned int what, struct sp_duplex **out, struct sp_error *err);

/* Wait until it is not running.  TIMEOUT and CANCELLED (cancel_fd -1: none) leave it. */
int sp_engine_container_wait(struct sp_engine *engine, const char *id,
	int64_t timeout_ms, int cancel_fd, int *exit_code, struct sp_error *err);

/* Wait until one with auto_remove is gone: 0 also when it was gone already. */
int sp_engine_container_wait_removed(struct sp_engine *engine, const char *id,
	int64_t timeout_ms, struct sp_error *err);

/* signal "KILL", "TERM"…  One that is not running: EXISTS (conflict). */
int sp_engine_container_kill(struct sp_engine *engine, const char *id,
	const char *signal, struct sp_error *err);

/* Ask it to end, kill it after that many seconds.  One that has ended is a success. */
int sp_engine_container_stop(
	struct sp_engine *engine, const char *id, int seconds, struct sp_error *err);
int sp_engine_container_pause(
	struct sp_engine *engine, const char *id, struct sp_error *err);
int sp_engine_container_resume(
	struct sp_engine *engine, const char *id, struct sp_error *err);

/* Kill if need be and remove, with its anonymous volumes.  NOT_FOUND when it is gone. */
int sp_engine_container_remove(
	struct sp_engine *engine, const char *id, struct sp_error *err);

/* What inspect and list tell; list leaves what it does not know zero. */
struct sp_container_info {
	char id[SP_ENGINE_ID_MAX];
	char *name; /* without the slash */
	char *image;
	enum sp_container_state {
		SP_CONTAINER_CREATED,
		SP_CONTAINER_RUNNING,
		SP_CONTAINER_PAUSED,
		SP_CONTAINER_RESTARTING,
		SP_CONTAINER_REMOVING,
		SP_CONTAINER_EXITED,
		SP_CONTAINER_DEAD,
	} state;
	int64_t pid;
	int exit_code;
	bool oom_killed;
	bool tty;
	char *error; /* why it could not start, or NULL */
	int64_t created_ms, started_ms, finished_ms;
	struct sp_owned_label *labels;
	size_t label_count;
};
struct sp_container_list {
	struct sp_container_info *items;
	size_t count;
};
void sp_container_info_clear(struct sp_container_info *info);
void sp_container_list_clear(struct sp_container_list *list);

/* The value of a label, or NULL. */
const char *sp_container_label(const struct sp_container_info *info, const char *key);

/* Either of out and json may be NULL; json gets the engine's answer as it is. */
int sp_engine_container_inspect(struct sp_engine *engine, const char *id,
	struct sp_container_info *out, struct sp_buf *json, struct sp_error *err);

/* All that carry these labels (value NULL: with any value), also those that ended. */
int sp_engine_container_list(struct sp_engine *engine, const struct sp_label *labels,
	size_t label_count, struct sp_container_list *out, struct sp_error *err);

#endif
