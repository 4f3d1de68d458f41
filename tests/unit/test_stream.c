/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "engine/stream.h"

/* What came out, per stream, and what the receiver answers. */
struct seen {
	char out[256], err[256];
	size_t out_len, err_len;
	size_t calls;
	int answer;
};

static int receive(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct seen *s = ctx;
	char *to = stream == SP_STDOUT ? s->out : s->err;
	size_t *at = stream == SP_STDOUT ? &s->out_len : &s->err_len;

	assert_true(stream == SP_STDOUT || stream == SP_STDERR);
	assert_true(len > 0);
	assert_true(*at + len < sizeof(s->out));
	memcpy(to + *at, data, len);
	*at += len;
	s->calls++;
	return s->answer;
}

#define HEAD(type, len) type "\0\0\0\0\0\0" len
#define BYTES(text)     (text), sizeof(text) - 1

/* Two of stdout around one of stderr, an empty one, and one of type 0. */
static const char good[] = HEAD("\1", "\5") "hello" HEAD("\2", "\3") "bad" HEAD(
	"\1", "\0") HEAD("\1", "\7") " world\n" HEAD("\0", "\1") "!";
#define GOOD_LEN (sizeof(good) - 1)

static struct sp_demux fresh(struct seen *s)
{
	struct sp_demux d;

	memset(s, 0, sizeof(*s));
	sp_demux_init(&d, SP_DEMUX_FRAMES, receive, s);
	return d;
}

static void check_good(const struct sp_demux *d, const struct seen *s)
{
	assert_int_equal(sp_demux_finish(d, NULL), 0);
	assert_int_equal(d->offset, GOOD_LEN);
	assert_string_equal(s->out, "hello world\n!");
	assert_string_equal(s->err, "bad");
}

static void sorts_frames_out_in_one_piece(void **state)
{
	struct seen s;
	struct sp_demux d = fresh(&s);

	(void)state;
	assert_int_equal(sp_demux_feed(&d, good, GOOD_LEN, NULL), 0);
	check_good(&d, &s);
	assert_int_equal(s.calls, 4);
}

static void takes_a_cut_at_every_two_places(void **state)
{
	(void)state;
	for (size_t i = 0; i <= GOOD_LEN; i++)
		for (size_t j = i; j <= GOOD_LEN; j++) {
			struct seen s;
			struct sp_demux d = fresh(&s);

			assert_int_equal(sp_demux_feed(&d, good, i, NULL), 0);
			assert_int_equal(sp_demux_feed(&d, good + i, j - i, NULL), 0);
			assert_int_equal(
				sp_demux_feed(&d, good + j, GOOD_LEN - j, NULL), 0);
			check_good(&d, &s);
		}
}

static void takes_pieces_of_every_size(void **state)
{
	(void)state;
	for (size_t step = 1; step <= GOOD_LEN; step++) {
		struct seen s;
		struct sp_demux d = fresh(&s);

		for (size_t at = 0; at < GOOD_LEN; at += step) {
			size_t n = GOOD_LEN - at < step ? GOOD_LEN - at : step;

			assert_int_equal(sp_demux_feed(&d, good + at, n, NULL), 0);
		}
		check_good(&d, &s);
	}
}

static int points_into_input(
	void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	const char *input = ctx;

	(void)stream;
	assert_true(data >= input && data + len <= input + GOOD_LEN);
	return 0;
}

static void hands_out_slices_of_its_input(void **state)
{
	struct sp_demux d;
	char input[GOOD_LEN];

	(void)state;
	memcpy(input, good, GOOD_LEN);
	sp_demux_init(&d, SP_DEMUX_FRAMES, points_into_input, input);
	for (size_t i = 0; i < GOOD_LEN; i++)
		assert_int_equal(sp_demux_feed(&d, input + i, 1, NULL), 0);
}

static void passes_a_terminal_through(void **state)
{
	struct seen s = {0};
	struct sp_demux d;

	(void)state;
	sp_demux_init(&d, SP_DEMUX_RAW, receive, &s);
	assert_int_equal(sp_demux_feed(&d, BYTES("\2\0\0\0 raw"), NULL), 0);
	assert_int_equal(sp_demux_feed(&d, "", 0, NULL), 0);
	assert_int_equal(sp_demux_finish(&d, NULL), 0);
	assert_memory_equal(s.out, "\2\0\0\0 raw", 8);
	assert_int_equal(s.calls, 1);
}

