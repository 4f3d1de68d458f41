/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/launch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "base/io.h"

/* What the receiver of output got, and how it behaves. */
struct got {
	size_t out, errors;
	char text[64]; /* the first of standard output */
	int answer;    /* what it returns */
	int pauses;    /* how often it is slow, and how much */
	int64_t pause_ms;
};

static int receive(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct got *g = ctx;
	const struct timespec pause = {
		.tv_sec = g->pause_ms / 1000, .tv_nsec = g->pause_ms % 1000 * 1000000};

	if (stream == SP_STDOUT && g->out < sizeof(g->text) - 1)
		memcpy(g->text + g->out, data,
			len < sizeof(g->text) - 1 - g->out
				? len
				: sizeof(g->text) - 1 - g->out);
	if (g->pauses-- > 0)
		nanosleep(&pause, NULL); /* a slow receiver is what is tested */
	*(stream == SP_STDOUT ? &g->out : &g->errors) += len;
	return g->answer;
}

/* The other ends of a runner's descriptors. */
struct fake {
	int control, in, out, errors;
};

static void tell_end(const struct fake *f, int status, bool cancelled)
{
	const struct sp_runner_event event = {
		.kind = SP_EVENT_ENDED, .status = status, .cancelled = cancelled};

	(void)!send(f->control, &event, sizeof(event), 0);
}

/* Start a process that plays the runner. */
static void start(struct sp_running *run, void (*play)(const struct fake *))
{
	int control[2];
	struct fake f;

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, control), 0);
	run->control = control[0];
	f.control = control[1];
	assert_int_equal(sp_pipe(&f.in, &run->in, 0, NULL), 0);
	assert_int_equal(sp_pipe(&run->out, &f.out, 256 * 1024, NULL), 0);
	assert_int_equal(sp_pipe(&run->errors, &f.errors, 0, NULL), 0);
	run->pid = fork();
	if (run->pid == 0) {
		close(run->control);
		close(run->in);
		close(run->out);
		close(run->errors);
		play(&f);
		_exit(0);
	}
	assert_true(run->pid > 0);
	close(f.control);
	close(f.in);
	close(f.out);
	close(f.errors);
}

static int relay(struct sp_running *run, struct sp_relay *r, struct got *g,
	struct sp_runner_event *event, struct sp_error *err)
{
	int rc;

	r->on_output = receive;
	r->on_output_ctx = g;
	memset(event, 0, sizeof(*event));
	rc = sp_launch_relay(run, r, event, err);
	assert_int_equal(run->pid, 0);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	return rc;
}

static void play_both_streams(const struct fake *f)
{
	(void)!write(f->out, "a\0b", 3);
	(void)!write(f->errors, "xy", 2);
	tell_end(f, 7 << 8, false);
}

static void streams_stay_apart_and_the_end_is_told(void **state)
{
	struct sp_relay r = {.input.fd = -1, .cancel_fd = -1};
	struct sp_runner_event event;
	struct sp_running run;
	struct got g = {0};

	(void)state;
	start(&run, play_both_streams);
	assert_int_equal(relay(&run, &r, &g, &event, NULL), 0);
	assert_int_equal(event.kind, SP_EVENT_ENDED);
	assert_int_equal(WEXITSTATUS(event.status), 7);
	assert_memory_equal(g.text, "a\0b", 3);
	assert_int_equal(g.out, 3);
	assert_int_equal(g.errors, 2);
}

static void play_nothing(const struct fake *f)
{
	(void)f;
}

static void a_runner_that_dies_without_a_word_is_an_error(void **state)
{
	struct sp_relay r = {.input.fd = -1, .cancel_fd = -1};
	struct sp_runner_event event;
	struct sp_error err = {0};
	struct sp_running run;
	struct got g = {0};

	(void)state;
	start(&run, play_nothing);
	assert_int_equal(relay(&run, &r, &g, &event, &err), SP_ERR_SYSTEM);
	assert_string_equal(err.msg, "the runner ended without a word");
}

static void play_echo(const struct fake *f)
{
	char chunk[1000];
	ssize_t n;

	while ((n = read(f->in, chunk, sizeof(chunk))) > 0)
		(void)!write(f->out, chunk, (size_t)n);
	tell_end(f, 0, false);
}

static void input_goes_through_to_its_end(void **state)
{
	sp_autofree char *data = calloc(1, 200000);
	struct sp_relay r = {.cancel_fd = -1};
	struct sp_runner_event event;
	struct sp_running run;
	struct got g = {0};

	(void)state;
	r.input.fd = sp_sealed_memfd("x", data, 200000, NULL);
	start(&run, play_echo);
	assert_int_equal(relay(&run, &r, &g, &event, NULL), 0);
	close(r.input.fd);
	assert_int_equal(g.out, 200000);
}

static void play_reads_nothing(const struct fake *f)
{
	close(f->in);
	(void)!write(f->out, "x", 1);
	tell_end(f, 0, false);
}

static ssize_t endless(void *ctx, char *data, size_t len, struct sp_error *err)
{
	(void)ctx;
	(void)err;
	memset(data, 'x', len);
	return (ssize_t)len;
}

/* A program that uses the library has not told anyone what to do about SIGPIPE. */
static void a_command_that_reads_no_input_does_not_end_its_caller(void **state)
{
	struct sp_relay r = {.input = {.fd = -1, .read = endless}, .cancel_fd = -1};
	struct sp_runner_event event;
	struct sp_running run;
	struct got g = {0};

	(void)state;
	assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
	start(&run, play_reads_nothing);
	assert_int_equal(relay(&run, &r, &g, &event, NULL), 0);
	assert_int_equal(g.out, 1);
}

