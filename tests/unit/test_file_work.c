/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker is told and fed, and what its end means, without one. */
#include "providers/file_work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <endian.h>
#include <string.h>

#include "images/records.h"

#define FEED(w, stream, text) \
	sp_file_work_output((w), (stream), (text), sizeof(text) - 1)

static int count_entry(void *ctx, const struct sp_entry *e, struct sp_error *err)
{
	(void)e;
	(void)err;
	++*(int *)ctx;
	return 0;
}

static int stop_at_once(void *ctx, const char *action, const char *path)
{
	(void)action;
	(void)path;
	++*(int *)ctx;
	return 1;
}

static void every_option_is_told(void **state)
{
	static const struct {
		struct sp_file_request request;
		const char *words;
	} cases[] = {
		{{.op = SP_FILE_LIST, .path = "/a", .depth = 3},
			"list --depth 3 -- /a"},
		{{.op = SP_FILE_LIST, .path = "-a"}, "list -- -a"},
		{{.op = SP_FILE_READ, .path = "/a", .offset = 1, .length = 2},
			"read --offset 1 --length 2 -- /a"},
		{{.op = SP_FILE_WRITE, .path = "/a", .mode = 0640},
			"write --mode 640 -- /a"},
		{{.op = SP_FILE_RENAME, .path = "/a", .to = "/b"},
			"rename --to /b -- /a"},
		{{.op = SP_FILE_FIND, .path = "/a", .pattern = "-*"},
			"find --pattern -* -- /a"},
		{{.op = SP_FILE_WATCH, .path = "/a", .recursive = true},
			"watch --recursive -- /a"},
		{{.op = SP_FILE_MKDIR, .path = "/a"}, "mkdir -- /a"},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		sp_autobuf struct sp_buf words = SP_BUF_INIT(4096);
		struct sp_file_work w;

		assert_int_equal(
			sp_file_work_init(&w, "worker", &cases[i].request, NULL), 0);
		for (size_t n = 1; n < w.argv.count; n++)
			sp_buf_addf(&words, "%s%s", n > 1 ? " " : "", w.argv.items[n]);
		assert_string_equal(sp_buf_str(&words), cases[i].words);
		assert_string_equal(w.argv.items[0], "worker");
		assert_int_equal(w.stdin_fd >= 0, cases[i].request.op == SP_FILE_WATCH);
		sp_file_work_clear(&w);
	}
}

static ssize_t give(void *ctx, char *data, size_t len, struct sp_error *err)
{
	int *calls = ctx;

	if ((*calls)++ == 0) {
		memcpy(data, "abc", 3);
		return 3;
	}
	(void)len;
	return *calls == 2 ? sp_fail(err, SP_ERR_LIMIT, "the source broke") : 0;
}

static void a_source_that_breaks_gives_no_last_chunk(void **state)
{
	const struct sp_outcome fine = {0};
	int calls = 0;
	const struct sp_source source = {give, &calls};
	const struct sp_file_request request = {
		.op = SP_FILE_WRITE, .path = "/a", .source = &source};
	struct sp_error err = {0};
	struct sp_file_work w;
	char data[64];

	(void)state;
	assert_int_equal(sp_file_work_init(&w, "worker", &request, NULL), 0);
	assert_int_equal(sp_file_work_input(&w, data, sizeof(data), NULL), 7);
	assert_memory_equal(data, "\0\0\0\3abc", 7);
	assert_int_equal(sp_file_work_input(&w, data, sizeof(data), NULL), 0);
	assert_int_equal(sp_file_work_input(&w, data, sizeof(data), NULL), 0);
	assert_int_equal(sp_file_work_end(&w, 0, &fine, &err), SP_ERR_LIMIT);
	assert_string_equal(err.msg, "the source broke");
	sp_file_work_clear(&w);
	calls = 2; /* the end, and no error before it */
	assert_int_equal(sp_file_work_init(&w, "worker", &request, NULL), 0);
	assert_int_equal(sp_file_work_input(&w, data, sizeof(data), NULL), 4);
	assert_memory_equal(data, "\0\0\0\0", 4);
	assert_int_equal(sp_file_work_input(&w, data, sizeof(data), NULL), 0);
	assert_int_equal(sp_file_work_end(&w, 0, &fine, &err), 0);
	sp_file_work_clear(&w);
}

