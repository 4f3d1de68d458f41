/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors from one process to another, with a message or one byte to wake it. */
#ifndef SP_RUNTIME_PASS_H
#define SP_RUNTIME_PASS_H

#include "base/error.h"

#define PASS_MAX 48

/* What goes over together; the descriptors stay open here. */
struct parcel {
	void *data;
	size_t len; /* room for, when taking; then what came */
	int *fds;
	size_t count, max;
};

/* Never blocks where flags has MSG_DONTWAIT. */
int pass_parcel(int socket, const struct parcel *p, int flags, struct sp_error *err);

/*
 * More descriptors than p->max are closed and an error.  Returns 1, or 0 when the other
 * side is gone; SP_ERR_UNAVAILABLE when there is nothing yet and flags has MSG_DONTWAIT.
 * What is received is close-on-exec.
 */
int take_parcel(int socket, struct parcel *p, int flags, struct sp_error *err);

/* Send a byte and count descriptors. */
int pass_descriptors(int socket, const int *fds, size_t count, struct sp_error *err);
/* Wait for them; returns as take_parcel(). */
int take_descriptors(
	int socket, int *fds, size_t max, size_t *count, struct sp_error *err);

#endif
