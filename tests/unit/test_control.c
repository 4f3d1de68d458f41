/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>

static struct sp_control_request request(enum sp_control_kind kind)
{
	return (struct sp_control_request){.magic = SP_CONTROL_MAGIC,
		.size = sizeof(struct sp_control_request),
		.kind = kind};
}

static int check(const struct sp_control_request *r, size_t fds)
{
	return sp_control_check(r, sizeof(*r), fds, NULL);
}

static void a_command_comes_with_streams_and_perhaps_a_program(void **state)
{
	struct sp_control_request r = request(SP_CONTROL_EXEC);

	(void)state;
	assert_int_equal(check(&r, 4), 0);
	assert_int_equal(check(&r, 5), 0);
	assert_int_equal(check(&r, 3), SP_ERR_PROTOCOL);
	assert_int_equal(check(&r, 6), SP_ERR_PROTOCOL);
	r.flags = SP_CF_LAST | SP_CF_OTHER_USER;
	assert_int_equal(check(&r, 4), 0);
	r.flags = 1u << 7;
	assert_int_equal(check(&r, 4), SP_ERR_PROTOCOL);
}

static void a_time_to_live_is_within_reason(void **state)
{
	struct sp_control_request r = request(SP_CONTROL_TTL);

	(void)state;
	assert_int_equal(check(&r, 0), 0);
	assert_int_equal(check(&r, 1), SP_ERR_PROTOCOL);
	r.value = -1;
	assert_int_equal(check(&r, 0), SP_ERR_PROTOCOL);
	r.value = INT64_MAX;
	assert_int_equal(check(&r, 0), SP_ERR_PROTOCOL);
}

static void anything_else_is_refused(void **state)
{
	struct sp_control_request r = request(SP_CONTROL_EXEC);

	(void)state;
	assert_int_equal(sp_control_check(&r, sizeof(r) - 1, 4, NULL), SP_ERR_PROTOCOL);
	assert_int_equal(sp_control_check(&r, 0, 4, NULL), SP_ERR_PROTOCOL);
	r.magic++;
	assert_int_equal(check(&r, 4), SP_ERR_PROTOCOL);
	r = request(0);
	assert_int_equal(check(&r, 0), SP_ERR_PROTOCOL);
	r = request(SP_CONTROL_EXEC);
	r.size--;
	assert_int_equal(check(&r, 4), SP_ERR_PROTOCOL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_comes_with_streams_and_perhaps_a_program),
		cmocka_unit_test(a_time_to_live_is_within_reason),
		cmocka_unit_test(anything_else_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
