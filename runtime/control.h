/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be asked of a kept sandbox's supervisor through the socket in its state folder.
 * One message each way; a command's own connection stays open until its end and carries
 * what the runner's control socket carries.
 */
#ifndef SP_RUNTIME_CONTROL_H
#define SP_RUNTIME_CONTROL_H

#include "runtime/spec.h"

#define SP_CONTROL_MAGIC   0x73706331u
#define SP_CONTROL_FDS_MAX 5

enum sp_control_kind {
	/* Descriptors: standard input, output, error, specification, perhaps a program. */
	SP_CONTROL_EXEC = 1,
	/* value is the time to live from now in milliseconds, 0 for ever. */
	SP_CONTROL_TTL,
};

enum sp_control_flag {
	SP_CF_OTHER_USER = 1u << 0, /* EXEC: not as root */
	SP_CF_LAST = 1u << 1,       /* EXEC: the sandbox ends with the command */
};

struct sp_control_request {
	uint32_t magic, size;
	uint32_t kind, flags;
	int64_t value;
};

/*
 * Is this a request, with the descriptors that belong to it?  The answer to TTL is an event
 * READY; to what makes no sense, one that FAILED.
 */
int sp_control_check(
	const void *data, size_t len, size_t fd_count, struct sp_error *err);

#endif
