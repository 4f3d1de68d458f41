/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/io.h"

/* Memory that is not there is tested: under AddressSanitizer as without it. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static void a_buffer_takes_exactly_its_ceiling(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(4);

	(void)state;
	sp_buf_adds(&b, "abc");
	sp_buf_addc(&b, 'd');
	assert_int_equal(sp_buf_ok(&b, NULL), 0);
	assert_string_equal(sp_buf_str(&b), "abcd");
	sp_buf_add(&b, NULL, 0);
	assert_int_equal(sp_buf_ok(&b, NULL), 0);
	sp_buf_addc(&b, 'e');
	assert_int_equal(sp_buf_ok(&b, NULL), SP_ERR_LIMIT);
	assert_string_equal(sp_buf_str(&b), "abcd");
}

/* Whatever was there before: the ceiling, not memory, is what was met. */
static void over_the_ceiling_is_a_limit_at_any_fill(void **state)
{
	(void)state;
	for (size_t fill = 0; fill <= 1000; fill += 100) {
		sp_autobuf struct sp_buf b = SP_BUF_INIT(1000);
		struct sp_error err = {0};
		char text[2000] = {0};

		sp_buf_add(&b, text, fill);
		sp_buf_add(&b, text, 1001 - fill);
		assert_int_equal(sp_buf_ok(&b, &err), SP_ERR_LIMIT);
		assert_string_equal(err.msg, "more than 1000 bytes");
		assert_int_equal(b.len, fill);
	}
}

static void memory_that_is_not_there_is_no_limit(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(SIZE_MAX / 2);

	(void)state;
	sp_buf_adds(&b, "x");
	assert_null(sp_buf_room(&b, SIZE_MAX / 2 - 2));
	assert_int_equal(sp_buf_ok(&b, NULL), SP_ERR_NOMEM);
	assert_string_equal(sp_buf_str(&b), "x");
}

static void a_length_that_wraps_around_is_refused(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(SIZE_MAX);

	(void)state;
	assert_null(sp_buf_room(&b, SIZE_MAX));
	assert_int_not_equal(sp_buf_ok(&b, NULL), 0);
}

/* One that failed stays so: what is missing in the middle must not go unnoticed. */
static void nothing_is_added_after_a_failure(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(3);

	(void)state;
	sp_buf_adds(&b, "long");
	sp_buf_adds(&b, "x");
	assert_int_equal(b.len, 0);
	assert_null(sp_buf_take(&b));
	sp_buf_clear(&b);
	sp_buf_adds(&b, "abc");
	assert_int_equal(sp_buf_ok(&b, NULL), 0);
}

static void an_empty_buffer_is_an_empty_text(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(0);
	char *taken;

	(void)state;
	assert_string_equal(sp_buf_str(&b), "");
	taken = sp_buf_take(&b);
	assert_non_null(taken);
	assert_string_equal(taken, "");
	free(taken);
	sp_buf_clear(NULL);
}

static void what_was_taken_leaves_a_buffer_to_use_again(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(8);
	sp_autofree char *taken = NULL;

	(void)state;
	sp_buf_addf(&b, "%d-%s", 12, "ab");
	taken = sp_buf_take(&b);
	assert_string_equal(taken, "12-ab");
	assert_int_equal(b.len, 0);
	assert_int_equal(b.max, 8);
	sp_buf_adds(&b, "again");
	assert_string_equal(sp_buf_str(&b), "again");
	assert_string_equal(taken, "12-ab");
}

static void formats_of_any_length_fit(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(5000);

	(void)state;
	sp_buf_addf(&b, "%63d", 1); /* with its end, just the first allocation */
	sp_buf_addf(&b, "%4000d", 2);
	assert_int_equal(b.len, 4063);
	assert_int_equal(strlen(b.data), 4063);
	sp_buf_addf(&b, "%938d", 3);
	assert_int_equal(sp_buf_ok(&b, NULL), SP_ERR_LIMIT);
}

static void bytes_leave_from_the_front(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(8);

	(void)state;
	sp_buf_drop(&b, 0);
	sp_buf_add(&b, "a\0bc", 4);
	sp_buf_drop(&b, 2);
	assert_int_equal(b.len, 2);
	assert_string_equal(sp_buf_str(&b), "bc");
	sp_buf_drop(&b, 2);
	assert_string_equal(sp_buf_str(&b), "");
}

/* A pipe that holds these many bytes and has ended. */
static int pipe_of(size_t len)
{
	char text[4096] = {0};
	int from, to;

	assert_int_equal(sp_pipe(&from, &to, 0, NULL), 0);
	assert_int_equal(sp_write_all(to, text, len, NULL), 0);
	close(to);
	return from;
}

static void a_file_may_be_as_long_as_the_ceiling_and_no_longer(void **state)
{
	(void)state;
	for (size_t len = 99; len <= 101; len++) {
		sp_autobuf struct sp_buf b = SP_BUF_INIT(100);
		sp_autoclose int fd = pipe_of(len);
		int rc = sp_buf_read_fd(&b, fd, NULL);

		assert_int_equal(rc, len <= 100 ? 0 : SP_ERR_LIMIT);
		assert_int_equal(b.len, len <= 100 ? len : 100);
	}
}

static void reading_goes_on_behind_what_is_there(void **state)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(4000);
	sp_autoclose int fd = pipe_of(3998);

	(void)state;
	sp_buf_adds(&b, "ab");
	assert_int_equal(sp_buf_read_fd(&b, fd, NULL), 0);
	assert_int_equal(b.len, 4000);
	assert_memory_equal(b.data, "ab", 3);
	assert_int_equal(b.data[4000], 0);
}

static void an_unreadable_descriptor_is_an_error(void **state)
{
	sp_autobuf struct sp_buf full = SP_BUF_INIT(1);
	sp_autobuf struct sp_buf b = SP_BUF_INIT(1);

	(void)state;
	assert_int_equal(sp_buf_read_fd(&b, -1, NULL), SP_ERR_SYSTEM);
	sp_buf_addc(&full, 'x');
	assert_int_equal(sp_buf_read_fd(&full, -1, NULL), SP_ERR_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_takes_exactly_its_ceiling),
		cmocka_unit_test(over_the_ceiling_is_a_limit_at_any_fill),
		cmocka_unit_test(memory_that_is_not_there_is_no_limit),
		cmocka_unit_test(a_length_that_wraps_around_is_refused),
		cmocka_unit_test(nothing_is_added_after_a_failure),
		cmocka_unit_test(an_empty_buffer_is_an_empty_text),
		cmocka_unit_test(what_was_taken_leaves_a_buffer_to_use_again),
		cmocka_unit_test(formats_of_any_length_fit),
		cmocka_unit_test(bytes_leave_from_the_front),
		cmocka_unit_test(a_file_may_be_as_long_as_the_ceiling_and_no_longer),
		cmocka_unit_test(reading_goes_on_behind_what_is_there),
		cmocka_unit_test(an_unreadable_descriptor_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
