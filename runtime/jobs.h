/* SPDX-License-Identifier: Apache-2.0 */
/* Processes in the background as everyone but their keepers sees them: files and a socket. */
#ifndef SP_RUNTIME_JOBS_H
#define SP_RUNTIME_JOBS_H

#include "base/buf.h"
#include "runtime/job_wire.h"

/* What is known of one; zeroed is none. */
struct sp_job {
	uint32_t number;
	bool is_running, is_tty, takes_input, is_cut;
	int64_t started_ms;
	pid_t keeper;
	uint64_t keeper_ticks;
	struct sp_job_end end; /* unless it runs */
	char *command;         /* for people: words quoted where a shell needs it */
};
void sp_job_clear(struct sp_job *job);
#define sp_autojob SP_AUTO(sp_job_clear)

/* Numbers that were given out, in order; free() them.  state_path: the sandbox's folder. */
int sp_job_numbers(
	const char *state_path, uint32_t **out, size_t *count, struct sp_error *err);

/* The folder of one; NOT_FOUND when there is no such number. */
int sp_job_open(const char *state_path, uint32_t number, struct sp_error *err);
int sp_job_read(int folder, uint32_t number, struct sp_job *out, struct sp_error *err);

/* Parts of that, from bytes that need not be ours; PROTOCOL. */
int sp_job_parse_record(const char *data, size_t len, uint32_t number,
	struct sp_job *out, struct sp_error *err);
int sp_job_parse_end(
	const char *data, size_t len, struct sp_job_end *out, struct sp_error *err);

/* The output that is stored. */
struct sp_job_log {
	int fd;
	uint64_t at;   /* the next frame */
	uint64_t skip; /* output to leave out before the first that is wanted */
	char *chunk;
};
int sp_job_log_open(int folder, struct sp_job_log *log, struct sp_error *err);
void sp_job_log_close(struct sp_job_log *log);
#define SP_JOB_LOG_INIT \
	{ \
		.fd = -1 \
	}
/* Leave out all but the last bytes of what is there now. */
int sp_job_log_tail(struct sp_job_log *log, uint64_t bytes, struct sp_error *err);
/* To the receiver of output: 0, or the error it is that it wants no more. */
int sp_job_deliver(sp_output_fn *fn, void *ctx, uint32_t stream, const char *data,
	size_t len, struct sp_error *err);
/* All there is from here on, as far as it is wanted. */
int sp_job_log_read(
	struct sp_job_log *log, sp_output_fn *fn, void *ctx, struct sp_error *err);

/* Wait for the end; TIMEOUT when it does not come in time. */
int sp_job_wait(const struct sp_job *job, int64_t deadline_ms, struct sp_error *err);

/* Speak with its keeper. */
int sp_job_signal(int folder, int signal, struct sp_error *err);

/* Follow one to its end, or until cancelled. */
struct sp_job_follow {
	int folder;
	struct sp_job_log log; /* from where; from_now: set by the keeper's word */
	bool from_now;
	int cancel_fd, stdin_fd, resize_fd; /* -1: none */
	sp_output_fn *on_output;
	void *on_output_ctx;
	bool is_cancelled, has_missed; /* out */
};
int sp_job_follow(struct sp_job_follow *f, struct sp_error *err);

#endif
