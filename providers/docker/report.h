/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes the agent's report off the end of a command's standard error.
 *
 * Output is passed on as it comes: only bytes that might begin a report are held back
 * until the next ones tell.  The last report counts, one in the middle is output.
 */
#ifndef SP_DOCKER_REPORT_H
#define SP_DOCKER_REPORT_H

#include "include/sandpit.h"
#include "providers/docker/agent/report.h"

struct sp_report {
	int exit_code;
	int signal;
	int sys_errno; /* why it was not started, or 0 */
	enum sp_report_letter stage;
	bool timed_out;
	bool stopped;
	bool oom_killed;
	bool survivors;
};

#define SP_REPORT_EARLY_MAX 1024

struct sp_report_filter {
	sp_output_fn *on_output;
	void *ctx;
	int refused;  /* what on_output returned when it wanted no more */
	bool greeted; /* the agent has said that it runs */
	size_t early_len;
	/* Standard output before that: the engine's complaint, or too quick a command. */
	char early[SP_REPORT_EARLY_MAX + 1];
	size_t held_len;
	char head[SP_REPORT_HEAD_LEN];
	char held[SP_REPORT_LEN];
};

/* token has SP_REPORT_TOKEN_LEN characters [a-z2-7]. */
void sp_report_filter_init(struct sp_report_filter *f, const char *token,
	sp_output_fn *on_output, void *ctx);

/* An sp_output_fn with the filter as its ctx. */
int sp_report_filter_feed(
	void *filter, enum sp_stream stream, const char *data, size_t len);

/*
 * The stream has ended.  True with *out where it ended in a report; otherwise what was
 * held back is output after all.  Where the agent never ran, early has the engine's words.
 */
bool sp_report_filter_end(struct sp_report_filter *f, struct sp_report *out);

#endif