/* Fed whole and byte by byte, after a good frame, it is refused with its place. */
static void check_refused(
	const char *text, size_t len, enum sp_code code, const char *words)
{
	for (size_t step = 1; step <= len; step = step == 1 ? len : len + 1) {
		struct seen s;
		struct sp_demux d = fresh(&s);
		struct sp_error err = {0};
		int rc = 0;

		for (size_t at = 0; rc == 0 && at < len; at += step)
			rc = sp_demux_feed(
				&d, text + at, len - at < step ? len - at : step, &err);
		assert_int_equal(rc, code);
		assert_int_equal(err.code, code);
		assert_non_null(strstr(err.msg, words));
	}
}

static void refuses_a_head_that_cannot_be(void **state)
{
	(void)state;
	check_refused(BYTES(HEAD("\1", "\1") "x\4\0\0\0\0\0\0\1y"), SP_ERR_PROTOCOL,
		"byte 9");
	check_refused(BYTES("\1\1\0\0\0\0\0\1y"), SP_ERR_PROTOCOL, "byte 0");
	check_refused(BYTES("\1\0\1\0\0\0\0\1y"), SP_ERR_PROTOCOL, "byte 0");
	check_refused(BYTES("\1\0\0\1\0\0\0\1y"), SP_ERR_PROTOCOL, "byte 0");
	check_refused(BYTES("HTTP/1.1 200 OK"), SP_ERR_PROTOCOL, "type 72");
}

static void gives_the_complaint_of_the_engine(void **state)
{
	(void)state;
	check_refused(BYTES(HEAD("\1", "\1") "x" HEAD("\3", "\7") "no disk"),
		SP_ERR_UNAVAILABLE, "no disk");
	check_refused(BYTES(HEAD("\3", "\0")), SP_ERR_UNAVAILABLE, "broke");
}

static void keeps_only_the_beginning_of_a_long_complaint(void **state)
{
	char text[8 + 1000] = "\3\0\0\0\0\0\3\xe8";

	(void)state;
	memset(text + 8, 'x', 1000);
	check_refused(text, sizeof(text), SP_ERR_UNAVAILABLE, "xxxx");
}

static void tells_an_end_within_a_frame(void **state)
{
	(void)state;
	for (size_t len = 0; len <= GOOD_LEN; len++) {
		struct seen s;
		struct sp_demux d = fresh(&s);
		/* Where frames end: 13, 24, 32, 47, 56. */
		bool whole = len == 0 || len == 13 || len == 24 || len == 32 ||
			len == 47 || len == 56;
		struct sp_error err = {0};

		assert_int_equal(sp_demux_feed(&d, good, len, NULL), 0);
		assert_int_equal(
			sp_demux_finish(&d, &err), whole ? 0 : SP_ERR_PROTOCOL);
	}
}

static void takes_frames_of_any_length(void **state)
{
	static const char head[] = "\1\0\0\0\xff\xff\xff\xff";
	struct seen s;
	struct sp_demux d = fresh(&s);

	(void)state;
	assert_int_equal(sp_demux_feed(&d, head, 8, NULL), 0);
	assert_int_equal(d.left, UINT32_MAX);
	assert_int_equal(sp_demux_feed(&d, "abc", 3, NULL), 0);
	assert_string_equal(s.out, "abc");
	assert_int_equal(sp_demux_finish(&d, NULL), SP_ERR_PROTOCOL);
}

static void stops_when_the_receiver_says_no(void **state)
{
	struct seen s;
	struct sp_demux d = fresh(&s);

	(void)state;
	s.answer = SP_ERR_LIMIT;
	assert_int_equal(sp_demux_feed(&d, good, GOOD_LEN, NULL), SP_ERR_LIMIT);
	assert_int_equal(s.calls, 1);
	d = fresh(&s);
	s.answer = 1; /* no code of ours */
	assert_int_equal(sp_demux_feed(&d, good, GOOD_LEN, NULL), SP_ERR_CANCELLED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts_frames_out_in_one_piece),
		cmocka_unit_test(takes_a_cut_at_every_two_places),
		cmocka_unit_test(takes_pieces_of_every_size),
		cmocka_unit_test(hands_out_slices_of_its_input),
		cmocka_unit_test(passes_a_terminal_through),
		cmocka_unit_test(refuses_a_head_that_cannot_be),
		cmocka_unit_test(gives_the_complaint_of_the_engine),
		cmocka_unit_test(keeps_only_the_beginning_of_a_long_complaint),
		cmocka_unit_test(tells_an_end_within_a_frame),
		cmocka_unit_test(takes_frames_of_any_length),
		cmocka_unit_test(stops_when_the_receiver_says_no),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
