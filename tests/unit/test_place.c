/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/place.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/auto.h"

static void both_forms_of_a_handle_are_split_from_the_path(void **state)
{
	static const struct {
		const char *word, *sandbox, *path;
	} cases[] = {
		{"local:sb-abc:/etc/x", "local:sb-abc", "/etc/x"},
		{"sb-abc:/etc/x", "sb-abc", "/etc/x"},
		{"docker:sb-abc:/a:b/c:d", "docker:sb-abc", "/a:b/c:d"},
		{"sb-abc:/a:/b", "sb-abc", "/a:/b"},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		struct place p;

		assert_int_equal(place_parse(cases[i].word, &p, NULL), 0);
		assert_int_equal(p.sandbox_len, strlen(cases[i].sandbox));
		assert_memory_equal(p.sandbox, cases[i].sandbox, p.sandbox_len);
		assert_string_equal(p.path, cases[i].path);
	}
}

static void what_looks_like_a_path_is_one(void **state)
{
	static const char *const here[] = {
		"/a:/b", "./a:/b", "../a", "-", "a", "a/b", ".", ".a:/b"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(here); i++) {
		struct place p;

		assert_int_equal(place_parse(here[i], &p, NULL), 0);
		assert_null(p.sandbox);
		assert_string_equal(p.path, here[i]);
	}
}

static void a_sandbox_without_a_whole_path_is_refused(void **state)
{
	static const char *const bad[] = {"", "local:sb-abc", "sb-abc:", "sb-abc:file",
		"local:sb-abc:", "local:"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		struct place p;

		assert_int_equal(place_parse(bad[i], &p, NULL), SP_ERR_INVALID);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_forms_of_a_handle_are_split_from_the_path),
		cmocka_unit_test(what_looks_like_a_path_is_one),
		cmocka_unit_test(a_sandbox_without_a_whole_path_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
