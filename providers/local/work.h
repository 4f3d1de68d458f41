/* SPDX-License-Identifier: Apache-2.0 */
/* Our file worker, on the host and under its own confinement, for the store. */
#ifndef SP_PROVIDERS_LOCAL_WORK_H
#define SP_PROVIDERS_LOCAL_WORK_H

#include "providers/local/local.h"

struct work {
	pid_t pid;
	int pidfd, errors;
};
#define WORK_INIT \
	{ \
		.pidfd = -1, .errors = -1 \
	}

/* fds are its descriptors 0, 1, 3 and so on (-1: /dev/null); 2 is kept for work_end(). */
int work_start(const struct local *l, struct work *w, const char *const *argv,
	const int *fds, size_t fd_count, struct sp_error *err);

/* Wait for its end; its own words are the error.  What was not started is a success. */
int work_end(struct work *w, struct sp_error *err);

#endif
