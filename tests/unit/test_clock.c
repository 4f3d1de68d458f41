/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <string.h>

static void the_clocks_agree_and_go_forward(void **state)
{
	int64_t first = sp_clock_us();
	int64_t ms = sp_clock_ms();
	int64_t last = sp_clock_us();

	(void)state;
	assert_true(first <= last);
	assert_true(ms >= first / 1000 && ms <= last / 1000);
	assert_true(sp_clock_real_ms() > 1600000000000);
}

static void no_timeout_is_no_deadline(void **state)
{
	(void)state;
	assert_int_equal(sp_deadline_in(0), 0);
	assert_int_equal(sp_deadline_poll_ms(0), -1);
}

static void a_deadline_is_as_far_away_as_asked(void **state)
{
	int64_t now = sp_clock_ms();
	int64_t deadline = sp_deadline_in(60000);
	int left = sp_deadline_poll_ms(deadline);

	(void)state;
	assert_true(deadline >= now + 60000 && deadline <= sp_clock_ms() + 60000);
	assert_true(left > 0 && left <= 60000);
}

static void a_deadline_that_passed_waits_no_more(void **state)
{
	(void)state;
	assert_int_equal(sp_deadline_poll_ms(sp_clock_ms() - 1), 0);
	assert_int_equal(sp_deadline_poll_ms(1), 0);
}

static void the_longest_timeout_does_not_wrap_around(void **state)
{
	int64_t deadline = sp_deadline_in(INT64_MAX);

	(void)state;
	assert_true(deadline > sp_clock_ms());
	assert_int_equal(sp_deadline_poll_ms(deadline), INT_MAX);
	assert_int_equal(
		sp_deadline_poll_ms(sp_deadline_in((int64_t)INT_MAX * 2)), INT_MAX);
}

static void steps_are_noted_until_the_timeline_is_full(void **state)
{
	struct sp_timeline t = {0};
	int64_t start = sp_clock_us();

	(void)state;
	sp_timeline_mark(NULL, start, "nobody looks");
	for (int i = 0; i < SP_TIMELINE_MAX + 5; i++)
		sp_timeline_mark(&t, start, "a step with a name that is too long");
	assert_int_equal(t.count, SP_TIMELINE_MAX);
	assert_string_equal(t.marks[0].name, "a step with a name that is ");
	for (size_t i = 1; i < t.count; i++)
		assert_true(t.marks[i].at_us >= t.marks[i - 1].at_us);
	assert_true(t.marks[0].at_us >= 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_clocks_agree_and_go_forward),
		cmocka_unit_test(no_timeout_is_no_deadline),
		cmocka_unit_test(a_deadline_is_as_far_away_as_asked),
		cmocka_unit_test(a_deadline_that_passed_waits_no_more),
		cmocka_unit_test(the_longest_timeout_does_not_wrap_around),
		cmocka_unit_test(steps_are_noted_until_the_timeline_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
