/* SPDX-License-Identifier: Apache-2.0 */
/* Process 1 of a sandbox: set everything up in order, start the command, reap. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/pass.h"
#include "runtime/runner.h"

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
	return !(r->ahead & (SP_AHEAD_HOST_NETWORK | SP_AHEAD_KEPT));
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
 * A run's process 1 is older than its specification: that arrives here, on the numbers
 * that it has everywhere.
 */
static int receive_spec(struct runner *r, struct sp_error *err)
{
	static const int numbers[] = {SP_RFD_SPEC, SP_RFD_FILTER};
	int fds[2];
	size_t count = 0;
	int rc = take_descriptors(r->release[1], fds, 2, &count, err);

	if (rc == 0)
		_exit(125); /* the supervisor is gone: there is nobody to tell */
	if (rc > 0 && count != 2)
		return sp_fail(err, SP_ERR_PROTOCOL, "runner: no specification");
	for (size_t i = 0; rc > 0 && i < 2; i++) {
		if (dup2(fds[i], numbers[i]) < 0)
			return sp_fail_errno(err, "keep a descriptor");
		close(fds[i]);
	}
	return rc < 0 ? rc : load_spec(r, err);
}

/* What needs no specification.  The supervisor may still be waiting for it. */
static int set_up_ahead(struct runner *r, struct sp_error *err)
{
	int rc;

	/* Nothing that is opened meanwhile may take the numbers of what will come. */
	for (int fd = SP_RFD_CONTROL; fd <= SP_RFD_LOCK; fd++)
		if (!r->spec && dup2(0, fd) < 0)
			return sp_fail_errno(err, "reserve a descriptor");
	rc = tie_to_parent(r, err);
	if (rc == 0 && makes_netns(r))
		rc = begin_netns(r, err);
	if (rc == 0)
		rc = leave_session(r, err);
	if (rc == 0 && !r->spec)
		rc = receive_spec(r, err);
	return rc;
}

/* Sections 2.5 to 2.11 of the launch order; each step is there before the next needs it. */
static int set_up(struct runner *r, struct sp_error *err)
{
	struct sources sources = {.count = 0};
	int rc = set_up_ahead(r, err);

	/* While it is still the caller's user outside: limits before all else. */
	if (rc == 0)
		rc = join_cgroups(r, err);
	if (rc == 0 && join_devices(r, err) < 0)
		degrade(r, SP_DEGRADED_DEVICES);
	/* Only now is the namespace's root the sandbox's own cgroup. */
	if (rc == 0 && unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL)
		rc = sp_fail_errno(err, "create a cgroup namespace");
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

_Noreturn void sandbox_init(struct runner *r)
{
	struct sp_error err = {0};

	close(r->release[0]);
	close(r->status[0]);
	close(SP_RFD_CONTROL);
	close(SP_RFD_LOCK);
	if (set_up(r, &err) < 0)
		give_up(r, &err);
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
