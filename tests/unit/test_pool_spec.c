/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/pool_spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>
#include <string.h>

static void name_of(const struct sp_sandbox_spec *spec, char name[POOL_NAME_SIZE])
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(POOL_SPEC_MAX);

	assert_int_equal(pool_spec_print(&text, spec, NULL), 0);
	pool_spec_name(name, &text);
}

static void assert_same(
	const struct sp_sandbox_spec *a, const struct sp_sandbox_spec *b)
{
	char first[POOL_NAME_SIZE], second[POOL_NAME_SIZE];

	name_of(a, first);
	name_of(b, second);
	assert_string_equal(first, second);
}

static void labels_and_time_to_live_do_not_count(void **state)
{
	const struct sp_label label = {"k", "v"};
	const struct sp_sandbox_spec plain = {.user = "1"};
	const struct sp_sandbox_spec other = {
		.user = "1", .labels = &label, .label_count = 1, .ttl_ms = 5};
	const struct sp_sandbox_spec named = {.user = "1", .image = "host"};

	(void)state;
	assert_same(&plain, &other);
	assert_same(&plain, &named);
}

static void everything_else_does(void **state)
{
	const char *const list[] = {"A=B", NULL};
	const struct sp_mount ro = {.source = "/usr", .target = "/x"};
	const struct sp_mount rw = {.source = "/usr", .target = "/x", .writable = true};
	const struct sp_mount volume = {
		.source = "/usr", .target = "/x", .is_volume = true};
	const struct sp_sandbox_spec specs[] = {
		{.image = "host"},
		{.image = "other"},
		{.env = list},
		{.allow = list},
		{.require = list},
		{.mounts = &ro, .mount_count = 1},
		{.mounts = &rw, .mount_count = 1},
		{.mounts = &volume, .mount_count = 1},
		{.workdir = "/"},
		{.user = "/"},
		{.seccomp = "strict"},
		{.limits.memory_bytes = 7},
		{.limits.disk_bytes = 7},
		{.limits.cpu_millis = 7},
		{.limits.pids = 7},
		{.limits.nofile = 7},
		{.limits.file_bytes = 7},
		{.limits.cpu_time_ms = 7},
		{.network = SP_NETWORK_HOST},
	};
	char names[SP_COUNT(specs)][POOL_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < SP_COUNT(specs); i++) {
		name_of(&specs[i], names[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(names[i], names[k]);
	}
}

static void what_was_printed_reads_the_same(void **state)
{
	const char *const env[] = {"A=1\n2", "B=", NULL};
	const struct sp_mount mounts[] = {
		{.source = "/usr", .target = "/x y", .writable = true},
		{.source = "data", .target = "/data", .is_volume = true}};
	const struct sp_sandbox_spec spec = {.env = env,
		.mounts = mounts,
		.mount_count = 2,
		.workdir = "/w",
		.limits.pids = 77,
		.network = SP_NETWORK_NONE};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(POOL_SPEC_MAX);
	autopoolspec struct pool_spec back = {.mounts = NULL};

	(void)state;
	assert_int_equal(pool_spec_print(&text, &spec, NULL), 0);
	assert_int_equal(pool_spec_parse(text.data, text.len, &back, NULL), 0);
	assert_string_equal(back.spec.env[0], env[0]);
	assert_string_equal(back.spec.env[1], env[1]);
	assert_null(back.spec.env[2]);
	assert_int_equal(back.spec.mount_count, 2);
	assert_true(back.spec.mounts[0].writable && !back.spec.mounts[0].is_volume);
	assert_string_equal(back.spec.mounts[0].target, "/x y");
	assert_true(back.spec.mounts[1].is_volume && !back.spec.mounts[1].writable);
	assert_int_equal(back.spec.limits.pids, 77);
	assert_same(&spec, &back.spec);
}

static void half_of_it_is_refused(void **state)
{
	const struct sp_sandbox_spec spec = {.user = "0", .limits.pids = 5};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(POOL_SPEC_MAX);

	(void)state;
	assert_int_equal(pool_spec_print(&text, &spec, NULL), 0);
	for (size_t len = 0; len < text.len; len++) {
		autopoolspec struct pool_spec back = {.mounts = NULL};

		assert_int_equal(
			pool_spec_parse(text.data, len, &back, NULL), SP_ERR_PROTOCOL);
	}
}

static void secrets_and_ports_are_not_held_ready(void **state)
{
	const struct sp_credential secret = {"h", "k", "v"};
	const struct sp_port port = {.port = 80};
	const struct sp_sandbox_spec with_secret = {
		.credentials = &secret, .credential_count = 1};
	const struct sp_sandbox_spec with_port = {.ports = &port, .port_count = 1};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(POOL_SPEC_MAX);

	(void)state;
	assert_int_equal(
		pool_spec_print(&text, &with_secret, NULL), SP_ERR_UNSUPPORTED);
	assert_int_equal(pool_spec_print(&text, &with_port, NULL), SP_ERR_UNSUPPORTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_and_time_to_live_do_not_count),
		cmocka_unit_test(everything_else_does),
		cmocka_unit_test(what_was_printed_reads_the_same),
		cmocka_unit_test(half_of_it_is_refused),
		cmocka_unit_test(secrets_and_ports_are_not_held_ready),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
