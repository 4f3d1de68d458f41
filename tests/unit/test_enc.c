/* SPDX-License-Identifier: Apache-2.0 */
#include "base/enc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void base64_is_that_of_the_standard(void **state)
{
	/* RFC 4648, section 10. */
	static const char *const cases[][2] = {{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="},
		{"foobar", "Zm9vYmFy"}};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		sp_autobuf struct sp_buf text = SP_BUF_INIT(64);
		sp_autobuf struct sp_buf back = SP_BUF_INIT(64);

		sp_enc_base64(&text, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(sp_buf_str(&text), cases[i][1]);
		assert_int_equal(
			sp_dec_base64(&back, sp_buf_str(&text), text.len, NULL), 0);
		assert_string_equal(sp_buf_str(&back), cases[i][0]);
	}
}

static void every_byte_survives_base64(void **state)
{
	unsigned char bytes[256];

	(void)state;
	for (int i = 0; i < 256; i++)
		bytes[i] = (unsigned char)(255 - i);
	for (size_t len = 250; len <= 256; len++) {
		sp_autobuf struct sp_buf text = SP_BUF_INIT(400);
		sp_autobuf struct sp_buf back = SP_BUF_INIT(400);

		sp_enc_base64(&text, bytes, len);
		assert_int_equal(sp_dec_base64(&back, text.data, text.len, NULL), 0);
		assert_int_equal(back.len, len);
		assert_memory_equal(back.data, bytes, len);
	}
}

static void what_is_not_base64_is_refused(void **state)
{
	static const char *const bad[] = {"Z", "Zm9vY", "Zg= =", "Zm 9", "Zm9v\n",
		"Z===", "Zm9v=Zm9v", "Zm9v====", "-_-_", "\xff\xff\xff\xff"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		sp_autobuf struct sp_buf out = SP_BUF_INIT(64);
		int rc = sp_dec_base64(&out, bad[i], strlen(bad[i]), NULL);

		assert_int_equal(rc, SP_ERR_PROTOCOL);
	}
}

static void a_zero_byte_is_no_base64_digit(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(64);

	(void)state;
	assert_int_equal(sp_dec_base64(&out, "Zm\0v", 4, NULL), SP_ERR_PROTOCOL);
}

static void a_decoder_says_when_the_buffer_is_too_small(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(2);
	sp_autobuf struct sp_buf two = SP_BUF_INIT(2);

	(void)state;
	assert_int_equal(sp_dec_base64(&out, "Zm9v", 4, NULL), SP_ERR_LIMIT);
	assert_int_equal(sp_dec_percent(&two, "abc", 3, NULL), SP_ERR_LIMIT);
}

static void all_but_plain_characters_get_a_percent(void **state)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(256);

	(void)state;
	sp_enc_percent(&out, "azAZ09-._~ /%+=\n\x7f\xe9");
	assert_string_equal(sp_buf_str(&out), "azAZ09-._~%20%2F%25%2B%3D%0A%7F%E9");
}

static void percent_goes_back_and_forth(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1024);
	sp_autobuf struct sp_buf back = SP_BUF_INIT(1024);
	char all[256];

	(void)state;
	for (int i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	sp_enc_percent(&text, all);
	assert_int_equal(sp_dec_percent(&back, text.data, text.len, NULL), 0);
	assert_string_equal(sp_buf_str(&back), all);
}

static void a_broken_escape_is_refused_wherever_it_ends(void **state)
{
	static const char *const bad[] = {
		"%", "%4", "a%", "%g0", "%0g", "%%20", "% 20", "%-1", "ab%2"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		sp_autobuf struct sp_buf out = SP_BUF_INIT(64);
		/* Exactly as long as it is, so that a byte too far is noticed. */
		size_t len = strlen(bad[i]);
		sp_autofree char *exact = malloc(len);

		assert_non_null(exact);
		memcpy(exact, bad[i], len);
		assert_int_equal(
			sp_dec_percent(&out, exact, len, NULL), SP_ERR_PROTOCOL);
	}
}

/* RFC 3629: the shortest form only, no surrogates, nothing above 10FFFF. */
static void only_well_formed_utf8_is_valid(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {{"", true}, {"plain", true}, {"\xc2\x80", true},
		{"\xdf\xbf", true}, {"\xe0\xa0\x80", true}, {"\xed\x9f\xbf", true},
		{"\xee\x80\x80", true}, {"\xef\xbf\xbf", true},
		{"\xf0\x90\x80\x80", true}, {"\xf4\x8f\xbf\xbf", true}, {"\x80", false},
		{"\xbf", false}, {"\xc0\x80", false}, {"\xc1\xbf", false},
		{"\xe0\x9f\xbf", false}, {"\xf0\x8f\xbf\xbf", false},
		{"\xed\xa0\x80", false}, {"\xed\xbf\xbf", false},
		{"\xf4\x90\x80\x80", false}, {"\xf7\xbf\xbf\xbf", false},
		{"\xf8\x88\x80\x80\x80", false}, {"\xfe", false}, {"\xff", false},
		{"\xc2", false}, {"\xe2\x82", false}, {"\xf0\x9f\x98", false},
		{"\xc2"
		 "a",
			false},
		{"\xe2\x82"
		 "a",
			false},
		{"a\xc3\xa9\xff", false}};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		size_t len = strlen(cases[i].text);
		sp_autofree char *exact = malloc(len + !len);

		assert_non_null(exact);
		memcpy(exact, cases[i].text, len);
		assert_int_equal(sp_utf8_valid(exact, len), cases[i].valid);
	}
	assert_true(sp_utf8_valid("a\0b", 3));
}

