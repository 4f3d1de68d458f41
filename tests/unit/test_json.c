/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above before it */
#include <cmocka.h>

#include "base/json.h"

#define TEXT_MAX 4096

static int parse(const char *text, size_t len, struct json_object **out)
{
	struct sp_error err = {0};
	int rc = sp_json_parse(text, len, out, &err);

	assert_int_equal(err.code, rc);
	return rc;
}

static struct json_object *parsed(const char *text)
{
	struct json_object *doc = NULL;

	if (parse(text, strlen(text), &doc) < 0)
		fail_msg("refused: %s", text);
	return doc;
}

static void whole_documents_are_read(void **state)
{
	static const char *const texts[] = {"{}", "[]", " \n{\"a\" : [1, 2.5, -3]}\t\n",
		"null", "true", "12", "-0", "1e3", "\"x\"", "{\"\":\"\"}",
		"\"\\u00e9\\ud83d\\ude00\\u0000\"", "\"\xc3\xa9\""};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(texts); i++)
		json_object_put(parsed(texts[i]));
}

static void anything_else_is_refused(void **state)
{
	static const char *const texts[] = {"", " ", "{", "}", "[1", "[1,]",
		"{\"a\":1,}", "{} {}", "{}x", "[1] 2", "nul", "nulll", "truex", "\"abc",
		"'a'", "{a:1}", "{\"a\"}", "{\"a\":}", "/* */ {}", "{} // x", "01", "-",
		"+1", ".5", "\"\\x\"", "\"\\u12\"", "\"\xff\"", "\"\xc0\xaf\"",
		"\"\xed\xa0\x80\"", "\"\xf4\x90\x80\x80\"", "\xef\xbb\xbf{}"};
	struct json_object *doc = NULL;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(texts); i++) {
		if (parse(texts[i], strlen(texts[i]), &doc) != SP_ERR_PROTOCOL)
			fail_msg("taken: %s", texts[i]);
		assert_null(doc);
	}
}

static void a_nul_is_no_end(void **state)
{
	static const char text[] = "{}\0{}";
	struct json_object *doc = NULL;
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(
		sp_json_parse(text, sizeof(text) - 1, &doc, &err), SP_ERR_PROTOCOL);
	assert_non_null(strstr(err.msg, "byte 2"));
}

static void an_error_says_where(void **state)
{
	struct json_object *doc = NULL;
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(sp_json_parse("{\"a\": x}", 8, &doc, &err), SP_ERR_PROTOCOL);
	assert_non_null(strstr(err.msg, "byte 6"));
	assert_int_equal(sp_json_parse("[1, 2", 5, &doc, &err), SP_ERR_PROTOCOL);
	assert_non_null(strstr(err.msg, "byte 5: ends"));
}

static void nesting_has_a_limit(void **state)
{
	char text[TEXT_MAX];
	struct json_object *doc = NULL;

	(void)state;
	memset(text, '[', SP_JSON_MAX_DEPTH);
	memset(text + SP_JSON_MAX_DEPTH, ']', SP_JSON_MAX_DEPTH);
	assert_int_equal(parse(text, (size_t)2 * SP_JSON_MAX_DEPTH, &doc), 0);
	json_object_put(doc);
	doc = NULL;
	memset(text, '[', SP_JSON_MAX_DEPTH + 1);
	memset(text + SP_JSON_MAX_DEPTH + 1, ']', SP_JSON_MAX_DEPTH + 1);
	assert_int_equal(
		parse(text, (size_t)2 * SP_JSON_MAX_DEPTH + 2, &doc), SP_ERR_PROTOCOL);
	memset(text, '[', sizeof(text));
	assert_int_equal(parse(text, sizeof(text), &doc), SP_ERR_PROTOCOL);
}

