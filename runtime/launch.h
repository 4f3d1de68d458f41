/* SPDX-License-Identifier: Apache-2.0 */
/* Start sandpit-runner and stay with it: streams relayed, the end reported. */
#ifndef SP_RUNTIME_LAUNCH_H
#define SP_RUNTIME_LAUNCH_H

#include "base/buf.h"
#include "runtime/state.h"

/* What to launch.  Text and lists are borrowed for the call. */
struct sp_launch {
	enum sp_runner_mode mode;
	const struct sp_record *sandbox;
	const char *runner_path;
	const char *
		map_tools; /* folder of newuidmap, where the record has a range of it */
	uint32_t required; /* enum sp_runner_degraded: errors here */
	const char *state_path;    /* the sandbox's folder */
	const char *root;          /* image folder, or NULL: the host's view */
	const char *const *layers; /* layer_count folders, the topmost first */
	size_t layer_count;
	bool host_view; /* layers, and no root: they lie below the host's view */
	const struct sp_mount *mounts; /* mount_count of them, sources absolute */
	size_t mount_count;
	const char *hosts, *resolv; /* its /etc/hosts, resolv.conf; NULL: the usual */
	const char *const *argv;    /* NULL for CREATE */
	const char *const *env;     /* on top of the sandbox's, or NULL */
	const char *workdir, *user; /* NULL: the sandbox's */
	int64_t timeout_ms;
	const char *events_path; /* CREATE: where its end is told: event.h */
	bool tty;                /* the relay gets its master */
	struct sp_window window;
	bool is_background, takes_input; /* ENTER: no relay, sp_launch_wait_started() */
	uint64_t keep_bytes;
	int exe_fd;    /* ENTER: program to run instead, or -1 */
	int lock_fd;   /* launch: goes over to the supervisor */
	int store_fd;  /* launch: locks that live as long as the sandbox, or -1 */
	int filter_fd; /* the system call filter, or -1 with ENTER */
	int state_fd;  /* ENTER: the sandbox's folder */
	bool is_last;  /* ENTER: the sandbox ends with the command */
	/*
	 * CREATE: waits in a pool, so have a place for a command prepared.  The program that
	 * fills the pool again, started once the sandbox is used; NULL-terminated.
	 */
	const char *refill[SP_RUNNER_REFILL_MAX];
};

/* Where standard input comes from: nowhere, a descriptor, or a function (0 is the end). */
struct sp_input {
	int fd; /* -1: read, or nothing */
	ssize_t (*read)(void *ctx, char *data, size_t len, struct sp_error *err);
	void *ctx;
};

struct sp_relay {
	struct sp_input input;
	bool tty; /* as it was started with */
	bool has_resize;
	int resize_fd; /* struct sp_window, each its new size */
	int cancel_fd; /* -1: none */
	sp_output_fn *on_output;
	void *on_output_ctx;
};

/* A command that was started; zeroed is none. */
struct sp_running {
	pid_t pid;           /* of the runner; 0 with ENTER: the sandbox's own serves */
	int control;         /* events */
	int in, out, errors; /* our ends of the streams, -1 when done */
};

/* Ask the supervisor of the sandbox in this folder to end it that long from now. */
int sp_launch_set_ttl(int state_fd, int64_t ttl_ms, struct sp_error *err);

/* ENTER: start it.  Nothing is left behind on failure. */
int sp_launch_start(
	const struct sp_launch *l, struct sp_running *run, struct sp_error *err);

/*
 * RUN and CREATE, in two steps: the runner starts and builds the sandbox while the caller
 * still prepares, and waits; should the caller end, so does it, and nothing is left.  Of
 * *l the filter, the lock and the folder of a cgroup of version 2 belong to the second
 * step, all else is settled with the first.
 * RUN and CREATE, in two steps: the runner starts and makes namespaces while the caller
 * still prepares, and waits; should the caller end, so does it, and nothing is left.
 * Of *l the first step reads mode, runner_path, tty, and of the sandbox its ids, network and
 * the version of its cgroups, which are then settled.
 */
int sp_launch_ahead(
	const struct sp_launch *l, struct sp_running *run, struct sp_error *err);
/* Everything is on record: let it go on.  On failure the runner has ended. */
int sp_launch_go(
	const struct sp_launch *l, struct sp_running *run, struct sp_error *err);
/* Close all and bury the runner, which ends itself when its control does. */
void sp_launch_end(struct sp_running *run);

/* CREATE: wait until the sandbox answers.  Ends *run. */
int sp_launch_wait_ready(
	struct sp_running *run, struct sp_runner_event *event, struct sp_error *err);
/* Background: until it runs; its number is in the event.  Ends *run. */
int sp_launch_wait_started(
	struct sp_running *run, struct sp_runner_event *event, struct sp_error *err);

/*
 * RUN and ENTER: relay the streams until the command has ended and its output is read.
 * A command's failure is a success; an error is ours.  Ends *run in every case, and with
 * it whatever runs.
 */
int sp_launch_relay(struct sp_running *run, const struct sp_relay *relay,
	struct sp_runner_event *event, struct sp_error *err);

#endif
