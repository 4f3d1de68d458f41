/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A private folder beside a destination, for what is not complete yet.
 *
 * It is removed by a process of its own once this one lets go of it or dies, so that
 * neither Ctrl-C nor kill -9 leaves half a download where the whole one was meant to be.
 */
#ifndef SP_SANDBOX_STAGING_H
#define SP_SANDBOX_STAGING_H

#include <sys/types.h>

#include "base/error.h"

struct sp_staging {
	int target; /* the folder it is in */
	int fd;     /* itself */
	int hold;   /* while it is open, the guard waits */
	int pidfd;
	pid_t guard;             /* 0: none */
	const char *libexec_dir; /* the caller's */
	char name[32];
};
#define SP_STAGING_INIT \
	{ \
		.target = -1, .fd = -1, .hold = -1, .pidfd = -1 \
	}

int sp_staging_open(struct sp_staging *s, const char *libexec_dir, const char *folder,
	struct sp_error *err);

/* Remove it and what is left in it. */
void sp_staging_clear(struct sp_staging *s);

#endif
