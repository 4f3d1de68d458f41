/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/manager.h"
#include "tests/unit/fake_driver.h"

static struct sp_manager *opened(const char *provider, const char *const *fallback)
{
	const struct sp_manager_opts opts = {
		.registry = &fake_registry,
		.provider = provider,
		.fallback = fallback,
	};
	struct sp_manager *m = NULL;

	assert_int_equal(sp_manager_open(&opts, &m, NULL), 0);
	return m;
}

static const char *const to_beta[] = {"beta", NULL};
static const struct sp_sandbox_spec spec;

/* Create, and say where: the provider's name, or the error's code. */
static int create(struct sp_manager *m, const struct sp_sandbox_spec *s, char where[16])
{
	struct sp_provider *p = NULL;
	char id[SP_SANDBOX_ID_MAX];
	int rc = sp_manager_create(m, s, &p, id, NULL);

	snprintf(where, 16, "%s", rc == 0 ? p->driver->name : "");
	sp_manager_close(m);
	return rc;
}

static void the_first_that_answers_and_has_the_image_is_chosen(void **state)
{
	char where[16];

	(void)state;
	assert_int_equal(create(opened(NULL, NULL), &spec, where), 0);
	assert_string_equal(where, "alpha");
	assert_int_equal(BETA->calls[FAKE_OPEN], 0);
}

static void one_that_does_not_answer_is_not_even_opened(void **state)
{
	char where[16];

	(void)state;
	ALPHA->silent = true;
	assert_int_equal(create(opened(NULL, NULL), &spec, where), 0);
	assert_string_equal(where, "beta");
	assert_int_equal(ALPHA->calls[FAKE_OPEN], 0);
}

static void one_without_the_image_is_passed_over(void **state)
{
	char where[16];

	(void)state;
	ALPHA->fail[FAKE_IMAGE] = SP_ERR_NOT_FOUND;
	assert_int_equal(create(opened(NULL, NULL), &spec, where), 0);
	assert_string_equal(where, "beta");
	assert_int_equal(ALPHA->calls[FAKE_CREATE], 0);
}

static void one_that_cannot_do_what_is_asked_is_passed_over(void **state)
{
	const struct sp_mount mount = {.source = "/usr", .target = "/mnt"};
	const struct sp_sandbox_spec mounts = {.mounts = &mount, .mount_count = 1};
	char where[16];

	(void)state;
	assert_int_equal(create(opened(NULL, NULL), &mounts, where), 0);
	assert_string_equal(where, "beta");
}

static void the_one_that_was_named_is_the_only_one(void **state)
{
	char where[16];

	(void)state;
	ALPHA->fail[FAKE_CREATE] = SP_ERR_UNAVAILABLE;
	ALPHA->not_sent = true;
	assert_int_equal(
		create(opened("alpha", NULL), &spec, where), SP_ERR_UNAVAILABLE);
	assert_int_equal(BETA->calls[FAKE_CREATE], 0);
}

static void the_fallback_is_tried_when_create_failed(void **state)
{
	char where[16];

	(void)state;
	ALPHA->fail[FAKE_CREATE] = SP_ERR_UNAVAILABLE;
	assert_int_equal(create(opened("alpha", to_beta), &spec, where), 0);
	assert_string_equal(where, "beta");
}

static void the_fallback_is_tried_when_a_provider_cannot_be_opened(void **state)
{
	char where[16];

	(void)state;
	ALPHA->fail[FAKE_OPEN] = SP_ERR_UNAVAILABLE;
	assert_int_equal(create(opened("alpha", to_beta), &spec, where), 0);
	assert_string_equal(where, "beta");
}

static void a_request_without_sense_is_not_sent_round(void **state)
{
	char where[16];

	(void)state;
	ALPHA->fail[FAKE_CREATE] = SP_ERR_INVALID;
	assert_int_equal(
		create(opened("alpha", to_beta), &spec, where), SP_ERR_INVALID);
	assert_int_equal(BETA->calls[FAKE_CREATE], 0);
}

static int swallow(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)ctx;
	(void)stream;
	(void)data;
	(void)len;
	return 0;
}

