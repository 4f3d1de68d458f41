/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/local.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/stat.h>

/* A provider that was not told of any ids. */
static const struct local nothing_granted;

/* Read later, by local_plan_filter(). */
#define NO_FILTER "/nonexistent/profile.json"

static int plan(const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	static const struct local local = {0};
	struct local_plan plan = LOCAL_PLAN_INIT;
	struct sp_sandbox_spec with = *spec;
	int rc;

	if (!with.seccomp)
		with.seccomp = NO_FILTER;
	rc = local_plan_make(&local, &with, SP_RUNNER_RUN, &plan, err);
	local_plan_clear(&plan);
	return rc;
}

static int find_image(const char *text, struct sp_error *err)
{
	local_autoimage image = {0};
	struct sp_error unwanted = {0};

	return local_image_find(&nothing_granted, text, &image, err ? err : &unwanted);
}

static void assert_passes(const struct sp_sandbox_spec *spec)
{
	struct sp_error err = {0};

	if (plan(spec, &err) < 0)
		fail_msg("refused: %s", err.msg);
}

static void assert_refused(
	const struct sp_sandbox_spec *spec, enum sp_code code, const char *why)
{
	struct sp_error err = {0};

	assert_int_equal(plan(spec, &err), code);
	if (!strstr(err.msg, why))
		fail_msg("\"%s\" instead of \"%s\"", err.msg, why);
}

static void a_specification_of_nothing_is_complete(void **state)
{
	(void)state;
	assert_passes(&(struct sp_sandbox_spec){0});
}

static void a_credential_is_for_a_host_that_is_allowed(void **state)
{
	static const char *const allow[] = {"a.test", "*.b.test", NULL};
	struct sp_credential credential = {
		.host = "other.test", .header = "X", .value = "y"};
	struct sp_sandbox_spec spec = {.network = SP_NETWORK_ALLOW,
		.allow = allow,
		.credentials = &credential,
		.credential_count = 1};

	(void)state;
	assert_refused(&spec, SP_ERR_INVALID, "is not allowed");
	credential.host = "x.b.test";
	assert_passes(&spec);
	assert_passes(&(struct sp_sandbox_spec){.network = SP_NETWORK_HOST});
}

static void limits_too_small_to_live_in_are_refused(void **state)
{
	(void)state;
	assert_refused(&(struct sp_sandbox_spec){.limits.memory_bytes = (4 << 20) - 1},
		SP_ERR_INVALID, "memory");
	assert_passes(&(struct sp_sandbox_spec){.limits.memory_bytes = 4 << 20});
	assert_refused(&(struct sp_sandbox_spec){.limits.disk_bytes = 1},
		SP_ERR_INVALID, "disk");
	assert_refused(&(struct sp_sandbox_spec){.limits.nofile = 15}, SP_ERR_INVALID,
		"files");
	assert_refused(&(struct sp_sandbox_spec){.limits.cpu_millis = 9},
		SP_ERR_INVALID, "CPU");
}

static void an_image_is_the_host_or_a_folder(void **state)
{
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(find_image(NULL, NULL), 0);
	assert_int_equal(find_image("host", NULL), 0);
	assert_int_equal(find_image("/usr", NULL), 0);
	assert_int_equal(find_image(".", NULL), 0);
	assert_int_equal(find_image("pyhton:3.12", &err), SP_ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "\"pyhton:3.12\""));
	assert_int_equal(find_image("/none", NULL), SP_ERR_NOT_FOUND);
	assert_int_equal(find_image("/etc/passwd", NULL), SP_ERR_INVALID);
	assert_int_equal(find_image("", NULL), SP_ERR_NOT_FOUND);
}

static struct sp_sandbox_spec mounting(const struct sp_mount *mount)
{
	return (struct sp_sandbox_spec){.mounts = mount, .mount_count = 1};
}

static void a_mount_goes_to_a_plain_path_below_the_root(void **state)
{
	static const char *const bad[] = {"", "/", "a", "./a", "/..", "/a/..",
		"/a/../b", "/../a", "//a", "/a//b", "/./a", "/a/./b"};

	(void)state;
	if (local_keeps_groups(&nothing_granted))
		skip();
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		struct sp_mount m = {.source = "/usr", .target = bad[i]};
		struct sp_sandbox_spec spec = mounting(&m);

		assert_refused(&spec, SP_ERR_INVALID, "absolute path");
	}
}

