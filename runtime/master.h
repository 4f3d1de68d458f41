/* SPDX-License-Identifier: Apache-2.0 */
/* The master side of a command's terminal, for whoever has it: the caller or the keeper. */
#ifndef SP_RUNTIME_MASTER_H
#define SP_RUNTIME_MASTER_H

#include "include/sandpit.h"

/*
 * Take the master that open_terminal() sent through socket; -1 when none came.  It does
 * not block.
 */
int sp_master_take(int socket);

/* The kernel tells the command by SIGWINCH. */
void sp_master_resize(int master, const struct sp_window *window);

/* What to type for the end of input: in the middle of a line it takes two.  Returns 1 or 2. */
#define SP_MASTER_END_MAX 2
size_t sp_master_end(int master, bool is_mid_line, char out[SP_MASTER_END_MAX]);

#endif
