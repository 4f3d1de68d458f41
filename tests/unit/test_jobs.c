/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/jobs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/io.h"
#include "runtime/remove.h"

/* A sandbox's folder with process 7 in it, as a keeper leaves it. */
struct place {
	char state[64];
	int folder;
	struct sp_error err;
};

static struct sp_job_record record_of(uint32_t number, const char *words, size_t len)
{
	struct sp_job_record r = {.magic = SP_JOB_MAGIC,
		.number = number,
		.keeper = 4242,
		.started_ms = 5,
		.command_len = (uint32_t)len};

	memcpy(r.command, words, len);
	return r;
}

static void put(const struct place *p, const char *name, const void *data, size_t len)
{
	assert_int_equal(sp_write_file_at(p->folder, name, data, len, 0600, NULL), 0);
}

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));
	const struct sp_job_record r = record_of(7, "sleep\0two words\0", 16);
	char path[96];

	snprintf(p->state, sizeof(p->state), "/tmp/sandpit-jobs.XXXXXX");
	assert_non_null(mkdtemp(p->state));
	snprintf(path, sizeof(path), "%s/procs", p->state);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/procs/7", p->state);
	assert_int_equal(mkdir(path, 0700), 0);
	p->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(p->folder >= 0);
	put(p, SP_JOB_RECORD, &r, sizeof(r));
	put(p, SP_JOB_LOCK, "", 0);
	put(p, SP_JOB_LOG, "", 0);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	close(p->folder);
	assert_true(sp_remove_state(p->state));
	free(p);
	return 0;
}

static void a_record_tells_the_command_as_a_shell_reads_it(void **state)
{
	static const struct {
		const char *words;
		size_t len;
		const char *text;
	} cases[] = {
		{"ls\0-l\0", 6, "ls -l"},
		{"sh\0-c\0echo $x\0", 14, "sh -c 'echo $x'"},
		{"a\0\0b'c\0", 7, "a '' 'b'\\''c'"},
		{"\xff\n\0", 3, "'\xff\n'"},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		const struct sp_job_record r = record_of(
			3, cases[i].words, cases[i].len);
		sp_autojob struct sp_job job = {0};

		assert_int_equal(
			sp_job_parse_record((const char *)&r, sizeof(r), 3, &job, NULL),
			0);
		assert_string_equal(job.command, cases[i].text);
	}
}

static void a_record_that_is_none_is_refused(void **state)
{
	const struct sp_job_record good = record_of(3, "x\0", 2);
	struct sp_job_record bad[6];
	sp_autojob struct sp_job job = {0};
	struct sp_error err = {0};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		bad[i] = good;
	bad[0].magic++;
	bad[1].number = 4;
	bad[2].keeper = 1;
	bad[3].command_len = 0;
	bad[4].command_len = SP_JOB_COMMAND_MAX + 1;
	bad[5].command[1] = 'y';
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		assert_int_equal(sp_job_parse_record((const char *)&bad[i],
					 sizeof(bad[i]), 3, &job, &err),
			SP_ERR_PROTOCOL);
	assert_int_equal(sp_job_parse_record(
				 (const char *)&good, sizeof(good) - 1, 3, &job, &err),
		SP_ERR_PROTOCOL);
	assert_null(job.command);
}

static void one_without_a_keeper_and_an_end_was_killed(void **state)
{
	struct place *p = *state;
	sp_autojob struct sp_job job = {0};

	assert_int_equal(sp_job_read(p->folder, 7, &job, &p->err), 0);
	assert_false(job.is_running);
	assert_int_equal(job.end.status, 9);
	assert_string_equal(job.command, "sleep 'two words'");
}

static void one_whose_lock_is_held_runs_until_it_has_an_end(void **state)
{
	const struct sp_job_end end = {
		.magic = SP_JOB_MAGIC, .status = 3 << 8, .is_cut = 1, .ended_ms = 9};
	struct place *p = *state;
	sp_autojob struct sp_job job = {0}, later = {0};
	sp_autoclose int lock = openat(p->folder, SP_JOB_LOCK, O_RDONLY | O_CLOEXEC);

	assert_int_equal(flock(lock, LOCK_EX), 0);
	assert_int_equal(sp_job_read(p->folder, 7, &job, &p->err), 0);
	assert_true(job.is_running);
	put(p, SP_JOB_END, &end, sizeof(end));
	assert_int_equal(sp_job_read(p->folder, 7, &later, &p->err), 0);
	assert_false(later.is_running);
	assert_int_equal(later.end.status, 3 << 8);
	assert_int_equal(later.end.ended_ms, 9);
}