static void an_answer_that_is_cut_short_is_no_success(void **state)
{
	const struct sp_outcome fine = {0};
	int count = 0;
	const struct sp_file_request request = {.op = SP_FILE_STAT,
		.path = "/a",
		.on_entry = count_entry,
		.ctx = &count};
	struct sp_error err = {0};
	struct sp_file_work w;

	(void)state;
	assert_int_equal(sp_file_work_init(&w, "worker", &request, NULL), 0);
	assert_int_equal(
		FEED(&w, SP_STDOUT, SP_RECORDS_VERSION "\0e f 1 644 0 0 0\0/a\0\0"), 0);
	assert_int_equal(count, 1);
	assert_int_equal(sp_file_work_end(&w, 0, &fine, &err), SP_ERR_PROTOCOL);
	sp_file_work_clear(&w);
	/* Complete, and of no file at all. */
	assert_int_equal(sp_file_work_init(&w, "worker", &request, NULL), 0);
	assert_int_equal(FEED(&w, SP_STDOUT, SP_RECORDS_VERSION "\0.\0"), 0);
	assert_int_equal(sp_file_work_end(&w, 0, &fine, &err), SP_ERR_PROTOCOL);
	sp_file_work_clear(&w);
}

static void the_end_says_what_it_was(void **state)
{
	static const struct {
		struct sp_outcome outcome;
		int rc, want;
	} cases[] = {
		{{.exit_code = 1}, 0, SP_ERR_DENIED},
		{{.timed_out = true}, 0, SP_ERR_TIMEOUT},
		{{.cancelled = true}, 0, SP_ERR_CANCELLED},
		{{0}, SP_ERR_UNAVAILABLE, SP_ERR_UNAVAILABLE},
		{{0}, 0, 0},
	};
	const struct sp_file_request request = {.op = SP_FILE_MKDIR, .path = "/a"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		struct sp_error err = {0};
		struct sp_file_work w;

		assert_int_equal(sp_file_work_init(&w, "worker", &request, NULL), 0);
		FEED(&w, SP_STDERR, "error: denied /a: no\n");
		assert_int_equal(
			sp_file_work_end(&w, cases[i].rc, &cases[i].outcome, &err),
			cases[i].want);
		sp_file_work_clear(&w);
	}
}

static void a_watch_ends_well_when_it_is_enough(void **state)
{
	const struct sp_outcome cancelled = {.cancelled = true};
	int count = 0;
	const struct sp_file_request request = {.op = SP_FILE_WATCH,
		.path = "/a",
		.on_change = stop_at_once,
		.ctx = &count};
	struct sp_error err = {0};
	struct sp_file_work w;

	(void)state;
	assert_int_equal(sp_file_work_init(&w, "worker", &request, NULL), 0);
	assert_int_equal(sp_file_work_end(&w, 0, &cancelled, &err), 0);
	assert_int_equal(
		FEED(&w, SP_STDOUT, SP_RECORDS_VERSION "\0c created\0/a/b\0"), 1);
	assert_int_equal(count, 1);
	assert_int_equal(sp_file_work_end(&w, SP_ERR_CANCELLED, NULL, &err), 0);
	sp_file_work_clear(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_told),
		cmocka_unit_test(a_source_that_breaks_gives_no_last_chunk),
		cmocka_unit_test(an_answer_that_is_cut_short_is_no_success),
		cmocka_unit_test(the_end_says_what_it_was),
		cmocka_unit_test(a_watch_ends_well_when_it_is_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
