/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the agent inside a container and the driver outside agree on: where the agent is,
 * how it is called, and the report it leaves at the end of standard error.
 *
 * The agent is process 1 of a sandbox ("keep"), stands above every command ("run") and
 * ends what will not end ("kill", "sweep").
 */
#ifndef SP_DOCKER_AGENT_REPORT_H
#define SP_DOCKER_AGENT_REPORT_H

#define SP_AGENT_DIR  "/.sandpit"
#define SP_AGENT_NAME "agent"
#define SP_AGENT_PATH SP_AGENT_DIR "/" SP_AGENT_NAME
/* Beside it, for operations on files. */
#define SP_AGENT_WORKER_NAME "worker"
#define SP_AGENT_WORKER_PATH SP_AGENT_DIR "/" SP_AGENT_WORKER_NAME

/*
 * A report is these two bytes, the command's token, and one line of fixed length.  The
 * token is random, so a command's own output is not taken for a report by accident; one
 * that forges it on purpose lies about nothing but itself.
 */
#define SP_REPORT_MAGIC     "\001\036"
#define SP_REPORT_TOKEN_LEN 24
#define SP_REPORT_HEAD_LEN  (2 + SP_REPORT_TOKEN_LEN)

/*
 * A first report says no more than that the agent runs: what comes without it are the
 * engine's own words on why it does not.
 *
 * Exit code, signal, errno, and four letters: stage, deadline, memory, survivors.
 */
#define SP_REPORT_FORMAT   "%03d %03d %03d %c%c%c%c\n"
#define SP_REPORT_LINE_LEN 17
#define SP_REPORT_LEN      (SP_REPORT_HEAD_LEN + SP_REPORT_LINE_LEN)

enum sp_report_letter {
	SP_REPORT_NO = '-',
	SP_REPORT_STAGE_HELLO =
		'h',               /* the first: the agent is there, the rest follows */
	SP_REPORT_STAGE_RAN = 'r', /* the command was started */
	SP_REPORT_STAGE_EXEC = 'x',    /* it could not be: errno tells why */
	SP_REPORT_STAGE_WORKDIR = 'w', /* its folder is not to be entered */
	SP_REPORT_STAGE_SETUP = 's',   /* pipes, fork */
	SP_REPORT_TIMED_OUT = 't',     /* ended at its deadline */
	SP_REPORT_STOPPED = 'c',       /* ended because it was asked to */
	SP_REPORT_OOM = 'o',           /* the memory limit was met meanwhile */
	SP_REPORT_SURVIVORS = 'a',     /* some of its processes could not be ended */
};

/* The letters "run" is told with. */
enum sp_agent_letter {
	SP_AGENT_STDIN = 'i',   /* it has standard input */
	SP_AGENT_ENCODED = 'e', /* its folder and arguments are percent-encoded */
};

/* Exit codes of "kill" and "sweep". */
enum sp_agent_exit {
	SP_AGENT_DONE = 0,
	SP_AGENT_USAGE = 2,
	SP_AGENT_NO_SUCH = 3,   /* no command of that token runs */
	SP_AGENT_SURVIVORS = 4, /* some could not be ended */
};

#endif
