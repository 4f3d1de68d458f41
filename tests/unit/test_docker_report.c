/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the five above before it */
#include <cmocka.h>

#include "base/buf.h"
#include "providers/docker/report.h"

#define TOKEN "abcdefghijklmnopqrstuvwx"
#define HEAD  SP_REPORT_MAGIC TOKEN
#define HELLO HEAD "000 000 000 h---\n"
#define DONE  HEAD "007 000 000 r---\n"

/* One filter and what came through it. */
struct fixture {
	struct sp_report_filter filter;
	struct sp_buf out, err;
	int refuse;
};

static int collect(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct fixture *f = ctx;

	sp_buf_add(stream == SP_STDERR ? &f->err : &f->out, data, len);
	return f->refuse;
}

static void begin(struct fixture *f)
{
	*f = (struct fixture){.out = SP_BUF_INIT(1 << 20), .err = SP_BUF_INIT(1 << 20)};
	sp_report_filter_init(&f->filter, TOKEN, collect, f);
}

static void end(struct fixture *f)
{
	sp_buf_clear(&f->out);
	sp_buf_clear(&f->err);
}

static int feed(struct fixture *f, enum sp_stream stream, const char *data, size_t len)
{
	return sp_report_filter_feed(&f->filter, stream, data, len);
}

static void feed_err(struct fixture *f, const char *text)
{
	feed(f, SP_STDERR, text, strlen(text));
}

static void takes_the_report_off_the_end(void **state)
{
	struct sp_report r;
	struct fixture f;

	(void)state;
	begin(&f);
	feed_err(&f, HELLO "oops\n" HEAD "137 009 000 rto-\n");
	assert_true(sp_report_filter_end(&f.filter, &r));
	assert_string_equal(sp_buf_str(&f.err), "oops\n");
	assert_int_equal(r.exit_code, 137);
	assert_int_equal(r.signal, 9);
	assert_int_equal(r.stage, SP_REPORT_STAGE_RAN);
	assert_true(r.timed_out);
	assert_true(r.oom_killed);
	assert_false(r.survivors);
	end(&f);
}

static void finds_it_however_the_bytes_are_cut(void **state)
{
	static const char text[] = HELLO "a\001b" HEAD "x" DONE "mid" DONE;
	const size_t len = sizeof(text) - 1;

	(void)state;
	for (size_t cut = 0; cut <= len; cut++) {
		struct sp_report r;
		struct fixture f;

		begin(&f);
		feed(&f, SP_STDERR, text, cut);
		feed(&f, SP_STDERR, text + cut, len - cut);
		assert_true(sp_report_filter_end(&f.filter, &r));
		assert_int_equal(r.exit_code, 7);
		/* One in the middle is output like any other. */
		assert_int_equal(f.err.len, len - strlen(HELLO) - strlen(DONE));
		end(&f);
	}
}

static void holds_nothing_back_that_cannot_be_a_report(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	feed_err(&f, HELLO);
	feed_err(&f, "prompt> ");
	assert_string_equal(sp_buf_str(&f.err), "prompt> ");
	feed_err(&f, "\001\036abc");
	assert_string_equal(sp_buf_str(&f.err), "prompt> ");
	feed_err(&f, "!");
	assert_string_equal(sp_buf_str(&f.err), "prompt> \001\036abc!");
	end(&f);
}

static void gives_back_what_only_began_like_a_report(void **state)
{
	struct sp_report r;
	struct fixture f;

	(void)state;
	begin(&f);
	feed_err(&f, HELLO "x" HEAD "00");
	assert_false(sp_report_filter_end(&f.filter, &r));
	assert_string_equal(sp_buf_str(&f.err), "x" HEAD "00");
	end(&f);
}

static void refuses_a_report_that_does_not_parse(void **state)
{
	static const char *const lines[] = {"999 000 000 r---\n", /* no exit code */
		"000 099 000 r---\n",                             /* no signal */
		"000 000 000 q---\n",                             /* no stage */
		"00a 000 000 r---\n", "000-000 000 r---\n", "000 000 000 r---x"};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct sp_report r;
		struct fixture f;

		begin(&f);
		feed_err(&f, HEAD);
		feed_err(&f, lines[i]);
		assert_false(sp_report_filter_end(&f.filter, &r));
		end(&f);
	}
}

static void does_not_take_the_report_of_another_token(void **state)
{
	struct sp_report r;
	struct fixture f;

	(void)state;
	begin(&f);
	feed_err(&f, SP_REPORT_MAGIC "bbcdefghijklmnopqrstuvwx000 000 000 r---\n");
	assert_false(sp_report_filter_end(&f.filter, &r));
	assert_int_equal(f.err.len, SP_REPORT_LEN);
	end(&f);
}

static void keeps_standard_output_until_the_agent_says_it_runs(void **state)
{
	struct sp_report r;
	struct fixture f;

	(void)state;
	begin(&f);
	feed(&f, SP_STDOUT, "quick", 5);
	assert_int_equal(f.out.len, 0);
	feed_err(&f, HELLO);
	assert_string_equal(sp_buf_str(&f.out), "quick");
	feed(&f, SP_STDOUT, " more", 5);
	assert_string_equal(sp_buf_str(&f.out), "quick more");
	feed_err(&f, DONE);
	assert_true(sp_report_filter_end(&f.filter, &r));
	end(&f);
}

static void keeps_the_engine_s_words_off_standard_output(void **state)
{
	struct sp_report r;
	struct fixture f;

	(void)state;
	begin(&f);
	feed(&f, SP_STDOUT, "unable to find user x", 21);
	assert_false(sp_report_filter_end(&f.filter, &r));
	assert_int_equal(f.out.len, 0);
	assert_false(f.filter.greeted);
	assert_memory_equal(f.filter.early, "unable to find user x", 21);
	end(&f);
}

static void swallows_a_hello_that_comes_after_a_lot_of_output(void **state)
{
	static char flood[SP_REPORT_EARLY_MAX + 1];
	struct fixture f;

	(void)state;
	memset(flood, 'x', sizeof(flood));
	begin(&f);
	feed(&f, SP_STDOUT, flood, sizeof(flood));
	assert_int_equal(f.out.len, sizeof(flood));
	feed_err(&f, HELLO);
	feed_err(&f, "words");
	assert_string_equal(sp_buf_str(&f.err), "words");
	end(&f);
}

static void hands_on_a_refusal_and_calls_no_more(void **state)
{
	struct fixture f;

	(void)state;
	begin(&f);
	feed_err(&f, HELLO);
	f.refuse = SP_ERR_LIMIT;
	assert_int_equal(feed(&f, SP_STDOUT, "a", 1), SP_ERR_LIMIT);
	assert_int_equal(feed(&f, SP_STDOUT, "b", 1), SP_ERR_LIMIT);
	assert_int_equal(f.out.len, 1);
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_report_off_the_end),
		cmocka_unit_test(finds_it_however_the_bytes_are_cut),
		cmocka_unit_test(holds_nothing_back_that_cannot_be_a_report),
		cmocka_unit_test(gives_back_what_only_began_like_a_report),
		cmocka_unit_test(refuses_a_report_that_does_not_parse),
		cmocka_unit_test(does_not_take_the_report_of_another_token),
		cmocka_unit_test(keeps_standard_output_until_the_agent_says_it_runs),
		cmocka_unit_test(keeps_the_engine_s_words_off_standard_output),
		cmocka_unit_test(swallows_a_hello_that_comes_after_a_lot_of_output),
		cmocka_unit_test(hands_on_a_refusal_and_calls_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
