/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/members.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void the_numbers_are_found_behind_any_name(void **state)
{
	struct sp_member m;

	(void)state;
	assert_true(
		sp_member_parse("42 (a) b (c\n) S 7 42 42 0 -1 4194304 1 2 3 4 50 6 "
				"700 80 20 0 1 0 999 123456 77 18446744073709551615",
			&m));
	assert_int_equal(m.pid, 42);
	assert_int_equal(m.parent, 7);
	assert_int_equal(m.ticks, 56);
	assert_int_equal(m.children_ticks, 780);
	assert_int_equal(m.resident_pages, 77);
}

static void what_is_no_process_is_refused(void **state)
{
	static const char *const bad[] = {"", "42", "42 (a", "42 (a)", "42 (a) S 7 42",
		"x (a) S 7 42 42 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 1 7",
		"-3 (a) S 7 42 42 0 -1 0 1 2 3 4 5 6 7 8 20 0 1 0 9 1 7"};
	struct sp_member m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(sp_member_parse(bad[i], &m));
}

/* A process in a namespace of its own, below this one as below a supervisor. */
static pid_t start_inside(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pid_t inner;

		if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0)
			_exit(1);
		inner = fork();
		if (inner == 0) {
			(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
		(void)waitpid(inner, NULL, 0);
		_exit(0);
	}
	return pid;
}

static void those_inside_are_counted_and_no_others(void **state)
{
	const struct sp_supervisor self = {.pid = getpid()};
	struct sp_members m = {0};
	pid_t outside = fork();
	pid_t inside;

	(void)state;
	if (outside == 0)
		for (;;)
			pause();
	assert_int_equal(sp_members_count(&self, &m), 0);
	assert_int_equal(m.processes, 0);
	inside = start_inside();
	for (int i = 0; i < 5000 && m.processes == 0; i++) {
		assert_int_equal(sp_members_count(&self, &m), 0);
		if (waitpid(inside, NULL, WNOHANG) == inside) {
			kill(outside, SIGKILL);
			skip(); /* no namespaces here */
		}
	}
	assert_int_equal(m.processes, 1);
	assert_true(m.memory_bytes > 0);
	kill(outside, SIGKILL);
	kill(inside, SIGKILL);
	(void)waitpid(outside, NULL, 0);
	(void)waitpid(inside, NULL, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_numbers_are_found_behind_any_name),
		cmocka_unit_test(what_is_no_process_is_refused),
		cmocka_unit_test(those_inside_are_counted_and_no_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
