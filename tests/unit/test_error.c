/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <limits.h>
#include <string.h>

static void a_failure_carries_its_code_and_message(void **state)
{
	struct sp_error err = {.http_status = 500, .not_sent = true};

	(void)state;
	assert_int_equal(sp_fail(&err, SP_ERR_LIMIT, "more than %d", 7), SP_ERR_LIMIT);
	assert_int_equal(err.code, SP_ERR_LIMIT);
	assert_string_equal(err.msg, "more than 7");
	assert_int_equal(err.http_status, 0);
	assert_false(err.not_sent);
}

static void nobody_has_to_want_the_error(void **state)
{
	(void)state;
	errno = EACCES;
	assert_int_equal(sp_fail(NULL, SP_ERR_INVALID, "x"), SP_ERR_INVALID);
	assert_int_equal(sp_fail_errno(NULL, "x"), SP_ERR_DENIED);
	assert_int_equal(sp_wrap(NULL, SP_ERR_LIMIT, "x"), SP_ERR_LIMIT);
}

static void errno_is_kept_and_named(void **state)
{
	struct sp_error err;

	(void)state;
	errno = ENOENT;
	assert_int_equal(sp_fail_errno(&err, "open %s", "f"), SP_ERR_NOT_FOUND);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_string_equal(err.msg, "open f: No such file or directory");
}

/* 41 is a gap in Linux's numbers; a driver may answer anything. */
static void an_errno_nobody_uses_is_no_crash(void **state)
{
	struct sp_error err;

	(void)state;
	errno = 41;
	assert_int_equal(sp_fail_errno(&err, "x"), SP_ERR_SYSTEM);
	errno = 4095;
	assert_int_equal(sp_fail_errno(&err, "x"), SP_ERR_SYSTEM);
	assert_memory_equal(err.msg, "x: ", 3);
}

static void each_layer_adds_its_clause_in_front(void **state)
{
	struct sp_error err;

	(void)state;
	errno = EPIPE;
	sp_fail_errno(&err, "write");
	assert_int_equal(sp_wrap(&err, err.code, "image %d", 3), SP_ERR_UNAVAILABLE);
	assert_string_equal(err.msg, "image 3: write: Broken pipe");
	assert_int_equal(err.sys_errno, EPIPE);
}

static void a_message_is_one_line(void **state)
{
	struct sp_error err;

	(void)state;
	sp_fail(&err, SP_ERR_PROTOCOL, "said %s", "a\r\nb\tc\x1b[2J");
	assert_string_equal(err.msg, "said a  b c [2J");
}

/* The front says most, so what does not fit any more is the end. */
static void what_is_too_long_loses_its_end(void **state)
{
	char text[2 * sizeof(((struct sp_error *)0)->msg)];
	struct sp_error err;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	sp_fail(&err, SP_ERR_INVALID, "%s", text);
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	sp_wrap(&err, err.code, "front");
	assert_int_equal(strlen(err.msg), sizeof(err.msg) - 1);
	assert_memory_equal(err.msg, "front: xxx", 10);
}

static void a_clause_that_fills_the_message_leaves_it_ended(void **state)
{
	char text[sizeof(((struct sp_error *)0)->msg)];
	struct sp_error err;

	(void)state;
	for (size_t len = sizeof(text) - 6; len < sizeof(text); len++) {
		memset(text, 'x', len);
		text[len] = '\0';
		sp_fail(&err, SP_ERR_INVALID, "inner");
		sp_wrap(&err, err.code, "%s", text);
		assert_true(strlen(err.msg) >= len);
		assert_true(strlen(err.msg) < sizeof(err.msg));
		assert_memory_equal(err.msg, text, len);
	}
}

static void every_code_has_a_name_and_no_other_number(void **state)
{
	(void)state;
	assert_string_equal(sp_code_name(SP_OK), "ok");
	assert_string_equal(sp_code_name(SP_ERR_NOMEM), "no_memory");
	assert_string_equal(sp_code_name(SP_ERR_CANCELLED), "cancelled");
	assert_string_equal(sp_code_name((enum sp_code) - 13), "unknown");
	assert_string_equal(sp_code_name((enum sp_code)1), "unknown");
	assert_string_equal(sp_code_name((enum sp_code)INT_MIN), "unknown");
}

static void what_a_program_acts_on_fits_the_errno(void **state)
{
	static const struct {
		int number;
		enum sp_code code;
	} cases[] = {
		{ENOTDIR, SP_ERR_NOT_FOUND},
		{EEXIST, SP_ERR_EXISTS},
		{EROFS, SP_ERR_DENIED},
		{ENOSPC, SP_ERR_LIMIT},
		{EMFILE, SP_ERR_LIMIT},
		{ETIMEDOUT, SP_ERR_TIMEOUT},
		{ECONNREFUSED, SP_ERR_UNAVAILABLE},
		{ELOOP, SP_ERR_INVALID},
		{ENOSYS, SP_ERR_UNSUPPORTED},
		{ENOMEM, SP_ERR_NOMEM},
		{ECANCELED, SP_ERR_CANCELLED},
		{EIO, SP_ERR_SYSTEM},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sp_code_of_errno(cases[i].number), cases[i].code);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_failure_carries_its_code_and_message),
		cmocka_unit_test(nobody_has_to_want_the_error),
		cmocka_unit_test(errno_is_kept_and_named),
		cmocka_unit_test(an_errno_nobody_uses_is_no_crash),
		cmocka_unit_test(each_layer_adds_its_clause_in_front),
		cmocka_unit_test(a_message_is_one_line),
		cmocka_unit_test(what_is_too_long_loses_its_end),
		cmocka_unit_test(a_clause_that_fills_the_message_leaves_it_ended),
		cmocka_unit_test(every_code_has_a_name_and_no_other_number),
		cmocka_unit_test(what_a_program_acts_on_fits_the_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
