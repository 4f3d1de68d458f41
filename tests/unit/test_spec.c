/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/spec_build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A sandbox, what runs in it, and the specification built of both. */
struct bench {
	struct sp_record record;
	struct sp_launch launch;
	struct sp_spec_files files;
	struct sp_runner_spec *spec;
	size_t size;
	int fd;
};

static const char *const argv_of[] = {"cmd", "", "a b", NULL};

static int set_up(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	if (!b)
		return -1;
	b->fd = -1;
	b->record = (struct sp_record){.id = "sb-x",
		.created_ms = 1000,
		.expires_ms = 61000,
		.workdir = strdup("/workspace"),
		.user = strdup("0"),
		.seccomp = strdup("default"),
		.claim = strdup("/ids/7"),
		.outer_uid = 100000,
		.outer_gid = 200000,
		.id_count = 65536,
		.capabilities = 1ull << 40,
		.limits = {.memory_bytes = 1 << 20,
			.disk_bytes = 2 << 20,
			.pids = 5,
			.nofile = 64}};
	sp_strv_add(&b->record.env, "PATH=/bin");
	sp_strv_add(&b->record.env, "A=1");
	b->launch = (struct sp_launch){.mode = SP_RUNNER_RUN,
		.sandbox = &b->record,
		.state_path = "/state/sb-x",
		.argv = argv_of,
		.exe_fd = -1,
		.lock_fd = -1,
		.filter_fd = -1};
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;

	if (b->spec)
		munmap(b->spec, b->size);
	sp_close_fd(&b->fd);
	sp_spec_files_clear(&b->files);
	sp_record_clear(&b->record);
	free(b);
	return 0;
}

