/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/agent/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#define MOVE_BYTES (1u << 20)

static void set_nonblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0)
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

void sp_relay_init(struct sp_relay *r, int from, int to)
{
	r->from = from;
	r->to = to;
	r->copies = false;
	r->is_full = false;
	r->at = 0;
	r->len = 0;
	set_nonblock(from);
	set_nonblock(to);
}

struct pollfd sp_relay_poll(const struct sp_relay *r)
{
	if (r->is_full)
		return (struct pollfd){.fd = r->to, .events = POLLOUT};
	return (struct pollfd){.fd = r->from, .events = POLLIN};
}

static bool would_wait(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void end(struct sp_relay *r)
{
	if (r->from >= 0)
		close(r->from);
	r->from = -1;
	r->is_full = false;
	r->len = 0;
}

/* Between two pipes the kernel moves pages, and nothing is copied. */
static void move(struct sp_relay *r)
{
	ssize_t n = splice(r->from, NULL, r->to, NULL, MOVE_BYTES,
		SPLICE_F_MOVE | SPLICE_F_NONBLOCK);

	if (n > 0)
		r->is_full = false;
	else if (n < 0 && would_wait())
		/* One of the two is not ready: it was not the one waited for. */
		r->is_full = !r->is_full;
	else if (n < 0 && errno != EPIPE)
		r->copies = true;
	else
		end(r);
}

static void fill(struct sp_relay *r)
{
	ssize_t n = read(r->from, r->data, sizeof(r->data));

	if (n < 0 && would_wait())
		return;
	if (n <= 0) {
		end(r);
		return;
	}
	r->at = 0;
	r->len = (size_t)n;
	r->is_full = true;
}

static void drain(struct sp_relay *r)
{
	ssize_t n = write(r->to, r->data + r->at, r->len);

	if (n < 0 && would_wait())
		return;
	if (n < 0) {
		/* Nobody listens: the command meets a closed pipe, as it would alone. */
		end(r);
		return;
	}
	r->at += (size_t)n;
	r->len -= (size_t)n;
	r->is_full = r->len > 0;
}

void sp_relay_step(struct sp_relay *r)
{
	if (r->from < 0 && r->len == 0)
		return;
	if (!r->copies)
		move(r);
	else if (r->len > 0)
		drain(r);
	else
		fill(r);
}

bool sp_relay_is_done(const struct sp_relay *r)
{
	return r->from < 0;
}
