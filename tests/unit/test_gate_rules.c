/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/auto.h"
#include "providers/local/gate/plan.h"

static struct gate_rules rules_of(const char *const *texts)
{
	struct gate_rules rules = {0};

	for (; *texts; texts++)
		assert_int_equal(gate_rules_add(&rules, *texts, NULL), 0);
	return rules;
}

#define RULES(...) rules_of((const char *const[]){__VA_ARGS__, NULL})

static void a_name_is_allowed_at_the_ports_of_the_web(void **state)
{
	struct gate_rules rules = RULES("Example.COM");

	(void)state;
	assert_true(gate_rules_match(&rules, "example.com", 443));
	assert_true(gate_rules_match(&rules, "example.com", 80));
	assert_false(gate_rules_match(&rules, "example.com", 8080));
	assert_false(gate_rules_match(&rules, "www.example.com", 443));
	assert_false(gate_rules_match(&rules, "notexample.com", 443));
	gate_rules_clear(&rules);
}

static void a_port_allows_that_one_only(void **state)
{
	struct gate_rules rules = RULES("example.com:22");

	(void)state;
	assert_true(gate_rules_match(&rules, "example.com", 22));
	assert_false(gate_rules_match(&rules, "example.com", 443));
	gate_rules_clear(&rules);
}

static void a_star_allows_what_is_below_and_not_the_host_itself(void **state)
{
	struct gate_rules rules = RULES("*.example.com");

	(void)state;
	assert_true(gate_rules_match(&rules, "a.example.com", 443));
	assert_true(gate_rules_match(&rules, "a.b.example.com", 443));
	assert_false(gate_rules_match(&rules, "example.com", 443));
	assert_false(gate_rules_match(&rules, "aexample.com", 443));
	assert_false(gate_rules_match(&rules, ".example.com", 443));
	gate_rules_clear(&rules);
}

static void what_is_no_host_is_refused(void **state)
{
	static const char *const bad[] = {"", ".", "..", "a..b", "a b", "a/b",
		"user@host", "host:", "host:0", "host:65536", "host:8o", "[::1", "::1]",
		"*.1.2.3.4", "*", "a\nb", "[1.2.3.4]"};
	struct gate_rules rules = {0};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		if (gate_rules_add(&rules, bad[i], NULL) == 0)
			fail_msg("\"%s\" is taken", bad[i]);
	gate_rules_clear(&rules);
}

static void hosts_are_compared_in_one_form(void **state)
{
	char host[GATE_HOST_MAX];
	uint16_t port = 0;

	(void)state;
	assert_true(gate_host_port("WEB.Test.:443", 13, host, &port));
	assert_string_equal(host, "web.test");
	assert_int_equal(port, 443);
	assert_true(gate_host_port("[FD00::1]:8", 11, host, &port));
	assert_string_equal(host, "fd00::1");
	assert_false(gate_host_port("fd00::1", 7, host, &port));
	assert_false(gate_host_port("[::1]x:1", 8, host, &port));
	assert_false(gate_host_port("a\0b:80", 6, host, &port));
}

static struct gate_address address(const char *text)
{
	struct gate_address a;

	assert_true(gate_address_parse(text, &a));
	return a;
}

static void only_addresses_of_everybody_are_public(void **state)
{
	static const char *const own[] = {"0.0.0.0", "0.1.2.3", "10.0.0.1",
		"100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9",
		"169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1",
		"192.168.1.1", "198.18.0.1", "198.19.255.255", "224.0.0.1", "239.1.1.1",
		"240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:10.0.0.1",
		"::ffff:127.0.0.1", "::127.0.0.1", "fc00::1", "fd12::1", "fe80::1",
		"fec0::1", "ff02::1", "64:ff9b::7f00:1", "64:ff9b:1::1", "2001::1",
		"2002:7f00:1::", "100::1", "4000::1"};
	static const char *const of_all[] = {"1.1.1.1", "8.8.8.8", "100.63.255.255",
		"100.128.0.1", "172.15.255.255", "172.32.0.1", "198.17.0.1",
		"223.255.255.255", "192.0.1.1", "2606:4700::1", "2a00::1",
		"2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::808:808"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(own); i++) {
		struct gate_address a = address(own[i]);

		if (gate_address_is_public(&a))
			fail_msg("%s is taken for public", own[i]);
	}
	for (size_t i = 0; i < SP_COUNT(of_all); i++) {
		struct gate_address a = address(of_all[i]);

		if (!gate_address_is_public(&a))
			fail_msg("%s is not taken for public", of_all[i]);
	}
}