static const char *const true_argv[] = {"true", NULL};
static const struct sp_command command = {
	.argv = true_argv, .stdin_fd = -1, .cancel_fd = -1, .on_output = swallow};

static void nothing_runs_twice_once_a_sandbox_was_made(void **state)
{
	struct sp_manager *m = opened("alpha", to_beta);
	struct sp_provider *p = NULL;
	struct sp_outcome out = {0};
	char id[SP_SANDBOX_ID_MAX];

	(void)state;
	ALPHA->fail[FAKE_EXEC] = SP_ERR_UNAVAILABLE;
	assert_int_equal(sp_manager_run(m, &spec, &command, &p, id, &out, NULL),
		SP_ERR_UNAVAILABLE);
	assert_int_equal(ALPHA->calls[FAKE_EXEC], 1);
	assert_int_equal(BETA->calls[FAKE_EXEC], 0);
	assert_int_equal(ALPHA->calls[FAKE_DESTROY], 1);
	sp_manager_close(m);
}

static void a_run_falls_back_before_anything_ran(void **state)
{
	struct sp_manager *m = opened("alpha", to_beta);
	struct sp_provider *p = NULL;
	struct sp_outcome out = {0};
	char id[SP_SANDBOX_ID_MAX];

	(void)state;
	ALPHA->fail[FAKE_CREATE] = SP_ERR_LIMIT;
	assert_int_equal(sp_manager_run(m, &spec, &command, &p, id, &out, NULL), 0);
	assert_string_equal(p->driver->name, "beta");
	assert_int_equal(BETA->calls[FAKE_DESTROY], 1);
	sp_manager_close(m);
}

static void one_that_cannot_run_the_command_is_passed_over(void **state)
{
	struct sp_manager *m = opened(NULL, NULL);
	struct sp_command on_terminal = command;
	struct sp_provider *p = NULL;
	struct sp_outcome out = {0};
	char id[SP_SANDBOX_ID_MAX];

	(void)state;
	on_terminal.tty = true;
	assert_int_equal(sp_manager_run(m, &spec, &on_terminal, &p, id, &out, NULL), 0);
	assert_string_equal(p->driver->name, "beta");
	sp_manager_close(m);
}

static void unknown_names_are_refused_with_the_known_ones(void **state)
{
	static const char *const nobody[] = {"gamma", NULL};
	struct sp_manager_opts opts = {.registry = &fake_registry, .provider = "gamma"};
	struct sp_manager *m = NULL;
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(sp_manager_open(&opts, &m, &err), SP_ERR_NOT_FOUND);
	assert_non_null(strstr(err.msg, "alpha, beta"));
	opts.provider = NULL;
	opts.fallback = nobody;
	assert_int_equal(sp_manager_open(&opts, &m, &err), SP_ERR_NOT_FOUND);
	assert_null(m);
}

static void a_provider_is_opened_once(void **state)
{
	struct sp_provider *one = NULL, *two = NULL;
	struct sp_manager *m = opened(NULL, NULL);

	(void)state;
	assert_int_equal(sp_manager_provider(m, "alpha", &one, NULL), 0);
	assert_int_equal(sp_manager_provider(m, "alpha", &two, NULL), 0);
	assert_ptr_equal(one, two);
	assert_int_equal(ALPHA->calls[FAKE_OPEN], 1);
	sp_manager_close(m);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, fake_reset)
	const struct CMUnitTest tests[] = {
		TEST(the_first_that_answers_and_has_the_image_is_chosen),
		TEST(one_that_does_not_answer_is_not_even_opened),
		TEST(one_without_the_image_is_passed_over),
		TEST(one_that_cannot_do_what_is_asked_is_passed_over),
		TEST(the_one_that_was_named_is_the_only_one),
		TEST(the_fallback_is_tried_when_create_failed),
		TEST(the_fallback_is_tried_when_a_provider_cannot_be_opened),
		TEST(a_request_without_sense_is_not_sent_round),
		TEST(nothing_runs_twice_once_a_sandbox_was_made),
		TEST(a_run_falls_back_before_anything_ran),
		TEST(one_that_cannot_run_the_command_is_passed_over),
		TEST(unknown_names_are_refused_with_the_known_ones),
		TEST(a_provider_is_opened_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
