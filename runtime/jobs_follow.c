/* SPDX-License-Identifier: Apache-2.0 */
/* Speaking with the keeper of a process in the background: to signal, follow and feed it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/clock.h"
#include "base/io.h"
#include "runtime/jobs.h"

/* A keeper answers at once; ending a whole tree takes it longest. */
#define ANSWER_MS 15000

struct reply {
	struct sp_job_reply head;
	char data[SP_JOB_FRAME_MAX];
	size_t len;
};

/* NOT_FOUND when there is no keeper any more. */
static int connect_keeper(int folder, struct sp_error *err)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	sp_autoclose int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return sp_fail_errno(err, "make a socket");
	snprintf(name.sun_path, sizeof(name.sun_path),
		"/proc/self/fd/%d/" SP_JOB_SOCKET, folder);
	if (connect(fd, (struct sockaddr *)&name, sizeof(name)) == 0)
		return sp_take_fd(fd);
	if (errno == ECONNREFUSED || errno == ENOENT)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the process has ended");
	return sp_fail_errno(err, "reach the keeper of the process");
}

static int wait_readable(int fd, int64_t deadline_ms, struct sp_error *err)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	int n;

	do
		n = poll(&p, 1, sp_deadline_poll_ms(deadline_ms));
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return 0;
	return n < 0 ? sp_fail_errno(err, "wait for the keeper of the process")
		     : sp_fail(err, SP_ERR_TIMEOUT,
			       "the keeper of the process does not answer");
}

/* 1, or 0 at its end, or -EAGAIN's sign: SP_ERR_UNAVAILABLE when nothing is there now. */
static int receive(int fd, struct reply *r, int flags, struct sp_error *err)
{
	struct iovec parts[] = {
		{.iov_base = &r->head, .iov_len = sizeof(r->head)},
		{.iov_base = r->data, .iov_len = sizeof(r->data)},
	};
	struct msghdr msg = {.msg_iov = parts, .msg_iovlen = SP_COUNT(parts)};
	ssize_t n;

	/* What it had not read of ours when it ended counts as an error, once. */
	do
		n = recvmsg(fd, &msg, flags);
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n < 0 && errno == EAGAIN)
		return SP_ERR_UNAVAILABLE;
	if (n < 0)
		return sp_fail_errno(err, "hear from the keeper of the process");
	if (n == 0)
		return 0;
	if (n < (ssize_t)sizeof(r->head) || (msg.msg_flags & MSG_TRUNC))
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the keeper of the process is of another version");
	r->len = (size_t)n - sizeof(r->head);
	return 1;
}

/* A keeper that hangs up without a word has ended. */
static int say_hello(int fd, struct reply *r, struct sp_error *err)
{
	int rc = wait_readable(fd, sp_deadline_in(ANSWER_MS), err);

	if (rc == 0)
		rc = receive(fd, r, 0, err);
	if (rc == 0)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the process has ended");
	if (rc == 1 && r->head.kind == SP_JOB_FULL)
		return sp_fail(err, SP_ERR_UNAVAILABLE, "%d others follow it already",
			SP_JOB_CLIENTS_MAX);
	if (rc == 1 && r->head.kind != SP_JOB_HELLO)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the keeper of the process is of another version");
	return rc < 0 ? rc : 0;
}

static int ask(int fd, const struct sp_job_request *q, size_t len, struct sp_error *err)
{
	if (send(fd, q, SP_JOB_REQUEST_HEAD + len, MSG_NOSIGNAL) >= 0)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the process has ended");
	return errno == EAGAIN
		? SP_ERR_UNAVAILABLE
		: sp_fail_errno(err, "speak to the keeper of the process");
}

int sp_job_signal(int folder, int signal, struct sp_error *err)
{
	const struct sp_job_request q = {.kind = SP_JOB_SIGNAL, .value = signal};
	sp_autofree struct reply *r = malloc(sizeof(*r));
	sp_autoclose int fd = -1;
	int rc;

	if (!r)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	fd = connect_keeper(folder, err);
	if (fd < 0)
		return fd;
	rc = say_hello(fd, r, err);
	if (rc == 0)
		rc = ask(fd, &q, 0, err);
	if (rc == 0)
		rc = wait_readable(fd, sp_deadline_in(ANSWER_MS), err);
	if (rc == 0)
		rc = receive(fd, r, 0, err);
	if (rc < 0)
		return rc;
	/* It ended with the keeper while we asked. */
	if (rc == 0 || r->head.value == ESRCH)
		return signal == SIGKILL
			? 0
			: sp_fail(err, SP_ERR_NOT_FOUND, "the process has ended");
	errno = r->head.value;
	return errno ? sp_fail_errno(err, "send signal %d", signal) : 0;
}

/* --- Following ------------------------------------------------------------------------- */

enum { POLL_KEEPER, POLL_STDIN, POLL_RESIZE, POLL_CANCEL, POLL_COUNT };

struct following {
	struct sp_job_follow *f;
	int fd;
	bool takes_input;
	struct reply reply;
	struct sp_job_request input; /* read and not yet sent */
	size_t input_len;
	bool has_input;
	struct sp_error *err;
};