static void an_end_that_is_none_is_an_error_and_not_a_guess(void **state)
{
	struct place *p = *state;
	sp_autojob struct sp_job job = {0};

	put(p, SP_JOB_END, "short", 5);
	assert_int_equal(sp_job_read(p->folder, 7, &job, &p->err), SP_ERR_PROTOCOL);
	assert_null(job.command);
}

static void numbers_are_listed_in_order_and_nothing_else(void **state)
{
	static const char *const names[] = {"10", "9", "x", "0", "1.5", "20000"};
	struct place *p = *state;
	sp_autofree uint32_t *numbers = NULL;
	size_t count = 0;

	for (size_t i = 0; i < SP_COUNT(names); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/procs/%s", p->state, names[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
	assert_int_equal(sp_job_numbers(p->state, &numbers, &count, &p->err), 0);
	assert_int_equal(count, 3);
	assert_int_equal(numbers[0], 7);
	assert_int_equal(numbers[1], 9);
	assert_int_equal(numbers[2], 10);
	/* Without a record there is no such process yet. */
	assert_int_equal(sp_job_open(p->state, 9, &p->err), SP_ERR_NOT_FOUND);
	for (size_t i = 0; i < SP_COUNT(names); i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s/procs/%s", p->state, names[i]);
		assert_int_equal(rmdir(path), 0);
	}
}

/* --- The log --------------------------------------------------------------------------- */

static void add_frame(const struct place *p, uint32_t stream, const char *text)
{
	const struct sp_job_frame head = {
		.stream = stream, .len = (uint32_t)strlen(text)};
	sp_autoclose int fd = openat(
		p->folder, SP_JOB_LOG, O_WRONLY | O_APPEND | O_CLOEXEC);

	assert_int_equal(sp_write_all(fd, &head, sizeof(head), NULL), 0);
	assert_int_equal(sp_write_all(fd, text, head.len, NULL), 0);
}

struct seen {
	char text[64];
	int answer;
};

/* "1:out2:err" */
static int see(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct seen *s = ctx;
	size_t at = strlen(s->text);

	snprintf(s->text + at, sizeof(s->text) - at, "%d:%.*s", stream, (int)len, data);
	return s->answer;
}

static void output_comes_in_the_order_it_was_stored(void **state)
{
	struct place *p = *state;
	SP_AUTO(sp_job_log_close) struct sp_job_log log = SP_JOB_LOG_INIT;
	struct seen s = {.answer = 0};

	add_frame(p, SP_STDOUT, "a");
	add_frame(p, SP_STDERR, "bc");
	assert_int_equal(sp_job_log_open(p->folder, &log, &p->err), 0);
	assert_int_equal(sp_job_log_read(&log, see, &s, &p->err), 0);
	assert_string_equal(s.text, "1:a2:bc");
	add_frame(p, SP_STDOUT, "d");
	assert_int_equal(sp_job_log_read(&log, see, &s, &p->err), 0);
	assert_string_equal(s.text, "1:a2:bc1:d");
}

static void a_frame_that_is_being_written_is_not_there_yet(void **state)
{
	struct place *p = *state;
	SP_AUTO(sp_job_log_close) struct sp_job_log log = SP_JOB_LOG_INIT;
	struct seen s = {.answer = 0};
	struct stat st;

	add_frame(p, SP_STDOUT, "whole");
	add_frame(p, SP_STDOUT, "half");
	assert_int_equal(sp_job_log_open(p->folder, &log, &p->err), 0);
	assert_int_equal(fstat(log.fd, &st), 0);
	for (off_t cut = 1; cut < (off_t)sizeof(struct sp_job_frame) + 4; cut++) {
		char path[32];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", log.fd);
		assert_int_equal(truncate(path, st.st_size - cut), 0);
		assert_int_equal(sp_job_log_read(&log, see, &s, &p->err), 0);
		assert_string_equal(s.text, "1:whole");
	}
}

static void the_tail_begins_in_the_middle_of_a_frame(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {{0, ""}, {1, "1:f"}, {2, "1:ef"}, {3, "2:d1:ef"},
		{5, "1:bc2:d1:ef"}, {6, "1:abc2:d1:ef"}, {99, "1:abc2:d1:ef"}};
	struct place *p = *state;

	add_frame(p, SP_STDOUT, "abc");
	add_frame(p, SP_STDERR, "d");
	add_frame(p, SP_STDOUT, "ef");
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		SP_AUTO(sp_job_log_close) struct sp_job_log log = SP_JOB_LOG_INIT;
		struct seen s = {.answer = 0};

		assert_int_equal(sp_job_log_open(p->folder, &log, &p->err), 0);
		assert_int_equal(sp_job_log_tail(&log, cases[i].bytes, &p->err), 0);
		assert_int_equal(sp_job_log_read(&log, see, &s, &p->err), 0);
		assert_string_equal(s.text, cases[i].text);
	}
}

