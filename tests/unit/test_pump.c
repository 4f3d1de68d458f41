/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_server.h"

#include <fcntl.h>

#include "base/clock.h"
#include "engine/stream.h"

#define UPGRADED         "HTTP/1.1 101 UPGRADED\r\n\r\n"
#define FRAME(type, len) type "\0\0\0\0\0\0" len

/* One stream out of a server that begins it so, with raw output kept. */
struct rig {
	struct fake_reply reply;
	struct fake_server *server;
	struct sp_http *http;
	struct sp_duplex *duplex;
	struct sp_demux demux;
	struct sp_pump pump;
	char out[3 << 20];
	size_t out_len;
	int answer;
};

static int receive(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct rig *r = ctx;

	(void)stream;
	assert_true(r->out_len + len < sizeof(r->out));
	memcpy(r->out + r->out_len, data, len);
	r->out_len += len;
	return r->answer;
}

static struct rig *start(
	const char *text, size_t len, enum fake_after after, enum sp_demux_mode mode)
{
	struct rig *r = calloc(1, sizeof(*r));
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	struct sp_http_opts opts = {0};

	assert_non_null(r);
	r->reply = (struct fake_reply){.text = text, .len = len, .after = after};
	r->server = fake_start(&r->reply, 1);
	opts.url = r->server->url;
	assert_int_equal(sp_http_open(&opts, &r->http, NULL), 0);
	assert_int_equal(sp_http_hijack(r->http, "POST", NULL, &r->duplex, &reply, NULL,
				 "/attach"),
		0);
	assert_non_null(r->duplex);
	sp_demux_init(&r->demux, mode, receive, r);
	sp_pump_init(&r->pump, r->duplex, &r->demux);
	r->pump.deadline_ms = sp_deadline_in(FAKE_WAIT_MS);
	return r;
}

static void end(struct rig *r)
{
	sp_duplex_close(r->duplex);
	sp_http_close(r->http);
	fake_free(r->server);
	free(r);
}

#define BYTES(text) (text), sizeof(text) - 1

static void runs_to_the_end_of_the_stream(void **state)
{
	struct rig *r = start(
		BYTES(UPGRADED FRAME("\1", "\2") "hi" FRAME("\2", "\1") "!"),
		FAKE_CLOSE, SP_DEMUX_FRAMES);
	enum sp_pump_end how;

	(void)state;
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), 0);
	assert_int_equal(how, SP_PUMP_ENDED);
	assert_string_equal(r->out, "hi!");
	end(r);
}

static void tells_a_stream_that_ends_early(void **state)
{
	struct rig *r = start(
		BYTES(UPGRADED FRAME("\1", "\5") "hi"), FAKE_CLOSE, SP_DEMUX_FRAMES);
	enum sp_pump_end how = SP_PUMP_CANCELLED;

	(void)state;
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), SP_ERR_PROTOCOL);
	assert_string_equal(r->out, "hi");
	assert_int_equal(how, SP_PUMP_CANCELLED); /* untouched on failure */
	end(r);
}

/* More than any buffer on the way holds, so that both directions must take turns. */
#define IN_BLOCKS 2500
static void carries_standard_input_and_ends_it(void **state)
{
	struct rig *r = start(BYTES(UPGRADED), FAKE_ECHO, SP_DEMUX_RAW);
	char path[] = "/tmp/sp-pump-XXXXXX";
	int fd = mkstemp(path);
	enum sp_pump_end how;
	char block[1000];

	(void)state;
	unlink(path);
	for (int i = 0; i < IN_BLOCKS; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
	}
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	r->pump.stdin_fd = fd;
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), 0);
	assert_int_equal(how, SP_PUMP_ENDED);
	assert_int_equal(r->out_len, IN_BLOCKS * 1000);
	for (size_t i = 0; i < IN_BLOCKS; i++)
		assert_int_equal(r->out[i * 1000 + 999], 'a' + (int)i % 26);
	assert_true(fcntl(fd, F_GETFD) >= 0); /* stays the caller's */
	close(fd);
	end(r);
}

