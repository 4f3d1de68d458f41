/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Those who follow, feed or signal a process in the background.  Nothing waits for any of
 * them: whoever is too slow misses something, and is told so.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/keep.h"
#include "runtime/master.h"

static void drop(struct keep_client *c)
{
	close(c->fd);
	*c = (struct keep_client){.fd = -1};
}

/* False when it could not be taken now. */
static bool send_reply(struct keep_client *c, const struct sp_job_reply *reply,
	const char *data, size_t len)
{
	struct iovec parts[] = {
		{.iov_base = (void *)(uintptr_t)reply, .iov_len = sizeof(*reply)},
		{.iov_base = (void *)(uintptr_t)data, .iov_len = len},
	};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = len ? 2 : 1};

	return sendmsg(c->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void keep_accept(struct keeper *k)
{
	const struct sp_job_reply hello = {.kind = SP_JOB_HELLO,
		.value = k->in >= 0 && !k->input_ends,
		.log_bytes = k->log_bytes};
	const struct sp_job_reply full = {.kind = SP_JOB_FULL};
	int fd = accept4(k->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < SP_JOB_CLIENTS_MAX; i++) {
		struct keep_client *c = &k->clients[i];

		if (c->fd >= 0)
			continue;
		*c = (struct keep_client){.fd = fd};
		if (!send_reply(c, &hello, NULL, 0))
			drop(c);
		return;
	}
	(void)send(fd, &full, sizeof(full), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(fd);
}

void keep_tell(struct keeper *k, enum sp_stream stream, const char *data, size_t len,
	size_t kept)
{
	const struct sp_job_reply grew = {.kind = SP_JOB_GREW};
	struct sp_job_reply more = {.kind = SP_JOB_DATA, .value = stream};

	for (size_t i = 0; i < SP_JOB_CLIENTS_MAX; i++) {
		struct keep_client *c = &k->clients[i];

		if (c->fd < 0 || !c->follows)
			continue;
		/* Not taken means that such a message is there already. */
		if (kept)
			(void)send_reply(c, &grew, NULL, 0);
		if (kept == len)
			continue;
		more.missed = c->missed;
		c->missed = !send_reply(c, &more, data + kept, len - kept);
	}
}

static void end_input(struct keeper *k)
{
	const bool is_tty = k->r->spec->flags & SP_RF_TTY;

	/* The end closes a pipe for good; at a terminal more may be typed. */
	k->input_ends = !is_tty;
	k->input_at = 0;
	if (k->in >= 0 && is_tty)
		k->input_len = sp_master_end(k->in, k->is_mid_line, k->input);
	keep_write_input(k);
}

static void take_input(struct keeper *k, const struct sp_job_request *q, size_t len)
{
	if (k->in < 0 || k->input_ends)
		return;
	memcpy(k->input, q->data, len);
	k->input_len = len;
	k->input_at = 0;
	keep_write_input(k);
}

void keep_write_input(struct keeper *k)
{
	ssize_t n = 0;

	if (k->input_len)
		n = write(k->in, k->input + k->input_at, k->input_len);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0)
		n = (ssize_t)k->input_len; /* nobody reads it: its own right */
	if (n > 0)
		k->is_mid_line = k->input[k->input_at + (size_t)n - 1] != '\n' &&
			k->input[k->input_at + (size_t)n - 1] != '\r';
	k->input_at += (size_t)n;
	k->input_len -= (size_t)n;
	if (k->input_len)
		return;
	if (k->input_ends && k->in >= 0) {
		close(k->in);
		k->in = -1;
	}
	for (size_t i = 0; i < SP_JOB_CLIENTS_MAX; i++)
		k->clients[i].waits = false;
}

static void answer(struct keep_client *c, int value)
{
	const struct sp_job_reply reply = {.kind = SP_JOB_ANSWER, .value = value};

	(void)send_reply(c, &reply, NULL, 0);
}

static void obey(struct keeper *k, struct keep_client *c,
	const struct sp_job_request *q, size_t len)
{
	switch (q->kind) {
	case SP_JOB_INPUT:
		take_input(k, q, len - SP_JOB_REQUEST_HEAD);
		break;
	case SP_JOB_INPUT_END:
		end_input(k);
		break;
	case SP_JOB_RESIZE:
		if (k->out >= 0 && k->r->spec->flags & SP_RF_TTY)
			sp_master_resize(k->out, &q->window);
		break;
	case SP_JOB_SIGNAL:
		answer(c, keep_signal(k, q->value));
		break;
	case SP_JOB_FOLLOW:
		c->follows = true;
		break;
	default:
		drop(c);
	}
}

void keep_hear(struct keeper *k, struct keep_client *c)
{
	static struct sp_job_request q;
	uint32_t kind = 0;
	ssize_t n = recv(c->fd, &kind, sizeof(kind), MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n == sizeof(kind) && k->input_len &&
		(kind == SP_JOB_INPUT || kind == SP_JOB_INPUT_END)) {
		c->waits = true; /* it stays where it is */
		return;
	}
	n = n > 0 ? recv(c->fd, &q, sizeof(q), 0) : 0;
	if (n < (ssize_t)SP_JOB_REQUEST_HEAD)
		drop(c);
	else
		obey(k, c, &q, (size_t)n);
}
