/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include <json-c/json.h>

#include "base/auto.h"
#include "base/io.h"

/* What one log line comes out as; the sink is put back afterwards. */
struct captured {
	int from, to;
	struct sp_log_sink before;
	char text[65536];
};

static void capture(struct captured *c, bool json)
{
	struct sp_log_sink sink = {.level = SP_LOG_INFO, .json = json};

	c->before = *sp_log_get();
	assert_int_equal(sp_pipe(&c->from, &c->to, 65536, NULL), 0);
	assert_int_equal(sp_set_nonblock(c->from, true, NULL), 0);
	sink.fd = c->to;
	sp_log_set(&sink);
}

static const char *line_of(struct captured *c)
{
	ssize_t n = read(c->from, c->text, sizeof(c->text) - 1);

	c->text[n > 0 ? n : 0] = '\0';
	sp_log_set(&c->before);
	sp_close_fd(&c->from);
	sp_close_fd(&c->to);
	return c->text;
}

static void nothing_is_logged_before_there_is_a_sink(void **state)
{
	(void)state;
	assert_int_equal(sp_log_get()->fd, -1);
	sp_log(SP_LOG_ERROR, "goes nowhere", "a=%d", 1);
}

static void a_line_is_a_phrase_and_its_fields(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, false);
	sp_log(SP_LOG_WARN, "sandbox created", "id=%s ms=%d", "sb-1", 3);
	assert_string_equal(
		line_of(&c), "sandpit: warn: sandbox created id=sb-1 ms=3\n");
}

static void a_phrase_stands_alone_too(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, false);
	sp_log(SP_LOG_INFO, "ready", "%s", "");
	assert_string_equal(line_of(&c), "sandpit: info: ready\n");
}

static void what_is_below_the_level_is_not_written(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, false);
	sp_log(SP_LOG_DEBUG, "detail", "a=%d", 1);
	assert_string_equal(line_of(&c), "");
}

static void untrusted_text_cannot_start_a_second_line(void **state)
{
	struct captured c;

	(void)state;
	capture(&c, false);
	sp_log(SP_LOG_INFO, "got", "name=%s", "a\nsandpit: error: \x1b[31m\xff");
	assert_string_equal(line_of(&c),
		"sandpit: info: got name=a\\x0asandpit: error: \\x1b[31m\\xff\n");
}

static void a_field_that_is_too_long_is_cut_not_lost(void **state)
{
	static char text[10000];
	struct captured c;
	const char *line;

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	capture(&c, false);
	sp_log(SP_LOG_INFO, "got", "name=%s", text);
	line = line_of(&c);
	assert_memory_equal(line, "sandpit: info: got name=xxxx", 28);
	assert_true(strlen(line) > 4000 && strlen(line) < 5000);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

static void json_lines_are_json_whatever_is_in_them(void **state)
{
	struct captured c;
	struct json_object *line, *fields, *level;

	(void)state;
	capture(&c, true);
	sp_log(SP_LOG_ERROR, "said \"x\"", "name=%s", "\"\\\n\x01\xc3(");
	line = json_tokener_parse(line_of(&c));
	assert_non_null(line);
	assert_true(json_object_object_get_ex(line, "fields", &fields));
	assert_string_equal(
		json_object_get_string(fields), "name=\"\\\\x0a\\x01\\xc3(");
	assert_true(json_object_object_get_ex(line, "level", &level));
	assert_string_equal(json_object_get_string(level), "error");
	json_object_put(line);
}

/* The worst that escaping can make of a whole line still ends with its brace. */
static void the_longest_json_line_is_whole(void **state)
{
	static char text[10000];
	struct captured c;
	struct json_object *line;

	(void)state;
	memset(text, '\x01', sizeof(text) - 1);
	capture(&c, true);
	sp_log(SP_LOG_INFO, "got", "%s", text);
	line = json_tokener_parse(line_of(&c));
	assert_non_null(line);
	json_object_put(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_logged_before_there_is_a_sink),
		cmocka_unit_test(a_line_is_a_phrase_and_its_fields),
		cmocka_unit_test(a_phrase_stands_alone_too),
		cmocka_unit_test(what_is_below_the_level_is_not_written),
		cmocka_unit_test(untrusted_text_cannot_start_a_second_line),
		cmocka_unit_test(a_field_that_is_too_long_is_cut_not_lost),
		cmocka_unit_test(json_lines_are_json_whatever_is_in_them),
		cmocka_unit_test(the_longest_json_line_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