static void text_for_a_terminal_cannot_act_on_it(void **state)
{
	static const char *const cases[][2] = {
		{"caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac"},
		{"\x1b[2J", "\\x1b[2J"}, {"a\r\n\tb\x7f", "a\\x0d\\x0a\\x09b\\x7f"},
		{"\xc2\x9b"
		 "31m",
			"\\xc2\\x9b31m"},
		{"\xe2\x80\xae"
		 "abc",
			"\\xe2\\x80\\xaeabc"},
		{"\xe2\x81\xa6", "\\xe2\\x81\\xa6"}, {"\xd8\x9c", "\\xd8\\x9c"},
		{"\xe2\x80\xa8", "\\xe2\\x80\\xa8"}, {"\xe2\x82", "\\xe2\\x82"},
		{"\xff", "\\xff"}};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		sp_autobuf struct sp_buf out = SP_BUF_INIT(256);

		sp_enc_printable(&out, cases[i][0], strlen(cases[i][0]));
		assert_string_equal(sp_buf_str(&out), cases[i][1]);
	}
}

static void random_names_are_names_and_differ(void **state)
{
	char one[33], two[33], none[1] = "x";

	(void)state;
	assert_int_equal(sp_random_name(one, 32, NULL), 0);
	assert_int_equal(sp_random_name(two, 32, NULL), 0);
	assert_int_equal(strlen(one), 32);
	assert_int_equal(strspn(one, "abcdefghijklmnopqrstuvwxyz234567"), 32);
	assert_string_not_equal(one, two);
	assert_int_equal(sp_random_name(none, 0, NULL), 0);
	assert_string_equal(none, "");
}

static void a_name_is_safe_as_a_file(void **state)
{
	static const char *const good[] = {
		"a", "0", "sb-4k2h9x7qpa", "a.b_c-d", "A..b"};
	static const char *const bad[] = {"", ".", "..", ".a", "-a", "_a", "a/b", "/a",
		"a b", "a\n", "a\x80", "\xc3\xa9", "a:b", "a%b"};
	char text[130];

	(void)state;
	for (size_t i = 0; i < SP_COUNT(good); i++)
		assert_true(sp_name_ok(good[i]));
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		assert_false(sp_name_ok(bad[i]));
	memset(text, 'a', sizeof(text));
	text[129] = '\0';
	assert_false(sp_name_ok(text));
	text[128] = '\0';
	assert_true(sp_name_ok(text));
}

static void sizes_have_units_of_1024(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {{"0", 0}, {"1073741824", 1 << 30}, {"100k", 102400},
		{"512m", 512u << 20}, {"512MB", 512u << 20}, {"2g", 2ull << 30},
		{"1T", 1ull << 40}, {"7b", 7}, {"18446744073709551615", UINT64_MAX},
		{"16777215t", 16777215ull << 40},
		{"17179869183g", 17179869183ull << 30}};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		uint64_t bytes = 1;

		assert_int_equal(sp_parse_size(cases[i].text, &bytes, NULL), 0);
		assert_true(bytes == cases[i].bytes);
	}
}

static void a_size_that_is_none_changes_nothing(void **state)
{
	static const char *const bad[] = {"", "m", "-1", "+1", " 1", "1 ", "1.5g",
		"1e3", "0x10", "1kk", "1kbb", "1p", "b", "1mx", "18446744073709551616",
		"16777216t", "18014398509481984k", "99999999999999999999999g"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		uint64_t bytes = 77;

		assert_int_equal(sp_parse_size(bad[i], &bytes, NULL), SP_ERR_INVALID);
		assert_true(bytes == 77);
	}
}

static void numbers_are_whole_and_within_their_bounds(void **state)
{
	static const char *const bad[] = {"", " 1", "1 ", "1x", "x", "-", "0x1", "1.0",
		"-6", "8", "9223372036854775808", "-9223372036854775809", "\n1"};
	int64_t n = 77;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		assert_int_equal(sp_parse_int(bad[i], -5, 7, &n, NULL), SP_ERR_INVALID);
	assert_int_equal(n, 77);
	assert_int_equal(sp_parse_int("-5", -5, 7, &n, NULL), 0);
	assert_int_equal(n, -5);
	assert_int_equal(sp_parse_int("7", -5, 7, &n, NULL), 0);
	assert_int_equal(
		sp_parse_int("9223372036854775807", INT64_MIN, INT64_MAX, &n, NULL), 0);
	assert_true(n == INT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64_is_that_of_the_standard),
		cmocka_unit_test(every_byte_survives_base64),
		cmocka_unit_test(what_is_not_base64_is_refused),
		cmocka_unit_test(a_zero_byte_is_no_base64_digit),
		cmocka_unit_test(a_decoder_says_when_the_buffer_is_too_small),
		cmocka_unit_test(all_but_plain_characters_get_a_percent),
		cmocka_unit_test(percent_goes_back_and_forth),
		cmocka_unit_test(a_broken_escape_is_refused_wherever_it_ends),
		cmocka_unit_test(only_well_formed_utf8_is_valid),
		cmocka_unit_test(text_for_a_terminal_cannot_act_on_it),
		cmocka_unit_test(random_names_are_names_and_differ),
		cmocka_unit_test(a_name_is_safe_as_a_file),
		cmocka_unit_test(sizes_have_units_of_1024),
		cmocka_unit_test(a_size_that_is_none_changes_nothing),
		cmocka_unit_test(numbers_are_whole_and_within_their_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
