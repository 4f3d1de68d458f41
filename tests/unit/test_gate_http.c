/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "providers/local/gate/http.h"

static char text[HTTP_HEAD_MAX];

static bool parse(const char *head, bool is_response, struct http_head *out)
{
	assert_true(strlen(head) < sizeof(text));
	memcpy(text, head, strlen(head) + 1);
	return http_parse(text, strlen(head), is_response, out);
}

#define LINE "POST /x HTTP/1.1\r\nHost: a.test\r\n"

static void a_request_is_taken_apart(void **state)
{
	struct http_head head;
	bool twice;

	(void)state;
	assert_true(parse(
		"GET /a?b HTTP/1.1\r\nHost:  a.test \r\nX:\r\n\r\n", false, &head));
	assert_string_equal(head.method, "GET");
	assert_string_equal(head.target, "/a?b");
	assert_int_equal(head.minor, 1);
	assert_string_equal(http_value(&head, "HOST", &twice), "a.test");
	assert_string_equal(http_value(&head, "x", &twice), "");
	assert_null(http_value(&head, "Hos", &twice));
}

static void a_response_is_taken_apart(void **state)
{
	struct http_head head;

	(void)state;
	assert_true(parse("HTTP/1.0 404 Not Found\r\n\r\n", true, &head));
	assert_int_equal(head.status, 404);
	assert_string_equal(head.reason, "Not Found");
	assert_true(parse("HTTP/1.1 200\r\n\r\n", true, &head));
	assert_false(parse("HTTP/2 200 OK\r\n\r\n", true, &head));
	assert_false(parse("HTTP/1.1 20 OK\r\n\r\n", true, &head));
}

static void what_readers_disagree_about_is_refused(void **state)
{
	static const char *const bad[] = {
		"GET / HTTP/1.1\nHost: a\n\n",
		"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
		"GET / HTTP/1.1\r\n: a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost a\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
		"GET  / HTTP/1.1\r\n\r\n",
		"GET /a b HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.2\r\n\r\n",
		"GET / HTTP/2.0\r\n\r\n",
		"GET / http/1.1\r\n\r\n",
		"G(T / HTTP/1.1\r\n\r\n",
		"GET /\r\n\r\n",
		"\r\n\r\n",
		"GET / HTTP/1.1\r\nX: \x01\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\nX: y\r\n\r\n",
	};
	struct http_head head;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		if (parse(bad[i], false, &head))
			fail_msg("taken: %s", bad[i]);
}

static void a_body_has_one_end(void **state)
{
	static const char *const bad[] = {
		LINE "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
		LINE "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
		LINE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
		LINE "Transfer-Encoding: gzip, chunked\r\n\r\n",
		LINE "Transfer-Encoding: xchunked\r\n\r\n",
		LINE "Content-Length: +1\r\n\r\n",
		LINE "Content-Length: 1, 1\r\n\r\n",
		LINE "Content-Length: 0x1\r\n\r\n",
		LINE "Content-Length:\r\n\r\n",
		LINE "Content-Length: 9999999999999999999\r\n\r\n",
		"POST /x HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
	};
	struct http_head head;
	struct http_body body;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		if (!parse(bad[i], false, &head) || http_request_body(&head, &body))
			fail_msg("taken: %s", bad[i]);
	assert_true(parse(LINE "Content-Length: 12\r\n\r\n", false, &head));
	assert_true(http_request_body(&head, &body));
	assert_int_equal(body.kind, HTTP_LENGTH);
	assert_int_equal(body.length, 12);
	assert_true(parse(LINE "Transfer-Encoding: Chunked\r\n\r\n", false, &head));
	assert_true(http_request_body(&head, &body));
	assert_int_equal(body.kind, HTTP_CHUNKED);
}

static void an_answer_without_a_length_goes_to_its_end(void **state)
{
	struct http_head head;
	struct http_body body;

	(void)state;
	assert_true(parse("HTTP/1.1 200 OK\r\n\r\n", true, &head));
	assert_true(http_response_body(&head, false, &body));
	assert_int_equal(body.kind, HTTP_TO_END);
	assert_true(http_response_body(&head, true, &body));
	assert_int_equal(body.kind, HTTP_NO_BODY);
	assert_true(parse("HTTP/1.1 304 No\r\nContent-Length: 5\r\n\r\n", true, &head));
	assert_true(http_response_body(&head, false, &body));
	assert_int_equal(body.kind, HTTP_NO_BODY);
}

static void chunk_sizes_are_hexadecimal_and_bounded(void **state)
{
	uint64_t size;

	(void)state;
	assert_true(http_chunk_size("1a", 2, &size));
	assert_int_equal(size, 26);
	assert_true(http_chunk_size("0;x=y", 5, &size));
	assert_int_equal(size, 0);
	assert_false(http_chunk_size("", 0, &size));
	assert_false(http_chunk_size("-1", 2, &size));
	assert_false(http_chunk_size("0x1", 3, &size));
	assert_false(http_chunk_size("1\n", 2, &size));
	assert_false(http_chunk_size("ffffffffffffffff", 16, &size));
}

static void an_absolute_target_names_a_host_and_nobody(void **state)
{
	char host[GATE_HOST_MAX];
	const char *path;
	uint16_t port;

	(void)state;
	assert_true(http_absolute("http://A.test:81/x?y", host, &port, &path));
	assert_string_equal(host, "a.test");
	assert_int_equal(port, 81);
	assert_string_equal(path, "/x?y");
	assert_true(http_absolute("HTTP://a.test", host, &port, &path));
	assert_string_equal(path, "/");
	assert_false(http_absolute("http://u:p@a.test/", host, &port, &path));
	assert_false(http_absolute("http://a.test@b.test/", host, &port, &path));
	assert_false(http_absolute("http://a.test#@b.test/", host, &port, &path));
	assert_false(http_absolute("http://a.test\\@b.test/", host, &port, &path));
	assert_false(http_absolute("https://a.test/", host, &port, &path));
	assert_false(http_absolute("/x", host, &port, &path));
	assert_false(http_absolute("http://:80/", host, &port, &path));
}

static void what_is_for_one_connection_is_known(void **state)
{
	struct http_head head;

	(void)state;
	assert_true(parse("GET / HTTP/1.1\r\nConnection: close, X-Own, Content-Length"
			  "\r\n\r\n",
		false, &head));
	assert_true(http_is_hop_by_hop(&head, "x-own"));
	assert_true(http_is_hop_by_hop(&head, "Proxy-Authorization"));
	assert_false(http_is_hop_by_hop(&head, "Content-Length"));
	assert_false(http_is_hop_by_hop(&head, "Accept"));
	assert_true(http_has_word(&head, "connection", "CLOSE"));
	assert_false(http_has_word(&head, "connection", "own"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_taken_apart),
		cmocka_unit_test(a_response_is_taken_apart),
		cmocka_unit_test(what_readers_disagree_about_is_refused),
		cmocka_unit_test(a_body_has_one_end),
		cmocka_unit_test(an_answer_without_a_length_goes_to_its_end),
		cmocka_unit_test(chunk_sizes_are_hexadecimal_and_bounded),
		cmocka_unit_test(an_absolute_target_names_a_host_and_nobody),
		cmocka_unit_test(what_is_for_one_connection_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
