/* SPDX-License-Identifier: Apache-2.0 */
/* The command's output to our own, unchanged and at once, without ever hanging in it. */
#ifndef SP_CLI_RELAY_H
#define SP_CLI_RELAY_H

#include "base/error.h"

/* Why the output came to an end before the command did. */
enum relay_end {
	RELAY_OPEN,
	RELAY_READER_GONE, /* `| head -1` has seen enough */
	RELAY_STUCK,       /* nobody read on until the time limit */
	RELAY_CANCELLED,
	RELAY_FAILED, /* disk full and the like */
};

struct relay {
	int cancel_fd;
	int64_t deadline_ms; /* 0: none */
	enum relay_end end;
	int failed_errno; /* of RELAY_FAILED */
	struct relay_stream {
		int fd;        /* what is written to */
		bool is_ready; /* fd is known, and does not block where it can help it */
		bool is_ours;  /* opened here */
		bool may_block; /* room has to be asked for */
	} streams[2];
};

void relay_init(struct relay *r, int cancel_fd, int64_t timeout_ms);
void relay_clear(struct relay *r);

/* An sp_output_fn whose ctx is the relay. */
int relay_output(void *ctx, enum sp_stream stream, const char *data, size_t len);

#endif
