/* SPDX-License-Identifier: Apache-2.0 */
/* What launch.c and relay.c share. */
#ifndef SP_RUNTIME_LAUNCH_INTERNAL_H
#define SP_RUNTIME_LAUNCH_INTERNAL_H

#include "runtime/launch.h"

/* The runner's next event; SYSTEM when it died without one. */
int sp_launch_read_event(
	struct sp_running *run, struct sp_runner_event *event, struct sp_error *err);

#endif
