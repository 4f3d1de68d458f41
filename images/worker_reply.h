/* SPDX-License-Identifier: Apache-2.0 */
/* What sandpit-worker says at its end, for those who started it. */
#ifndef SP_IMAGES_WORKER_REPLY_H
#define SP_IMAGES_WORKER_REPLY_H

#include <stddef.h>

#include "base/error.h"

/* As much of its standard error as is worth keeping. */
#define SP_WORKER_STDERR_MAX (64 * 1024)

/*
 * Turn how it ended into an error of ours: text is its standard error, whose last line is
 * "error: CODE message".  It may come from inside a sandbox and is not trusted: unknown
 * codes become SYSTEM, and the message is made printable.  0 when exit_code is 0; what it
 * warned of is logged then.
 */
int sp_worker_reply(const char *text, size_t len, int exit_code, struct sp_error *err);

#endif