static void forms_that_only_some_read_as_addresses_are_none(void **state)
{
	static const char *const odd[] = {"2130706433", "0x7f000001", "0x7f.1", "127.1",
		"0177.0.0.1", "1.2.3.4.5", "1.2.3.256"};
	struct gate_address a;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(odd); i++)
		assert_false(gate_address_parse(odd[i], &a));
}

static void a_private_address_must_be_allowed_itself(void **state)
{
	struct gate_rules name = RULES("git.corp");
	struct gate_rules both = RULES("git.corp", "10.1.2.3");
	struct gate_rules port = RULES("git.corp", "10.1.2.3:8080");
	struct gate_address a = address("10.1.2.3"), other = address("10.1.2.4");

	(void)state;
	assert_false(gate_rules_admit(&name, "git.corp", &a, 443));
	assert_true(gate_rules_admit(&both, "git.corp", &a, 443));
	assert_false(gate_rules_admit(&both, "git.corp", &other, 443));
	assert_false(gate_rules_admit(&port, "git.corp", &a, 443));
	assert_true(gate_rules_admit(&port, "git.corp", &a, 8080));
	gate_rules_clear(&name);
	gate_rules_clear(&both);
	gate_rules_clear(&port);
}

static void localhost_with_a_port_names_the_loopback(void **state)
{
	struct gate_rules with = RULES("localhost:8080", "rebound.test:8080");
	struct gate_rules without = RULES("localhost");
	struct gate_address a = address("127.0.0.1"), b = address("::1");

	(void)state;
	assert_true(gate_rules_admit(&with, "localhost", &a, 8080));
	assert_true(gate_rules_admit(&with, "localhost", &b, 8080));
	assert_false(gate_rules_admit(&with, "rebound.test", &a, 8080));
	assert_false(gate_rules_admit(&without, "localhost", &a, 80));
	gate_rules_clear(&with);
	gate_rules_clear(&without);
}

static void each_named_host_is_counted_once(void **state)
{
	struct gate_rules rules = RULES("a.test", "*.a.test", "a.test:22", "1.2.3.4",
		"localhost:80", "*.c.test", "b.test", "c.test");
	uint16_t ports[4];

	(void)state;
	assert_string_equal(gate_rules_name(&rules, 0), "a.test");
	assert_string_equal(gate_rules_name(&rules, 1), "b.test");
	assert_string_equal(gate_rules_name(&rules, 2), "c.test");
	assert_null(gate_rules_name(&rules, 3));
	assert_int_equal(gate_rules_ports(&rules, "a.test", ports, 4), 3);
	assert_int_equal(gate_rules_ports(&rules, "x.a.test", ports, 4), 2);
	gate_rules_clear(&rules);
}

static void a_plan_is_read_as_it_was_written(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(GATE_PLAN_MAX);
	struct gate_plan plan = {.life = GATE_RUN,
		.network = SP_NETWORK_ALLOW,
		.is_privileged = true,
		.port_count = 1,
		.ports = {{.port = 80, .host_port = 8080}}};
	struct gate_plan read = {0};

	(void)state;
	assert_int_equal(gate_rules_add(&plan.rules, "*.a.test:81", NULL), 0);
	assert_int_equal(gate_plan_credential(&plan, "API.test", "Authorization",
				 "Bearer a b=%\tc", NULL),
		0);
	gate_plan_print(&text, &plan);
	assert_int_equal(gate_plan_parse(sp_buf_str(&text), text.len, &read, NULL), 0);
	assert_int_equal(read.life, GATE_RUN);
	assert_true(read.is_privileged);
	assert_int_equal(read.ports[0].host_port, 8080);
	assert_true(gate_rules_match(&read.rules, "b.a.test", 81));
	assert_non_null(gate_plan_find(&read, "api.test"));
	assert_string_equal(
		gate_plan_find(&read, "api.test")->value, "Bearer a b=%\tc");
	assert_null(gate_plan_find(&read, "a.test"));
	gate_plan_clear(&plan);
	gate_plan_clear(&read);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_is_allowed_at_the_ports_of_the_web),
		cmocka_unit_test(a_port_allows_that_one_only),
		cmocka_unit_test(a_star_allows_what_is_below_and_not_the_host_itself),
		cmocka_unit_test(what_is_no_host_is_refused),
		cmocka_unit_test(hosts_are_compared_in_one_form),
		cmocka_unit_test(only_addresses_of_everybody_are_public),
		cmocka_unit_test(forms_that_only_some_read_as_addresses_are_none),
		cmocka_unit_test(a_private_address_must_be_allowed_itself),
		cmocka_unit_test(localhost_with_a_port_names_the_loopback),
		cmocka_unit_test(each_named_host_is_counted_once),
		cmocka_unit_test(a_plan_is_read_as_it_was_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