static void the_length_is_obeyed(void **state)
{
	struct json_object *doc = NULL;
	int64_t n = 0;

	(void)state;
	assert_int_equal(parse("{\"n\":12}garbage", 8, &doc), 0);
	assert_int_equal(sp_json_int(doc, "n", &n, NULL), 0);
	assert_int_equal(n, 12);
	json_object_put(doc);
	doc = NULL;
	assert_int_equal(parse("12", 1, &doc), 0);
	assert_int_equal(json_object_get_int(doc), 1);
	json_object_put(doc);
}

static void the_last_of_two_members_wins(void **state)
{
	sp_autojson struct json_object *doc = parsed("{\"a\":1,\"a\":2}");
	int64_t n = 0;

	(void)state;
	assert_int_equal(sp_json_int(doc, "a", &n, NULL), 0);
	assert_int_equal(n, 2);
}

/* ----- getters ----------------------------------------------------------------- */

static void getters_find_what_is_there(void **state)
{
	sp_autojson struct json_object *doc = parsed(
		"{\"s\":\"x\",\"i\":-7,\"b\":true,\"o\":{},\"a\":[1]}");
	struct json_object *child = NULL;
	const char *s = NULL;
	int64_t i = 0;
	bool b = false;

	(void)state;
	assert_int_equal(sp_json_str(doc, "s", &s, NULL), 0);
	assert_string_equal(s, "x");
	assert_int_equal(sp_json_int(doc, "i", &i, NULL), 0);
	assert_int_equal(i, -7);
	assert_int_equal(sp_json_bool(doc, "b", &b, NULL), 0);
	assert_true(b);
	assert_int_equal(sp_json_obj(doc, "o", &child, NULL), 0);
	assert_int_equal(sp_json_arr(doc, "a", &child, NULL), 0);
	assert_int_equal(json_object_array_length(child), 1);
}

static void a_missing_or_null_member_is_not_found(void **state)
{
	sp_autojson struct json_object *doc = parsed("{\"n\":null}");
	static const char *const keys[] = {"n", "none", ""};
	struct sp_error err = {0};
	int64_t i = 5;

	(void)state;
	for (size_t k = 0; k < SP_COUNT(keys); k++) {
		assert_int_equal(sp_json_int(doc, keys[k], &i, &err), SP_ERR_NOT_FOUND);
		assert_int_equal(err.code, SP_ERR_NOT_FOUND);
		err.code = SP_OK;
		assert_int_equal(sp_json_opt_int(doc, keys[k], &i, &err), 0);
		assert_int_equal(err.code, SP_OK);
	}
	assert_int_equal(i, 5);
}

static void a_member_of_another_type_is_an_error_even_if_optional(void **state)
{
	sp_autojson struct json_object *doc = parsed("{\"s\":\"1\",\"i\":1.0,\"b\":0}");
	const char *s = NULL;
	struct sp_error err = {0};
	int64_t i = 5;
	bool b = true;

	(void)state;
	assert_int_equal(sp_json_int(doc, "s", &i, &err), SP_ERR_PROTOCOL);
	assert_non_null(strstr(err.msg, "\"s\" is a string, not a whole number"));
	assert_int_equal(sp_json_opt_int(doc, "i", &i, NULL), SP_ERR_PROTOCOL);
	assert_int_equal(sp_json_opt_bool(doc, "b", &b, NULL), SP_ERR_PROTOCOL);
	assert_int_equal(sp_json_opt_str(doc, "b", &s, NULL), SP_ERR_PROTOCOL);
	assert_int_equal(i, 5);
	assert_true(b);
	assert_null(s);
}

static void asking_something_that_is_no_object_is_an_error(void **state)
{
	sp_autojson struct json_object *list = parsed("[1]");
	int64_t i = 5;

	(void)state;
	assert_int_equal(sp_json_int(list, "a", &i, NULL), SP_ERR_PROTOCOL);
	assert_int_equal(sp_json_int(NULL, "a", &i, NULL), SP_ERR_PROTOCOL);
	assert_int_equal(sp_json_opt_int(list, "a", &i, NULL), SP_ERR_PROTOCOL);
}

