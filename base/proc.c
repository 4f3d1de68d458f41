/* SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/io.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

/* Descriptors are parked from here on while the low numbers are filled. */
#define PARK_FD          64
#define TOOL_OUTPUT_MAX  (64 * 1024)
#define CHILD_SETUP_EXIT 127

/* Kernels before 5.11 do not know the flag; walk the numbers instead. */
static void mark_rest_cloexec(unsigned int first)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		limit.rlim_cur = 4096;
	for (rlim_t fd = first; fd < limit.rlim_cur; fd++)
		(void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
}

static int park(int fd)
{
	int null = fd < 0 ? open("/dev/null", O_RDWR | O_CLOEXEC) : -1;
	int parked;

	if (fd < 0 && null < 0)
		return -1;
	/* The low number /dev/null may have got is about to be filled with another. */
	parked = fcntl(fd < 0 ? null : fd, F_DUPFD_CLOEXEC, PARK_FD);
	sp_close_fd(&null);
	return parked;
}

/*
 * By the system call: posix_spawn() of whoever started us leaves the two signals that the
 * C library keeps for itself ignored, and sigaction() would not touch them.
 */
static void reset_signals(void)
{
	const unsigned long dfl[8] = {0}; /* the kernel's struct: SIG_DFL, no flags */
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)syscall(SYS_rt_sigaction, s, dfl, NULL, (size_t)(NSIG / 8));
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/*
 * Runs in the child of vfork(), in the parent's memory: no allocation, and what goes
 * wrong is left in *failed for the parent to read.
 */
static void exec_child(const struct sp_spawn *s, volatile int *failed)
{
	static char *const no_env[] = {NULL};
	char *const *env = s->env ? (char *const *)(uintptr_t)s->env : no_env;
	char *const *argv = (char *const *)(uintptr_t)s->argv;
	int parked[SP_SPAWN_FDS_MAX];
	int exe = -1;

	if (!s->path && (exe = park(s->exe_fd)) < 0)
		goto fail;
	for (size_t i = 0; i < s->fd_count; i++)
		if ((parked[i] = park(s->fds[i])) < 0)
			goto fail;
	for (size_t i = 0; i < s->fd_count; i++)
		if (dup2(parked[i], (int)i) < 0)
			goto fail;
	mark_rest_cloexec((unsigned int)s->fd_count);
	reset_signals();
	if (s->path)
		execve(s->path, argv, env);
	else
		syscall(SYS_execveat, exe, "", argv, env, AT_EMPTY_PATH);
fail:
	*failed = errno;
	_exit(CHILD_SETUP_EXIT);
}

pid_t sp_spawn(const struct sp_spawn *s, int *pidfd, struct sp_error *err)
{
	volatile int failed = 0;
	sigset_t all, old;
	pid_t pid;

	/* A handler of ours must not run in the child while it borrows our memory. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pid = vfork();
	if (pid == 0)
		exec_child(s, &failed);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (pid < 0)
		return sp_fail_errno(err, "start %s", s->argv[0]);
	if (failed) {
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
		errno = failed;
		return sp_fail_errno(err, "execute %s", s->path ? s->path : s->argv[0]);
	}
	if (pidfd) {
		*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (*pidfd < 0) {
			int rc = sp_fail_errno(err, "open process %d", pid);

			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
			return rc;
		}
	}
	return pid;
}

int sp_wait(
	pid_t pid, int pidfd, int64_t deadline_ms, int *status, struct sp_error *err)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int n;

	if (deadline_ms) {
		do
			n = poll(&p, 1, sp_deadline_poll_ms(deadline_ms));
		while (n < 0 && errno == EINTR);
		if (n == 0)
			return sp_fail(
				err, SP_ERR_TIMEOUT, "process %d still runs", pid);
	}
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return sp_fail_errno(err, "wait for process %d", pid);
	return 0;
}

/* Read what the tool prints until it closes its output or the deadline passes. */
static int read_tool(
	int fd, int64_t deadline_ms, struct sp_buf *out, struct sp_error *err)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char chunk[4096];

	for (;;) {
		int ready = poll(&p, 1, sp_deadline_poll_ms(deadline_ms));
		ssize_t n;

		if (ready == 0)
			return sp_fail(err, SP_ERR_TIMEOUT, "took too long");
		if (ready < 0 && errno == EINTR)
			continue; /* read() would wait without a deadline */
		n = read(fd, chunk, sizeof(chunk));
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return sp_fail_errno(err, "read");
		if (n > 0)
			sp_buf_add(out, chunk, (size_t)n);
	}
}

/* The last line that has something in it. */
static const char *last_line(struct sp_buf *text)
{
	char *at;

	while (text->len && (text->data[text->len - 1] == '\n'))
		text->data[--text->len] = '\0';
	if (!text->len)
		return "";
	at = strrchr(text->data, '\n');
	return at ? at + 1 : text->data;
}

int sp_run_tool(const char *const *argv, int64_t timeout_ms, struct sp_buf *out,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf own = SP_BUF_INIT(TOOL_OUTPUT_MAX);
	struct sp_buf *text = out ? out : &own;
	sp_autoclose int from = -1, to = -1, pidfd = -1;
	int64_t deadline_ms = sp_deadline_in(timeout_ms);
	struct sp_spawn s = {.path = argv[0], .argv = argv, .fd_count = 3};
	int status = 0;
	int rc = sp_pipe(&from, &to, 0, err);
	pid_t pid;

	if (rc < 0)
		return rc;
	s.fds[0] = -1;
	s.fds[1] = s.fds[2] = to;
	pid = sp_spawn(&s, &pidfd, err);
	if (pid < 0)
		return pid;
	sp_close_fd(&to);
	rc = read_tool(from, deadline_ms, text, err);
	if (rc == 0)
		rc = sp_wait(pid, pidfd, deadline_ms, &status, err);
	if (rc < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return sp_wrap(err, rc, "run %s", argv[0]);
	}
	if (status != 0)
		return sp_fail(err, SP_ERR_SYSTEM, "%s ended with %d: %s", argv[0],
			sp_exit_code(status), last_line(text));
	return 0;
}

int sp_exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