static const struct sp_runner_spec *build(struct bench *b)
{
	struct sp_error err = {0};
	struct stat st;

	b->fd = sp_spec_build(&b->launch, &b->files, &err);
	if (b->fd < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(fstat(b->fd, &st), 0);
	b->size = (size_t)st.st_size;
	b->spec = mmap(NULL, b->size, PROT_READ, MAP_PRIVATE, b->fd, 0);
	assert_true(b->spec != MAP_FAILED);
	return b->spec;
}

static const char *text_at(const struct bench *b, uint32_t offset)
{
	const char *text = (const char *)b->spec + offset;

	assert_true(offset >= sizeof(*b->spec) && offset < b->size);
	assert_non_null(memchr(text, '\0', b->size - offset));
	return text;
}

/* A list lies one string after the other. */
static void assert_texts(
	const struct bench *b, uint32_t at, uint32_t count, const char *const *want)
{
	for (uint32_t i = 0; i < count; i++) {
		assert_string_equal(text_at(b, at), want[i]);
		at += (uint32_t)strlen(want[i]) + 1;
	}
	assert_null(want[count]);
}

static void the_runner_finds_everything_where_it_is_said_to_be(void **state)
{
	struct bench *b = *state;
	const struct sp_runner_spec *s = build(b);

	assert_int_equal(s->magic, SP_RUNNER_MAGIC);
	assert_int_equal(s->size, b->size);
	assert_int_equal(s->mode, SP_RUNNER_RUN);
	assert_int_equal(s->argc, 3);
	assert_texts(b, s->argv, s->argc, argv_of);
	assert_string_equal(text_at(b, s->workdir), "/workspace");
	assert_string_equal(text_at(b, s->user), "0");
	assert_string_equal(text_at(b, s->state_path), "/state/sb-x");
	assert_string_equal(text_at(b, s->claim_path), "/ids/7");
	assert_int_equal(s->outer_uid, 100000);
	assert_int_equal(s->outer_gid, 200000);
	assert_int_equal(s->id_count, 65536);
	assert_true(s->capabilities == 1ull << 40);
	assert_int_equal(s->disk_bytes, 2 << 20);
	assert_int_equal(s->nofile, 64);
	assert_int_equal(s->flags, SP_RF_SETTLES);
	assert_int_equal(s->root, 0);
	assert_int_equal(s->mount_count, 0);
	assert_int_equal(s->cgroup_count, 0);
}

static void it_cannot_be_changed_any_more(void **state)
{
	struct bench *b = *state;

	build(b);
	assert_int_equal(pwrite(b->fd, "x", 1, 0), -1);
	assert_int_equal(ftruncate(b->fd, 0), -1);
	assert_true(fcntl(b->fd, F_GETFD) & FD_CLOEXEC);
}

static void the_commands_environment_is_on_top_of_the_sandboxes(void **state)
{
	static const char *const env[] = {"A=2", "B=", NULL};
	static const char *const want[] = {"PATH=/bin", "A=2", "B=", NULL};
	struct bench *b = *state;
	const struct sp_runner_spec *s;

	b->launch.env = env;
	s = build(b);
	assert_texts(b, s->env, s->envc, want);
	assert_string_equal(b->record.env.items[1], "A=1");
}

static void an_empty_environment_is_no_offset(void **state)
{
	struct bench *b = *state;
	const struct sp_runner_spec *s;

	sp_strv_clear(&b->record.env);
	s = build(b);
	assert_int_equal(s->envc, 0);
	assert_int_equal(s->env, 0);
}

static void the_command_chooses_its_folder_and_user(void **state)
{
	struct bench *b = *state;
	const struct sp_runner_spec *s;

	b->launch.workdir = "/tmp";
	b->launch.user = "7:8";
	s = build(b);
	assert_string_equal(text_at(b, s->workdir), "/tmp");
	assert_string_equal(text_at(b, s->user), "7:8");
}

static void only_a_sandbox_that_stays_lives_for_a_time(void **state)
{
	struct bench *b = *state;

	b->launch.timeout_ms = 500;
	assert_int_equal(build(b)->ttl_ms, 0);
	assert_int_equal(b->spec->timeout_ms, 500);
	munmap(b->spec, b->size);
	sp_close_fd(&b->fd);
	b->launch.mode = SP_RUNNER_CREATE;
	assert_int_equal(build(b)->ttl_ms, 60000);
}

static void where_no_cgroup_counts_each_process_is_limited(void **state)
{
	struct bench *b = *state;

	assert_int_equal(build(b)->address_bytes, 1 << 20);
	assert_int_equal(b->spec->processes, 5);
	munmap(b->spec, b->size);
	sp_close_fd(&b->fd);
	b->record.cgroups.holds[SP_CGROUP_MEMORY] = true;
	b->record.cgroups.holds[SP_CGROUP_PIDS] = true;
	assert_int_equal(build(b)->address_bytes, 0);
	assert_int_equal(b->spec->processes, 0);
}

static void without_a_cgroup_the_cpu_time_is_each_process_own(void **state)
{
	struct bench *b = *state;

	b->record.limits.cpu_time_ms = 1001;
	assert_int_equal(build(b)->cpu_seconds, 2);
	assert_int_equal(b->spec->cpu_time_ms, 1001);
	b->record.cgroups = (struct sp_cgroup_set){
		.count = 1, .items = {{.path = "/cg", .kinds = 1u << SP_CGROUP_USAGE}}};
	assert_int_equal(build(b)->cpu_seconds, 0);
}

static void cgroups_keep_their_order_and_the_first_may_be_born_in(void **state)
{
	struct bench *b = *state;
	const struct sp_runner_spec *s;

	b->record.cgroups = (struct sp_cgroup_set){.count = 2,
		.items = {{.path = "/cg/two", .is_v2 = true, .kinds = 3},
			{.path = "/cg/one"}}};
	s = build(b);
	assert_int_equal(s->cgroup_count, 2);
	assert_string_equal(text_at(b, s->cgroups[0].path), "/cg/two");
	assert_true(s->cgroups[0].is_v2 && s->cgroups[0].kinds == 3);
	assert_string_equal(text_at(b, s->cgroups[1].path), "/cg/one");
	assert_false(s->cgroups[1].is_v2 || s->cgroups[1].kinds);
	assert_int_equal(s->flags, SP_RF_HAS_CGROUP2 | SP_RF_SETTLES);
}

static void flags_say_what_is_asked_for(void **state)
{
	struct bench *b = *state;

	b->record.network = SP_NETWORK_HOST;
	b->record.is_privileged = true;
	b->launch.exe_fd = 0;
	assert_int_equal(build(b)->flags,
		SP_RF_HOST_NETWORK | SP_RF_PRIVILEGED | SP_RF_HAS_EXE | SP_RF_SETTLES);
}

/* Of a profile of the user's own nobody knows what it lets pass. */
static void only_filters_of_ours_settle(void **state)
{
	struct bench *b = *state;

	free(b->record.seccomp);
	b->record.seccomp = strdup("/etc/profile.json");
	assert_non_null(b->record.seccomp);
	assert_false(build(b)->flags & SP_RF_SETTLES);
}

static void sources_are_opened_once_and_known_by_number(void **state)
{
	static const struct sp_mount mounts[] = {
		{.source = "/usr", .target = "/u", .writable = true},
		{.source = "/etc/passwd", .target = "/p"}};
	struct bench *b = *state;
	const struct sp_runner_spec *s;
	struct stat st;

	b->launch.root = "/";
	b->launch.mounts = mounts;
	b->launch.mount_count = 2;
	s = build(b);
	assert_int_equal(b->files.count, 3);
	assert_string_equal(text_at(b, s->root), "/");
	assert_int_equal(fstat(b->files.fds[0], &st), 0);
	assert_true(s->root_dev == st.st_dev && s->root_ino == st.st_ino);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(fstat(b->files.fds[i + 1], &st), 0);
		assert_true(
			s->mounts[i].dev == st.st_dev && s->mounts[i].ino == st.st_ino);
		assert_string_equal(text_at(b, s->mounts[i].source), mounts[i].source);
		assert_string_equal(text_at(b, s->mounts[i].target), mounts[i].target);
		assert_int_equal(s->mounts[i].is_writable, mounts[i].writable);
		assert_int_equal(s->mounts[i].is_folder, i == 0);
	}
}