static void a_mount_does_not_stand_in_for_what_isolates(void **state)
{
	static const char *const bad[] = {
		"/proc", "/proc/sys", "/sys", "/sys/fs", "/dev", "/dev/shm", "/proc/"};
	static const char *const other_names[] = {"//proc", "/./proc", "/x/../proc"};

	(void)state;
	if (local_keeps_groups(&nothing_granted))
		skip();
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		struct sp_mount m = {.source = "/usr", .target = bad[i]};
		struct sp_sandbox_spec spec = mounting(&m);

		assert_refused(&spec, SP_ERR_DENIED, bad[i]);
	}
	for (size_t i = 0; i < SP_COUNT(other_names); i++) {
		struct sp_mount m = {.source = "/usr", .target = other_names[i]};
		struct sp_sandbox_spec spec = mounting(&m);

		assert_refused(&spec, SP_ERR_INVALID, other_names[i]);
	}
}

static void names_that_only_begin_alike_are_free(void **state)
{
	static const char *const good[] = {
		"/process", "/device", "/a", "/a/..b", "/a.b/c"};

	(void)state;
	if (local_keeps_groups(&nothing_granted))
		skip();
	for (size_t i = 0; i < SP_COUNT(good); i++) {
		struct sp_mount m = {.source = "/usr", .target = good[i]};
		struct sp_sandbox_spec spec = mounting(&m);

		assert_passes(&spec);
	}
}

static void what_is_mounted_must_be_there(void **state)
{
	struct sp_mount m = {.source = "/nonexistent", .target = "/a"};
	struct sp_sandbox_spec spec = mounting(&m);

	(void)state;
	if (local_keeps_groups(&nothing_granted))
		skip();
	assert_refused(&spec, SP_ERR_NOT_FOUND, "mount /nonexistent");
}

static void mounts_are_counted(void **state)
{
	struct sp_mount mounts[SP_RUNNER_MOUNTS_MAX + 1];
	struct sp_sandbox_spec spec = {
		.mounts = mounts, .mount_count = SP_COUNT(mounts)};

	(void)state;
	if (local_keeps_groups(&nothing_granted))
		skip();
	for (size_t i = 0; i < SP_COUNT(mounts); i++)
		mounts[i] = (struct sp_mount){.source = "/usr", .target = "/u"};
	assert_refused(&spec, SP_ERR_LIMIT, "mounts");
	spec.mount_count--;
	assert_passes(&spec);
}

static void the_record_says_what_was_asked_and_what_is_default(void **state)
{
	static const struct local local = {0};
	static const char *const env[] = {"PATH=/x", "A=1", NULL};
	static const struct sp_label label = {.key = "k", .value = "v=w"};
	const struct sp_sandbox_spec spec = {.env = env,
		.labels = &label,
		.label_count = 1,
		.seccomp = NO_FILTER,
		.limits.pids = 9,
		.ttl_ms = 5000};
	struct local_plan p = LOCAL_PLAN_INIT;
	const struct sp_record *r = &p.record;

	(void)state;
	assert_int_equal(local_plan_make(&local, &spec, SP_RUNNER_CREATE, &p, NULL), 0);
	assert_memory_equal(r->id, "sb-", 3);
	assert_int_equal(strlen(r->id), 13);
	assert_string_equal(r->image, "host");
	assert_string_equal(r->workdir, "/workspace");
	assert_string_equal(r->env.items[0], "PATH=/x");
	assert_string_equal(r->labels.items[0], "k=v=w");
	assert_int_equal(r->limits.pids, 9);
	assert_true(r->limits.memory_bytes == 1 << 30);
	assert_true(r->limits.disk_bytes == 2ull << 30);
	assert_int_equal(r->limits.nofile, 1024);
	assert_int_equal(r->network, SP_NETWORK_NONE);
	assert_true(r->is_kept);
	assert_true(r->expires_ms == r->created_ms + 5000);
	local_plan_clear(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_specification_of_nothing_is_complete),
		cmocka_unit_test(a_credential_is_for_a_host_that_is_allowed),
		cmocka_unit_test(limits_too_small_to_live_in_are_refused),
		cmocka_unit_test(an_image_is_the_host_or_a_folder),
		cmocka_unit_test(a_mount_goes_to_a_plain_path_below_the_root),
		cmocka_unit_test(a_mount_does_not_stand_in_for_what_isolates),
		cmocka_unit_test(names_that_only_begin_alike_are_free),
		cmocka_unit_test(what_is_mounted_must_be_there),
		cmocka_unit_test(mounts_are_counted),
		cmocka_unit_test(the_record_says_what_was_asked_and_what_is_default),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
