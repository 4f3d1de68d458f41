/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of what happened to kept sandboxes: "AT_MS ID ACTION DETAILS\n", DETAILS being
 * "KEY=VALUE KEY=VALUE" or nothing.  Whoever does something appends its line in one write,
 * the library and supervisors alike; a file that has grown large is renamed, and the one
 * before it goes.
 */
#ifndef SP_RUNTIME_EVENT_H
#define SP_RUNTIME_EVENT_H

#include "base/error.h"

#define SP_EVENT_FILE       "events"
#define SP_EVENT_FILE_OLD   "events.1"
#define SP_EVENT_FILE_MAX   (4 * 1024 * 1024)
#define SP_EVENT_LINE_MAX   1024
#define SP_EVENT_ACTION_MAX 24

/*
 * Append a line to STATE/events.  Values in details are percent-encoded by the caller
 * where they are not our own words.  What cannot be written is lost: an event is never a
 * reason to fail.
 */
void sp_event_append(
	const char *state, const char *id, const char *action, const char *details);

/* A line taken apart; details points into it. */
struct sp_event_line {
	int64_t at_ms;
	char id[SP_SANDBOX_ID_MAX];
	char action[SP_EVENT_ACTION_MAX];
	const char *details;
};

/* Read a line without its newline, which must end in a NUL; PROTOCOL for any other. */
int sp_event_parse(
	const char *line, size_t len, struct sp_event_line *out, struct sp_error *err);

#endif
