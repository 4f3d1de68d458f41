/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The streams of one command: a relay with limits, not inherited terminals.  Output waits
 * in its pipe when the caller is slow, so a flood fills nothing but that pipe.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/io.h"
#include "runtime/launch.h"
#include "runtime/launch_internal.h"
#include "runtime/master.h"

#define CHUNK_BYTES (256 * 1024)
/* Most commands print less: to map and unmap the larger one takes longer than to use it. */
#define SMALL_BYTES (16 * 1024)
/* After the command's end others may hold its output open: no longer than this. */
#define DRAIN_MS 2000
#define QUIET_MS 200

enum {
	POLL_CONTROL,
	POLL_OUT,
	POLL_ERR,
	POLL_IN,
	POLL_SOURCE,
	POLL_CANCEL,
	POLL_RESIZE,
	POLL_COUNT
};

struct relaying {
	struct sp_running *run;
	const struct sp_relay *relay;
	struct sp_runner_event *event;
	char *chunk;
	size_t chunk_bytes;
	char *large; /* what chunk is once it was full, owned; or NULL */
	char *input; /* what was read and not yet written */
	size_t input_len, input_at;
	bool input_ended, has_event;
	bool is_mid_line;     /* the input so far does not end with one */
	bool awaits_terminal; /* run->in is the socket its master comes through */
	int resize_fd;
	int owed_out, owed_errors; /* written before the end and not yet read */
	int cancel_fd;
	int failure; /* of the caller's own function */
	struct sp_error *err;
};

/* Ask the supervisor to end it; its answer comes as an event like any other end. */
static void stop(struct relaying *r)
{
	static const char byte = SP_RUNNER_STOP;

	(void)send(r->run->control, &byte, 1, MSG_NOSIGNAL);
	r->cancel_fd = -1;
}

static void fail(struct relaying *r, int rc)
{
	if (r->failure == 0)
		r->failure = rc;
	stop(r);
}

/* Without memory for it the small one goes on serving. */
static void enlarge(struct relaying *r)
{
	if (r->large)
		return;
	r->large = malloc(CHUNK_BYTES);
	if (!r->large)
		return;
	r->chunk = r->large;
	r->chunk_bytes = CHUNK_BYTES;
}

static void read_output(struct relaying *r, int *fd, enum sp_stream stream)
{
	int *owed = stream == SP_STDOUT ? &r->owed_out : &r->owed_errors;
	ssize_t n = read(*fd, r->chunk, r->chunk_bytes);
	int rc;

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		sp_close_fd(fd);
		*owed = 0;
		return;
	}
	*owed -= n < *owed ? (int)n : *owed;
	if (r->failure)
		return; /* read on, so that nothing waits for us, and drop it */
	rc = r->relay->on_output(r->relay->on_output_ctx, stream, r->chunk, (size_t)n);
	if (rc != 0)
		fail(r, rc < 0 ? rc : SP_ERR_CANCELLED);
	if ((size_t)n == r->chunk_bytes)
		enlarge(r);
}

/* Nothing more to come from the caller; a terminal has to be told by typing it. */
static void end_input(struct relaying *r)
{
	r->input_ended = true;
	r->input_at = r->input_len = 0;
	if (r->relay->tty && r->run->in >= 0)
		r->input_len = sp_master_end(r->run->in, r->is_mid_line, r->input);
}

/* Input is written through a second descriptor, which can be closed by itself. */
static void take_terminal(struct relaying *r)
{
	r->awaits_terminal = false;
	r->run->out = sp_master_take(r->run->in);
	sp_close_fd(&r->run->in);
	if (r->run->out >= 0)
		r->run->in = fcntl(r->run->out, F_DUPFD_CLOEXEC, 0);
	if (r->relay->input.fd < 0 && !r->relay->input.read)
		end_input(r);
}

static void take_size(struct relaying *r)
{
	struct sp_window window;
	ssize_t n = read(r->resize_fd, &window, sizeof(window));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n != sizeof(window)) {
		r->resize_fd = -1;
		return;
	}
	sp_master_resize(r->run->out, &window);
}

static bool wants_input(const struct relaying *r)
{
	return r->run->in >= 0 && !r->awaits_terminal && r->input_len == 0 &&
		!r->input_ended;
}

/* The function is asked only when there is room to write, a descriptor when it has data. */
static void read_input(struct relaying *r)
{
	const struct sp_input *input = &r->relay->input;
	ssize_t n = input->read ? input->read(input->ctx, r->input, CHUNK_BYTES, r->err)
				: read(input->fd, r->input, CHUNK_BYTES);

	if (n > 0) {
		r->input_len = (size_t)n;
		r->input_at = 0;
		return;
	}
	if (n < 0 && !input->read && (errno == EINTR || errno == EAGAIN))
		return;
	end_input(r);
	if (n < 0 && input->read)
		fail(r, (int)n);
}

static void write_input(struct relaying *r)
{
	ssize_t n = sp_write_some(r->run->in, r->input + r->input_at, r->input_len);

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n < 0) { /* nobody reads it any more: that is the command's right */
		r->input_ended = true;
		r->input_len = 0;
		return;
	}
	r->input_at += (size_t)n;
	r->input_len -= (size_t)n;
	if (n > 0)
		r->is_mid_line = r->input[r->input_at - 1] != '\n' &&
			r->input[r->input_at - 1] != '\r';
}

