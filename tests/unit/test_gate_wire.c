/* SPDX-License-Identifier: Apache-2.0 */
/* The gate's SOCKS and DNS messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "providers/local/gate/dns.h"
#include "providers/local/gate/socks.h"

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

static void a_hello_must_offer_to_go_without_signing_on(void **state)
{
	(void)state;
	assert_int_equal(socks_hello_length(BYTES("\5\2\0\2")), 4);
	assert_true(socks_hello_ok(BYTES("\5\2\2\0")));
	assert_false(socks_hello_ok(BYTES("\5\1\2")));
	assert_false(socks_hello_ok(BYTES("\5\0")));
	assert_int_equal(socks_hello_length(BYTES("\4\1")), 0);
}

static void a_request_names_a_host(void **state)
{
	static const char name[] = "\5\1\0\3\6a.TEST\1\xbb";
	static const char four[] = "\5\1\0\1\1\2\3\4\0\x50";
	char host[GATE_HOST_MAX];
	uint16_t port;

	(void)state;
	assert_int_equal(socks_request_length(BYTES(name)), sizeof(name) - 1);
	assert_int_equal(socks_parse(BYTES(name), host, &port), SOCKS_OK);
	assert_string_equal(host, "a.test");
	assert_int_equal(port, 443);
	assert_int_equal(socks_parse(BYTES(four), host, &port), SOCKS_OK);
	assert_string_equal(host, "1.2.3.4");
}

static void other_requests_are_answered_with_why_not(void **state)
{
	char host[GATE_HOST_MAX];
	uint16_t port;

	(void)state;
	assert_int_equal(socks_parse(BYTES("\5\2\0\1\1\2\3\4\0\x50"), host, &port),
		SOCKS_NO_COMMAND);
	assert_int_equal(
		socks_parse(BYTES("\5\1\0\2\1"), host, &port), SOCKS_NO_ADDRESS_TYPE);
	assert_int_equal(
		socks_parse(BYTES("\5\1\0\1\1\2\3\4\0\0"), host, &port), SOCKS_FAILED);
	assert_int_equal(
		socks_parse(BYTES("\5\1\0\3\3a\0b\0\x50"), host, &port), SOCKS_FAILED);
}

#define ASK_HEAD "\x12\x34\1\0\0\1\0\0\0\0\0\0"

static void a_question_is_answered_with_an_address(void **state)
{
	static const char ask[] = ASK_HEAD "\1A\4Test\0\0\1\0\1";
	uint8_t out[DNS_MESSAGE_MAX];
	struct dns_question q;
	enum dns_code code;
	size_t len;

	(void)state;
	assert_true(dns_parse(BYTES(ask), &q, &code));
	assert_int_equal(code, DNS_OK);
	assert_string_equal(q.host, "a.test");
	assert_int_equal(q.type, DNS_TYPE_A);
	len = dns_answer((const uint8_t *)ask, &q, DNS_OK, true, 0x7f4d0001, out);
	assert_int_equal(len, sizeof(ask) - 1 + 16);
	assert_memory_equal(out, "\x12\x34\x81\x80\0\1\0\1", 8);
	assert_memory_equal(out + len - 4, "\x7f\x4d\0\1", 4);
	len = dns_answer((const uint8_t *)ask, &q, DNS_NO_NAME, false, 0, out);
	assert_int_equal(len, sizeof(ask) - 1);
	assert_int_equal(out[3] & 15, DNS_NO_NAME);
}

static void an_answer_is_not_answered(void **state)
{
	struct dns_question q;
	enum dns_code code;

	(void)state;
	assert_false(dns_parse(
		BYTES("\x12\x34\x80\0\0\1\0\0\0\0\0\0\0\0\1\0\1"), &q, &code));
	assert_false(dns_parse(BYTES("\x12\x34\1\0\0\1"), &q, &code));
}

static void broken_questions_name_nothing(void **state)
{
	static const struct {
		const char *data;
		size_t len;
	} broken[] = {
		{ASK_HEAD "\xc0\x0c\0\1\0\1", 18},                 /* compressed */
		{ASK_HEAD "\5ab", 15},                             /* cut */
		{ASK_HEAD "\1a\0\0\1", 17},                        /* no class */
		{"\x12\x34\1\0\0\2\0\0\0\0\0\0\1a\0\0\1\0\1", 19}, /* two */
	};
	struct dns_question q;
	enum dns_code code;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(broken); i++) {
		assert_true(dns_parse(
			(const uint8_t *)broken[i].data, broken[i].len, &q, &code));
		assert_int_equal(code, DNS_FORMAT);
		assert_string_equal(q.host, "");
	}
	/* A dot inside a label is not the dot between two. */
	assert_true(dns_parse(BYTES(ASK_HEAD "\6a.test\0\0\1\0\1"), &q, &code));
	assert_string_equal(q.host, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hello_must_offer_to_go_without_signing_on),
		cmocka_unit_test(a_request_names_a_host),
		cmocka_unit_test(other_requests_are_answered_with_why_not),
		cmocka_unit_test(a_question_is_answered_with_an_address),
		cmocka_unit_test(an_answer_is_not_answered),
		cmocka_unit_test(broken_questions_name_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
