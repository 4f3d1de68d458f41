/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor of one command: enforces its deadline and hears of its end.  It is outside
 * the sandbox, so nothing inside can stop it; killing process 1 ends all inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/proc.h"
#include "runtime/devices.h"
#include "runtime/runner.h"

enum watched { WATCH_CONTROL, WATCH_STATUS, WATCH_CHILD, WATCH_SIGNAL, WATCH_COUNT };

struct supervision {
	struct runner *r;
	pid_t child;
	struct pollfd fds[WATCH_COUNT];
	int64_t deadline_ms; /* monotonic, or 0 */
	bool is_killed, has_outcome;
	struct limit_watch limits;
	struct sp_runner_event *event;
};

int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void send_event(struct runner *r, struct sp_runner_event *event)
{
	if (r->marks)
		event->marks = *r->marks;
	event->degraded |= r->degraded;
	/* Whoever asked may be gone; the sandbox's end does not depend on them. */
	(void)send(SP_RFD_CONTROL, event, sizeof(*event), MSG_NOSIGNAL);
}

static void kill_child(struct supervision *s)
{
	if (s->is_killed)
		return;
	s->is_killed = true;
	/* A command that joined leaves the sandbox standing: only its own tree ends. */
	if (s->r->spec->mode == SP_RUNNER_ENTER)
		s->event->has_survivors = !kill_tree(s->r, s->child);
	(void)syscall(SYS_pidfd_send_signal, s->fds[WATCH_CHILD].fd, SIGKILL, NULL, 0);
}

static void take_status(struct supervision *s)
{
	struct status_message m;
	ssize_t n = read(s->fds[WATCH_STATUS].fd, &m, sizeof(m));

	if (n < 0 && errno == EINTR)
		return;
	if (n != sizeof(m)) { /* closed: the end of the child tells the rest */
		s->fds[WATCH_STATUS].fd = -1;
		return;
	}
	s->r->degraded |= m.degraded;
	if (s->has_outcome)
		return;
	if (m.kind == STATUS_EXIT) {
		s->has_outcome = true;
		s->event->kind = SP_EVENT_ENDED;
		s->event->status = m.status;
		/* All inside dies while we still count what it used. */
		if (s->r->is_last)
			kill_sandbox(s->r);
		runner_mark(s->r, "exited");
	} else {
		s->has_outcome = true;
		s->event->kind = SP_EVENT_FAILED;
		s->event->error = m.error;
		kill_child(s);
	}
}

/* A byte asks to stop; the end of the socket means the caller died. */
static void take_control(struct supervision *s)
{
	char byte;
	ssize_t n = recv(SP_RFD_CONTROL, &byte, 1, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	s->event->cancelled = true;
	s->fds[WATCH_CONTROL].fd = -1;
	kill_child(s);
}

static int poll_timeout(struct supervision *s)
{
	int cpu_left = s->is_killed ? -1 : watch_cpu_left_ms(&s->limits);
	int64_t left;

	if (s->deadline_ms == 0 || s->is_killed)
		return cpu_left;
	left = s->deadline_ms - now_ms();
	left = left <= 0 ? 0 : left > 1000000 ? 1000000 : left;
	return cpu_left >= 0 && cpu_left < left ? cpu_left : (int)left;
}

/*
 * Returns when the child is dead and everything it said was read.  One that joined leaves
 * nothing that is worth to wait for once its end is told.
 */
static void watch(struct supervision *s)
{
	const bool joined = s->r->spec->mode == SP_RUNNER_ENTER;

	while (!(joined && s->has_outcome && !s->is_killed)) {
		int n = poll(s->fds, WATCH_COUNT, poll_timeout(s));

		if (n < 0 && errno != EINTR)
			kill_child(s);
		if (n == 0 && s->deadline_ms && now_ms() >= s->deadline_ms) {
			s->event->timed_out = true;
			kill_child(s);
		}
		if (s->limits.cpu_is_used_up)
			kill_child(s);
		if (n <= 0)
			continue;
		if (s->fds[WATCH_STATUS].revents)
			take_status(s);
		if (s->fds[WATCH_CONTROL].revents)
			take_control(s);
		if (s->fds[WATCH_SIGNAL].revents)
			kill_child(s);
		if (s->fds[WATCH_CHILD].revents && !s->fds[WATCH_STATUS].revents)
			return;
	}
}

void remove_traces(const struct runner *r)
{
	for (size_t i = 0; i < r->spec->cgroup_count; i++)
		(void)sp_remove_cgroup(spec_text(r, r->spec->cgroups[i].path));
	if (r->spec->device_cgroup)
		sp_devices_release(r->devices_fd, spec_text(r, r->spec->device_cgroup));
	if (r->spec->claim_path)
		(void)unlink(spec_text(r, r->spec->claim_path));
	if (r->spec->state_path)
		(void)sp_remove_state(spec_text(r, r->spec->state_path));
}

int open_signals(bool with_children)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	if (with_children)
		sigaddset(&set, SIGCHLD);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

void supervise(
	struct runner *r, pid_t child, int child_fd, struct sp_runner_event *event)
{
	struct supervision s = {.r = r, .child = child, .event = event};
	bool joined = r->spec->mode == SP_RUNNER_ENTER;
	int status = 0;

	s.fds[WATCH_CONTROL] = (struct pollfd){.fd = SP_RFD_CONTROL, .events = POLLIN};
	s.fds[WATCH_STATUS] = (struct pollfd){.fd = r->status[0], .events = POLLIN};
	s.fds[WATCH_CHILD] = (struct pollfd){.fd = child_fd, .events = POLLIN};
	watch_limits(&s.limits, r);
	s.fds[WATCH_SIGNAL] = (struct pollfd){
		.fd = open_signals(false), .events = POLLIN};
	if (r->spec->timeout_ms)
		s.deadline_ms = now_ms() + r->spec->timeout_ms;
	/* The command's streams are the command's: held here they would never end. */
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	watch(&s);
	/* A reaper that has told the end is as good as gone; its caller buries it. */
	while (!(joined && s.has_outcome) && waitpid(child, &status, __WALL) < 0 &&
		errno == EINTR)
		;
	if (!s.has_outcome) {
		event->kind = SP_EVENT_ENDED;
		event->status = status;
	}
	tell_limits(&s.limits, r, event);
	runner_mark(r, "dead");
}
