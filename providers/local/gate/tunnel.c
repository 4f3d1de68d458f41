/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes from each side to the other.  Between plain sockets they stay in the kernel; what
 * one side does not take holds up the other, and the end of one direction is passed on
 * while the other goes on.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/io.h"
#include "providers/local/gate/outer.h"

#define TUNNEL_IDLE_MS (30 * 60 * 1000)
#define PIPE_BYTES     (256 * 1024)

/* From one socket through a pipe to the other. */
struct way {
	int from, to;
	int in, out; /* of the pipe */
	size_t held; /* in the pipe */
	bool has_ended, is_done;
};

static bool way_open(struct way *w, int from, int to)
{
	*w = (struct way){.from = from, .to = to, .in = -1, .out = -1};
	return sp_pipe(&w->out, &w->in, PIPE_BYTES, NULL) == 0;
}

static void way_close(struct way *w)
{
	sp_close_fd(&w->in);
	sp_close_fd(&w->out);
}

/* Nobody takes what is left. */
static void way_give_up(struct way *w)
{
	w->is_done = true;
}

static void way_take(struct way *w)
{
	ssize_t n = splice(w->from, NULL, w->in, NULL, PIPE_BYTES,
		SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (n > 0)
		w->held += (size_t)n;
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		w->has_ended = true;
}

static void way_give(struct way *w)
{
	ssize_t n = splice(
		w->out, NULL, w->to, NULL, w->held, SPLICE_F_NONBLOCK | SPLICE_F_MOVE);

	if (n > 0)
		w->held -= (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		way_give_up(w);
}

static void way_step(struct way *w)
{
	if (w->is_done)
		return;
	if (!w->held && !w->has_ended)
		way_take(w);
	if (w->held)
		way_give(w);
	if (!w->held && w->has_ended && !w->is_done) {
		(void)shutdown(w->to, SHUT_WR);
		w->is_done = true;
	}
}

static short reading(const struct way *w)
{
	return !w->is_done && !w->held && !w->has_ended ? POLLIN : 0;
}

static short writing(const struct way *w)
{
	return !w->is_done && w->held ? POLLOUT : 0;
}

/* One wait: p[0] is where there reads from, p[1] where it writes to. */
static bool wait_for(const struct way *there, const struct way *back)
{
	struct pollfd p[2] = {
		{.fd = there->from, .events = (short)(reading(there) | writing(back))},
		{.fd = there->to, .events = (short)(reading(back) | writing(there))}};
	int n;

	/* A socket nothing is wanted of would report its end again and again. */
	for (int i = 0; i < 2; i++)
		if (!p[i].events)
			p[i].fd = -1;
	n = poll(p, 2, TUNNEL_IDLE_MS);
	return n > 0 || (n < 0 && errno == EINTR);
}

static void tunnel_plain(int a, int b)
{
	struct way there, back = {.in = -1, .out = -1};

	if (way_open(&there, a, b) && way_open(&back, b, a) &&
		sp_set_nonblock(a, true, NULL) == 0 &&
		sp_set_nonblock(b, true, NULL) == 0)
		while (!there.is_done || !back.is_done) {
			if (!wait_for(&there, &back))
				break;
			way_step(&there);
			way_step(&back);
		}
	way_close(&there);
	way_close(&back);
}

/* Some bytes from one to the other; false at the end of either. */
static bool pass_some(struct stream *from, struct stream *to)
{
	char chunk[16 * 1024];
	ssize_t n = stream_read(from, chunk, sizeof(chunk));

	return n > 0 && stream_write(to, chunk, (size_t)n);
}

static bool has_bytes(const struct stream *s)
{
	return s->len > s->at || (s->tls && SSL_pending(s->tls));
}

/* With TLS on a side the bytes come through here, and one end is the end of both. */
static void tunnel_read(struct stream *a, struct stream *b)
{
	for (;;) {
		struct pollfd p[2] = {{.fd = a->fd, .events = POLLIN},
			{.fd = b->fd, .events = POLLIN}};
		bool from_a = has_bytes(a), from_b = has_bytes(b);

		if (!from_a && !from_b) {
			int n = poll(p, 2, TUNNEL_IDLE_MS);

			if (n == 0 || (n < 0 && errno != EINTR))
				return;
			from_a = n > 0 && p[0].revents;
			from_b = n > 0 && p[1].revents;
		}
		if ((from_a && !pass_some(a, b)) || (from_b && !pass_some(b, a)))
			return;
	}
}

void tunnel(struct stream *a, struct stream *b)
{
	if (a->tls || b->tls) {
		tunnel_read(a, b);
		return;
	}
	if (stream_write(b, a->buffer + a->at, a->len - a->at) &&
		stream_write(a, b->buffer + b->at, b->len - b->at))
		tunnel_plain(a->fd, b->fd);
	a->at = a->len = b->at = b->len = 0;
}
