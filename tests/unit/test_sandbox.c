/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/sandbox.h"

#include "tests/unit/fake_driver.h"

static char folder[] = "/tmp/sandpit-test-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	char lock[96];

	(void)state;
	snprintf(lock, sizeof(lock), "%s/reuse.lock", folder);
	unlink(lock);
	return rmdir(folder);
}

static struct sp_client *opened(const char *provider)
{
	const struct sp_client_opts opts = {.provider = provider, .state_dir = folder};
	struct sp_client *client = NULL;

	assert_int_equal(sp_client_open_with(&opts, &fake_registry, &client, NULL), 0);
	return client;
}

static const char *const argv[] = {"true", NULL};
static const struct sp_sandbox_spec spec;

static void output_is_captured_stream_by_stream(void **state)
{
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	ALPHA->out = "out";
	ALPHA->err = "err";
	ALPHA->outcome.exit_code = 3;
	assert_int_equal(sp_run(client, &spec, argv, NULL, &r, NULL), 0);
	assert_int_equal(r.exit_code, 3);
	assert_string_equal(r.out.data, "out");
	assert_string_equal(r.err.data, "err");
	assert_string_equal(r.handle, "alpha:sb-alpha1");
	sp_exec_result_clear(&r);
	sp_client_close(client);
}

static void silence_is_an_empty_text(void **state)
{
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	assert_int_equal(sp_run(client, &spec, argv, NULL, &r, NULL), 0);
	assert_string_equal(r.out.data, "");
	assert_int_equal(r.out.len, 0);
	sp_exec_result_clear(&r);
	sp_client_close(client);
}

static void what_is_over_the_limit_is_cut_and_said_so(void **state)
{
	const struct sp_exec_opts opts = {.capture_bytes = 5};
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	ALPHA->out = "abc";
	ALPHA->out_times = 1000;
	ALPHA->err = "12345";
	assert_int_equal(sp_run(client, &spec, argv, &opts, &r, NULL), 0);
	assert_int_equal(r.out.len, 5);
	assert_string_equal(r.out.data, "abcab");
	assert_true(r.out_truncated);
	assert_string_equal(r.err.data, "12345");
	assert_false(r.err_truncated);
	sp_exec_result_clear(&r);
	sp_client_close(client);
}

static int refuse(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)stream;
	(void)data;
	(void)len;
	++*(int *)ctx;
	return SP_ERR_CANCELLED;
}

static void a_callback_that_refuses_is_the_error_of_the_call(void **state)
{
	int calls = 0;
	const struct sp_exec_opts opts = {.on_output = refuse, .on_output_ctx = &calls};
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	ALPHA->out = "x";
	ALPHA->out_times = 3;
	assert_int_equal(
		sp_run(client, &spec, argv, &opts, &r, NULL), SP_ERR_CANCELLED);
	assert_int_equal(calls, 1);
	assert_null(r.out.data);
	sp_client_close(client);
}

static void options_reach_the_driver(void **state)
{
	static const char *const env[] = {"A=1", NULL};
	const struct sp_exec_opts opts = {.env = env, .timeout_ms = 77};
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	assert_int_equal(sp_run(client, &spec, argv, &opts, &r, NULL), 0);
	assert_ptr_equal(ALPHA->seen.env, env);
	assert_int_equal(ALPHA->seen.timeout_ms, 77);
	assert_int_equal(ALPHA->seen.stdin_fd, -1);
	assert_int_equal(ALPHA->seen.cancel_fd, -1);
	sp_exec_result_clear(&r);
	sp_client_close(client);
}

static void a_run_tells_the_sandbox_from_the_command(void **state)
{
	struct sp_timeline timeline = {.count = 0};
	const struct sp_exec_opts opts = {.timeline = &timeline};
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	assert_int_equal(sp_run(client, &spec, argv, &opts, &r, NULL), 0);
	assert_int_equal(timeline.count, 2);
	assert_int_equal(r.create_us, timeline.marks[0].at_us);
	assert_int_equal(r.wall_us, timeline.marks[1].at_us - timeline.marks[0].at_us);
	assert_true(r.destroy_us >= 0);
	sp_exec_result_clear(&r);
	sp_client_close(client);
}

