/* SPDX-License-Identifier: Apache-2.0 */
/* One command from the caller's options to the caller's result. */
#ifndef SP_SANDBOX_EXEC_H
#define SP_SANDBOX_EXEC_H

#include "base/buf.h"
#include "sandbox/sandbox.h"

/* A command being run: what it has said so far, and where its time went. */
struct sp_execution {
	struct sp_command command;
	struct sp_outcome outcome;
	struct sp_buf captured[2]; /* of stdout and stderr */
	bool truncated[2];
	uint64_t capture_bytes;
	int64_t start_us;
	struct sp_timeline own_timeline; /* where the caller brought none */
};

/* Fill in the command; argv and opts (may be NULL) stay the caller's. */
void sp_execution_init(struct sp_execution *x, const char *const argv[],
	const struct sp_exec_opts *opts);
void sp_execution_clear(struct sp_execution *x);

/* Hand over what came of it, in where:id. */
int sp_execution_result(struct sp_execution *x, const struct sp_provider *where,
	const char *id, struct sp_exec_result *out, struct sp_error *err);

/* Of a run: tell what the sandbox cost from what the command took. */
void sp_execution_split(const struct sp_execution *x, struct sp_exec_result *r);

#endif
