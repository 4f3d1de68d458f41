/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining a sandbox is the launch again, with namespaces that are there already: cgroup
 * first, user namespace next, pid namespace by fork last, then the same limits,
 * capabilities and filter.  The runner stays outside as the command's supervisor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/runner.h"

static _Noreturn void give_up(const struct runner *r, const struct sp_error *err)
{
	(void)runner_send_status(r, STATUS_ERROR, 0, err);
	_exit(125);
}

/* The user namespace first: it grants the right to the others. */
static int join_namespaces(const struct runner *r, struct sp_error *err)
{
	static const int types[SP_NS_COUNT] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID,
		CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS};

	for (int i = 0; i < SP_NS_COUNT; i++) {
		if (types[i] == CLONE_NEWNET && (r->spec->flags & SP_RF_HOST_NETWORK))
			continue;
		if (setns(SP_RFD_SOURCES + i, types[i]) < 0)
			return sp_fail_errno(err, "join namespace %d", i);
	}
	return 0;
}

/* A command may be over before its reaper is known outside: it starts when that is. */
static int wait_until_watched(const struct runner *r, struct sp_error *err)
{
	char go;
	ssize_t n;

	do
		n = recv(r->release[1], &go, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		return 0;
	return sp_fail(err, SP_ERR_SYSTEM, "the supervisor went away");
}

/*
 * The command's reaper, in the sandbox's pid namespace: orphans of the command come to it,
 * so that from outside its descendants are exactly the command's process tree.
 */
static _Noreturn void reap_command(struct runner *r)
{
	struct sp_error err = {0};
	int rc = prctl(PR_SET_CHILD_SUBREAPER, 1) < 0
		? sp_fail_errno(&err, "adopt orphans")
		: 0;

	if (rc == 0 && setsid() < 0)
		rc = sp_fail_errno(&err, "start a session");
	if (rc == 0)
		rc = prepare_process(r, &err);
	if (rc == 0)
		rc = tie_to_parent(r, &err);
	if (rc == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		rc = sp_fail_errno(&err, "hide the reaper");
	if (rc == 0)
		rc = wait_until_watched(r, &err);
	if (rc < 0)
		give_up(r, &err);
	start_command(r);
}

/* Between the two: joins, and makes the reaper a child of the supervisor, not its own. */
static _Noreturn void join(struct runner *r)
{
	struct clone_args args = {.flags = CLONE_PARENT, .exit_signal = 0};
	struct sp_error err = {0};
	int rc;
	long pid;

	close(r->release[0]);
	close(r->status[0]);
	close(SP_RFD_CONTROL);
	rc = join_cgroups(r, &err);
	/*
	 * Before the sandbox can see any process of ours: where it runs as the caller's own
	 * user nothing else would keep it from tracing the reaper, which has no filter yet.
	 */
	if (rc == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		rc = sp_fail_errno(&err, "hide the joiner");
	close(r->proc_fd); /* the host's procfs has no business inside */
	if (rc == 0)
		rc = join_namespaces(r, &err);
	/* Joined by now, so that this is the root that is seen. */
	if (rc == 0 && unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL)
		rc = sp_fail_errno(&err, "create a cgroup namespace");
	if (rc == 0)
		rc = become_root(r, &err);
	if (rc < 0)
		give_up(r, &err);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid == 0)
		reap_command(r);
	if (pid < 0) {
		sp_fail_errno(&err, "fork into the sandbox");
		give_up(r, &err);
	}
	(void)runner_send_status(r, STATUS_STARTED, (int)pid, NULL);
	_exit(0);
}

static int start_join(struct runner *r, pid_t *middle, struct sp_error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->release) < 0 ||
		pipe2(r->status, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "make channels");
	*middle = fork();
	if (*middle < 0)
		return sp_fail_errno(err, "fork");
	if (*middle == 0)
		join(r);
	close(r->release[1]);
	close(r->status[1]);
	return 0;
}

/*
 * The reaper's pid, or why there is none: until it is released it has nothing to say but
 * an error, and that may overtake the middle's message.
 */
static pid_t read_reaper(const struct runner *r, struct sp_error *err)
{
	struct status_message m;
	ssize_t n;

	do
		n = read(r->status[0], &m, sizeof(m));
	while (n < 0 && errno == EINTR);
	if (n != sizeof(m))
		return sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox ended");
	if (m.kind == STATUS_STARTED)
		return m.status;
	*err = m.error;
	return err->code;
}

int enter(struct runner *r)
{
	struct sp_runner_event event;
	const bool is_background = r->spec->flags & SP_RF_BACKGROUND;
	pid_t middle = -1, reaper = -1;
	int fd = -1;
	int rc = 0;

	memset(&event, 0, sizeof(event));
	runner_mark(r, "runner up");
	if (is_background)
		rc = keep_prepare(r, &event.error);
	if (rc == 0)
		rc = start_join(r, &middle, &event.error);
	if (rc == 0) {
		reaper = read_reaper(r, &event.error);
		rc = reaper;
	}
	if (rc < 0 && middle > 0)
		kill(middle, SIGKILL);
	if (middle > 0)
		while (waitpid(middle, NULL, 0) < 0 && errno == EINTR)
			;
	if (rc > 0) {
		fd = (int)syscall(SYS_pidfd_open, reaper, 0);
		if (fd >= 0 && is_background)
			return keep(r, reaper, fd);
		if (fd >= 0 && send(r->release[0], "G", 1, MSG_NOSIGNAL) == 1)
			return supervise(r, reaper, fd);
		sp_fail_errno(&event.error, "watch the command");
		kill(reaper, SIGKILL);
	}
	if (is_background)
		keep_give_up();
	event.kind = SP_EVENT_FAILED;
	send_event(r, &event);
	return 1;
}
