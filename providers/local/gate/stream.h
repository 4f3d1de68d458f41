/* SPDX-License-Identifier: Apache-2.0 */
/* One side of a connection: plain or TLS, read through a buffer, each wait limited. */
#ifndef SP_PROVIDERS_LOCAL_GATE_STREAM_H
#define SP_PROVIDERS_LOCAL_GATE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "providers/local/gate/http.h"

#define STREAM_BUFFER HTTP_HEAD_MAX

struct ssl_st;

struct stream {
	int fd;             /* blocks; -1: closed */
	struct ssl_st *tls; /* or NULL */
	size_t at, len;     /* what of buffer is not read yet */
	char buffer[STREAM_BUFFER];
};

void stream_open(struct stream *s, int fd);
void stream_close(struct stream *s);
/* Close after what was said has been read, or the other side's words would undo ours. */
void stream_part(struct stream *s);
/* How long one read or write may wait. */
void stream_patience(struct stream *s, int ms);

/* Get more into the buffer: bytes added, 0 at the end, -1 on failure, timeout, no room. */
ssize_t stream_fill(struct stream *s);
/* From the buffer first, else one read. */
ssize_t stream_read(struct stream *s, void *data, size_t len);
/* All of them, or false. */
bool stream_read_all(struct stream *s, void *data, size_t len);
bool stream_write(struct stream *s, const void *data, size_t len);

/*
 * The length of the head at the front of the buffer, read up to its end; 0 when the other
 * side closed before its first byte, -1 when it is too long, too slow or cut.
 */
ssize_t stream_head(struct stream *s);
/* A line without its CRLF into line; its length, or -1. */
ssize_t stream_line(struct stream *s, char *line, size_t max);

/* Has the other side closed, or spoken out of turn?  Then it is of no more use. */
bool stream_is_stale(struct stream *s);

#endif
