/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

#define WAIT_MS 20000

/* How many descriptors are open, the one for looking included. */
static size_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Start it, read what it writes to number `out`, and give back how it ended. */
static int run(struct sp_spawn *s, size_t out, struct sp_buf *text)
{
	sp_autoclose int from = -1, to = -1, pidfd = -1;
	int status = -1;
	pid_t pid;

	assert_int_equal(sp_pipe(&from, &to, 0, NULL), 0);
	s->fds[out] = to;
	pid = sp_spawn(s, &pidfd, NULL);
	assert_true(pid > 0);
	sp_close_fd(&to);
	assert_int_equal(sp_buf_read_fd(text, from, NULL), 0);
	assert_int_equal(
		sp_wait(pid, pidfd, sp_deadline_in(WAIT_MS), &status, NULL), 0);
	return status;
}

static struct sp_spawn shell(const char *const *argv)
{
	return (struct sp_spawn){.path = "/bin/sh",
		.exe_fd = -1,
		.argv = argv,
		.fds = {-1, -1, -1},
		.fd_count = 3};
}

static void a_program_gets_its_arguments_and_no_environment(void **state)
{
	const char *const argv[] = {"sh", "-c",
		"printf %s \"$1|\"; tr '\\0' '\\n' </proc/self/environ | wc -c", "sh",
		"a b", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1000);
	struct sp_spawn s = shell(argv);

	(void)state;
	assert_int_equal(run(&s, 1, &text), 0);
	assert_memory_equal(sp_buf_str(&text), "a b|", 4);
}

static void the_environment_is_the_one_given(void **state)
{
	const char *const argv[] = {"env", NULL};
	const char *const env[] = {"A=1", "B=x y", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1000);
	struct sp_spawn s = shell(argv);

	(void)state;
	s.path = "/usr/bin/env";
	s.env = env;
	assert_int_equal(run(&s, 1, &text), 0);
	assert_string_equal(sp_buf_str(&text), "A=1\nB=x y\n");
	sp_buf_clear(&text);
	s.env = NULL;
	assert_int_equal(run(&s, 1, &text), 0);
	assert_string_equal(sp_buf_str(&text), "");
}

static void the_child_has_the_descriptors_named_and_no_other(void **state)
{
	const char *const argv[] = {"ls", "/proc/self/fd", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1000);
	sp_autoclose int leaky = open("/dev/null", O_RDONLY); /* not close-on-exec */
	sp_autoclose int high = fcntl(leaky, F_DUPFD, 200);
	struct sp_spawn s = shell(argv);

	(void)state;
	assert_true(leaky >= 0 && high >= 200);
	s.path = "/bin/ls";
	assert_int_equal(run(&s, 1, &text), 0);
	/* 3 is the folder it lists. */
	assert_string_equal(sp_buf_str(&text), "0\n1\n2\n3\n");
}

static void nothing_is_left_open_in_the_parent(void **state)
{
	const char *const argv[] = {"sh", "-c", "exit 3", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1000);
	struct sp_spawn s = shell(argv);
	size_t before = count_fds();

	(void)state;
	assert_int_equal(WEXITSTATUS(run(&s, 1, &text)), 3);
	s.path = "/nonexistent";
	s.fds[1] = -1;
	assert_int_equal(sp_spawn(&s, NULL, NULL), SP_ERR_NOT_FOUND);
	assert_int_equal(count_fds(), before);
}

