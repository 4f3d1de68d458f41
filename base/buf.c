/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define FIRST_BYTES 64
#define READ_BYTES  (64 * 1024)

void sp_buf_clear(struct sp_buf *b)
{
	if (!b)
		return;
	free(b->data);
	*b = (struct sp_buf){.max = b->max};
}

char *sp_buf_room(struct sp_buf *b, size_t len)
{
	size_t need;
	size_t cap = b->cap ? b->cap : FIRST_BYTES;
	char *data;

	if (b->failed)
		return NULL;
	if (b->len > b->max || len > b->max - b->len || len >= SIZE_MAX - b->len) {
		b->failed = b->is_over_max = true;
		return NULL;
	}
	need = b->len + len + 1;
	if (need <= b->cap)
		return b->data + b->len;
	while (cap < need)
		cap = cap > SIZE_MAX / 2 ? need : cap * 2;
	data = realloc(b->data, cap);
	if (!data) {
		b->failed = true;
		return NULL;
	}
	b->data = data;
	b->cap = cap;
	b->data[b->len] = '\0';
	return b->data + b->len;
}

void sp_buf_grew(struct sp_buf *b, size_t len)
{
	b->len += len;
	b->data[b->len] = '\0';
}

void sp_buf_add(struct sp_buf *b, const void *data, size_t len)
{
	char *to = sp_buf_room(b, len);

	if (!to)
		return;
	if (len)
		memcpy(to, data, len);
	sp_buf_grew(b, len);
}

void sp_buf_addc(struct sp_buf *b, char c)
{
	sp_buf_add(b, &c, 1);
}

void sp_buf_adds(struct sp_buf *b, const char *s)
{
	sp_buf_add(b, s, strlen(s));
}

void sp_buf_vaddf(struct sp_buf *b, const char *fmt, va_list ap)
{
	va_list again;
	char *to;
	int len;

	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (len < 0) {
		b->failed = true;
		return;
	}
	to = sp_buf_room(b, (size_t)len);
	if (!to)
		return;
	vsnprintf(to, (size_t)len + 1, fmt, ap);
	sp_buf_grew(b, (size_t)len);
}

void sp_buf_addf(struct sp_buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sp_buf_vaddf(b, fmt, ap);
	va_end(ap);
}

void sp_buf_drop(struct sp_buf *b, size_t len)
{
	if (!len)
		return;
	memmove(b->data, b->data + len, b->len - len + 1);
	b->len -= len;
}

/* One byte past the ceiling is looked for, so that a full buffer is not yet too long. */
static int check_end(int fd, struct sp_error *err)
{
	char extra;
	ssize_t n;

	do
		n = read(fd, &extra, 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sp_fail_errno(err, "read");
	return n == 0 ? 0 : sp_fail(err, SP_ERR_LIMIT, "longer than allowed");
}

int sp_buf_read_fd(struct sp_buf *b, int fd, struct sp_error *err)
{
	for (;;) {
		size_t want = b->max - b->len < READ_BYTES ? b->max - b->len
							   : READ_BYTES;
		char *to;
		ssize_t n;

		if (want == 0)
			return check_end(fd, err);
		to = sp_buf_room(b, want);
		if (!to)
			return sp_buf_ok(b, err);
		n = read(fd, to, want);
		if (n == 0)
			return 0;
		if (n > 0)
			sp_buf_grew(b, (size_t)n);
		else if (errno != EINTR)
			return sp_fail_errno(err, "read");
	}
}

int sp_buf_ok(const struct sp_buf *b, struct sp_error *err)
{
	if (!b->failed)
		return 0;
	if (b->is_over_max)
		return sp_fail(err, SP_ERR_LIMIT, "more than %zu bytes", b->max);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

const char *sp_buf_str(const struct sp_buf *b)
{
	return b->data ? b->data : "";
}

char *sp_buf_take(struct sp_buf *b)
{
	char *data;

	sp_buf_room(b, 0);
	if (b->failed)
		return NULL;
	data = b->data;
	*b = (struct sp_buf){.max = b->max};
	return data;
}