static int read_input(struct following *g)
{
	ssize_t n = read(g->f->stdin_fd, g->input.data, sizeof(g->input.data));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n > 0 && !g->takes_input)
		return sp_fail(g->err, SP_ERR_UNSUPPORTED,
			"the process takes no input: it was started without it, or its "
			"end was "
			"sent");
	g->input.kind = n > 0 ? SP_JOB_INPUT : SP_JOB_INPUT_END;
	g->input_len = n > 0 ? (size_t)n : 0;
	g->has_input = n > 0 || g->takes_input;
	if (n <= 0)
		g->f->stdin_fd = -1;
	return 0;
}

static int send_input(struct following *g)
{
	int rc = ask(g->fd, &g->input, g->input_len, NULL);

	/* An end of the keeper is heard of otherwise. */
	if (rc != SP_ERR_UNAVAILABLE)
		g->has_input = false;
	return 0;
}

static int send_size(struct following *g)
{
	struct sp_job_request q = {.kind = SP_JOB_RESIZE};
	ssize_t n = read(g->f->resize_fd, &q.window, sizeof(q.window));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n != sizeof(q.window))
		g->f->resize_fd = -1;
	else
		(void)ask(g->fd, &q, 0, NULL);
	return 0;
}

static int catch_up(struct following *g)
{
	return sp_job_log_read(
		&g->f->log, g->f->on_output, g->f->on_output_ctx, g->err);
}

/* All messages that are there: 0, or 1 at the end, or an error. */
static int hear(struct following *g)
{
	struct sp_job_follow *f = g->f;
	bool has_grown = false;
	int rc;

	while ((rc = receive(g->fd, &g->reply, MSG_DONTWAIT, g->err)) == 1) {
		const struct sp_job_reply *head = &g->reply.head;

		has_grown |= head->kind == SP_JOB_GREW;
		if (head->kind != SP_JOB_DATA)
			continue;
		/* What is stored comes before what is not. */
		rc = catch_up(g);
		if (rc == 0 && head->value != SP_STDOUT && head->value != SP_STDERR)
			rc = sp_fail(g->err, SP_ERR_PROTOCOL, "no such stream");
		f->has_missed |= head->missed;
		if (rc == 0)
			rc = sp_job_deliver(f->on_output, f->on_output_ctx,
				(uint32_t)head->value, g->reply.data, g->reply.len,
				g->err);
		if (rc != 0)
			return rc;
	}
	if (rc == 0) { /* the end: its last words were stored before */
		rc = catch_up(g);
		return rc == 0 ? 1 : rc;
	}
	if (rc != SP_ERR_UNAVAILABLE)
		return rc;
	return has_grown ? catch_up(g) : 0;
}

static int serve(struct following *g)
{
	struct sp_job_follow *f = g->f;
	struct pollfd p[POLL_COUNT] = {
		[POLL_KEEPER] = {.fd = g->fd, .events = POLLIN},
		[POLL_STDIN] = {.fd = g->has_input ? -1 : f->stdin_fd,
			.events = POLLIN},
		[POLL_RESIZE] = {.fd = f->resize_fd, .events = POLLIN},
		[POLL_CANCEL] = {.fd = f->cancel_fd, .events = POLLIN},
	};
	int rc = 0;

	if (g->has_input)
		p[POLL_KEEPER].events |= POLLOUT;
	if (poll(p, POLL_COUNT, -1) < 0)
		return errno == EINTR ? 0 : sp_fail_errno(g->err, "follow a process");
	if (p[POLL_CANCEL].revents) {
		f->is_cancelled = true;
		return 1;
	}
	if (p[POLL_KEEPER].revents & ~POLLOUT)
		rc = hear(g);
	if (rc == 0 && p[POLL_STDIN].revents)
		rc = read_input(g);
	if (rc == 0 && g->has_input)
		rc = send_input(g);
	if (rc == 0 && p[POLL_RESIZE].revents)
		rc = send_size(g);
	return rc;
}

/* One that has ended has nothing to say but what is stored. */
static int read_stored(struct following *g)
{
	*g->err = (struct sp_error){0};
	return g->f->from_now ? 0 : catch_up(g);
}

static int follow(struct following *g)
{
	const struct sp_job_request q = {.kind = SP_JOB_FOLLOW};
	int rc = say_hello(g->fd, &g->reply, g->err);

	if (rc == SP_ERR_NOT_FOUND)
		return read_stored(g);
	if (rc < 0)
		return rc;
	g->takes_input = g->reply.head.value;
	if (g->f->from_now)
		g->f->log.at = g->reply.head.log_bytes;
	/* Should it end just now, that is heard next, behind all it had to say. */
	(void)ask(g->fd, &q, 0, NULL);
	rc = sp_set_nonblock(g->fd, true, g->err);
	if (rc == 0)
		rc = catch_up(g);
	while (rc == 0)
		rc = serve(g);
	return rc == 1 ? 0 : rc;
}

int sp_job_follow(struct sp_job_follow *f, struct sp_error *err)
{
	sp_autofree struct following *g = calloc(1, sizeof(*g));
	sp_autoclose int fd = -1;

	if (!g)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	fd = connect_keeper(f->folder, err);
	if (fd < 0 && fd != SP_ERR_NOT_FOUND)
		return fd;
	g->f = f;
	g->fd = fd;
	g->err = err;
	return fd >= 0 ? follow(g) : read_stored(g);
}
