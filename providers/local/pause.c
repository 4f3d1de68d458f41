/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pause and resume.  Where a cgroup can be frozen the kernel keeps the state.  Elsewhere
 * everything inside gets a signal that it cannot refuse, from a process that joins the
 * sandbox for it: one call reaches all, so that none of them forks past it.  Process 1 is
 * stopped from outside, first when pausing and last when resuming: as long as it runs
 * nobody else stands still for our sake, and a pause that was cut short is mended by doing
 * either again.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "base/proc.h"
#include "providers/local/local.h"

/* The letter of /proc/PID/stat behind the name, which may hold anything. */
static char process_state(pid_t pid)
{
	char path[32], text[512];
	sp_autoclose int fd = -1;
	const char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return '\0';
	text[n] = '\0';
	at = strrchr(text, ')');
	return at && at[1] == ' ' ? at[2] : '\0';
}

bool local_is_paused(const struct sp_record *r, const struct sp_supervisor *s)
{
	enum sp_freeze frozen = sp_cgroup_frozen(&r->cgroups);

	if (!r->is_kept || frozen == SP_FREEZE_OFF)
		return false;
	return frozen == SP_FREEZE_ON ||
		(s->init_pid > 0 && process_state(s->init_pid) == 'T');
}

int local_check_not_paused(
	const struct sp_record *r, const struct sp_supervisor *s, struct sp_error *err)
{
	if (!local_is_paused(r, s))
		return 0;
	return sp_fail(err, SP_ERR_UNAVAILABLE,
		"sandbox %s is paused: resume it first (sandpit resume %s)", r->id,
		r->id);
}

/* --- By signals ---------------------------------------------------------------------- */

enum { NS_USER, NS_PID, NS_WANTED };

static int open_namespaces(
	const struct sp_supervisor *s, int fds[NS_WANTED], struct sp_error *err)
{
	static const int numbers[NS_WANTED] = {
		SP_RUNNER_NS_FD + SP_NS_USER, SP_RUNNER_NS_FD + SP_NS_PID};

	for (int i = 0; i < NS_WANTED; i++) {
		char path[48];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", s->pid, numbers[i]);
		fds[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (fds[i] < 0)
			return sp_fail_errno(
				err, "open %s of the sandbox's supervisor", path);
	}
	/* After opening: what was opened belonged to this process and no other. */
	if (sp_proc_start_ticks(s->pid) != s->start_ticks)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox ended");
	return 0;
}

/*
 * A copy of this process: nothing inside may trace it, and it does nothing but system
 * calls.  kill() of -1 spares the caller and process 1 alone.
 */
static _Noreturn void signal_from_inside(const int fds[NS_WANTED], int sig)
{
	int status = 0;
	long pid;

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || setns(fds[NS_USER], CLONE_NEWUSER) < 0 ||
		setns(fds[NS_PID], CLONE_NEWPID) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		_exit(errno);
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (pid == 0)
		_exit(kill(-1, sig) < 0 && errno != ESRCH ? errno : 0);
	while (pid > 0 && waitpid((pid_t)pid, &status, 0) < 0 && errno == EINTR)
		;
	_exit(pid < 0 ? errno : WIFEXITED(status) ? WEXITSTATUS(status) : EINTR);
}

static int signal_inside(const struct sp_supervisor *s, int sig, struct sp_error *err)
{
	int fds[NS_WANTED] = {-1, -1};
	int status = 0;
	int rc = open_namespaces(s, fds, err);
	long pid = -1;

	if (rc == 0) {
		pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
		if (pid == 0)
			signal_from_inside(fds, sig);
		if (pid < 0)
			rc = sp_fail_errno(err, "fork");
	}
	while (pid > 0 && waitpid((pid_t)pid, &status, 0) < 0 && errno == EINTR)
		;
	for (int i = 0; i < NS_WANTED; i++)
		sp_close_fd(&fds[i]);
	if (rc == 0 && status != 0) {
		errno = WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
		rc = sp_fail_errno(err, "signal the processes inside");
	}
	return rc;
}

static int signal_init(const struct sp_supervisor *s, int sig, struct sp_error *err)
{
	if (s->init_pid <= 0 || kill(s->init_pid, sig) < 0)
		return sp_fail_errno(err, "signal process 1 of the sandbox");
	return 0;
}

static int stop_by_signals(const struct sp_supervisor *s, struct sp_error *err)
{
	int rc = signal_init(s, SIGSTOP, err);

	if (rc == 0)
		rc = signal_inside(s, SIGSTOP, err);
	if (rc < 0)
		(void)signal_init(s, SIGCONT, NULL);
	return rc;
}

static int go_on_by_signals(const struct sp_supervisor *s, struct sp_error *err)
{
	int rc = signal_inside(s, SIGCONT, err);

	return rc < 0 ? rc : signal_init(s, SIGCONT, err);
}

/* --- Both ----------------------------------------------------------------------------- */

static int set_paused(struct local *l, const char *id, bool on, struct sp_error *err)
{
	sp_autorecord struct sp_record record = {0};
	struct sp_supervisor s = {0};
	int rc = local_find_alive(l, id, &record, &s, err);

	if (rc < 0)
		return rc;
	if (!record.is_kept)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"sandbox %s belongs to one command of 'run'", id);
	if (sp_cgroup_for(&record.cgroups, SP_CGROUP_FREEZE))
		return sp_cgroup_freeze(&record.cgroups, on, err);
	return on ? stop_by_signals(&s, err) : go_on_by_signals(&s, err);
}

int local_pause(struct sp_provider *p, const char *id, struct sp_error *err)
{
	return set_paused(local_of(p), id, true, err);
}

int local_resume(struct sp_provider *p, const char *id, struct sp_error *err)
{
	return set_paused(local_of(p), id, false, err);
}