static void goes_on_reading_when_nobody_takes_the_input(void **state)
{
	struct rig *r = start(
		BYTES(UPGRADED FRAME("\1", "\2") "hi"), FAKE_CLOSE, SP_DEMUX_FRAMES);
	int zero = open("/dev/zero", O_RDONLY);
	enum sp_pump_end how;

	(void)state;
	r->pump.stdin_fd = zero;
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), 0);
	assert_int_equal(how, SP_PUMP_ENDED);
	assert_string_equal(r->out, "hi");
	close(zero);
	end(r);
}

static void stops_at_the_deadline_and_goes_on_after(void **state)
{
	struct rig *r = start(BYTES(UPGRADED "first"), FAKE_ECHO, SP_DEMUX_RAW);
	int64_t start_ms = sp_clock_ms();
	enum sp_pump_end how;

	(void)state;
	r->pump.deadline_ms = sp_deadline_in(50);
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), 0);
	assert_int_equal(how, SP_PUMP_TIMED_OUT);
	assert_in_range(sp_clock_ms() - start_ms, 40, FAKE_WAIT_MS / 2);
	assert_string_equal(r->out, "first");

	assert_int_equal(sp_duplex_write(r->duplex, " second", 7, NULL), 7);
	assert_int_equal(sp_duplex_end_write(r->duplex, NULL), 0);
	r->pump.deadline_ms = sp_deadline_in(FAKE_WAIT_MS);
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), 0);
	assert_int_equal(how, SP_PUMP_ENDED);
	assert_string_equal(r->out, "first second");
	end(r);
}

static void stops_when_cancelled(void **state)
{
	struct rig *r = start(BYTES(UPGRADED "first"), FAKE_HOLD, SP_DEMUX_RAW);
	enum sp_pump_end how;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	r->pump.cancel_fd = fds[0];
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), 0);
	assert_int_equal(how, SP_PUMP_CANCELLED);
	close(fds[0]);
	close(fds[1]);
	end(r);
}

/* A server that never stops writing: the deadline still comes. */
static void ends_a_flood_at_its_deadline(void **state)
{
	struct rig *r = start(BYTES(UPGRADED), FAKE_ECHO, SP_DEMUX_RAW);
	int zero = open("/dev/zero", O_RDONLY);
	int64_t start_ms = sp_clock_ms();
	enum sp_pump_end how;

	(void)state;
	r->pump.stdin_fd = zero;
	r->pump.deadline_ms = sp_deadline_in(50);
	r->demux.on_output = NULL;
	sp_demux_init(&r->demux, SP_DEMUX_FRAMES, receive, r);
	/* Zeros are empty frames: they flow for ever and hand nothing on. */
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), 0);
	assert_int_equal(how, SP_PUMP_TIMED_OUT);
	assert_in_range(sp_clock_ms() - start_ms, 40, FAKE_WAIT_MS / 2);
	assert_int_equal(r->out_len, 0);
	close(zero);
	end(r);
}

static void fails_as_the_receiver_does(void **state)
{
	struct rig *r = start(BYTES(UPGRADED "text"), FAKE_HOLD, SP_DEMUX_RAW);
	enum sp_pump_end how;

	(void)state;
	r->answer = SP_ERR_LIMIT;
	assert_int_equal(sp_pump_run(&r->pump, &how, NULL), SP_ERR_LIMIT);
	end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(runs_to_the_end_of_the_stream),
		cmocka_unit_test(tells_a_stream_that_ends_early),
		cmocka_unit_test(carries_standard_input_and_ends_it),
		cmocka_unit_test(goes_on_reading_when_nobody_takes_the_input),
		cmocka_unit_test(stops_at_the_deadline_and_goes_on_after),
		cmocka_unit_test(stops_when_cancelled),
		cmocka_unit_test(ends_a_flood_at_its_deadline),
		cmocka_unit_test(fails_as_the_receiver_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
