/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void an_empty_list_can_be_read(void **state)
{
	struct sp_strv v = {0};

	(void)state;
	assert_null(sp_strv_list(&v)[0]);
	assert_int_equal(sp_strv_ok(&v, NULL), 0);
	sp_strv_add_all(&v, NULL);
	assert_int_equal(v.count, 0);
	sp_strv_clear(&v);
	sp_strv_clear(NULL);
}

static void a_list_ends_with_null_at_every_length(void **state)
{
	sp_autostrv struct sp_strv v = {0};

	(void)state;
	for (size_t i = 0; i < 100; i++) {
		sp_strv_addf(&v, "%zu", i);
		assert_int_equal(v.count, i + 1);
		assert_null(sp_strv_list(&v)[i + 1]);
	}
	assert_string_equal(v.items[0], "0");
	assert_string_equal(v.items[99], "99");
}

static void strings_are_copied(void **state)
{
	sp_autostrv struct sp_strv v = {0};
	char text[] = "one";
	const char *const list[] = {text, "", NULL};

	(void)state;
	sp_strv_add_all(&v, list);
	text[0] = 'X';
	assert_int_equal(v.count, 2);
	assert_string_equal(v.items[0], "one");
	assert_string_equal(v.items[1], "");
}

static void a_variable_replaces_the_one_of_its_name(void **state)
{
	sp_autostrv struct sp_strv v = {0};

	(void)state;
	sp_strv_set_env(&v, "PATH=/bin");
	sp_strv_set_env(&v, "PATHS=/x");
	sp_strv_set_env(&v, "PAT=/y");
	sp_strv_set_env(&v, "PATH=a=b");
	assert_int_equal(v.count, 3);
	assert_string_equal(v.items[0], "PATH=a=b");
	assert_string_equal(v.items[1], "PATHS=/x");
	assert_string_equal(v.items[2], "PAT=/y");
}

static void a_variable_may_become_empty(void **state)
{
	sp_autostrv struct sp_strv v = {0};

	(void)state;
	sp_strv_set_env(&v, "A=1");
	sp_strv_set_env(&v, "A=");
	assert_int_equal(v.count, 1);
	assert_string_equal(v.items[0], "A=");
}

static void a_failed_list_stays_failed(void **state)
{
	sp_autostrv struct sp_strv v = {.failed = true};

	(void)state;
	sp_strv_add(&v, "x");
	assert_int_equal(v.count, 0);
	assert_int_equal(sp_strv_ok(&v, NULL), SP_ERR_NOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_list_can_be_read),
		cmocka_unit_test(a_list_ends_with_null_at_every_length),
		cmocka_unit_test(strings_are_copied),
		cmocka_unit_test(a_variable_replaces_the_one_of_its_name),
		cmocka_unit_test(a_variable_may_become_empty),
		cmocka_unit_test(a_failed_list_stays_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
