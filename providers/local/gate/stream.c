/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/stream.h"

#include <errno.h>
#include <limits.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/auto.h"

/* What a client may still be sending is read for so long, and so often. */
#define PART_MS    1000
#define PART_READS 256

void stream_open(struct stream *s, int fd)
{
	s->fd = fd;
	s->tls = NULL;
	s->at = s->len = 0;
}

void stream_close(struct stream *s)
{
	if (s->tls) {
		if (s->fd >= 0)
			(void)SSL_shutdown(s->tls);
		SSL_free(s->tls);
	}
	s->tls = NULL;
	sp_close_fd(&s->fd);
	s->at = s->len = 0;
}

void stream_part(struct stream *s)
{
	char rest[4096];
	ssize_t n = 1;

	if (s->tls)
		(void)SSL_shutdown(s->tls);
	if (s->fd >= 0 && shutdown(s->fd, SHUT_WR) == 0) {
		stream_patience(s, PART_MS);
		for (int i = 0; i < PART_READS && n > 0; i++)
			n = recv(s->fd, rest, sizeof(rest), 0);
	}
	if (s->tls)
		SSL_free(s->tls);
	s->tls = NULL;
	stream_close(s);
}

void stream_patience(struct stream *s, int ms)
{
	const struct timeval t = {
		.tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000};

	(void)setsockopt(s->fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
	(void)setsockopt(s->fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static ssize_t read_some(struct stream *s, void *data, size_t len)
{
	ssize_t n;

	if (s->tls) {
		n = SSL_read(s->tls, data, len > INT_MAX ? INT_MAX : (int)len);
		if (n > 0)
			return n;
		return SSL_get_error(s->tls, (int)n) == SSL_ERROR_ZERO_RETURN ? 0 : -1;
	}
	do
		n = recv(s->fd, data, len, 0);
	while (n < 0 && errno == EINTR);
	return n;
}

ssize_t stream_fill(struct stream *s)
{
	ssize_t n;

	if (s->at) {
		memmove(s->buffer, s->buffer + s->at, s->len - s->at);
		s->len -= s->at;
		s->at = 0;
	}
	if (s->len == sizeof(s->buffer))
		return -1;
	n = read_some(s, s->buffer + s->len, sizeof(s->buffer) - s->len);
	if (n > 0)
		s->len += (size_t)n;
	return n;
}

ssize_t stream_read(struct stream *s, void *data, size_t len)
{
	size_t n = s->len - s->at < len ? s->len - s->at : len;

	if (n == 0)
		return read_some(s, data, len);
	memcpy(data, s->buffer + s->at, n);
	s->at += n;
	return (ssize_t)n;
}

bool stream_read_all(struct stream *s, void *data, size_t len)
{
	for (char *at = data; len;) {
		ssize_t n = stream_read(s, at, len);

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

bool stream_write(struct stream *s, const void *data, size_t len)
{
	for (const char *at = data; len;) {
		ssize_t n;

		if (s->tls) {
			n = SSL_write(s->tls, at, len > INT_MAX ? INT_MAX : (int)len);
		} else {
			n = send(s->fd, at, len, MSG_NOSIGNAL);
			if (n < 0 && errno == EINTR)
				continue;
		}
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

ssize_t stream_head(struct stream *s)
{
	for (;;) {
		size_t head = http_head_length(s->buffer + s->at, s->len - s->at);
		ssize_t n;

		if (head)
			return (ssize_t)head;
		n = stream_fill(s);
		if (n == 0 && s->len == s->at)
			return 0;
		if (n <= 0)
			return -1;
	}
}

ssize_t stream_line(struct stream *s, char *line, size_t max)
{
	for (;;) {
		char *from = s->buffer + s->at;
		char *end = memmem(from, s->len - s->at, "\r\n", 2);

		if (end && (size_t)(end - from) >= max)
			return -1;
		if (end) {
			memcpy(line, from, (size_t)(end - from));
			line[end - from] = '\0';
			s->at += (size_t)(end - from) + 2;
			return end - from;
		}
		if (s->len - s->at > max || stream_fill(s) <= 0)
			return -1;
	}
}

bool stream_is_stale(struct stream *s)
{
	char byte;
	ssize_t n;

	if (s->fd < 0 || s->len > s->at || (s->tls && SSL_pending(s->tls)))
		return true;
	n = recv(s->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	return n >= 0 || errno != EAGAIN;
}
