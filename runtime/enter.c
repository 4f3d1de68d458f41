/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Joining a sandbox is the launch again, with namespaces that are there already: cgroup
 * first, user namespace next, pid namespace by fork last, then the same limits,
 * capabilities and filter.  It is done by a child of the sandbox's supervisor, which stays
 * outside as the command's own supervisor.
 *
 * All that does not depend on the command comes before the command is known, so that the
 * same steps serve one that is asked for now and one that will be: a spare waits.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/control.h"
#include "runtime/pass.h"
#include "runtime/runner.h"
#include "runtime/sys.h"

#define DYING_MS 200

/* A command as it is handed over: the connection, then what sp_control_kind names. */
enum { GIVEN_CONNECTION, GIVEN_STREAMS, GIVEN_SPEC = 4, GIVEN_EXE, GIVEN_MAX };

struct command {
	struct sp_control_request request;
	int fds[GIVEN_MAX];
	size_t count;
};

static _Noreturn void give_up(const struct runner *r, const struct sp_error *err)
{
	(void)runner_send_status(r, STATUS_ERROR, 0, err);
	_exit(125);
}

/* --- Inside ------------------------------------------------------------------------- */

/* The user namespace first: it grants the right to the others. */
static int join_namespaces(const struct runner *r, struct sp_error *err)
{
	static const int types[SP_NS_COUNT] = {CLONE_NEWUSER, CLONE_NEWNS, CLONE_NEWPID,
		CLONE_NEWNET, CLONE_NEWIPC, CLONE_NEWUTS};

	for (int i = 0; i < SP_NS_COUNT; i++) {
		if (types[i] == CLONE_NEWNET && (r->spec->flags & SP_RF_HOST_NETWORK))
			continue;
		if (setns(SP_RUNNER_NS_FD + i, types[i]) < 0)
			return sp_fail_errno(err, "join namespace %d", i);
	}
	return sys_close_range(SP_RUNNER_NS_FD, SP_RUNNER_NS_FD + SP_NS_COUNT - 1) < 0
		? sp_fail_errno(err, "close namespaces")
		: 0;
}

/*
 * Put what was sent where a command's process has it.  Nothing of ours is at these numbers
 * (see keep_open()), and the others are given free for what is received.
 */
static int take_command(struct runner *r, struct sp_error *err)
{
	static const int places[] = {0, 1, 2, SP_RFD_SPEC, SP_RFD_EXE};
	int fds[GIVEN_MAX];
	size_t count;
	int rc;

	close(r->release[1]);
	close(SP_RFD_CONTROL);
	(void)sys_close_range(SP_RFD_LOCK, SP_RFD_CGROUP);
	rc = take_descriptors(
		r->request[1], fds, sizeof(places) / sizeof(places[0]), &count, err);
	if (rc == 0)
		_exit(0); /* it will never be needed */
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (dup3(fds[i], places[i], i < 3 ? 0 : O_CLOEXEC) < 0)
			return sp_fail_errno(err, "take descriptors");
	return load_spec(r, err);
}

_Noreturn void join_command(struct runner *r)
{
	struct sp_error err = {0};

	if (take_command(r, &err) < 0)
		give_up(r, &err);
	run_command(r);
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
	/* Nobody to become: all that a command gives up can go before it is known. */
	if (rc == 0 && r->is_settled)
		rc = keep_capabilities(r->spec->capabilities, &err);
	if (rc == 0)
		rc = tie_to_parent(r, &err);
	if (rc == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		rc = sp_fail_errno(&err, "hide the reaper");
	if (rc == 0 && r->is_settled)
		rc = install_filter(&err);
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
	close(r->request[0]);
	rc = join_cgroups(r, &err);
	if (rc == 0)
		rc = join_devices(r, &err);
	/*
	 * Before the sandbox can see any process of ours: where it runs as the caller's own
	 * user nothing else would keep it from tracing the reaper, which has no filter yet.
	 */
	if (rc == 0 && prctl(PR_SET_DUMPABLE, 0) < 0)
		rc = sp_fail_errno(&err, "hide the joiner");
	/* Neither the host's procfs nor what lies behind the mounts has business inside. */
	close(r->proc_fd);
	close(SP_RUNNER_LAYER_FD);
	if (rc == 0)
		rc = join_namespaces(r, &err);
	/* Joined by now, so that this is the root that is seen. */
	if (rc == 0 && unshare(CLONE_NEWCGROUP) < 0 && errno != EINVAL)
		rc = sp_fail_errno(&err, "create a cgroup namespace");
	if (rc == 0)
		rc = become_root(r, &err);
	if (rc < 0)
		give_up(r, &err);
	pid = sys_clone(&args);
	if (pid == 0)
		reap_command(r);
	if (pid < 0) {
		sp_fail_errno(&err, "fork into the sandbox");
		give_up(r, &err);
	}
	(void)runner_send_status(r, STATUS_STARTED, (int)pid, NULL);
	_exit(0);
}

/* --- Outside ------------------------------------------------------------------------ */

/*
 * Of the supervisor's descriptors only the fixed ones stay: above all neither the sandbox's
 * lock, which would outlive it, nor another command's connection.  The numbers that a
 * command has a use for are held by nothing of ours.
 */
static int keep_open(int channel, struct sp_error *err)
{
	if (channel != FIXED_CHANNEL && dup3(channel, FIXED_CHANNEL, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "keep the channel");
	(void)sys_close_range(SP_RFD_SOURCES, SP_RUNNER_NS_FD - 1);
	(void)sys_close_range(FIXED_END, ~0U);
	for (int fd = SP_RFD_CONTROL; fd < SP_RFD_SOURCES; fd++)
		if (fd != SP_RFD_FILTER && dup3(0, fd, O_CLOEXEC) < 0)
			return sp_fail_errno(err, "hold descriptor %d", fd);
	return 0;
}

static int start_join(struct runner *r, pid_t *middle, struct sp_error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->release) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->request) < 0 ||
		pipe2(r->status, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "make channels");
	*middle = fork_into_cgroup(r, err);
	if (*middle < 0)
		return *middle;
	if (*middle == 0)
		join(r);
	close(r->release[1]);
	close(r->status[1]);
	close(r->request[1]);
	return sys_close_range(SP_RUNNER_NS_FD, SP_RUNNER_NS_FD + SP_NS_COUNT - 1) < 0
		? sp_fail_errno(err, "close namespaces")
		: 0;
}

