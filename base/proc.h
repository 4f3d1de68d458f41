/* SPDX-License-Identifier: Apache-2.0 */
/* Start programs with exactly the descriptors named, and end them with certainty. */
#ifndef SP_BASE_PROC_H
#define SP_BASE_PROC_H

#include <sys/types.h>

#include "base/error.h"

#define SP_SPAWN_FDS_MAX 48

/*
 * A program to start.  Descriptor i of the child is fds[i] (-1: /dev/null); everything
 * else is closed.  No shell, no PATH search.
 */
struct sp_spawn {
	const char *path; /* absolute; or NULL with exe_fd */
	int exe_fd;       /* executed by descriptor when path is NULL */
	const char *const *argv;
	const char *const *env; /* NULL is an empty environment */
	int fds[SP_SPAWN_FDS_MAX];
	size_t fd_count;
};

/* Start it.  Returns its pid; *pidfd, when not NULL, is the caller's. */
pid_t sp_spawn(const struct sp_spawn *s, int *pidfd, struct sp_error *err);

/*
 * Wait until pid ends or the deadline passes (TIMEOUT; it goes on running).  *status is
 * as waitpid gives it.
 */
int sp_wait(
	pid_t pid, int pidfd, int64_t deadline_ms, int *status, struct sp_error *err);

/*
 * Run a host program to its end, its output (stdout and stderr together) into out
 * (may be NULL).  Fails unless it exits 0, with its last line in the message.
 */
struct sp_buf;
int sp_run_tool(const char *const *argv, int64_t timeout_ms, struct sp_buf *out,
	struct sp_error *err);

/* Start time of a process in clock ticks since boot, or 0: tells a reused pid apart. */
uint64_t sp_proc_start_ticks(pid_t pid);

/* 0..255 from a wait status, 128+N for a signal. */
int sp_exit_code(int status);

#endif
