/* SPDX-License-Identifier: Apache-2.0 */
#include "images/worker_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/mman.h>

#include "base/auto.h"
#include "base/log.h"

static int reply(const char *text, int exit_code, struct sp_error *err)
{
	memset(err, 0, sizeof(*err));
	return sp_worker_reply(text, strlen(text), exit_code, err);
}

static void the_last_line_is_the_error(void **state)
{
	struct sp_error err;

	(void)state;
	assert_int_equal(reply("warning: x\nerror: not_found a b: c\n", 1, &err),
		SP_ERR_NOT_FOUND);
	assert_string_equal(err.msg, "a b: c");
	assert_int_equal(err.code, SP_ERR_NOT_FOUND);
}

static void every_code_finds_its_way_back(void **state)
{
	struct sp_error err;

	(void)state;
	for (int code = SP_ERR_CANCELLED; code < 0; code++) {
		char line[64];

		snprintf(line, sizeof(line), "error: %s m\n",
			sp_code_name((enum sp_code)code));
		assert_int_equal(reply(line, 1, &err), code);
	}
}

static void a_status_of_zero_is_a_success_whatever_it_said(void **state)
{
	struct sp_error err;

	(void)state;
	assert_int_equal(reply("error: limit x\n", 0, &err), 0);
}

static void warnings_of_a_success_are_logged(void **state)
{
	const struct sp_log_sink before = *sp_log_get();
	int fd = memfd_create("log", MFD_CLOEXEC);
	const struct sp_log_sink sink = {.fd = fd, .level = SP_LOG_WARN};
	char text[256] = {0};
	struct sp_error err;

	(void)state;
	sp_log_set(&sink);
	assert_int_equal(reply("noise\nwarning: skipped \x1b one\n", 0, &err), 0);
	sp_log_set(&before);
	assert_true(pread(fd, text, sizeof(text) - 1, 0) > 0);
	assert_non_null(strstr(text, "skipped"));
	assert_null(strstr(text, "noise"));
	assert_null(strchr(text, '\x1b'));
	close(fd);
}

static void what_makes_no_sense_is_still_an_error(void **state)
{
	static const char *const lines[] = {"", "\n\n", "Segmentation fault\n",
		"error: \n", "error: ok fine\n", "error: unknown x\n",
		"error: nonsense x", "error: limit", "error:"};
	struct sp_error err;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(lines); i++) {
		assert_int_equal(reply(lines[i], 1, &err), SP_ERR_SYSTEM);
		assert_true(err.msg[0]);
	}
}

/* Inside a sandbox somebody else may be speaking. */
static void the_message_cannot_steer_a_terminal(void **state)
{
	struct sp_error err;

	(void)state;
	reply("error: denied \x1b[2J\x9b\xe2\x80\xae name\n", 1, &err);
	assert_null(strchr(err.msg, '\x1b'));
	assert_null(strchr(err.msg, '\xe2'));
	assert_non_null(strstr(err.msg, "name"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_last_line_is_the_error),
		cmocka_unit_test(every_code_finds_its_way_back),
		cmocka_unit_test(a_status_of_zero_is_a_success_whatever_it_said),
		cmocka_unit_test(warnings_of_a_success_are_logged),
		cmocka_unit_test(what_makes_no_sense_is_still_an_error),
		cmocka_unit_test(the_message_cannot_steer_a_terminal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
