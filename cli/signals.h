/* SPDX-License-Identifier: Apache-2.0 */
/* Ctrl-C and its relatives: the first one asks the work to stop, a second one ends us. */
#ifndef SP_CLI_SIGNALS_H
#define SP_CLI_SIGNALS_H

#include "base/error.h"

/* Returns a descriptor that is readable once a signal came; it stays ours. */
int cli_signals_init(struct sp_error *err);

/* One more signal that asks the work to stop: the detaching key of a terminal. */
void cli_signals_add(int sig);

/* Called before a second signal ends us; only what a signal's handler may do. */
void cli_signals_at_death(void (*last)(void));

/* The signal that came, or 0. */
int cli_signals_caught(void);

/* Die of it, so that whoever waits for us sees why. */
void cli_signals_die(int sig) __attribute__((noreturn));

#endif
