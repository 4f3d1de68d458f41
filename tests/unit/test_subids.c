/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/subids.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static uint32_t blocks[LOCAL_BLOCKS_MAX];

static size_t blocks_of(const char *text)
{
	return local_subid_blocks(text, strlen(text), "ann", 1001, blocks);
}

static void lines_of_the_user_by_name_or_number_count(void **state)
{
	(void)state;
	assert_int_equal(blocks_of("bob:100000:65536\nann:200000:65536\n"), 1);
	assert_int_equal(blocks[0], 200000);
	assert_int_equal(blocks_of("1001:300000:65536"), 1);
	assert_int_equal(blocks[0], 300000);
	assert_int_equal(blocks_of("anna:200000:65536\n100:1000000:65536\n"), 0);
}

static void ranges_are_cut_into_blocks(void **state)
{
	(void)state;
	assert_int_equal(blocks_of("ann:100000:131072\nann:400000:65536\n"), 3);
	assert_int_equal(blocks[0], 100000);
	assert_int_equal(blocks[1], 165536);
	assert_int_equal(blocks[2], 400000);
	assert_int_equal(blocks_of("ann:100000:65535\n"), 0);
	assert_int_equal(blocks_of("ann:100000:4000000000\n"), LOCAL_BLOCKS_MAX);
}

static void ids_of_people_and_of_root_are_never_given(void **state)
{
	(void)state;
	assert_int_equal(blocks_of("ann:0:65536\n"), 0);
	assert_int_equal(blocks_of("ann:1000:65536\n"), 0);
	assert_int_equal(blocks_of("ann:0:131072\n"), 1);
	assert_int_equal(blocks[0], 65536);
	/* 4294967295 means "none" in system calls. */
	assert_int_equal(blocks_of("ann:4294901760:65536\n"), 0);
	assert_int_equal(blocks_of("ann:4294901759:65536\n"), 1);
}

static void a_block_that_overlaps_another_is_dropped(void **state)
{
	(void)state;
	assert_int_equal(blocks_of("ann:100000:65536\nann:100000:65536\n"), 1);
	assert_int_equal(blocks_of("ann:100000:65536\nann:165535:65536\n"), 1);
	assert_int_equal(blocks_of("ann:200000:65536\nann:140000:65536\n"), 1);
	assert_int_equal(blocks_of("ann:100000:65536\nann:165536:65536\n"), 2);
}

static void lines_that_make_no_sense_are_passed_over(void **state)
{
	static const char *const bad[] = {"ann", "ann:", "ann:100000",
		"ann:100000:", "ann::65536", "ann:-100000:65536", "ann:100000:65536x",
		"ann:100000:65536:1", "ann: 100000:65536", "ann:1e5:65536",
		"ann:99999999999:65536", "ann:100000:99999999999", "#ann:100000:65536",
		" ann:100000:65536", ":100000:65536", "ann:0x10000:65536"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128];

		snprintf(text, sizeof(text), "%s\nann:300000:65536\n", bad[i]);
		if (blocks_of(text) != 1 || blocks[0] != 300000)
			fail_msg("\"%s\" counts", bad[i]);
	}
	assert_int_equal(local_subid_blocks("ann:1\0:5\n", 9, "ann", 1001, blocks), 0);
}

static void a_user_without_a_name_has_the_number(void **state)
{
	static const char text[] = "1001:100000:65536\n";

	(void)state;
	assert_int_equal(
		local_subid_blocks(text, sizeof(text) - 1, NULL, 1001, blocks), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_of_the_user_by_name_or_number_count),
		cmocka_unit_test(ranges_are_cut_into_blocks),
		cmocka_unit_test(ids_of_people_and_of_root_are_never_given),
		cmocka_unit_test(a_block_that_overlaps_another_is_dropped),
		cmocka_unit_test(lines_that_make_no_sense_are_passed_over),
		cmocka_unit_test(a_user_without_a_name_has_the_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
