/* SPDX-License-Identifier: Apache-2.0 */
/* One command under the agent's eyes. */
#ifndef SP_DOCKER_AGENT_RUN_H
#define SP_DOCKER_AGENT_RUN_H

#include <stdbool.h>
#include <stdint.h>

struct sp_agent_command {
	const char *token;
	int64_t timeout_ms;  /* 0 is none */
	const char *workdir; /* empty: where we are */
	char **argv;
	bool has_stdin; /* else standard input is empty */
};

/*
 * Run it, pass its output on, end its whole tree at the deadline or on SIGTERM, and leave
 * a report.  The exit code is the command's as well, for whoever reads no reports.
 */
int sp_agent_run(const struct sp_agent_command *command);

#endif
