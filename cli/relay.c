/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/clock.h"

void relay_init(struct relay *r, int cancel_fd, int64_t timeout_ms)
{
	*r = (struct relay){
		.cancel_fd = cancel_fd,
		.deadline_ms = sp_deadline_in(timeout_ms),
		.streams = {{.fd = STDOUT_FILENO}, {.fd = STDERR_FILENO}},
	};
}

void relay_clear(struct relay *r)
{
	for (size_t i = 0; i < SP_COUNT(r->streams); i++)
		if (r->streams[i].is_ours)
			sp_close_fd(&r->streams[i].fd);
}

/*
 * A pipe or terminal is opened once more, so that writing need not block: the mode of the
 * descriptor we were given is shared with programs that do not expect it.  Where it is
 * somebody else's and cannot be opened, it is asked for room before every small write.
 */
static void make_ready(struct relay_stream *s)
{
	char path[32];
	struct stat st;
	int fd;

	s->is_ready = true;
	if (fstat(s->fd, &st) < 0 || !(S_ISFIFO(st.st_mode) || isatty(s->fd)))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", s->fd);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	if (fd < 0) {
		s->may_block = true;
		return;
	}
	s->fd = fd;
	s->is_ours = true;
}

/* Until there is room, the time is up, or somebody asks to stop. */
static enum relay_end wait_for_room(const struct relay *r, int fd)
{
	struct pollfd p[2] = {
		{.fd = fd, .events = POLLOUT},
		{.fd = r->cancel_fd, .events = POLLIN},
	};
	int n = poll(p, SP_COUNT(p), sp_deadline_poll_ms(r->deadline_ms));

	if (n == 0)
		return RELAY_STUCK;
	if (n > 0 && p[1].revents)
		return RELAY_CANCELLED;
	return RELAY_OPEN;
}

static enum relay_end write_some(const struct relay *r, const struct relay_stream *s,
	const char **data, size_t *len)
{
	/* A pipe that has room at all has it for this much. */
	size_t most = s->may_block && *len > PIPE_BUF ? PIPE_BUF : *len;
	enum relay_end end = s->may_block ? wait_for_room(r, s->fd) : RELAY_OPEN;
	ssize_t n;

	if (end != RELAY_OPEN)
		return end;
	n = write(s->fd, *data, most);
	if (n >= 0) {
		*data += n;
		*len -= (size_t)n;
		return RELAY_OPEN;
	}
	if (errno == EAGAIN || errno == EINTR)
		return wait_for_room(r, s->fd);
	return errno == EPIPE ? RELAY_READER_GONE : RELAY_FAILED;
}

int relay_output(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct relay *r = ctx;
	struct relay_stream *s = &r->streams[stream == SP_STDERR];

	if (!s->is_ready)
		make_ready(s);
	while (len > 0 && r->end == RELAY_OPEN)
		r->end = write_some(r, s, &data, &len);
	if (r->end == RELAY_OPEN)
		return 0;
	if (r->end != RELAY_FAILED)
		return SP_ERR_CANCELLED;
	r->failed_errno = errno;
	return sp_code_of_errno(errno);
}
