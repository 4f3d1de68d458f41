/* SPDX-License-Identifier: Apache-2.0 */
/* This machine's end of a copy: a confined child that packs or unpacks, and its pipe. */
#ifndef SP_SANDBOX_TRANSFER_H
#define SP_SANDBOX_TRANSFER_H

#include <sys/types.h>

#include "providers/provider.h"

/* In libexec_dir. */
#define SP_WORKER_PROGRAM "sandpit-worker"

struct sp_transfer {
	pid_t pid; /* 0: not running */
	int pidfd;
	int stream;            /* our end of the tar stream */
	int messages;          /* its standard error */
	struct sp_error error; /* of this end, the cause when the other end fails too */
};
#define SP_TRANSFER_INIT \
	{ \
		.pidfd = -1, .stream = -1, .messages = -1 \
	}

/* Start packing `from`, under the name `as` or its own (NULL). */
int sp_transfer_pack(struct sp_transfer *t, const char *libexec_dir, const char *from,
	const char *as, struct sp_error *err);

/* Start unpacking into the open folder, the first component renamed to `as` unless NULL. */
int sp_transfer_unpack(struct sp_transfer *t, const char *libexec_dir, int folder_fd,
	const char *as, struct sp_error *err);

/* The stream for a provider's op; the end of a source is only reached if all went well. */
struct sp_source sp_transfer_source(struct sp_transfer *t);
struct sp_sink sp_transfer_sink(struct sp_transfer *t);

/*
 * After the op, which returned rc: end the child and say how it all went.  An error of
 * this end comes before one of the provider, which only saw the stream break.
 */
int sp_transfer_end(struct sp_transfer *t, int rc, struct sp_error *err);

/* Kill the child if it still runs. */
void sp_transfer_clear(struct sp_transfer *t);
#define sp_autotransfer SP_AUTO(sp_transfer_clear)

#endif