static void what_is_neither_folder_nor_file_is_not_mounted(void **state)
{
	struct sp_mount mount = {.source = "/dev/null", .target = "/n"};
	struct bench *b = *state;
	struct sp_error err = {0};

	b->launch.mounts = &mount;
	b->launch.mount_count = 1;
	assert_int_equal(sp_spec_build(&b->launch, &b->files, &err), SP_ERR_INVALID);
	assert_memory_equal(err.msg, "mount: /dev/null", 16);
	sp_spec_files_clear(&b->files);
	mount.source = "/nonexistent";
	assert_int_equal(sp_spec_build(&b->launch, &b->files, &err), SP_ERR_NOT_FOUND);
}

static void one_mount_too_many_is_refused(void **state)
{
	struct sp_mount mounts[SP_RUNNER_MOUNTS_MAX + 1];
	struct bench *b = *state;

	for (size_t i = 0; i < SP_COUNT(mounts); i++)
		mounts[i] = (struct sp_mount){.source = "/usr", .target = "/u"};
	b->launch.root = "/";
	b->launch.mounts = mounts;
	b->launch.mount_count = SP_COUNT(mounts);
	assert_int_equal(sp_spec_build(&b->launch, &b->files, NULL), SP_ERR_LIMIT);
	b->launch.mount_count--;
	build(b);
	assert_int_equal(b->spec->mount_count, SP_RUNNER_MOUNTS_MAX);
}

static void arguments_without_end_are_a_limit(void **state)
{
	sp_autofree char *word = calloc(1, SP_RUNNER_SPEC_MAX + 1);
	const char *const argv[] = {"cmd", word, NULL};
	struct bench *b = *state;
	struct sp_error err = {0};

	assert_non_null(word);
	memset(word, 'x', SP_RUNNER_SPEC_MAX);
	b->launch.argv = argv;
	assert_int_equal(sp_spec_build(&b->launch, &b->files, &err), SP_ERR_LIMIT);
	assert_memory_equal(err.msg, "arguments and environment: ", 27);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			the_runner_finds_everything_where_it_is_said_to_be, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			it_cannot_be_changed_any_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_commands_environment_is_on_top_of_the_sandboxes, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			an_empty_environment_is_no_offset, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			the_command_chooses_its_folder_and_user, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			only_a_sandbox_that_stays_lives_for_a_time, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			without_a_cgroup_the_cpu_time_is_each_process_own, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			where_no_cgroup_counts_each_process_is_limited, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			cgroups_keep_their_order_and_the_first_may_be_born_in, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			flags_say_what_is_asked_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			only_filters_of_ours_settle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			sources_are_opened_once_and_known_by_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_neither_folder_nor_file_is_not_mounted, set_up,
			tear_down),
		cmocka_unit_test_setup_teardown(
			one_mount_too_many_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			arguments_without_end_are_a_limit, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
