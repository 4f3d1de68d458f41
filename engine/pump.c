/* SPDX-License-Identifier: Apache-2.0 */
/* Carries one taken-over connection between the container and the caller. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "engine/stream.h"

#define READ_BYTES 65536

/* Reads between two looks at the deadline and the cancel descriptor: a flood ends, too. */
#define READS_A_TURN 16

enum { AT_STREAM, AT_STDIN, AT_CANCEL, POLLED };

void sp_pump_init(
	struct sp_pump *pump, struct sp_duplex *duplex, struct sp_demux *demux)
{
	memset(pump, 0, sizeof(*pump));
	pump->duplex = duplex;
	pump->demux = demux;
	pump->stdin_fd = -1;
	pump->cancel_fd = -1;
}

/* Hand on what has come.  *ended: nothing more will; *more: stopped before it ran dry. */
static int pump_output(
	struct sp_pump *pump, bool *ended, bool *more, struct sp_error *err)
{
	char data[READ_BYTES];

	*ended = false;
	*more = false;
	for (int i = 0; i < READS_A_TURN; i++) {
		ssize_t n = sp_duplex_read(
			pump->duplex, data, sizeof(data), ended, err);

		if (n < 0)
			return (int)n;
		if (n == 0)
			return *ended ? sp_demux_finish(pump->demux, err) : 0;
		n = sp_demux_feed(pump->demux, data, (size_t)n, err);
		if (n < 0)
			return (int)n;
	}
	*more = true;
	return 0;
}

/* Nothing more of stdin is wanted, or nothing more is there. */
static void end_input(struct sp_pump *pump)
{
	pump->stdin_fd = -1;
	pump->source = NULL;
	pump->in_at = pump->in_len = 0;
	/* A connection that is gone shows on the reading side, with what came before. */
	sp_duplex_end_write(pump->duplex, NULL);
}

static void read_input(struct sp_pump *pump)
{
	const struct sp_source *s = pump->source;
	ssize_t n = s ? s->read(s->ctx, pump->in, sizeof(pump->in), NULL)
		      : read(pump->stdin_fd, pump->in, sizeof(pump->in));

	if (n > 0) {
		pump->in_at = 0;
		pump->in_len = (uint32_t)n;
	} else if (n == 0 || s || (errno != EINTR && errno != EAGAIN)) {
		end_input(pump);
	}
}

static void send_input(struct sp_pump *pump)
{
	while (pump->in_at < pump->in_len) {
		ssize_t n = sp_duplex_write(pump->duplex, pump->in + pump->in_at,
			pump->in_len - pump->in_at, NULL);

		if (n == 0)
			return;
		if (n < 0) {
			/* Its reader has gone; its output may still come. */
			pump->stdin_fd = -1;
			pump->source = NULL;
			pump->in_at = pump->in_len = 0;
			return;
		}
		pump->in_at += (uint32_t)n;
	}
}

static bool is_pending(const struct sp_pump *pump)
{
	return pump->in_at < pump->in_len;
}

static void prepare_poll(const struct sp_pump *pump, struct pollfd p[POLLED])
{
	bool pending = is_pending(pump);

	p[AT_STREAM] = (struct pollfd){.fd = sp_duplex_fd(pump->duplex),
		.events = (short)(POLLIN | (pending ? POLLOUT : 0))};
	p[AT_STDIN] = (struct pollfd){
		.fd = pending ? -1 : pump->stdin_fd, .events = POLLIN};
	p[AT_CANCEL] = (struct pollfd){.fd = pump->cancel_fd, .events = POLLIN};
}

static int wait_for_any(const struct sp_pump *pump, struct pollfd p[POLLED], bool more,
	struct sp_error *err)
{
	int n;

	prepare_poll(pump, p);
	do
		n = poll(p, POLLED, more ? 0 : sp_deadline_poll_ms(pump->deadline_ms));
	while (n < 0 && errno == EINTR);
	return n < 0 ? sp_fail_errno(err, "wait for the output") : 0;
}

static bool is_past(int64_t deadline_ms)
{
	return deadline_ms && sp_clock_ms() >= deadline_ms;
}

int sp_pump_run(struct sp_pump *pump, enum sp_pump_end *end, struct sp_error *err)
{
	struct pollfd p[POLLED];
	bool ended, more;
	int rc;

	for (;;) {
		/* First what is there: the reply's head, or TLS, may have held it back. */
		rc = pump_output(pump, &ended, &more, err);
		if (rc < 0 || ended)
			break;
		rc = wait_for_any(
			pump, p, more || (pump->source && !is_pending(pump)), err);
		if (rc < 0)
			break;
		if (p[AT_CANCEL].revents) {
			*end = SP_PUMP_CANCELLED;
			return 0;
		}
		if (is_past(pump->deadline_ms)) {
			*end = SP_PUMP_TIMED_OUT;
			return 0;
		}
		if (p[AT_STDIN].revents || (pump->source && !is_pending(pump)))
			read_input(pump);
		send_input(pump);
	}
	if (rc == 0)
		*end = SP_PUMP_ENDED;
	return rc;
}
