/* SPDX-License-Identifier: Apache-2.0 */
/* Time, and how much of it is left. */
#ifndef SP_BASE_CLOCK_H
#define SP_BASE_CLOCK_H

#include <stdint.h>

#include "include/sandpit.h"

int64_t sp_clock_us(void);      /* monotonic */
int64_t sp_clock_ms(void);      /* monotonic */
int64_t sp_clock_real_ms(void); /* since 1970 */

/* A point on the monotonic clock; 0 is never. */
int64_t sp_deadline_in(int64_t timeout_ms); /* 0 stays never */

/* For poll(): -1 when there is no deadline, 0 when it has passed. */
int sp_deadline_poll_ms(int64_t deadline_ms);

/* Note a step in a timeline (NULL is fine), at now minus start_us. */
void sp_timeline_mark(struct sp_timeline *t, int64_t start_us, const char *name);

#endif
