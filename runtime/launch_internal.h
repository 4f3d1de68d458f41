/* SPDX-License-Identifier: Apache-2.0 */
/* What launch.c and relay.c share. */
#ifndef SP_RUNTIME_LAUNCH_INTERNAL_H
#define SP_RUNTIME_LAUNCH_INTERNAL_H

#include "runtime/control.h"
#include "runtime/launch.h"

/* The runner's next event; SYSTEM when it died without one. */
int sp_launch_read_event(
	struct sp_running *run, struct sp_runner_event *event, struct sp_error *err);

/*
 * Send a request to the supervisor behind the socket in a sandbox's folder; the answer
 * comes over the connection that is returned.
 */
int sp_control_send(int state_fd, const struct sp_control_request *request,
	const int *fds, size_t fd_count, struct sp_error *err);

#endif
