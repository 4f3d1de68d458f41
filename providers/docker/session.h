/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One command under an agent, seen from here: its streams, the agent's report at their
 * end, and what is to be done when that does not come.
 */
#ifndef SP_DOCKER_SESSION_H
#define SP_DOCKER_SESSION_H

#include "engine/stream.h"
#include "providers/docker/docker.h"
#include "providers/docker/report.h"

struct sp_docker_session {
	struct sp_docker *docker;
	const struct sp_command *command;
	const struct sp_source *source; /* of its standard input; NULL: the command's */
	const char *container;
	int64_t start_us;
	char token[SP_REPORT_TOKEN_LEN + 1];
	char exec_id
		[SP_ENGINE_ID_MAX]; /* empty where it is the container's own command */
	struct sp_duplex *duplex;
	struct sp_demux demux;
	struct sp_pump pump;
	struct sp_report_filter filter;
	struct sp_report report;
	bool has_report;
	bool timed_out; /* by our own clock: the agent did not */
	bool cancelled;
};

/* Choose the token.  The caller closes the session. */
int sp_docker_session_init(struct sp_docker_session *s, struct sp_docker *docker,
	const char *container, const struct sp_command *command, struct sp_error *err);
/* Has it a standard input? */
bool sp_docker_session_has_stdin(const struct sp_docker_session *s);
void sp_docker_session_close(struct sp_docker_session *s);
#define sp_autosession SP_AUTO(sp_docker_session_close)

/* The agent's arguments for this command, after its own name; timeout_ms 0 is none. */
void sp_docker_session_argv(
	const struct sp_docker_session *s, int64_t timeout_ms, struct sp_strv *argv);

/*
 * Carry the streams until they end, the caller cancels, or the agent has overslept its
 * deadline; the last two end early, which *ended tells.
 *
 * Errors:  what on_output returned, UNAVAILABLE (connection lost), PROTOCOL
 */
int sp_docker_session_pump(struct sp_docker_session *s, int64_t timeout_ms, bool *ended,
	struct sp_error *err);

/* Take what still comes within that time, after the command was told to end. */
int sp_docker_session_drain(struct sp_docker_session *s, int64_t timeout_ms,
	bool *ended, struct sp_error *err);

/* From the report to the outcome; fails where the command could not be started. */
int sp_docker_session_outcome(
	struct sp_docker_session *s, struct sp_outcome *out, struct sp_error *err);

void sp_docker_session_mark(const struct sp_docker_session *s, const char *name);

#endif