/*
 * The reaper's pid, or why there is none: until a command is handed over it has nothing to
 * say but an error, and that may overtake the middle's message.
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

/* A reaper inside that waits for a command; *fd is its pidfd. */
static pid_t make_reaper(struct runner *r, int *fd, struct sp_error *err)
{
	pid_t middle = -1, reaper = -1;
	int rc = start_join(r, &middle, err);

	if (rc == 0) {
		reaper = read_reaper(r, err);
		rc = reaper < 0 ? reaper : 0;
	}
	if (rc < 0 && middle > 0)
		kill(middle, SIGKILL);
	if (middle > 0)
		while (waitpid(middle, NULL, 0) < 0 && errno == EINTR)
			;
	if (rc < 0)
		return rc;
	*fd = (int)syscall(SYS_pidfd_open, reaper, 0);
	if (*fd >= 0)
		return reaper;
	rc = sp_fail_errno(err, "watch the command");
	kill(reaper, SIGKILL);
	return rc;
}

static int take_given(struct command *c, int flags)
{
	struct parcel p = {.data = &c->request,
		.len = sizeof(c->request),
		.fds = c->fds,
		.max = GIVEN_MAX};
	int rc = take_parcel(FIXED_CHANNEL, &p, flags, NULL);

	c->count = p.count;
	return rc == 1 && p.count >= GIVEN_EXE ? 1 : 0;
}

/*
 * A spare whose reaper is gone takes no command any more; one that was sent before that
 * could be told is still answered.
 */
static bool wait_for_command(int reaper_fd, struct command *c)
{
	struct pollfd p[] = {{.fd = FIXED_CHANNEL, .events = POLLIN},
		{.fd = reaper_fd, .events = POLLIN}};

	while (poll(p, reaper_fd < 0 ? 1 : 2, -1) < 0)
		if (errno != EINTR)
			return false;
	if (p[0].revents)
		return take_given(c, 0) == 1;
	(void)shutdown(FIXED_CHANNEL, SHUT_RD);
	return take_given(c, MSG_DONTWAIT) == 1;
}

/* The sandbox is another's: its ids, its rights, its limits are not the command's to say. */
static int check_spec(const struct runner *r, const struct sp_runner_spec *sandbox,
	const struct command *c, struct sp_error *err)
{
	const struct sp_runner_spec *s = r->spec;

	if (s->mode != SP_RUNNER_ENTER || s->argc == 0 ||
		s->outer_uid != sandbox->outer_uid ||
		s->id_count != sandbox->id_count ||
		s->capabilities != sandbox->capabilities ||
		s->cgroup_count != sandbox->cgroup_count ||
		(c->count > GIVEN_EXE) != !!(s->flags & SP_RF_HAS_EXE))
		return sp_fail(err, SP_ERR_INVALID,
			"the command is not meant for this sandbox");
	return 0;
}

/* What is wrong with the command is found here and not inside. */
static int accept_command(
	struct runner *r, const struct command *c, struct sp_error *err)
{
	const struct sp_runner_spec *sandbox = r->spec;
	int rc = dup3(c->fds[GIVEN_SPEC], SP_RFD_SPEC, O_CLOEXEC) < 0
		? sp_fail_errno(err, "take the specification")
		: load_spec(r, err);

