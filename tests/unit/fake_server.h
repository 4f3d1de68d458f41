/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server on a Unix socket that answers with exactly the bytes it was given, right or
 * wrong, from a thread of the test itself.
 */
#ifndef SP_TESTS_FAKE_SERVER_H
#define SP_TESTS_FAKE_SERVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define FAKE_MAX     16
#define FAKE_WAIT_MS 10000 /* nothing here takes that long unless it is broken */
#define FAKE_REQUEST 65536

/* What follows a reply. */
enum fake_after {
	FAKE_KEEP,  /* the connection takes the next request */
	FAKE_CLOSE, /* it is closed */
	FAKE_HOLD,  /* it stays open and silent until the client closes it */
	FAKE_ECHO,  /* what the client sends comes back, until it ends its side */
};

struct fake_reply {
	const char *text; /* NULL: nothing */
	size_t len;       /* 0: as a string */
	enum fake_after after;
	bool dribble; /* byte by byte */
};

struct fake_server {
	char dir[32];
	char url[64];
	char path[48];
	const struct fake_reply *replies;
	size_t reply_count;
	/* To be read after fake_stop(). */
	size_t request_count, connection_count;
	char requests[FAKE_MAX][FAKE_REQUEST];
	/* Private. */
	pthread_t thread;
	int listen_fd, stop_read, stop_write;
};

/* Wait for fd; false when the test or the time is over. */
static inline bool fake_wait(const struct fake_server *s, int fd, short events)
{
	struct pollfd p[2] = {
		{.fd = fd, .events = events}, {.fd = s->stop_read, .events = POLLIN}};

	return poll(p, 2, FAKE_WAIT_MS) > 0 && !p[1].revents;
}

/* The whole length of the request so far, or 0 while that is not known. */
static inline size_t fake_request_len(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "content-length:");

	if (!end)
		return 0;
	end += 4;
	if (strcasestr(text, "transfer-encoding: chunked"))
		return strstr(end, "0\r\n\r\n") ? strlen(text) : 0;
	return (size_t)(end - text) +
		(length && length < end ? strtoul(length + 15, NULL, 10) : 0);
}

static inline void fake_send(
	const struct fake_server *s, int fd, const char *p, size_t len)
{
	while (len > 0) {
		ssize_t n = -1;

		if (fake_wait(s, fd, POLLOUT))
			n = send(fd, p, len, MSG_NOSIGNAL);
		if (n < 0)
			return;
		p += n;
		len -= (size_t)n;
	}
}

/* A client that asks first is told to go on, once. */
static inline void fake_go_on(
	const struct fake_server *s, int fd, const char *text, bool *told)
{
	static const char reply[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (*told || !strstr(text, "\r\n\r\n") ||
		!strcasestr(text, "expect: 100-continue"))
		return;
	fake_send(s, fd, reply, sizeof(reply) - 1);
	*told = true;
}

static inline bool fake_read_request(struct fake_server *s, int fd, char *text)
{
	size_t len = 0, want = 0;
	bool told = false;

	while (want == 0 || len < want) {
		ssize_t n;

		if (len >= FAKE_REQUEST - 1 || !fake_wait(s, fd, POLLIN))
			return false;
		n = read(fd, text + len, FAKE_REQUEST - 1 - len);
		if (n <= 0)
			return false;
		for (ssize_t i = 0; i < n; i++)
			if (!text[len + (size_t)i])
				text[len + (size_t)i] =
					'.'; /* it is read as a string */
		len += (size_t)n;
		text[len] = '\0';
		want = fake_request_len(text);
		fake_go_on(s, fd, text, &told);
	}
	return true;
}

/* Until the client ends its side; what it sent comes back, or goes nowhere. */
static inline void fake_drain(const struct fake_server *s, int fd, bool echo)
{
	char data[4096];
	ssize_t n;

	while (fake_wait(s, fd, POLLIN) && (n = read(fd, data, sizeof(data))) > 0)
		if (echo)
			fake_send(s, fd, data, (size_t)n);
}

/* Serve one connection; false when there are no more replies. */
static inline bool fake_serve(struct fake_server *s, int fd)
{
	while (s->request_count < s->reply_count) {
		const struct fake_reply *r = &s->replies[s->request_count];
		size_t len = r->text ? (r->len ? r->len : strlen(r->text)) : 0;
		size_t step = r->dribble ? 1 : len;

		if (!fake_read_request(s, fd, s->requests[s->request_count]))
			return true;
		s->request_count++;
		for (size_t i = 0; i < len; i += step)
			fake_send(s, fd, r->text + i, step);
		if (r->after == FAKE_ECHO || r->after == FAKE_HOLD)
			fake_drain(s, fd, r->after == FAKE_ECHO);
		if (r->after != FAKE_KEEP)
			return s->request_count < s->reply_count;
	}
	fake_drain(s, fd, false);
	return false;
}

static inline void *fake_run(void *ctx)
{
	struct fake_server *s = ctx;
	bool more = true;

	while (more && fake_wait(s, s->listen_fd, POLLIN)) {
		int fd = accept(s->listen_fd, NULL, NULL);

		if (fd < 0)
			break;
		s->connection_count++;
		more = fake_serve(s, fd);
		close(fd);
	}
	return NULL;
}

static inline struct fake_server *fake_start(
	const struct fake_reply *replies, size_t reply_count)
{
	struct fake_server *s = calloc(1, sizeof(*s));
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int stop[2];

	assert_non_null(s);
	assert_true(reply_count <= FAKE_MAX);
	snprintf(s->dir, sizeof(s->dir), "/tmp/sp-fake-XXXXXX");
	assert_non_null(mkdtemp(s->dir));
	snprintf(s->path, sizeof(s->path), "%s/s", s->dir);
	snprintf(s->url, sizeof(s->url), "unix://%s", s->path);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", s->path);
	s->replies = replies;
	s->reply_count = reply_count;
	s->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		bind(s->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(s->listen_fd, 8), 0);
	assert_int_equal(pipe(stop), 0);
	s->stop_read = stop[0];
	s->stop_write = stop[1];
	assert_int_equal(pthread_create(&s->thread, NULL, fake_run, s), 0);
	return s;
}

/* End the thread; the record of what it saw can be read until fake_free(). */
static inline void fake_stop(struct fake_server *s)
{
	if (s->stop_write < 0)
		return;
	close(s->stop_write);
	s->stop_write = -1;
	pthread_join(s->thread, NULL);
	close(s->stop_read);
	close(s->listen_fd);
	unlink(s->path);
	rmdir(s->dir);
}

static inline void fake_free(struct fake_server *s)
{
	fake_stop(s);
	free(s);
}

#endif
