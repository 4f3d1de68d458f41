/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the five above before it */
#include <cmocka.h>

#include "providers/docker/driver.h"
#include "providers/docker/spec.h"
#include "providers/docker/wire.h"

static const struct sp_docker_plan_inputs inputs = {.image = "image:1",
	.volume = "agent-1",
	.data_dir = "/nonexistent",
	.now_ms = 5000};

static int plan_of(struct sp_docker_plan *plan, const struct sp_sandbox_spec *spec)
{
	struct sp_error err = {0};

	return sp_docker_plan_make(plan, spec, &inputs, &err);
}

static bool has(const char *const *list, const char *word)
{
	for (; list && *list; list++)
		if (strcmp(*list, word) == 0)
			return true;
	return false;
}

static const char *label_of(const struct sp_docker_plan *plan, const char *key)
{
	for (size_t i = 0; i < plan->container.label_count; i++)
		if (strcmp(plan->container.labels[i].key, key) == 0)
			return plan->container.labels[i].value;
	return NULL;
}

static void a_sandbox_nobody_said_anything_about_is_hardened(void **state)
{
	const struct sp_sandbox_spec spec = {0};
	sp_autoplan struct sp_docker_plan plan;
	const struct sp_container_spec *c = &plan.container;

	(void)state;
	assert_int_equal(plan_of(&plan, &spec), 0);
	assert_true(c->no_new_privileges);
	assert_true(has(c->cap_drop, "ALL"));
	assert_false(has(c->cap_add, "NET_RAW"));
	assert_false(has(c->cap_add, "MKNOD"));
	assert_false(has(c->cap_add, "SYS_ADMIN"));
	assert_string_equal(c->network_mode, "none");
	assert_int_equal(c->memory_bytes, 1 << 30);
	assert_int_equal(c->memory_swap_bytes, c->memory_bytes);
	assert_int_equal(c->pids_limit, 512);
	assert_int_equal(c->oom_score_adj, 500);
	assert_string_equal(c->ulimits[0].name, "nofile");
	assert_int_equal(c->ulimits[0].hard, 1024);
	assert_string_equal(c->ulimits[1].name, "core");
	assert_int_equal(c->ulimits[1].hard, 0);
	assert_null(c->seccomp_json);
	assert_string_equal(c->log_driver, "none");
	assert_true(c->volumes[0].read_only);
	assert_string_equal(c->workdir, "/workspace");
	assert_false(c->auto_remove);
}

static void limits_that_were_asked_for_are_taken(void **state)
{
	const struct sp_sandbox_spec spec = {.limits = {.memory_bytes = 64 << 20,
						     .pids = 7,
						     .nofile = 20,
						     .cpu_millis = 1500,
						     .disk_bytes = 1 << 20},
		.network = SP_NETWORK_NAT};
	sp_autoplan struct sp_docker_plan plan;
	const struct sp_container_spec *c = &plan.container;

	(void)state;
	assert_int_equal(plan_of(&plan, &spec), 0);
	assert_int_equal(c->memory_swap_bytes, 64 << 20);
	assert_int_equal(c->pids_limit, 7);
	assert_int_equal(c->ulimits[0].soft, 20);
	assert_int_equal(c->nano_cpus, 1500000000);
	assert_string_equal(c->disk_size, "1048576");
	assert_string_equal(c->network_mode, "bridge");
}

static void every_sandbox_has_an_id_of_its_own_and_its_container_that_name(void **state)
{
	const struct sp_sandbox_spec spec = {0};
	sp_autoplan struct sp_docker_plan one;
	sp_autoplan struct sp_docker_plan two;
	char name[SP_DOCKER_NAME_MAX];

	(void)state;
	assert_int_equal(plan_of(&one, &spec), 0);
	assert_int_equal(plan_of(&two, &spec), 0);
	assert_string_not_equal(one.id, two.id);
	assert_int_equal(strlen(one.id), 13);
	assert_memory_equal(one.id, "sb-", 3);
	sp_docker_name(name, one.id);
	assert_string_equal(one.container.name, name);
	assert_string_equal(label_of(&one, SP_DOCKER_LABEL_ID), one.id);
}

static void a_sandbox_with_a_time_to_live_removes_itself(void **state)
{
	const struct sp_sandbox_spec spec = {.ttl_ms = 2500};
	sp_autoplan struct sp_docker_plan plan;

	(void)state;
	assert_int_equal(plan_of(&plan, &spec), 0);
	assert_true(plan.container.auto_remove);
	assert_string_equal(label_of(&plan, SP_DOCKER_LABEL_EXPIRES), "7500");
	assert_string_equal(plan.container.cmd[0], "keep");
	assert_string_equal(plan.container.cmd[1], "7500");
}

static void mounts_over_what_protects_are_refused(void **state)
{
	static const struct {
		const char *target;
		int code;
	} cases[] = {
		{"/proc", SP_ERR_DENIED},
		{"/proc/sys", SP_ERR_DENIED},
		{"/sys/fs", SP_ERR_DENIED},
		{"/dev/shm", SP_ERR_DENIED},
		{"/.sandpit", SP_ERR_DENIED},
		{"/.sandpit/agent", SP_ERR_DENIED},
		{"/x/../proc", SP_ERR_INVALID},
		{"//proc", SP_ERR_INVALID},
		{"/./proc", SP_ERR_INVALID},
		{"relative", SP_ERR_INVALID},
		{"/", SP_ERR_INVALID},
		{"/process", 0},
		{"/data/..x", 0},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		const struct sp_mount mount = {"/srv", cases[i].target, false};
		const struct sp_sandbox_spec spec = {
			.mounts = &mount, .mount_count = 1};
		sp_autoplan struct sp_docker_plan plan;

		if (plan_of(&plan, &spec) != cases[i].code)
			fail_msg("%s", cases[i].target);
	}
}