static void a_broken_log_is_an_error_that_says_where(void **state)
{
	static const struct sp_job_frame bad[] = {{.stream = 3, .len = 1},
		{.stream = SP_STDOUT, .len = 0},
		{.stream = SP_STDOUT, .len = SP_JOB_FRAME_MAX + 1}};
	struct place *p = *state;

	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		SP_AUTO(sp_job_log_close) struct sp_job_log log = SP_JOB_LOG_INIT;
		struct seen s = {.answer = 0};

		put(p, SP_JOB_LOG, &bad[i], sizeof(bad[i]));
		assert_int_equal(sp_job_log_open(p->folder, &log, &p->err), 0);
		assert_int_equal(
			sp_job_log_read(&log, see, &s, &p->err), SP_ERR_PROTOCOL);
		assert_non_null(strstr(p->err.msg, "byte 0"));
		assert_int_equal(sp_job_log_tail(&log, 1, &p->err), SP_ERR_PROTOCOL);
	}
}

static void a_receiver_that_wants_no_more_stops_it(void **state)
{
	struct place *p = *state;
	SP_AUTO(sp_job_log_close) struct sp_job_log log = SP_JOB_LOG_INIT;
	struct seen s = {.answer = 1};

	add_frame(p, SP_STDOUT, "a");
	add_frame(p, SP_STDOUT, "b");
	assert_int_equal(sp_job_log_open(p->folder, &log, &p->err), 0);
	assert_int_equal(sp_job_log_read(&log, see, &s, &p->err), SP_ERR_CANCELLED);
	assert_string_equal(s.text, "1:a");
}

static void following_one_that_has_ended_gives_what_is_stored(void **state)
{
	struct place *p = *state;
	struct seen s = {.answer = 0};
	struct sp_job_follow f = {.folder = p->folder,
		.log = SP_JOB_LOG_INIT,
		.cancel_fd = -1,
		.stdin_fd = -1,
		.resize_fd = -1,
		.on_output = see,
		.on_output_ctx = &s};

	add_frame(p, SP_STDOUT, "last words");
	assert_int_equal(sp_job_log_open(p->folder, &f.log, &p->err), 0);
	assert_int_equal(sp_job_follow(&f, &p->err), 0);
	sp_job_log_close(&f.log);
	assert_string_equal(s.text, "1:last words");
	assert_int_equal(sp_job_signal(p->folder, 15, &p->err), SP_ERR_NOT_FOUND);
}

#define WITH_PLACE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_tells_the_command_as_a_shell_reads_it),
		cmocka_unit_test(a_record_that_is_none_is_refused),
		WITH_PLACE(one_without_a_keeper_and_an_end_was_killed),
		WITH_PLACE(one_whose_lock_is_held_runs_until_it_has_an_end),
		WITH_PLACE(an_end_that_is_none_is_an_error_and_not_a_guess),
		WITH_PLACE(numbers_are_listed_in_order_and_nothing_else),
		WITH_PLACE(output_comes_in_the_order_it_was_stored),
		WITH_PLACE(a_frame_that_is_being_written_is_not_there_yet),
		WITH_PLACE(the_tail_begins_in_the_middle_of_a_frame),
		WITH_PLACE(a_broken_log_is_an_error_that_says_where),
		WITH_PLACE(a_receiver_that_wants_no_more_stops_it),
		WITH_PLACE(following_one_that_has_ended_gives_what_is_stored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
