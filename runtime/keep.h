/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the keeper share; all of it is in sandpit-runner. */
#ifndef SP_RUNTIME_KEEP_H
#define SP_RUNTIME_KEEP_H

#include <poll.h>
#include <stddef.h>

#include "runtime/job_wire.h"
#include "runtime/runner.h"

struct keep_client {
	int fd; /* -1: free */
	bool follows;
	bool waits; /* its input waits until there is room for it */
	bool missed;
};

struct keeper {
	struct runner *r;
	uint32_t number;
	int folder; /* of this process; -1: none */
	int lock, log, listener;
	uint64_t log_bytes, kept_bytes; /* of the file; of output in it */
	bool is_cut;
	int out,
		errors; /* our ends of its streams, -1 when done; a terminal has only out */
	int in;         /* what is written to reaches it; -1: nothing does */
	char input[SP_JOB_INPUT_MAX];
	size_t input_len, input_at;
	bool is_mid_line, input_ends;
	pid_t reaper;
	int reaper_fd, command_fd; /* pidfds */
	struct keep_client clients[SP_JOB_CLIENTS_MAX];
};

/* keep_files.c */
/* Claim the next number in the sandbox's state folder, and its folder. */
int keep_claim(struct keeper *k, struct sp_error *err);
/* Everything whoever looks for it needs; the record last. */
int keep_open_files(struct keeper *k, struct sp_error *err);
/* Take it all back. */
void keep_remove(struct keeper *k);
/* Store output; returns how much of it was kept. */
size_t keep_store(
	struct keeper *k, enum sp_stream stream, const char *data, size_t len);
int keep_write_end(const struct keeper *k, const struct sp_job_end *end);

/* keep_clients.c */
void keep_accept(struct keeper *k);
void keep_hear(struct keeper *k, struct keep_client *c);
/* Output: len bytes, of which the first kept are in the log. */
void keep_tell(struct keeper *k, enum sp_stream stream, const char *data, size_t len,
	size_t kept);
void keep_write_input(struct keeper *k);

/* keep.c */
/* Signal it from outside; SIGKILL ends its whole tree.  Returns 0 or errno. */
int keep_signal(struct keeper *k, int sig);
int64_t keep_now_ms(void); /* since 1970 */

#endif