/* Three files that tell themselves apart, given in places that are each other's numbers. */
static void descriptors_may_change_places(void **state)
{
	const char *const argv[] = {
		"sh", "-c", "for i in 3 4 5 6; do cat <&$i; done", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1000);
	struct sp_spawn s = shell(argv);
	int files[4], numbers[4] = {3, 4, 5, 6}, saved[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		char name = (char)('a' + i);

		saved[i] = fcntl(numbers[i], F_DUPFD_CLOEXEC, 100);
		files[i] = sp_sealed_memfd("x", &name, 1, NULL);
		assert_true(files[i] >= 0);
		files[i] = fcntl(files[i], F_DUPFD_CLOEXEC, 50 + i);
	}
	for (int i = 0; i < 4; i++)
		assert_int_equal(dup2(files[i], numbers[i]), numbers[i]);
	s.fd_count = 7;
	s.fds[3] = 4;
	s.fds[4] = 3;
	s.fds[5] = 6;
	s.fds[6] = 5;
	/* The pipe run() makes is above all of these. */
	assert_int_equal(run(&s, 1, &text), 0);
	assert_string_equal(sp_buf_str(&text), "badc");
	for (int i = 0; i < 4; i++) {
		close(numbers[i]);
		if (saved[i] >= 0) {
			(void)dup2(saved[i], numbers[i]);
			close(saved[i]);
		}
		close(files[i]);
	}
}