static void a_profile_that_is_not_there_is_an_error(void **state)
{
	const struct sp_sandbox_spec strict = {.seccomp = "strict"};
	const struct sp_sandbox_spec garbage = {.seccomp = "/etc/passwd"};
	sp_autoplan struct sp_docker_plan plan;
	sp_autoplan struct sp_docker_plan other;

	(void)state;
	assert_int_equal(plan_of(&plan, &strict), SP_ERR_NOT_FOUND);
	assert_int_equal(plan_of(&other, &garbage), SP_ERR_PROTOCOL);
}

/* The container that a plan would become, as list and inspect tell it. */
static struct sp_container_info container_of(
	struct sp_docker_plan *plan, struct sp_owned_label *labels)
{
	struct sp_container_info info = {.name = plan->name,
		.state = SP_CONTAINER_RUNNING,
		.labels = labels,
		.label_count = plan->container.label_count};

	for (size_t i = 0; i < info.label_count; i++) {
		labels[i].key = (char *)(uintptr_t)plan->container.labels[i].key;
		labels[i].value = (char *)(uintptr_t)plan->container.labels[i].value;
	}
	return info;
}

static void labels_come_back_exactly_and_alone(void **state)
{
	static const struct sp_label labels[] = {
		{"project", "a b=c"}, {"empty", ""}, {"dev.sandpit.id", "mine"}};
	const struct sp_sandbox_spec spec = {.labels = labels, .label_count = 3};
	sp_autoplan struct sp_docker_plan plan;
	sp_autoinfo struct sp_sandbox_info info = {0};
	struct sp_owned_label owned[16];
	struct sp_container_info container;
	struct sp_error err;

	(void)state;
	assert_int_equal(plan_of(&plan, &spec), 0);
	container = container_of(&plan, owned);
	assert_true(sp_docker_is_sandbox(&container));
	assert_int_equal(sp_docker_info(&container, 6000, &info, &err), 0);
	assert_int_equal(info.label_count, 3);
	assert_true(sp_labels_match(&info, labels, 3));
	assert_string_equal(info.id, plan.id);
	assert_string_equal(info.image, "image:1");
	assert_int_equal(info.created_ms, 5000);
	assert_int_equal(info.state, SP_STATE_RUNNING);
}

/* An image can bring labels, so they alone must not make its containers ours. */
static void a_container_that_only_has_our_label_is_not_a_sandbox(void **state)
{
	static char name[] = "innocent", key[] = SP_DOCKER_LABEL_ID,
		    value[] = "sb-aaaaaaaaaa";
	struct sp_owned_label label = {key, value};
	const struct sp_container_info container = {
		.name = name, .labels = &label, .label_count = 1};

	(void)state;
	assert_false(sp_docker_is_sandbox(&container));
}

static void what_a_killed_creator_left_is_dead_after_a_while(void **state)
{
	const struct sp_sandbox_spec spec = {0};
	sp_autoplan struct sp_docker_plan plan;
	struct sp_owned_label owned[16];
	struct sp_container_info container;
	struct sp_error err;

	(void)state;
	assert_int_equal(plan_of(&plan, &spec), 0);
	container = container_of(&plan, owned);
	container.state = SP_CONTAINER_CREATED;
	for (int old = 0; old < 2; old++) {
		sp_autoinfo struct sp_sandbox_info info = {0};
		int64_t now_ms = old ? 5000 + 3600000 : 5100;

		assert_int_equal(sp_docker_info(&container, now_ms, &info, &err), 0);
		assert_int_equal(info.state, old ? SP_STATE_DEAD : SP_STATE_STARTING);
	}
}

static void a_dead_socket_says_so_and_what_to_do(void **state)
{
	static const struct sp_setting host = {"host", "unix:///nonexistent/d.sock"};
	const struct sp_provider_config cfg = {.settings = &host,
		.setting_count = 1,
		.state_dir = "/nonexistent",
		.data_dir = "/nonexistent",
		.libexec_dir = "/nonexistent"};
	struct sp_health health;
	struct sp_sandbox_info info;
	struct sp_error err = {0};
	struct sp_provider *p = NULL;

	(void)state;
	assert_int_equal(sp_driver_docker.open(&cfg, &p, &err), 0);
	assert_int_equal(sp_driver_docker.health(p, 1000, &health, &err), 0);
	assert_false(health.ok);
	assert_non_null(strstr(health.detail, "unix:///nonexistent/d.sock"));
	assert_int_equal(
		sp_driver_docker.get(p, "sb-x", &info, &err), SP_ERR_UNAVAILABLE);
	assert_true(err.not_sent);
	assert_non_null(strstr(err.msg, "use -p local"));
	sp_driver_docker.close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sandbox_nobody_said_anything_about_is_hardened),
		cmocka_unit_test(limits_that_were_asked_for_are_taken),
		cmocka_unit_test(
			every_sandbox_has_an_id_of_its_own_and_its_container_that_name),
		cmocka_unit_test(a_sandbox_with_a_time_to_live_removes_itself),
		cmocka_unit_test(mounts_over_what_protects_are_refused),
		cmocka_unit_test(a_profile_that_is_not_there_is_an_error),
		cmocka_unit_test(labels_come_back_exactly_and_alone),
		cmocka_unit_test(a_container_that_only_has_our_label_is_not_a_sandbox),
		cmocka_unit_test(what_a_killed_creator_left_is_dead_after_a_while),
		cmocka_unit_test(a_dead_socket_says_so_and_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
