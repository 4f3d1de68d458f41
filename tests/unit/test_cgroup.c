/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/enc.h"

/* Without memory: a group for it would hang below the one this session lives in. */
static const struct sp_cgroup_limits no_memory = {.pids = 37, .cpu_millis = 1500};

static void plan(struct sp_cgroup_set *set, const struct sp_cgroup_limits *limits)
{
	char id[14] = "sb-";

	assert_int_equal(sp_random_name(id + 3, 10, NULL), 0);
	assert_int_equal(sp_cgroup_plan(id, limits, set, NULL), 0);
}

static bool is_planned(const struct sp_cgroup_set *set, int kind)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kinds >> kind & 1)
			return true;
	return false;
}

static void a_limit_that_is_not_asked_for_needs_no_cgroup(void **state)
{
	const struct sp_cgroup_limits none = {0};
	struct sp_cgroup_set set;

	(void)state;
	plan(&set, &none);
	for (int k = 0; k < SP_CGROUP_KINDS; k++) {
		assert_false(set.holds[k]);
		assert_string_equal(set.why_not[k], "");
	}
}

static void each_limit_has_a_place_or_a_reason(void **state)
{
	const struct sp_cgroup_limits all = {.memory_bytes = 1 << 30,
		.pids = 10,
		.cpu_millis = 100,
		.usage = true,
		.freeze = true,
		.io = true};
	struct sp_cgroup_set set;

	(void)state;
	plan(&set, &all);
	assert_true(set.count <= SP_RUNNER_CGROUPS_MAX);
	for (int k = 0; k < SP_CGROUP_KINDS; k++) {
		assert_int_equal(set.holds[k], is_planned(&set, k));
		assert_int_equal(set.holds[k], set.why_not[k][0] == '\0');
	}
}

/* The paths go on record before the first group exists. */
static void planning_makes_nothing(void **state)
{
	struct sp_cgroup_set set;
	char parent[256];

	(void)state;
	plan(&set, &no_memory);
	for (size_t i = 0; i < set.count; i++) {
		const char *path = set.items[i].path;

		assert_memory_equal(path, "/sys/fs/cgroup/", 15);
		assert_non_null(strstr(path, "/sandpit-sb-"));
		assert_int_equal(access(path, F_OK), -1);
		snprintf(parent, sizeof(parent), "%.*s",
			(int)(strrchr(path, '/') - path), path);
		assert_int_equal(access(parent, W_OK), 0);
		assert_false(set.items[i].kinds >> SP_CGROUP_MEMORY & 1);
	}
}

static void only_the_group_that_limits_memory_counts_it(void **state)
{
	const struct sp_cgroup_limits limits = {.memory_bytes = 1 << 30, .pids = 10};
	struct sp_cgroup_set set;

	(void)state;
	plan(&set, &limits);
	assert_int_equal(sp_cgroup_for(&set, SP_CGROUP_MEMORY) != NULL,
		set.holds[SP_CGROUP_MEMORY]);
	/* Not made yet, so nothing is used. */
	assert_true(sp_cgroup_memory_now(&set) == 0);
}

static long long number_in(const char *folder, const char *file)
{
	char path[320], text[64] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	if (!fgets(text, sizeof(text), f))
		text[0] = '\0';
	fclose(f);
	return strtoll(text, NULL, 10);
}

static void limits_are_what_the_kernel_was_told(void **state)
{
	struct sp_cgroup_set set;
	bool as_planned;

	(void)state;
	plan(&set, &no_memory);
	if (set.count == 0)
		skip(); /* each_limit_has_a_place_or_a_reason() has looked at why */
	as_planned = sp_cgroup_apply(&set, &no_memory);
	for (size_t i = 0; i < set.count; i++) {
		const struct sp_cgroup *c = &set.items[i];
		const char *cpu = c->is_v2 ? "cpu.max" : "cpu.cfs_quota_us";

		if (c->kinds >> SP_CGROUP_PIDS & 1 && set.holds[SP_CGROUP_PIDS])
			assert_int_equal(number_in(c->path, "pids.max"), 37);
		if (c->kinds >> SP_CGROUP_CPU & 1 && set.holds[SP_CGROUP_CPU])
			assert_int_equal(number_in(c->path, cpu), 150000);
	}
	for (int k = 0; as_planned && k < SP_CGROUP_KINDS; k++)
		assert_true(set.holds[k] ||
			!sp_cgroup_wanted((enum sp_cgroup_kind)k, &no_memory));
	sp_cgroup_remove(&set);
	for (size_t i = 0; i < set.count; i++)
		assert_int_equal(access(set.items[i].path, F_OK), -1);
}

/* The id of a sandbox that crashed cannot come again; if it does, it is not shared. */
static void a_group_that_is_there_is_not_taken_over(void **state)
{
	struct sp_cgroup_set set, again;

	(void)state;
	plan(&set, &no_memory);
	if (set.count == 0)
		skip();
	again = set;
	assert_int_equal(mkdir(set.items[0].path, 0755), 0);
	assert_false(sp_cgroup_apply(&again, &no_memory));
	assert_int_equal(again.count, set.count - 1);
	for (int k = 0; k < SP_CGROUP_KINDS; k++)
		if (set.items[0].kinds >> k & 1) {
			assert_false(again.holds[k]);
			assert_non_null(strstr(again.why_not[k], "File exists"));
		}
	sp_cgroup_remove(&again);
	assert_int_equal(rmdir(set.items[0].path), 0);
}

static void removing_what_is_gone_is_quick_and_fine(void **state)
{
	struct sp_cgroup_set set = {0};

	(void)state;
	sp_cgroup_remove(&set);
	plan(&set, &no_memory);
	sp_cgroup_remove(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_limit_that_is_not_asked_for_needs_no_cgroup),
		cmocka_unit_test(each_limit_has_a_place_or_a_reason),
		cmocka_unit_test(planning_makes_nothing),
		cmocka_unit_test(only_the_group_that_limits_memory_counts_it),
		cmocka_unit_test(limits_are_what_the_kernel_was_told),
		cmocka_unit_test(a_group_that_is_there_is_not_taken_over),
		cmocka_unit_test(removing_what_is_gone_is_quick_and_fine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
