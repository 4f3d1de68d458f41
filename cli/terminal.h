/* SPDX-License-Identifier: Apache-2.0 */
/* The user's own terminal while a command has one inside: raw, and as it was afterwards. */
#ifndef SP_CLI_TERMINAL_H
#define SP_CLI_TERMINAL_H

#include "base/error.h"

struct terminal {
	bool is_open;
	int resize[2]; /* its new sizes: [0] is read by the library */
};

/* Tell the command's terminal the size of ours, now and whenever it changes. */
int terminal_open(struct terminal *t, struct sp_exec_opts *opts, struct sp_error *err);

/*
 * Hand every key on as it is, where standard input is a terminal.  With can_detach,
 * Ctrl-] raises SIGQUIT instead, which the caller handles.
 */
int terminal_raw(bool can_detach, struct sp_error *err);

/* As it was found; also from a signal's handler. */
void terminal_restore(void);

void terminal_clear(struct terminal *t);

#endif