static void play_until_stopped(const struct fake *f)
{
	char byte = 0;

	(void)!write(f->out, "x", 1);
	if (recv(f->control, &byte, 1, 0) == 1 && byte == SP_RUNNER_STOP)
		tell_end(f, SIGKILL, true);
}

static void a_receiver_that_refuses_stops_the_command(void **state)
{
	struct sp_relay r = {.input.fd = -1, .cancel_fd = -1};
	struct got g = {.answer = SP_ERR_LIMIT};
	struct sp_runner_event event;
	struct sp_error err = {0};
	struct sp_running run;

	(void)state;
	start(&run, play_until_stopped);
	assert_int_equal(relay(&run, &r, &g, &event, &err), SP_ERR_LIMIT);
	assert_int_equal(err.code, SP_ERR_LIMIT);
}

static void a_readable_cancel_descriptor_stops_the_command(void **state)
{
	struct sp_relay r = {.input.fd = -1};
	struct sp_runner_event event;
	struct sp_running run;
	struct got g = {0};
	int to;

	(void)state;
	assert_int_equal(sp_pipe(&r.cancel_fd, &to, 0, NULL), 0);
	assert_int_equal(sp_write_all(to, "x", 1, NULL), 0);
	start(&run, play_until_stopped);
	assert_int_equal(relay(&run, &r, &g, &event, NULL), 0);
	assert_true(event.cancelled);
	close(r.cancel_fd);
	close(to);
}

#define LOT (256 * 1024)

static void play_lot_and_end(const struct fake *f)
{
	static char lot[LOT];

	(void)!write(f->out, lot, sizeof(lot));
	tell_end(f, 0, false);
}

/* Longer than the drain may take: what the command wrote before its end is still owed. */
static void a_slow_receiver_gets_all_of_it(void **state)
{
	struct sp_relay r = {.input.fd = -1, .cancel_fd = -1};
	struct got g = {.pauses = 1, .pause_ms = 2300};
	struct sp_runner_event event;
	struct sp_running run;

	(void)state;
	start(&run, play_lot_and_end);
	assert_int_equal(relay(&run, &r, &g, &event, NULL), 0);
	assert_int_equal(g.out, LOT);
}

/* The command ended; a process of its that escaped writes on and never stops. */
static void play_survivor(const struct fake *f)
{
	static char lot[4096];
	pid_t survivor;

	(void)!write(f->out, "first", 5);
	survivor = fork();
	if (survivor == 0) {
		close(f->control);
		signal(SIGPIPE, SIG_DFL); /* what ends it, when nobody reads any more */
		for (;;)
			(void)!write(f->out, lot, sizeof(lot));
	}
	tell_end(f, 0, false);
}

static void one_that_writes_for_ever_does_not_hold_the_caller(void **state)
{
	struct sp_relay r = {.input.fd = -1, .cancel_fd = -1};
	struct sp_runner_event event;
	struct sp_running run;
	struct got g = {.pauses = 1000000, .pause_ms = 20}; /* the pipe is full again */
	int64_t begin = sp_clock_ms();

	(void)state;
	alarm(30); /* the test ends even where the relay does not */
	start(&run, play_survivor);
	assert_int_equal(relay(&run, &r, &g, &event, NULL), 0);
	alarm(0);
	assert_memory_equal(g.text, "first", 5);
	assert_true(sp_clock_ms() - begin < 20000);
}

static void play_ready(const struct fake *f)
{
	const struct sp_runner_event event = {.kind = SP_EVENT_READY};

	(void)!send(f->control, &event, sizeof(event), 0);
}

static void play_failed(const struct fake *f)
{
	struct sp_runner_event event = {.kind = SP_EVENT_FAILED};

	sp_fail(&event.error, SP_ERR_UNSUPPORTED, "no user namespaces");
	(void)!send(f->control, &event, sizeof(event), 0);
}

static void a_sandbox_is_ready_or_says_why_not(void **state)
{
	struct sp_runner_event event;
	struct sp_error err = {0};
	struct sp_running run;

	(void)state;
	start(&run, play_ready);
	assert_int_equal(sp_launch_wait_ready(&run, &event, &err), 0);
	start(&run, play_failed);
	assert_int_equal(sp_launch_wait_ready(&run, &event, &err), SP_ERR_UNSUPPORTED);
	assert_string_equal(err.msg, "no user namespaces");
	start(&run, play_nothing);
	assert_int_equal(sp_launch_wait_ready(&run, &event, &err), SP_ERR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(streams_stay_apart_and_the_end_is_told),
		cmocka_unit_test(a_runner_that_dies_without_a_word_is_an_error),
		cmocka_unit_test(input_goes_through_to_its_end),
		cmocka_unit_test(a_command_that_reads_no_input_does_not_end_its_caller),
		cmocka_unit_test(a_receiver_that_refuses_stops_the_command),
		cmocka_unit_test(a_readable_cancel_descriptor_stops_the_command),
		cmocka_unit_test(a_slow_receiver_gets_all_of_it),
		cmocka_unit_test(one_that_writes_for_ever_does_not_hold_the_caller),
		cmocka_unit_test(a_sandbox_is_ready_or_says_why_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
