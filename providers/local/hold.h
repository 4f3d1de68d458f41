/* SPDX-License-Identifier: Apache-2.0 */
/* Holding a sandbox still while it is copied, whatever becomes of who copies. */
#ifndef SP_PROVIDERS_LOCAL_HOLD_H
#define SP_PROVIDERS_LOCAL_HOLD_H

#include "providers/local/work.h"

struct hold {
	const struct sp_record *record;
	int alive; /* its end is ours; the guard sees it close */
	struct work guard;
};
#define HOLD_INIT \
	{ \
		.alive = -1, .guard = WORK_INIT \
	}

/*
 * Freeze its cgroup, with a guard that thaws it once we are done or dead.  Where that
 * cannot be it runs on, and what it writes meanwhile may be half there.
 */
void hold_begin(const struct local *l, const struct sp_record *r, struct hold *h);
/* Let it go on.  Errors: it does not */
int hold_end(struct hold *h, struct sp_error *err);

#endif