/* In a child of our own, because a test without its streams cannot tell. */
static int in_child(int (*test)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(test());
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

/*
 * With 0 and 4 free, the /dev/null of one place is opened at the number of another, which
 * must not take it away, nor leave it closed on exec.
 */
static int spawn_with_holes(void)
{
	const char *const argv[] = {"sh", "-c",
		"[ /proc/self/fd/0 -ef /dev/null ] && [ /proc/self/fd/5 -ef /dev/null "
		"] &&"
		"[ /proc/self/fd/2 -ef /dev/null ] && [ -f /proc/self/fd/4 ] && cat "
		"<&4",
		NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(100);
	struct sp_spawn s = shell(argv);
	int file = sp_sealed_memfd("x", "file", 4, NULL);
	int high = fcntl(file, F_DUPFD_CLOEXEC, 30);

	close(file);
	for (int fd = 0; fd < 6; fd++)
		close(fd);
	s.fd_count = 6;
	s.fds[3] = s.fds[5] = -1;
	s.fds[4] = high;
	if (run(&s, 1, &text) != 0)
		return 1;
	return strcmp(sp_buf_str(&text), "file") == 0 ? 0 : 2;
}

static void closed_streams_of_the_parent_are_no_hole(void **state)
{
	(void)state;
	assert_int_equal(in_child(spawn_with_holes), 0);
}

static void a_program_can_be_run_by_descriptor(void **state)
{
	const char *const argv[] = {"echo", "by", "descriptor", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(100);
	sp_autoclose int program = open("/bin/echo", O_RDONLY | O_CLOEXEC);
	struct sp_spawn s = shell(argv);

	(void)state;
	s.path = NULL;
	s.exe_fd = program;
	assert_int_equal(run(&s, 1, &text), 0);
	assert_string_equal(sp_buf_str(&text), "by descriptor\n");
}

static void what_cannot_be_executed_says_why(void **state)
{
	const char *const argv[] = {"x", NULL};
	struct sp_spawn s = shell(argv);
	struct sp_error err = {0};
	int pidfd = -7;

	(void)state;
	s.path = "/nonexistent/program";
	assert_int_equal(sp_spawn(&s, &pidfd, &err), SP_ERR_NOT_FOUND);
	assert_int_equal(err.sys_errno, ENOENT);
	assert_non_null(strstr(err.msg, "/nonexistent/program"));
	s.path = "/etc/passwd";
	assert_int_equal(sp_spawn(&s, &pidfd, NULL), SP_ERR_DENIED);
	s.path = "/bin/true";
	s.fds[1] = 999;
	assert_int_equal(sp_spawn(&s, &pidfd, &err), SP_ERR_SYSTEM);
	assert_int_equal(err.sys_errno, EBADF);
	assert_int_equal(pidfd, -7);
	/* All of them are buried. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void signals_are_as_they_were_at_the_beginning_of_time(void **state)
{
	const char *const argv[] = {
		"grep", "-E", "^Sig(Ign|Blk|Cgt)", "/proc/self/status", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1000);
	struct sp_spawn s = shell(argv);
	sigset_t some, before, after;

	(void)state;
	s.path = "/bin/grep";
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	sigemptyset(&some);
	sigaddset(&some, SIGTERM);
	sigprocmask(SIG_BLOCK, &some, &before);
	assert_int_equal(run(&s, 1, &text), 0);
	sigprocmask(SIG_SETMASK, &before, &after);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	assert_true(sigismember(&after, SIGTERM)); /* ours came back */
	assert_non_null(strstr(text.data, "SigBlk:\t0000000000000000"));
	assert_non_null(strstr(text.data, "SigIgn:\t0000000000000000"));
}

/* A program that runs until it is killed. */
static pid_t start_sleeper(int *pidfd)
{
	const char *const argv[] = {"sleep", "600", NULL};
	struct sp_spawn s = shell(argv);
	pid_t pid;

	s.path = "/bin/sleep";
	pid = sp_spawn(&s, pidfd, NULL);
	assert_true(pid > 0);
	return pid;
}

static void waiting_ends_at_the_deadline_and_the_program_does_not(void **state)
{
	sp_autoclose int pidfd = -1;
	pid_t pid = start_sleeper(&pidfd);
	int64_t start = sp_clock_ms();
	int status = 0;

	(void)state;
	assert_true(fcntl(pidfd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(
		sp_wait(pid, pidfd, sp_deadline_in(30), &status, NULL), SP_ERR_TIMEOUT);
	assert_true(sp_clock_ms() - start >= 30);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(sp_wait(pid, pidfd, 0, &status, NULL), 0);
	assert_int_equal(sp_exit_code(status), 137);
}

static void somebody_elses_process_cannot_be_waited_for(void **state)
{
	int status;

	(void)state;
	assert_int_equal(sp_wait(1, -1, 0, &status, NULL), SP_ERR_SYSTEM);
}

static void a_tool_gives_its_output(void **state)
{
	const char *const argv[] = {"/bin/sh", "-c", "echo out; echo err >&2", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(100);

	(void)state;
	assert_int_equal(sp_run_tool(argv, WAIT_MS, &text, NULL), 0);
	assert_string_equal(sp_buf_str(&text), "out\nerr\n");
	assert_int_equal(sp_run_tool(argv, WAIT_MS, NULL, NULL), 0);
}

static void a_tool_that_fails_is_quoted_by_its_last_line(void **state)
{
	const char *const argv[] = {"/bin/sh", "-c",
		"echo first; echo 'the reason' >&2; echo; exit 4", NULL};
	const char *const silent[] = {"/bin/false", NULL};
	const char *const killed[] = {"/bin/sh", "-c", "kill -9 $$", NULL};
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(sp_run_tool(argv, WAIT_MS, NULL, &err), SP_ERR_SYSTEM);
	assert_string_equal(err.msg, "/bin/sh ended with 4: the reason");
	assert_int_equal(sp_run_tool(silent, WAIT_MS, NULL, &err), SP_ERR_SYSTEM);
	assert_string_equal(err.msg, "/bin/false ended with 1: ");
	assert_int_equal(sp_run_tool(killed, WAIT_MS, NULL, &err), SP_ERR_SYSTEM);
	assert_non_null(strstr(err.msg, "ended with 137"));
}

static void a_tool_that_floods_ends_all_the_same(void **state)
{
	const char *const argv[] = {
		"/bin/sh", "-c", "head -c 1000000 /dev/zero; exit 2", NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1000);

	(void)state;
	assert_int_equal(sp_run_tool(argv, WAIT_MS, &text, NULL), SP_ERR_SYSTEM);
	assert_int_equal(sp_buf_ok(&text, NULL), SP_ERR_LIMIT);
}

static void a_tool_that_hangs_is_killed_at_its_deadline(void **state)
{
	const char *const argv[] = {"/bin/sleep", "600", NULL};
	const char *const quiet[] = {
		"/bin/sh", "-c", "exec >/dev/null 2>&1; exec sleep 600", NULL};
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(sp_run_tool(argv, 30, NULL, &err), SP_ERR_TIMEOUT);
	assert_string_equal(err.msg, "run /bin/sleep: took too long");
	assert_int_equal(sp_run_tool(quiet, 30, NULL, NULL), SP_ERR_TIMEOUT);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void on_signal(int number)
{
	(void)number;
}

/* A signal ends the wait for output; what follows must not be one without a deadline. */
static void a_signal_does_not_lift_the_deadline(void **state)
{
	const char *const argv[] = {
		"/bin/sh", "-c", "kill -USR1 $PPID; exec sleep 600", NULL};
	const struct sigaction handle = {.sa_handler = on_signal}; /* no SA_RESTART */

	(void)state;
	assert_int_equal(sigaction(SIGUSR1, &handle, NULL), 0);
	assert_int_equal(sigaction(SIGALRM, &handle, NULL), 0);
	alarm(20); /* ends a read() that would wait for ever, and the test fails */
	assert_int_equal(sp_run_tool(argv, 300, NULL, NULL), SP_ERR_TIMEOUT);
	assert_true(alarm(0) > 15);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGALRM, SIG_DFL);
}

static void a_start_time_tells_processes_apart(void **state)
{
	sp_autoclose int pidfd = -1;
	uint64_t own = sp_proc_start_ticks(getpid());
	pid_t pid = start_sleeper(&pidfd);

	(void)state;
	assert_true(own > 0);
	assert_true(sp_proc_start_ticks(pid) >= own);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(sp_proc_start_ticks(pid) == 0);
}

/* The name of a process is its own choice, and stands before the number. */
static void a_name_cannot_forge_the_start_time(void **state)
{
	static const char *const names[] = {
		") R 1 1 1 1", "a) (b)", " 1 2 3 4 5 6 7", "))))", "a\n) 1"};
	uint64_t own = sp_proc_start_ticks(getpid());
	char before[16];

	(void)state;
	assert_int_equal(prctl(PR_GET_NAME, before), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(prctl(PR_SET_NAME, names[i]), 0);
		assert_true(sp_proc_start_ticks(getpid()) == own);
	}
	assert_int_equal(prctl(PR_SET_NAME, before), 0);
}

static void exit_codes_are_those_of_a_shell(void **state)
{
	(void)state;
	assert_int_equal(sp_exit_code(0), 0);
	assert_int_equal(sp_exit_code(255 << 8), 255);
	assert_int_equal(sp_exit_code(SIGTERM), 143);
	assert_int_equal(sp_exit_code(SIGSEGV | 0x80), 139);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_gets_its_arguments_and_no_environment),
		cmocka_unit_test(the_environment_is_the_one_given),
		cmocka_unit_test(the_child_has_the_descriptors_named_and_no_other),
		cmocka_unit_test(nothing_is_left_open_in_the_parent),
		cmocka_unit_test(descriptors_may_change_places),
		cmocka_unit_test(closed_streams_of_the_parent_are_no_hole),
		cmocka_unit_test(a_program_can_be_run_by_descriptor),
		cmocka_unit_test(what_cannot_be_executed_says_why),
		cmocka_unit_test(signals_are_as_they_were_at_the_beginning_of_time),
		cmocka_unit_test(waiting_ends_at_the_deadline_and_the_program_does_not),
		cmocka_unit_test(somebody_elses_process_cannot_be_waited_for),
		cmocka_unit_test(a_tool_gives_its_output),
		cmocka_unit_test(a_tool_that_fails_is_quoted_by_its_last_line),
		cmocka_unit_test(a_tool_that_floods_ends_all_the_same),
		cmocka_unit_test(a_tool_that_hangs_is_killed_at_its_deadline),
		cmocka_unit_test(a_signal_does_not_lift_the_deadline),
		cmocka_unit_test(a_start_time_tells_processes_apart),
		cmocka_unit_test(a_name_cannot_forge_the_start_time),
		cmocka_unit_test(exit_codes_are_those_of_a_shell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
