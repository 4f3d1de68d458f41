/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <limits.h>
#include <stdio.h>
#include <time.h>

static int64_t read_us(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t sp_clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

int64_t sp_clock_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t sp_clock_real_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

int64_t sp_deadline_in(int64_t timeout_ms)
{
	int64_t now = sp_clock_ms();

	if (timeout_ms <= 0)
		return 0;
	return timeout_ms > INT64_MAX - now ? INT64_MAX : now + timeout_ms;
}

int sp_deadline_poll_ms(int64_t deadline_ms)
{
	int64_t left;

	if (deadline_ms == 0)
		return -1;
	left = deadline_ms - sp_clock_ms();
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

void sp_timeline_mark(struct sp_timeline *t, int64_t start_us, const char *name)
{
	struct sp_mark *m;

	if (!t || t->count >= SP_TIMELINE_MAX)
		return;
	m = &t->marks[t->count++];
	snprintf(m->name, sizeof(m->name), "%s", name);
	m->at_us = sp_clock_us() - start_us;
}
