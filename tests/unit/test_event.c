/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of events: written by everybody, read by everybody, and never trusted. */
#include "runtime/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

static char folder[] = "/tmp/sp-event-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	memcpy(folder, "/tmp/sp-event-XXXXXX", sizeof(folder));
	return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/" SP_EVENT_FILE, folder);
	unlink(path);
	snprintf(path, sizeof(path), "%s/" SP_EVENT_FILE_OLD, folder);
	unlink(path);
	return rmdir(folder);
}

static int parse(const char *line, struct sp_event_line *out)
{
	struct sp_error err = {0};
	int rc = sp_event_parse(line, strlen(line), out, &err);

	assert_int_equal(rc, err.code);
	return rc;
}

static struct sp_bytes read_events(const char *name)
{
	sp_autoclose int dir = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct sp_bytes text = {0};

	assert_int_equal(
		sp_read_file_at(dir, name, SP_EVENT_FILE_MAX + 4096, &text, NULL), 0);
	return text;
}

static void what_is_written_is_read(void **state)
{
	struct sp_event_line e = {0};
	struct sp_bytes text;

	(void)state;
	sp_event_append(folder, "sb-1", "exited", "status=3 signal=9");
	text = read_events(SP_EVENT_FILE);
	assert_int_equal(text.data[text.len - 1], '\n');
	text.data[text.len - 1] = '\0';
	assert_int_equal(parse(text.data, &e), 0);
	assert_true(e.at_ms > 1600000000000);
	assert_string_equal(e.id, "sb-1");
	assert_string_equal(e.action, "exited");
	assert_string_equal(e.details, "status=3 signal=9");
	free(text.data);
}

static void an_event_may_have_no_details(void **state)
{
	struct sp_event_line e = {0};

	(void)state;
	assert_int_equal(parse("12 sb-1 paused ", &e), 0);
	assert_string_equal(e.details, "");
	assert_int_equal(e.at_ms, 12);
}

static void lines_that_are_none_are_refused(void **state)
{
	static const char *const lines[] = {"", " ", "12", "12 sb-1", "12 sb-1 paused",
		"x sb-1 paused ", "-1 sb-1 paused ", "12 ../x paused ",
		"12 sb-1 Paused! ", "12  paused ", "12 sb-1 paused a=\x1b[0m",
		"12 sb-1 paused a=\xff", "123456789012345678901234567890 sb-1 paused "};
	struct sp_event_line e = {0};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(lines); i++)
		if (parse(lines[i], &e) != SP_ERR_PROTOCOL)
			fail_msg("\"%s\" was taken", lines[i]);
}

static void a_line_that_is_too_long_is_not_written(void **state)
{
	char details[SP_EVENT_LINE_MAX];
	char path[64];

	(void)state;
	memset(details, 'x', sizeof(details));
	details[sizeof(details) - 1] = '\0';
	sp_event_append(folder, "sb-1", "exited", details);
	snprintf(path, sizeof(path), "%s/" SP_EVENT_FILE, folder);
	assert_int_equal(access(path, F_OK), -1);
}

static void a_file_that_has_grown_large_is_renamed(void **state)
{
	char path[64];
	struct sp_bytes text;
	struct stat st;

	(void)state;
	snprintf(path, sizeof(path), "%s/" SP_EVENT_FILE, folder);
	sp_event_append(folder, "sb-1", "first", "");
	assert_int_equal(truncate(path, SP_EVENT_FILE_MAX), 0);
	sp_event_append(folder, "sb-1", "second", "");
	text = read_events(SP_EVENT_FILE);
	assert_non_null(strstr(text.data, "second"));
	free(text.data);
	snprintf(path, sizeof(path), "%s/" SP_EVENT_FILE_OLD, folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, SP_EVENT_FILE_MAX);
}

static void a_link_in_its_place_is_not_followed(void **state)
{
	char path[64], outside[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/" SP_EVENT_FILE, folder);
	snprintf(outside, sizeof(outside), "%s/outside", folder);
	assert_int_equal(symlink(outside, path), 0);
	sp_event_append(folder, "sb-1", "first", "");
	assert_int_equal(access(outside, F_OK), -1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(what_is_written_is_read),
		T(an_event_may_have_no_details),
		T(lines_that_are_none_are_refused),
		T(a_line_that_is_too_long_is_not_written),
		T(a_file_that_has_grown_large_is_renamed),
		T(a_link_in_its_place_is_not_followed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