static void numbers_that_do_not_fit_are_not_bent(void **state)
{
	static const struct {
		const char *text;
		bool fits;
		int64_t value;
	} rows[] = {
		{"{\"n\":9223372036854775807}", true, INT64_MAX},
		{"{\"n\":-9223372036854775807}", true, -INT64_MAX},
		{"{\"n\":9223372036854775808}", false, 0},
		{"{\"n\":18446744073709551615}", false, 0},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(rows); i++) {
		sp_autojson struct json_object *doc = parsed(rows[i].text);
		int64_t n = 5;

		assert_int_equal(sp_json_int(doc, "n", &n, NULL),
			rows[i].fits ? 0 : SP_ERR_PROTOCOL);
		assert_true(n == (rows[i].fits ? rows[i].value : 5));
	}
}

static void numbers_no_integer_holds_are_not_bent(void **state)
{
	static const char *const texts[] = {
		"{\"n\":18446744073709551616}", "{\"n\":-9223372036854775809}"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(texts); i++) {
		struct json_object *doc = NULL;
		int64_t n = 5;

		if (parse(texts[i], strlen(texts[i]), &doc) == 0)
			assert_int_equal(
				sp_json_int(doc, "n", &n, NULL), SP_ERR_PROTOCOL);
		assert_int_equal(n, 5);
		json_object_put(doc);
	}
}

static void a_string_with_a_nul_is_an_error(void **state)
{
	sp_autojson struct json_object *doc = parsed("{\"s\":\"a\\u0000b\"}");
	const char *s = NULL;

	(void)state;
	assert_int_equal(sp_json_str(doc, "s", &s, NULL), SP_ERR_PROTOCOL);
	assert_null(s);
}

/* ----- building ---------------------------------------------------------------- */

static void what_is_built_reads_the_same(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(TEXT_MAX);
	sp_autojson struct json_object *doc = json_object_new_object();
	bool failed = false;

	(void)state;
	sp_json_put_str(doc, "s", "a/\"\n", &failed);
	sp_json_put_str(doc, "none", NULL, &failed);
	sp_json_put_int(doc, "i", INT64_MIN, &failed);
	sp_json_put_bool(doc, "b", true, &failed);
	sp_json_put(doc, "l", json_object_new_array(), &failed);
	assert_false(failed);
	sp_json_print(&out, doc);
	assert_string_equal(sp_buf_str(&out),
		"{\"s\":\"a/\\\"\\n\",\"i\":-9223372036854775808,\"b\":true,\"l\":[]}");
}

static void nothing_is_printed_as_null(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(TEXT_MAX);

	(void)state;
	sp_json_print(&out, NULL);
	assert_string_equal(sp_buf_str(&out), "null");
}

static void running_out_of_memory_is_remembered(void **state)
{
	bool failed = false;

	(void)state;
	sp_json_put_int(NULL, "a", 1, &failed);
	assert_true(failed);
	failed = false;
	sp_json_put(NULL, "a", NULL, &failed);
	assert_true(failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_documents_are_read),
		cmocka_unit_test(anything_else_is_refused),
		cmocka_unit_test(a_nul_is_no_end),
		cmocka_unit_test(an_error_says_where),
		cmocka_unit_test(nesting_has_a_limit),
		cmocka_unit_test(the_length_is_obeyed),
		cmocka_unit_test(the_last_of_two_members_wins),
		cmocka_unit_test(getters_find_what_is_there),
		cmocka_unit_test(a_missing_or_null_member_is_not_found),
		cmocka_unit_test(a_member_of_another_type_is_an_error_even_if_optional),
		cmocka_unit_test(asking_something_that_is_no_object_is_an_error),
		cmocka_unit_test(numbers_that_do_not_fit_are_not_bent),
		cmocka_unit_test(numbers_no_integer_holds_are_not_bent),
		cmocka_unit_test(a_string_with_a_nul_is_an_error),
		cmocka_unit_test(what_is_built_reads_the_same),
		cmocka_unit_test(nothing_is_printed_as_null),
		cmocka_unit_test(running_out_of_memory_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