	return rc < 0 ? rc : check_spec(r, sandbox, c, err);
}

/* To the process that waits inside; if it is dead, its reaper's end tells why. */
static void hand_over(const struct runner *r, const struct command *c)
{
	(void)pass_descriptors(
		r->request[0], c->fds + GIVEN_STREAMS, c->count - GIVEN_STREAMS, NULL);
	if (!(r->spec->flags &
		    SP_RF_BACKGROUND)) /* which announces itself to its keeper */
		close(r->request[0]);
	for (size_t i = GIVEN_STREAMS; i < c->count; i++)
		close(c->fds[i]);
}

static void bury(pid_t reaper)
{
	while (waitpid(reaper, NULL, __WALL) < 0 && errno == EINTR)
		;
}

void kill_sandbox(const struct runner *r)
{
	(void)syscall(SYS_pidfd_send_signal, FIXED_SANDBOX, SIGKILL, NULL, 0);
	/* It may be paused. */
	let_die(r);
}

/*
 * Its end is the sandbox's: the answer comes when nothing of it runs any more.  Process 1
 * waits for all that are inside, the reaper among them, which only we can bury.
 */
static void end_sandbox(const struct runner *r, pid_t reaper)
{
	struct pollfd p = {.fd = FIXED_SANDBOX, .events = POLLIN};

	kill_sandbox(r);
	if (reaper > 0)
		bury(reaper);
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

/* Events go to whoever asked from here on. */
static int answer_to(struct command *c)
{
	int rc = dup3(c->fds[GIVEN_CONNECTION], SP_RFD_CONTROL, O_CLOEXEC);

	close(c->fds[GIVEN_CONNECTION]);
	return rc;
}

static void serve_command(
	struct runner *r, pid_t reaper, int reaper_fd, struct command *c)
{
	struct sp_runner_event event;
	int rc;

	memset(&event, 0, sizeof(event));
	r->marks->count = 0;
	r->is_last = c->request.flags & SP_CF_LAST;
	if (answer_to(c) < 0)
		_exit(1);
	runner_mark(r, "runner up");
	rc = accept_command(r, c, &event.error);
	if (rc == 0 && r->spec->flags & SP_RF_BACKGROUND) {
		rc = keep_prepare(r, c->fds + GIVEN_STREAMS, &event.error);
		if (rc == 0) {
			hand_over(r, c);
			keep(r, reaper, reaper_fd);
			return;
		}
	}
	if (rc == 0) {
		hand_over(r, c);
		supervise(r, reaper, reaper_fd, &event);
	} else {
		event.kind = SP_EVENT_FAILED;
		kill(reaper, SIGKILL);
	}
	if (c->request.flags & SP_CF_LAST)
		end_sandbox(r, reaper);
	send_event(r, &event);
}

/*
 * A fork into a sandbox whose process 1 is dying fails as if memory had run out; the dying
 * takes a moment.  Nothing ran, whatever the reason.
 */
static void explain(struct sp_error *err)
{
	struct pollfd p = {.fd = FIXED_SANDBOX, .events = POLLIN};

	if (poll(&p, 1, err->sys_errno == ENOMEM ? DYING_MS : 0) > 0)
		sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox has ended");
	err->not_sent = true;
}

/* One that is asked for comes for certain, a spare's may have been sent. */
static _Noreturn void refuse(
	struct runner *r, const struct entrance *e, struct sp_runner_event *event)
{
	struct command c = {.count = 0};

	if (e->is_spare)
		(void)shutdown(FIXED_CHANNEL, SHUT_RD);
	if (take_given(&c, e->is_spare ? MSG_DONTWAIT : 0) == 1 && answer_to(&c) >= 0) {
		event->kind = SP_EVENT_FAILED;
		explain(&event->error);
		if (c.request.flags & SP_CF_LAST)
			end_sandbox(r, 0);
		send_event(r, event);
	}
	_exit(1);
}

static int prepare_entrance(
	struct runner *r, const struct entrance *e, struct sp_error *err)
{
	int rc;

	/* Dies with the sandbox's supervisor, also if that happened just now. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != e->supervisor)
		_exit(1);
	r->is_settled = e->is_settled;
	rc = keep_open(e->channel, err);
	return rc < 0 ? rc : new_marks(r, err);
}

_Noreturn void enter(struct runner *r, const struct entrance *e)
{
	struct command c = {.count = 0};
	struct sp_runner_event event;
	int fd = -1;
	pid_t reaper;

	memset(&event, 0, sizeof(event));
	reaper = prepare_entrance(r, e, &event.error);
	if (reaper == 0)
		reaper = make_reaper(r, &fd, &event.error);
	if (reaper < 0)
		refuse(r, e, &event);
	if (wait_for_command(fd, &c))
		serve_command(r, reaper, fd, &c);
	else
		kill(reaper, SIGKILL);
	bury(reaper);
	_exit(0);
}
