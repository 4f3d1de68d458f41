/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors from one process of the runner to another, with one byte to wake it. */
#ifndef SP_RUNTIME_PASS_H
#define SP_RUNTIME_PASS_H

#include "base/error.h"

#define PASS_MAX 48

/* Send a byte and count descriptors, which stay open here. */
int pass_descriptors(int socket, const int *fds, size_t count, struct sp_error *err);

/*
 * Wait for them; more than max arriving are closed and an error.  Returns 1, or 0 when the
 * other side is gone.  What is received is close-on-exec.
 */
int take_descriptors(
	int socket, int *fds, size_t max, size_t *count, struct sp_error *err);

#endif
