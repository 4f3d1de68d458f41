/* SPDX-License-Identifier: Apache-2.0 */
/* Linked into every unit test: SP_TEST_PATTERN picks single tests by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static void __attribute__((constructor)) pick_tests(void)
{
	const char *pattern = getenv("SP_TEST_PATTERN");

	if (pattern && *pattern)
		cmocka_set_test_filter(pattern);
}
