/* SPDX-License-Identifier: Apache-2.0 */
/* Process 1 of a sandbox: set everything up in order, start the command, reap. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/pass.h"
#include "runtime/runner.h"
#include "runtime/sys.h"

#define HOST_NAME "sandbox"

static _Noreturn void give_up(const struct runner *r, const struct sp_error *err)
{
	(void)runner_send_status(r, STATUS_ERROR, 0, err);
	_exit(125);
}

static int leave_session(struct runner *r, struct sp_error *err)
{
	if (setsid() < 0 && errno != EPERM)
		return sp_fail_errno(err, "start a session");
	/*
	 * An anonymous keyring in place of the caller's; kernels without keys have none.
	 * Where a container around us refuses the call, so does our own filter inside.
	 */
	if (syscall(SYS_keyctl, 1 /* KEYCTL_JOIN_SESSION_KEYRING */, NULL) < 0 &&
		errno != ENOSYS)
		degrade(r, SP_DEGRADED_KEYRING);
	return 0;
}

/* A run's is made beside the rest; a kept sandbox was cloned with its own. */
static bool makes_netns(const struct runner *r)
{
	return r->spec->mode == SP_RUNNER_RUN && !(r->spec->flags & SP_RF_HOST_NETWORK);
}

static int set_names(const struct runner *r, struct sp_error *err)
{
	if (sethostname(HOST_NAME, sizeof(HOST_NAME) - 1) < 0)
		return sp_fail_errno(err, "set the host name");
	if (setdomainname("", 0) < 0)
		return sp_fail_errno(err, "set the domain name");
	if (r->spec->flags & SP_RF_HOST_NETWORK)
		return 0;
	return makes_netns(r) ? finish_netns(err) : loopback_up(err);
}

/*
 * The file tree is built while the caller still prepares.  Before rights are given up, and
 * long before anything untrusted runs, what it prepared is waited for and taken.
 */
static int complete(struct runner *r, struct sp_error *err)
{
	int fds[2 + SP_RUNNER_CGROUPS_MAX];
	size_t count = 0, doors;
	int rc = take_descriptors(
		r->release[1], fds, sizeof(fds) / sizeof(fds[0]), &count, err);

	if (rc == 0)
		_exit(125); /* the supervisor is gone: there is nobody to tell */
	if (rc < 0)
		return rc;
	if (count == 0 || dup3(fds[0], SP_RFD_FILTER, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "keep the filter");
	close(fds[0]);
	doors = count_cgroup_doors(r);
	if (count - 1 < doors)
		return sp_fail(err, SP_ERR_PROTOCOL, "runner: too few cgroups");
	rc = enter_cgroup_doors(fds + 1, doors, err);
	/* What is behind those is the device cgroup's, which is one layer more. */
	if (rc == 0 && enter_cgroup_doors(fds + 1 + doors, count - 1 - doors, err) < 0)
		degrade(r, SP_DEGRADED_DEVICES);
	if (rc == 0)
		rc = check_required(r, err);
	/* Only now is the namespace's root the sandbox's own cgroup. */
	if (rc == 0 && unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL)
		rc = sp_fail_errno(err, "create a cgroup namespace");
	return rc;
}

/* Sections 2.5 to 2.11 of the launch order; each step is there before the next needs it. */
static int set_up(struct runner *r, struct sp_error *err)
{
	struct sources sources = {.count = 0};
	int rc = tie_to_parent(r, err);

	if (rc == 0 && makes_netns(r))
		rc = begin_netns(r, err);
	if (rc == 0)
		rc = leave_session(r, err);
	if (rc == 0)
		rc = receive_sources(r, &sources, err); /* blocks until released */
	if (rc == 0)
		rc = become_root(r, err);
	if (rc == 0)
		rc = check_required(r, err);
	if (rc == 0)
		rc = build_root(r, &sources, err);
	runner_mark(r, "root built");
	if (rc == 0)
		rc = set_names(r, err);
	runner_mark(r, "names, loopback");
	if (rc == 0)
		rc = complete(r, err);
	runner_mark(r, "cgroups");
	if (rc == 0)
		rc = prepare_process(r, err);
	/* A change of credentials undoes both. */
	if (rc == 0)
		rc = tie_to_parent(r, err);
	if (rc == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		rc = sp_fail_errno(err, "hide process 1");
	if (rc == 0)
		rc = send_layer(r, err);
	return rc;
}

/* Wait for main_pid, burying everyone else's orphans on the way. */
static int reap_until(pid_t main_pid)
{
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, 0);

		if (pid == main_pid)
			return status;
		if (pid < 0 && errno == ECHILD)
			return 125 << 8;
	}
}