static void a_whole_handle_is_not_looked_up(void **state)
{
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	fake_add(BETA, "sb-1");
	assert_int_equal(sp_sandbox_exec(client, "beta:sb-1", argv, NULL, &r, NULL), 0);
	assert_int_equal(BETA->calls[FAKE_GET], 0);
	assert_int_equal(ALPHA->calls[FAKE_OPEN], 0);
	sp_exec_result_clear(&r);
	sp_client_close(client);
}

/* What name resolves to, or the code. */
static int resolve(const char *provider, const char *name, char handle[SP_HANDLE_MAX])
{
	struct sp_client *client = opened(provider);
	int rc = sp_sandbox_resolve(client, name, handle, NULL);

	sp_client_close(client);
	return rc;
}

static void an_id_or_a_unique_beginning_will_do(void **state)
{
	char handle[SP_HANDLE_MAX];

	(void)state;
	fake_add(ALPHA, "sb-aaaa");
	fake_add(BETA, "sb-abbb");
	assert_int_equal(resolve(NULL, "sb-abbb", handle), 0);
	assert_string_equal(handle, "beta:sb-abbb");
	assert_int_equal(resolve(NULL, "sb-aa", handle), 0);
	assert_string_equal(handle, "alpha:sb-aaaa");
	assert_int_equal(resolve("beta", "sb-a", handle), 0);
	assert_string_equal(handle, "beta:sb-abbb");
	assert_int_equal(resolve(NULL, "beta:sb-a", handle), 0);
	assert_string_equal(handle, "beta:sb-abbb");
}

static void what_could_be_two_is_refused(void **state)
{
	char handle[SP_HANDLE_MAX] = "before";

	(void)state;
	fake_add(ALPHA, "sb-aaaa");
	fake_add(BETA, "sb-abbb");
	assert_int_equal(resolve(NULL, "sb-a", handle), SP_ERR_INVALID);
	assert_int_equal(resolve(NULL, "sb-", handle), SP_ERR_NOT_FOUND);
	assert_int_equal(resolve(NULL, "sb-x", handle), SP_ERR_NOT_FOUND);
	assert_int_equal(resolve("alpha", "beta:sb-abbb", handle), SP_ERR_INVALID);
	assert_string_equal(handle, "before");
}

static void trouble_is_told_where_it_may_hide_the_sandbox(void **state)
{
	char handle[SP_HANDLE_MAX];

	(void)state;
	BETA->fail[FAKE_GET] = BETA->fail[FAKE_LIST] = SP_ERR_PROTOCOL;
	assert_int_equal(resolve(NULL, "sb-gone", handle), SP_ERR_PROTOCOL);
	fake_add(ALPHA, "sb-here");
	assert_int_equal(resolve(NULL, "sb-here", handle), 0);
}

static const struct sp_label label = {"app", "x"};
static const struct sp_sandbox_spec labelled = {.labels = &label, .label_count = 1};

static void reuse_takes_a_running_one_with_the_labels(void **state)
{
	struct sp_client *client = opened(NULL);
	char first[SP_HANDLE_MAX], second[SP_HANDLE_MAX];
	bool reused = true;

	(void)state;
	assert_int_equal(sp_sandbox_reuse(client, &labelled, first, &reused, NULL), 0);
	assert_false(reused);
	assert_int_equal(sp_sandbox_reuse(client, &labelled, second, &reused, NULL), 0);
	assert_true(reused);
	assert_string_equal(first, second);
	assert_int_equal(ALPHA->calls[FAKE_CREATE], 1);
	sp_client_close(client);
}

static void reuse_leaves_the_dead_alone(void **state)
{
	struct sp_client *client = opened(NULL);
	char handle[SP_HANDLE_MAX];
	bool reused = true;

	(void)state;
	assert_int_equal(sp_sandbox_reuse(client, &labelled, handle, &reused, NULL), 0);
	ALPHA->boxes[0].state = SP_STATE_DEAD;
	assert_int_equal(sp_sandbox_reuse(client, &labelled, handle, &reused, NULL), 0);
	assert_false(reused);
	assert_int_equal(ALPHA->calls[FAKE_CREATE], 2);
	sp_client_close(client);
}

static void reuse_needs_a_label(void **state)
{
	struct sp_client *client = opened(NULL);
	char handle[SP_HANDLE_MAX];

	(void)state;
	assert_int_equal(
		sp_sandbox_reuse(client, &spec, handle, NULL, NULL), SP_ERR_INVALID);
	assert_int_equal(ALPHA->calls[FAKE_LIST], 0);
	sp_client_close(client);
}

