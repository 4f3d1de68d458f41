/* SPDX-License-Identifier: Apache-2.0 */
/* Long work on a terminal: one line that is written over, after a second. */
#ifndef SP_CLI_PROGRESS_H
#define SP_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	int64_t since_ms; /* the first call */
	int64_t shown_ms;
	bool is_terminal; /* nobody else wants to see it */
	bool is_shown;
};

/* The on_progress of a client; ctx is a struct progress. */
void progress_show(void *ctx, const char *what, uint64_t done, uint64_t total);

/* Take the line away. */
void progress_end(struct progress *p);

#endif