static void move_input(struct relaying *r)
{
	if (wants_input(r))
		read_input(r);
	if (r->input_len)
		write_input(r);
}

static void take_event(struct relaying *r)
{
	struct sp_error err = {0};

	if (sp_launch_read_event(r->run, r->event, &err) < 0) {
		r->event->kind = SP_EVENT_FAILED;
		r->event->error = err;
	}
	r->has_event = true;
	if (r->awaits_terminal)
		take_terminal(r);
	if (ioctl(r->run->out, FIONREAD, &r->owed_out) < 0)
		r->owed_out = 0;
	if (ioctl(r->run->errors, FIONREAD, &r->owed_errors) < 0)
		r->owed_errors = 0;
}

static void set_polls(const struct relaying *r, struct pollfd p[POLL_COUNT])
{
	bool by_fd = !r->relay->input.read;

	for (int i = 0; i < POLL_COUNT; i++)
		p[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	p[POLL_CONTROL].fd = r->has_event ? -1 : r->run->control;
	p[POLL_OUT].fd = r->run->out;
	p[POLL_ERR].fd = r->run->errors;
	p[POLL_CANCEL].fd = r->has_event ? -1 : r->cancel_fd;
	p[POLL_IN].events = POLLOUT;
	if (r->input_len || (wants_input(r) && !by_fd))
		p[POLL_IN].fd = r->run->in;
	if (r->awaits_terminal)
		p[POLL_IN] = (struct pollfd){.fd = r->run->in, .events = POLLIN};
	if (r->run->out >= 0)
		p[POLL_RESIZE].fd = r->resize_fd;
	if (wants_input(r) && by_fd)
		p[POLL_SOURCE].fd = r->relay->input.fd;
}

static bool is_done(const struct relaying *r)
{
	return r->has_event && !r->awaits_terminal && r->run->out < 0 &&
		r->run->errors < 0;
}

/*
 * False when the drain after the end took its time.  A slow receiver gets all the command
 * wrote; whoever else holds the stream and never stops writing does not hold us.
 */
static bool poll_once(struct relaying *r, int64_t *drain_until_ms)
{
	struct pollfd p[POLL_COUNT];
	int timeout = -1;
	int n;

	if (r->has_event && *drain_until_ms == 0)
		*drain_until_ms = sp_deadline_in(DRAIN_MS);
	if (r->has_event) {
		int left = sp_deadline_poll_ms(*drain_until_ms);

		if (left == 0 && r->owed_out == 0 && r->owed_errors == 0)
			return false;
		timeout = left < QUIET_MS ? left : QUIET_MS;
	}
	set_polls(r, p);
	n = poll(p, POLL_COUNT, timeout);
	if (n == 0)
		return false;
	if (n < 0)
		return errno == EINTR;
	if (p[POLL_OUT].revents)
		read_output(r, &r->run->out, SP_STDOUT);
	if (p[POLL_ERR].revents)
		read_output(r, &r->run->errors, SP_STDERR);
	if (r->awaits_terminal && p[POLL_IN].revents)
		take_terminal(r);
	else if (p[POLL_IN].revents || p[POLL_SOURCE].revents)
		move_input(r);
	if (r->input_ended && r->input_len == 0 && !r->awaits_terminal)
		sp_close_fd(&r->run->in);
	if (p[POLL_RESIZE].revents)
		take_size(r);
	if (p[POLL_CANCEL].revents)
		stop(r);
	if (p[POLL_CONTROL].revents)
		take_event(r);
	return true;
}

int sp_launch_relay(struct sp_running *run, const struct sp_relay *relay,
	struct sp_runner_event *event, struct sp_error *err)
{
	const bool has_input = relay->input.fd >= 0 || relay->input.read || relay->tty;
	sp_autofree char *input = has_input ? malloc(CHUNK_BYTES) : NULL;
	char small[SMALL_BYTES];
	struct relaying r = {.run = run,
		.relay = relay,
		.event = event,
		.chunk = small,
		.chunk_bytes = sizeof(small),
		.input = input,
		.cancel_fd = relay->cancel_fd,
		.awaits_terminal = relay->tty,
		.resize_fd = relay->has_resize ? relay->resize_fd : -1,
		.err = err};
	int64_t drain_until_ms = 0;
	int rc = 0;

	if (has_input && !input)
		rc = sp_fail(err, SP_ERR_NOMEM, "out of memory");
	if (rc == 0)
		rc = sp_set_nonblock(run->in, true, err);
	if (!has_input)
		sp_close_fd(&run->in);
	while (rc == 0 && !is_done(&r) && poll_once(&r, &drain_until_ms))
		;
	sp_launch_end(run);
	free(r.large);
	if (rc == 0 && r.failure) {
		if (err && err->code == 0)
			sp_fail(err, (enum sp_code)r.failure,
				"stopped by the receiver of output");
		rc = r.failure;
	}
	if (rc == 0 && event->kind == SP_EVENT_FAILED) {
		if (err)
			*err = event->error;
		rc = event->error.code ? (int)event->error.code : SP_ERR_SYSTEM;
	}
	return rc;
}
