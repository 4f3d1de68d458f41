/* SPDX-License-Identifier: Apache-2.0 */
/* A growing byte buffer with a ceiling, which fails quietly and is asked once. */
#ifndef SP_BASE_BUF_H
#define SP_BASE_BUF_H

#include <stdarg.h>

#include "base/auto.h"
#include "base/error.h"

struct sp_buf {
	char *data; /* NUL after len bytes once anything was added; may be NULL */
	size_t len;
	size_t cap;
	size_t max;       /* most bytes it may hold */
	bool failed;      /* out of memory or over max: what is there is incomplete */
	bool is_over_max; /* which of the two */
};

#define SP_BUF_INIT(max_bytes) \
	{ \
		.max = (max_bytes) \
	}

void sp_buf_clear(struct sp_buf *b);
#define sp_autobuf SP_AUTO(sp_buf_clear)

void sp_buf_add(struct sp_buf *b, const void *data, size_t len);
void sp_buf_addc(struct sp_buf *b, char c);
void sp_buf_adds(struct sp_buf *b, const char *s);
void sp_buf_addf(struct sp_buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
void sp_buf_vaddf(struct sp_buf *b, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

/* Make room for len more bytes and return where they go, or NULL; commit with sp_buf_grew(). */
char *sp_buf_room(struct sp_buf *b, size_t len);
void sp_buf_grew(struct sp_buf *b, size_t len);

/* Remove len bytes from the front. */
void sp_buf_drop(struct sp_buf *b, size_t len);

/* Read fd to its end.  LIMIT when it is longer than max. */
int sp_buf_read_fd(struct sp_buf *b, int fd, struct sp_error *err);

/* 0, or NOMEM or LIMIT if any addition failed. */
int sp_buf_ok(const struct sp_buf *b, struct sp_error *err);

/* The text so far, never NULL. */
const char *sp_buf_str(const struct sp_buf *b);

/* Hand the memory to the caller (free()); NULL if anything failed. */
char *sp_buf_take(struct sp_buf *b);

#endif