static void finding_asks_all_and_survives_one_that_fails(void **state)
{
	struct sp_client *client = opened(NULL);
	struct sp_sandbox_list list = {0};

	(void)state;
	fake_add(ALPHA, "sb-1");
	fake_add(BETA, "sb-2");
	assert_int_equal(sp_sandbox_find(client, NULL, 0, &list, NULL), 0);
	assert_int_equal(list.count, 2);
	sp_sandbox_list_clear(&list);
	ALPHA->fail[FAKE_LIST] = SP_ERR_UNAVAILABLE;
	assert_int_equal(sp_sandbox_find(client, NULL, 0, &list, NULL), 0);
	assert_int_equal(list.count, 1);
	sp_sandbox_list_clear(&list);
	BETA->fail[FAKE_LIST] = SP_ERR_UNAVAILABLE;
	assert_int_equal(
		sp_sandbox_find(client, NULL, 0, &list, NULL), SP_ERR_UNAVAILABLE);
	sp_client_close(client);
}

static void destroying_what_is_gone_is_a_success(void **state)
{
	struct sp_client *client = opened(NULL);

	(void)state;
	assert_int_equal(sp_sandbox_destroy(client, "alpha:sb-gone", NULL), 0);
	assert_int_equal(sp_sandbox_destroy(client, "sb-gone", NULL), 0);
	sp_client_close(client);
}

static void a_program_is_put_inside_and_run_by_name(void **state)
{
	static const char *const args[] = {"one", "two words", NULL};
	const struct sp_program program = {
		.name = "dir/hello.py", .text = "print(1)\n", .len = 9, .args = args};
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	assert_int_equal(sp_run_program(client, &spec, &program, NULL, &r, NULL), 0);
	assert_int_equal(ALPHA->calls[FAKE_PUT], 1);
	assert_non_null(
		memmem(ALPHA->archive.data, ALPHA->archive.len, "print(1)\n", 9));
	assert_null(fake_find(ALPHA, "sb-alpha1"));
	sp_exec_result_clear(&r);
	sp_client_close(client);
}

static void code_that_cannot_be_put_inside_leaves_no_sandbox(void **state)
{
	const struct sp_program program = {.language = "sh", .text = "x", .len = 1};
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	ALPHA->fail[FAKE_PUT] = SP_ERR_LIMIT;
	assert_int_equal(
		sp_run_program(client, &spec, &program, NULL, &r, NULL), SP_ERR_LIMIT);
	assert_int_equal(ALPHA->calls[FAKE_EXEC], 0);
	assert_null(fake_find(ALPHA, "sb-alpha1"));
	sp_client_close(client);
}

static void no_code_and_no_language_create_nothing(void **state)
{
	const struct sp_program empty = {.language = "python", .text = ""};
	const struct sp_program unknown = {.text = "hello", .len = 5};
	struct sp_client *client = opened(NULL);
	struct sp_exec_result r = {0};

	(void)state;
	assert_int_equal(
		sp_run_program(client, &spec, &empty, NULL, &r, NULL), SP_ERR_INVALID);
	assert_int_equal(sp_run_program(client, &spec, &unknown, NULL, &r, NULL),
		SP_ERR_NOT_FOUND);
	assert_int_equal(ALPHA->calls[FAKE_CREATE], 0);
	sp_client_close(client);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fake_reset)
	const struct CMUnitTest tests[] = {
		TEST(output_is_captured_stream_by_stream),
		TEST(silence_is_an_empty_text),
		TEST(what_is_over_the_limit_is_cut_and_said_so),
		TEST(a_callback_that_refuses_is_the_error_of_the_call),
		TEST(options_reach_the_driver),
		TEST(a_run_tells_the_sandbox_from_the_command),
		TEST(a_whole_handle_is_not_looked_up),
		TEST(an_id_or_a_unique_beginning_will_do),
		TEST(what_could_be_two_is_refused),
		TEST(trouble_is_told_where_it_may_hide_the_sandbox),
		TEST(reuse_takes_a_running_one_with_the_labels),
		TEST(reuse_leaves_the_dead_alone),
		TEST(reuse_needs_a_label),
		TEST(finding_asks_all_and_survives_one_that_fails),
		TEST(destroying_what_is_gone_is_a_success),
		TEST(a_program_is_put_inside_and_run_by_name),
		TEST(code_that_cannot_be_put_inside_leaves_no_sandbox),
		TEST(no_code_and_no_language_create_nothing),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
