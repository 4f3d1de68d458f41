/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process in the background as its keeper stores and serves it: one folder for each,
 * STATE/procs/NUMBER.  Keeper and library are built together, so what they exchange are
 * structs; the magic number tells another version.
 */
#ifndef SP_RUNTIME_JOB_WIRE_H
#define SP_RUNTIME_JOB_WIRE_H

#include "include/sandpit.h"

#define SP_JOB_RECORD "record" /* struct sp_job_record, there once it can be found */
#define SP_JOB_NEW    "record.new" /* a record or an end about to take its place */
#define SP_JOB_END    "end"        /* struct sp_job_end, there once it is over */
#define SP_JOB_LOG    "log"        /* frames */
#define SP_JOB_CUT    "cut"        /* there when output was dropped */
#define SP_JOB_LOCK   "lock"       /* flock held by the keeper while it lives */
#define SP_JOB_SOCKET "socket"     /* SOCK_SEQPACKET: messages */

#define SP_JOB_MAGIC       0x73706a31u
#define SP_JOB_COMMAND_MAX 4096u

struct sp_job_record {
	uint32_t magic, number;
	int32_t keeper; /* its pid */
	uint32_t is_tty, takes_input;
	uint32_t command_len; /* of the arguments, a NUL after each; may be cut */
	uint64_t keeper_ticks;
	int64_t started_ms;
	char command[SP_JOB_COMMAND_MAX];
};

struct sp_job_end {
	uint32_t magic;
	int32_t status; /* as waitpid gives it */
	uint32_t timed_out, oom_killed, is_cut;
	uint32_t reserved;
	int64_t ended_ms;
};

/*
 * The log keeps the order of both streams: a head, then len bytes.  What the heads may
 * take beside the output kept is as much again and this.
 */
struct sp_job_frame {
	uint32_t stream; /* enum sp_stream */
	uint32_t len;    /* 1..SP_JOB_FRAME_MAX */
	int64_t at_ms;   /* since 1970 */
};
#define SP_JOB_FRAME_MAX   65536u
#define SP_JOB_HEADS_BYTES 65536u

/* To the keeper. */
enum sp_job_request_kind {
	SP_JOB_INPUT = 1, /* data */
	SP_JOB_INPUT_END,
	SP_JOB_RESIZE, /* window */
	SP_JOB_SIGNAL, /* value; answered */
	SP_JOB_FOLLOW, /* from now on: GREW and DATA */
};
#define SP_JOB_INPUT_MAX 16384u
struct sp_job_request {
	uint32_t kind;
	int32_t value;
	struct sp_window window;
	char data[SP_JOB_INPUT_MAX]; /* as far as the message goes */
};
#define SP_JOB_REQUEST_HEAD offsetof(struct sp_job_request, data)

/* From the keeper.  The end of the socket is the end of the process. */
enum sp_job_reply_kind {
	SP_JOB_HELLO = 1, /* first of all: log_bytes, value is 1 where it takes input */
	SP_JOB_GREW,      /* there is more in the log */
	SP_JOB_DATA,      /* output that is not in the log, which is full */
	SP_JOB_FULL,      /* instead of HELLO: too many are here */
	SP_JOB_ANSWER,    /* to SIGNAL: value is 0 or errno */
};
struct sp_job_reply {
	uint32_t kind;
	int32_t value; /* DATA: enum sp_stream */
	uint32_t
		missed; /* DATA: some before it was dropped, for this one was too slow */
	uint32_t reserved;
	uint64_t log_bytes;
};

/* At once, of one process. */
#define SP_JOB_CLIENTS_MAX 64

#endif
