/* SPDX-License-Identifier: Apache-2.0 */
/* Where the state is kept, and where what belongs to this program was put. */
#ifndef SP_SANDBOX_DIRS_H
#define SP_SANDBOX_DIRS_H

#include "base/error.h"

struct sp_dirs {
	char *state;   /* made if missing; 0700 and ours */
	char *store;   /* absolute; made 0700 by who first puts something there */
	char *libexec; /* sandpit-runner, sandpit-worker, modules */
	char *data;    /* profiles, recipes */
};

/* Find them; state_dir, when not NULL, is taken instead of the usual places. */
int sp_dirs_find(const char *state_dir, struct sp_dirs *out, struct sp_error *err);
void sp_dirs_clear(struct sp_dirs *dirs);

#endif
