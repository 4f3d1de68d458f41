/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/relay.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/auto.h"
#include "base/clock.h"
#include "base/io.h"

/* A relay whose stdout is a pipe of one page, and an event that cancels it. */
struct bench {
	struct relay relay;
	int from, to, cancel;
};

static void set_up(struct bench *b, int64_t timeout_ms)
{
	b->cancel = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(sp_pipe(&b->from, &b->to, 4096, NULL), 0);
	relay_init(&b->relay, b->cancel, timeout_ms);
	b->relay.streams[0].fd = b->to;
}

static void tear_down(struct bench *b)
{
	relay_clear(&b->relay);
	sp_close_fd(&b->from);
	sp_close_fd(&b->to);
	sp_close_fd(&b->cancel);
}

static void bytes_go_through_unchanged(void **state)
{
	char got[4] = {0};
	struct bench b;

	(void)state;
	set_up(&b, 0);
	assert_int_equal(relay_output(&b.relay, SP_STDOUT, "a\0\xff", 3), 0);
	assert_int_equal(read(b.from, got, sizeof(got)), 3);
	assert_memory_equal(got, "a\0\xff", 3);
	tear_down(&b);
}

static void the_mode_of_what_we_were_given_stays(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, 0);
	assert_int_equal(relay_output(&b.relay, SP_STDOUT, "x", 1), 0);
	assert_int_equal(fcntl(b.to, F_GETFL) & O_NONBLOCK, 0);
	tear_down(&b);
}

static void a_reader_that_is_gone_ends_it(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, 0);
	sp_close_fd(&b.from);
	assert_int_equal(relay_output(&b.relay, SP_STDOUT, "x", 1), SP_ERR_CANCELLED);
	assert_int_equal(b.relay.end, RELAY_READER_GONE);
	tear_down(&b);
}

static void a_reader_that_does_not_read_holds_it_only_to_the_deadline(void **state)
{
	static const char page[65536];
	struct bench b;
	int64_t start_ms;

	(void)state;
	set_up(&b, 100);
	start_ms = sp_clock_ms();
	assert_int_equal(relay_output(&b.relay, SP_STDOUT, page, sizeof(page)),
		SP_ERR_CANCELLED);
	assert_int_equal(b.relay.end, RELAY_STUCK);
	assert_in_range(sp_clock_ms() - start_ms, 90, 5000);
	tear_down(&b);
}

static void a_signal_frees_it_from_a_reader_that_does_not_read(void **state)
{
	static const char page[65536];
	const uint64_t one = 1;
	struct bench b;

	(void)state;
	set_up(&b, 0);
	assert_int_equal(write(b.cancel, &one, sizeof(one)), sizeof(one));
	assert_int_equal(relay_output(&b.relay, SP_STDOUT, page, sizeof(page)),
		SP_ERR_CANCELLED);
	assert_int_equal(b.relay.end, RELAY_CANCELLED);
	tear_down(&b);
}

static void a_full_disk_is_an_error(void **state)
{
	struct bench b;

	(void)state;
	set_up(&b, 0);
	sp_close_fd(&b.to);
	b.to = open("/dev/full", O_WRONLY | O_CLOEXEC);
	b.relay.streams[0].fd = b.to;
	assert_int_equal(relay_output(&b.relay, SP_STDOUT, "x", 1), SP_ERR_LIMIT);
	assert_int_equal(b.relay.end, RELAY_FAILED);
	tear_down(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_go_through_unchanged),
		cmocka_unit_test(the_mode_of_what_we_were_given_stays),
		cmocka_unit_test(a_reader_that_is_gone_ends_it),
		cmocka_unit_test(
			a_reader_that_does_not_read_holds_it_only_to_the_deadline),
		cmocka_unit_test(a_signal_frees_it_from_a_reader_that_does_not_read),
		cmocka_unit_test(a_full_disk_is_an_error),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
