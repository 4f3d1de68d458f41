/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "cli/command.h"

static const char *text_of(struct json_object *doc)
{
	return json_object_to_json_string_ext(
		doc, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);
}

static void a_result_has_the_members_that_were_promised(void **state)
{
	char out[] = "hi\n", none[] = "";
	const struct sp_exec_result r = {
		.exit_code = 137,
		.signal = 9,
		.timed_out = true,
		.pids_exceeded = true,
		.err_truncated = true,
		.create_us = 1500,
		.wall_us = 20,
		.handle = "local:sb-1",
		.out = {out, 3},
		.err = {none, 0},
	};
	sp_autojson struct json_object *doc = cli_result_json(&r);

	(void)state;
	assert_string_equal(text_of(doc),
		"{\"sandbox\":\"local:sb-1\",\"provider\":\"local\",\"exit_code\":137,"
		"\"signal\":9,\"timed_out\":true,\"oom_killed\":false,"
		"\"disk_full\":false,\"pids_exceeded\":true,"
		"\"cpu_time_exceeded\":false,"
		"\"stdout\":\"hi\\n\",\"stderr\":\"\",\"stdout_truncated\":false,"
		"\"stderr_truncated\":true,\"create_ms\":1.500,\"run_ms\":0.020,"
		"\"destroy_ms\":0.000}");
}

static void bytes_that_are_no_text_are_base64(void **state)
{
	char bytes[] = "\xff\x00x";
	char nul[] = "a\0b";
	const struct sp_exec_result r = {
		.handle = "local:sb-1", .out = {bytes, 3}, .err = {nul, 3}};
	sp_autojson struct json_object *doc = cli_result_json(&r);
	struct json_object *err = NULL;

	(void)state;
	assert_non_null(strstr(text_of(doc), "\"stdout_base64\":\"/wB4\""));
	assert_null(strstr(text_of(doc), "\"stdout\":"));
	/* A NUL is a character like others. */
	assert_true(json_object_object_get_ex(doc, "stderr", &err));
	assert_int_equal(json_object_get_string_len(err), 3);
}

static void a_sandbox_is_an_object_with_its_labels(void **state)
{
	char key[] = "app", value[] = "x\"y", image[] = "host";
	struct sp_owned_label label = {key, value};
	const struct sp_sandbox_info info = {
		.provider = "local",
		.id = "sb-1",
		.state = SP_STATE_DEAD,
		.image = image,
		.created_ms = 5,
		.labels = &label,
		.label_count = 1,
	};
	sp_autojson struct json_object *doc = cli_info_json(&info);

	(void)state;
	assert_string_equal(text_of(doc),
		"{\"sandbox\":\"local:sb-1\",\"provider\":\"local\",\"id\":\"sb-1\","
		"\"state\":\"dead\",\"image\":\"host\",\"created_ms\":5,"
		"\"expires_ms\":0,\"labels\":{\"app\":\"x\\\"y\"}}");
}

static void ages_are_short(void **state)
{
	static const struct {
		int64_t ms;
		const char *text;
	} cases[] = {{-5, "0s"}, {1999, "1s"}, {119000, "119s"}, {120000, "2m"},
		{7200000, "2h"}, {172800000, "2d"}};
	char text[24];

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		cli_age(text, cases[i].ms);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_result_has_the_members_that_were_promised),
		cmocka_unit_test(bytes_that_are_no_text_are_base64),
		cmocka_unit_test(a_sandbox_is_an_object_with_its_labels),
		cmocka_unit_test(ages_are_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