static _Noreturn void reap_for_ever(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		(void)sigwaitinfo(&child, NULL);
	}
}

/* Blocked before anything can be orphaned to us, so that no end is missed. */
static void block_sigchld(void)
{
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &child, NULL);
}

/*
 * Nothing of the host stays open in process 1: the status pipe moves to 0 and the gate to
 * 1, the filter keeps its number, all else is closed.
 */
void keep_only(struct runner *r, int gate)
{
	if (dup2(r->status[1], 0) < 0)
		_exit(125);
	r->status[1] = 0;
	if (gate < 0)
		close(1);
	else if (dup2(gate, 1) < 0)
		_exit(125);
	syscall(SYS_close_range, 2, SP_RFD_FILTER - 1, 0);
	syscall(SYS_close_range, SP_RFD_FILTER + 1, ~0U, 0);
}

/*
 * The command may run before its reaper has a filter of its own, which would make the
 * reaper the one unfiltered process to borrow by ptrace: gate holds it back until then.
 */
_Noreturn void start_command(struct runner *r)
{
	struct sp_error err = {0};
	int gate[2];
	int status;
	pid_t pid;

	if (pipe(gate) < 0) {
		sp_fail_errno(&err, "make a pipe");
		give_up(r, &err);
	}
	pid = fork();
	if (pid < 0) {
		sp_fail_errno(&err, "fork");
		give_up(r, &err);
	}
	if (pid == 0) {
		close(gate[1]);
		r->release[0] = gate[0];
		if (r->request[1] >= 0)
			join_command(r);
		run_command(r);
	}
	keep_only(r, gate[1]);
	if (!r->is_settled && install_filter(&err) < 0)
		give_up(r, &err);
	close(1);
	status = reap_until(pid);
	(void)runner_send_status(r, STATUS_EXIT, status, NULL);
	_exit(0);
}

static bool is_root(const char *user)
{
	return !user || strcmp(user, "0") == 0 || strcmp(user, "root") == 0;
}

/*
 * Nobody to become, and a filter that is known to let the rest pass: process 1 gives up
 * everything itself and the command inherits that, filter and all, instead of doing it
 * again.  Of the host nothing is open in either any more when they part.
 */
static _Noreturn void run_settled(struct runner *r)
{
	struct sp_error err = {0};
	unsigned int keep = (unsigned int)r->status[1];
	int rc = keep_capabilities(r->spec->capabilities, &err);
	int status;
	pid_t pid;

	if (rc == 0)
		rc = install_filter(&err);
	if (rc == 0 &&
		(sys_close_range(3, keep - 1) < 0 ||
			sys_close_range(keep + 1, ~0U) < 0))
		rc = sp_fail_errno(&err, "close descriptors");
	runner_mark(r, "filter");
	if (rc < 0)
		give_up(r, &err);
	r->is_settled = true;
	r->release[0] = -1;
	pid = fork();
	if (pid == 0)
		run_command(r);
	if (pid < 0) {
		sp_fail_errno(&err, "fork");
		give_up(r, &err);
	}
	(void)sys_close_range(0, 2); /* the command's: held here they would never end */
	status = reap_until(pid);
	runner_mark(r, "exited");
	/* Our own end says the same, and the supervisor waits for that anyway. */
	if (WIFEXITED(status) && r->degraded == 0)
		_exit(WEXITSTATUS(status));
	(void)runner_send_status(r, STATUS_EXIT, status, NULL);
	_exit(0);
}

/* A terminal is opened with rights that are given up here. */
static bool can_settle(const struct runner *r)
{
	return (r->spec->flags & SP_RF_SETTLES) && !(r->spec->flags & SP_RF_TTY) &&
		is_root(spec_text(r, r->spec->user));
}

_Noreturn void sandbox_init(struct runner *r)
{
	struct sp_error err = {0};

	close(r->release[0]);
	close(r->status[0]);
	close(SP_RFD_CONTROL);
	close(SP_RFD_LOCK);
	close(SP_RFD_STORE);
	if (set_up(r, &err) < 0)
		give_up(r, &err);
	if (r->spec->mode == SP_RUNNER_RUN && can_settle(r))
		run_settled(r);
	if (r->spec->mode == SP_RUNNER_RUN)
		start_command(r);
	block_sigchld();
	keep_only(r, -1);
	if (install_filter(&err) < 0)
		give_up(r, &err);
	(void)runner_send_status(r, STATUS_READY, 0, NULL);
	close(0);
	reap_for_ever();
}
