/* SPDX-License-Identifier: Apache-2.0 */
/* Whole reads and writes, safe opens, files that appear complete or not at all. */
#ifndef SP_BASE_IO_H
#define SP_BASE_IO_H

#include <sys/types.h>

#include "base/auto.h"
#include "base/error.h"

/*
 * Bytes that flow from or to the caller, a tar stream for one.  read returns 0 at the
 * end; negative is an error, with err filled in.
 */
struct sp_source {
	ssize_t (*read)(void *ctx, char *data, size_t len, struct sp_error *err);
	void *ctx;
};
struct sp_sink {
	int (*write)(void *ctx, const char *data, size_t len, struct sp_error *err);
	void *ctx;
};

/* Write all of it, waiting where fd does not block.  EPIPE is an error, not a signal's end. */
int sp_write_all(int fd, const void *data, size_t len, struct sp_error *err);

/* One write(), errno and all, but without SIGPIPE. */
ssize_t sp_write_some(int fd, const void *data, size_t len);

/* Read exactly len bytes; PROTOCOL when the end comes first. */
int sp_read_exact(int fd, void *data, size_t len, struct sp_error *err);

/* Replace dirfd/name by these bytes through a temporary file and a rename. */
int sp_write_file_at(int dirfd, const char *name, const void *data, size_t len,
	mode_t mode, struct sp_error *err);

/* Read the whole of a small regular file; LIMIT when it is over max.  *out is the caller's. */
int sp_read_file_at(int dirfd, const char *name, size_t max, struct sp_bytes *out,
	struct sp_error *err);

/* Anonymous memory with these bytes, sealed against change.  Returns the descriptor. */
int sp_sealed_memfd(
	const char *name, const void *data, size_t len, struct sp_error *err);

/* A sealed copy of an open file.  Returns the descriptor. */
int sp_sealed_copy(const char *name, int from_fd, struct sp_error *err);

int sp_set_nonblock(int fd, bool on, struct sp_error *err);

/* Pipe of close-on-exec ends; bytes, when not 0, is the capacity asked for. */
int sp_pipe(int *read_end, int *write_end, size_t bytes, struct sp_error *err);

/*
 * Make every folder of an absolute path.  What is made gets this mode; what is there
 * stays as it is.
 */
int sp_mkdir_p(const char *path, mode_t mode, struct sp_error *err);

#endif
