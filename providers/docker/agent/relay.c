/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/agent/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

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
	r->at = 0;
	r->len = 0;
	set_nonblock(from);
	set_nonblock(to);
}

struct pollfd sp_relay_poll(const struct sp_relay *r)
{
	if (r->len > 0)
		return (struct pollfd){.fd = r->to, .events = POLLOUT};
	return (struct pollfd){.fd = r->from, .events = POLLIN};
}

static bool would_wait(void)
{
	return errno == EAGAIN || errno == EINTR;
}

static void end(struct sp_relay *r)
{
	close(r->from);
	r->from = -1;
}

static bool fill(struct sp_relay *r)
{
	ssize_t n = read(r->from, r->data, sizeof(r->data));

	if (n < 0 && would_wait())
		return false;
	if (n <= 0)
		end(r);
	else
		r->len = (size_t)n;
	r->at = 0;
	return true;
}

static bool drain(struct sp_relay *r)
{
	ssize_t n = write(r->to, r->data + r->at, r->len);

	if (n < 0 && would_wait())
		return false;
	if (n < 0) {
		/* Nobody listens: the command meets a closed pipe, as it would alone. */
		r->len = 0;
		if (r->from >= 0)
			end(r);
		return true;
	}
	r->at += (size_t)n;
	r->len -= (size_t)n;
	return true;
}

bool sp_relay_step(struct sp_relay *r)
{
	if (r->len > 0)
		return drain(r);
	return r->from >= 0 && fill(r);
}

bool sp_relay_is_done(const struct sp_relay *r)
{
	return r->from < 0 && r->len == 0;
}
