/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor of a sandbox that stays: takes requests at the socket in its state folder,
 * ends it when its time is over, leaves nothing behind.
 *
 * Each command gets a child of its own (enter.c), so that nothing a command or its caller
 * does can hold the sandbox up.  No request is waited for, no answer either.  One such
 * child may be there before its command: taking it is what makes a start fast.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/proc.h"
#include "runtime/control.h"
#include "runtime/event.h"
#include "runtime/pass.h"
#include "runtime/runner.h"
#include "runtime/sys.h"

#define PENDING_MAX     64   /* connections that have not asked yet */
#define REQUEST_WAIT_MS 2000 /* how long they may take for it */
#define BACKLOG         512
#define COMMANDS_MAX    1024
#define SPARE_IDLE_MS   10000
#define END_WAIT_MS     2000
/* Whoever took from the pool has the machine to itself for so long, at most. */
#define REFILL_MS 100

enum watched {
	WATCH_SIGNAL,
	WATCH_CHILD,
	WATCH_STATUS,
	WATCH_LISTEN,
	WATCH_SPARE,
	WATCH_PENDING,
	WATCH_COUNT = WATCH_PENDING + PENDING_MAX
};

struct serving {
	struct runner *r;
	pid_t child;
	bool is_killed, is_dead, is_ready;
	const char *reason;  /* of the end, once there is one */
	bool is_last_taken;  /* it is a run by now, and those are not told of */
	int64_t deadline_ms; /* monotonic, or 0 */
	unsigned int commands;
	struct pollfd fds[WATCH_COUNT];
	int64_t pending_until_ms[PENDING_MAX];
	pid_t spare;
	int64_t spare_until_ms; /* 0: as long as it takes */
	bool spare_is_settled;
	pid_t last;           /* supervises the command the sandbox ends with */
	int64_t refill_at_ms; /* 0: not, or not any more */
	struct limit_watch limits;
	struct sp_runner_event event; /* of the start */
};

static void set_watch(struct serving *s, int which, int fd)
{
	s->fds[which] = (struct pollfd){.fd = fd, .events = POLLIN};
}

static void drop_watch(struct serving *s, int which)
{
	if (s->fds[which].fd >= 0)
		close(s->fds[which].fd);
	set_watch(s, which, -1);
}

/* The first one counts: what comes after is its consequence. */
static void give_reason(struct serving *s, const char *reason)
{
	if (!s->reason)
		s->reason = reason;
}

static void end_sandbox(struct serving *s)
{
	s->is_killed = true;
	kill_sandbox(s->r);
}

/* --- The start ------------------------------------------------------------------------ */

static int open_state(const struct runner *r)
{
	return open(spec_text(r, r->spec->state_path),
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* Written by us and not by the caller, who may be dead by now. */
static int write_init_file(int state, pid_t child, struct sp_error *err)
{
	char text[96];
	int len = snprintf(text, sizeof(text), "%d %llu %d\n", getpid(),
		(unsigned long long)sp_proc_start_ticks(getpid()), child);
	ssize_t n = -1;
	int fd = openat(state, SP_STATE_INIT,
		O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd >= 0) {
		n = write(fd, text, (size_t)len);
		close(fd);
	}
	return n == len ? 0 : sp_fail_errno(err, "write " SP_STATE_INIT);
}

/* Through the folder's descriptor: its path may be longer than an address can be. */
static int open_socket(int state, struct sp_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	mode_t mask = umask(0177);

	snprintf(address.sun_path, sizeof(address.sun_path),
		"/proc/self/fd/%d/" SP_STATE_CONTROL, state);
	if (fd >= 0 &&
		(bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
			listen(fd, BACKLOG) < 0)) {
		int saved = errno;

		close(fd);
		errno = saved;
		fd = -1;
	}
	(void)umask(mask);
	return fd >= 0 ? fd : sp_fail_errno(err, "open the control socket");
}

static int open_for_business(struct serving *s, struct sp_error *err)
{
	int state = open_state(s->r);
	int rc = state < 0 ? sp_fail_errno(err, "open the state folder")
			   : write_init_file(state, s->child, err);

	if (rc == 0) {
		rc = open_socket(state, err);
		if (rc >= 0)
			set_watch(s, WATCH_LISTEN, rc);
	}
	if (state >= 0)
		close(state);
	return rc;
}

/* From here on nobody's: no terminal, no pipe, no folder of the caller is held. */
static void let_go(struct serving *s)
{
	int devnull = open("/dev/null", O_RDWR | O_CLOEXEC);

	close(SP_RFD_CONTROL);
	close(s->r->release[0]);
	drop_watch(s, WATCH_STATUS);
	for (int fd = 0; devnull >= 0 && fd < 3; fd++)
		(void)dup2(devnull, fd);
	if (devnull >= 0)
		close(devnull);
	if (chdir("/") < 0)
		return;
}

static void set_deadline(struct serving *s, int64_t ttl_ms)
{
	s->deadline_ms = ttl_ms ? now_ms() + ttl_ms : 0;
}

static void make_spare(struct serving *s);

static void take_ready(struct serving *s)
{
	if (keep_layer(s->r, &s->event.error) < 0 ||
		open_for_business(s, &s->event.error) < 0) {
		s->event.kind = SP_EVENT_FAILED;
		end_sandbox(s);
		return;
	}
	s->is_ready = true;
	s->event.kind = SP_EVENT_READY;
	set_deadline(s, s->r->spec->ttl_ms);
	send_event(s->r, &s->event);
	let_go(s);
	if (s->r->spec->flags & SP_RF_SPARE)
		make_spare(s);
}

/* The one thing process 1 says is that it is ready, or why it is not. */
static void take_status(struct serving *s)
{
	struct status_message m;
	ssize_t n = read(s->fds[WATCH_STATUS].fd, &m, sizeof(m));

	if (n < 0 && errno == EINTR)
		return;
	if (n != sizeof(m)) { /* closed: the end of the child tells the rest */
		drop_watch(s, WATCH_STATUS);
		return;
	}
	s->r->degraded |= m.degraded;
	if (m.kind == STATUS_READY) {
		take_ready(s);
		return;
	}
	s->event.kind = SP_EVENT_FAILED;
	s->event.error = m.error;
	end_sandbox(s);
}

/* --- Commands --------------------------------------------------------------------------- */

/* A child that will take one command from the channel it returns; -1: errno tells. */
static int make_entrance(struct serving *s, bool is_settled, bool is_spare, pid_t *pid)
{
	struct entrance e = {
		.supervisor = getpid(), .is_settled = is_settled, .is_spare = is_spare};
	int channel[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return -1;
	*pid = fork();
	if (*pid == 0) {
		e.channel = channel[1];
		enter(s->r, &e);
	}
	close(channel[1]);
	if (*pid < 0) {
		close(channel[0]);
		return -1;
	}
	s->commands++;
	return channel[0];
}

/* The end of its channel ends a spare that has no command. */
static void drop_spare(struct serving *s)
{
	drop_watch(s, WATCH_SPARE);
	s->spare = 0;
}

static bool can_settle(const struct serving *s)
{
	return s->r->spec->flags & SP_RF_SETTLES;
}

static void make_spare(struct serving *s)
{
	int channel;

	if (s->spare || s->is_killed || s->commands >= COMMANDS_MAX)
		return;
	s->spare_is_settled = can_settle(s);
	channel = make_entrance(s, s->spare_is_settled, true, &s->spare);
	if (channel < 0) {
		s->spare = 0; /* the next command does without */
		return;
	}
	set_watch(s, WATCH_SPARE, channel);
}

/* The channel of a child for this request. */
static int take_entrance(
	struct serving *s, const struct sp_control_request *q, pid_t *pid)
{
	const bool other_user = q->flags & SP_CF_OTHER_USER;
	int fd;

	if (!s->spare || (other_user && s->spare_is_settled))
		return make_entrance(s, can_settle(s) && !other_user, false, pid);
	fd = s->fds[WATCH_SPARE].fd;
	*pid = s->spare;
	set_watch(s, WATCH_SPARE, -1);
	s->spare = 0;
	return fd;
}

static int send_command(
	struct serving *s, struct sp_control_request *q, int *fds, size_t count)
{
	const struct parcel p = {
		.data = q, .len = sizeof(*q), .fds = fds, .count = count};
	pid_t pid = 0;
	int channel = take_entrance(s, q, &pid);
	int rc = -1;

	if (channel >= 0) {
		rc = pass_parcel(channel, &p, MSG_DONTWAIT, NULL);
		close(channel);
	}
	if (rc == 0 && (q->flags & SP_CF_LAST))
		s->last = pid;
	return rc;
}

/* --- Requests --------------------------------------------------------------------------- */

static void answer(int fd, struct sp_runner_event *event)
{
	(void)send(fd, event, sizeof(*event), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void answer_error(int fd, const struct sp_error *err)
{
	struct sp_runner_event event;

	memset(&event, 0, sizeof(event));
	event.kind = SP_EVENT_FAILED;
	event.error = *err;
	answer(fd, &event);
}

static void answer_ready(int fd)
{
	struct sp_runner_event event;

	memset(&event, 0, sizeof(event));
	event.kind = SP_EVENT_READY;
	answer(fd, &event);
}

/* fds[0] is the connection, the rest came over it. */
static void take_exec(
	struct serving *s, struct sp_control_request *q, int *fds, size_t count)
{
	const bool is_last = q->flags & SP_CF_LAST;
	bool had_spare = s->spare != 0;
	struct sp_error err;

	if (s->commands >= COMMANDS_MAX) {
		sp_fail(&err, SP_ERR_LIMIT, "%d commands run in it already",
			COMMANDS_MAX);
		answer_error(fds[0], &err);
		return;
	}
	/* A spare that died just now does not take it; then one is made for it. */
	if (send_command(s, q, fds, count) < 0 &&
		(!had_spare || send_command(s, q, fds, count) < 0)) {
		sp_fail_errno(&err, "start the command's supervisor");
		answer_error(fds[0], &err);
		return;
	}
	if (is_last) {
		/* It has begun in time: from now on its own deadline counts. */
		give_reason(s, "last-command");
		s->deadline_ms = 0;
		s->is_last_taken = true;
		s->refill_at_ms = s->r->spec->refillc ? now_ms() + REFILL_MS : 0;
		return;
	}
	if (!(s->r->spec->flags & SP_RF_MAY_SPARE))
		return;
	make_spare(s);
	s->spare_until_ms = now_ms() + SPARE_IDLE_MS;
}

/* Nothing of it was done: whoever asked may go elsewhere. */
static int refuse_at_the_end(struct sp_error *err)
{
	int rc = sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox has ended");

	err->not_sent = true;
	return rc;
}

static void take_request(struct serving *s, size_t i)
{
	struct sp_control_request q;
	int fds[1 + SP_CONTROL_FDS_MAX];
	struct parcel p = {.data = &q,
		.len = sizeof(q),
		.fds = fds + 1,
		.max = SP_CONTROL_FDS_MAX};
	struct sp_error err = {0};
	int rc = take_parcel(s->fds[WATCH_PENDING + i].fd, &p, MSG_DONTWAIT, &err);

	if (rc == SP_ERR_UNAVAILABLE)
		return;
	fds[0] = s->fds[WATCH_PENDING + i].fd;
	if (rc == 1) {
		rc = s->is_killed || s->last
			? refuse_at_the_end(&err)
			: sp_control_check(&q, p.len, p.count, &err);
		if (rc < 0) {
			answer_error(fds[0], &err);
		} else if (q.kind == SP_CONTROL_TTL) {
			set_deadline(s, q.value);
			answer_ready(fds[0]);
		} else {
			take_exec(s, &q, fds, p.count + 1);
		}
		for (size_t k = 0; k < p.count; k++)
			close(fds[1 + k]);
	} else if (rc < 0) {
		answer_error(fds[0], &err);
	}
	drop_watch(s, WATCH_PENDING + (int)i);
}

static bool is_full(const struct serving *s)
{
	for (int i = 0; i < PENDING_MAX; i++)
		if (s->fds[WATCH_PENDING + i].fd < 0)
			return false;
	return true;
}

/* Most have sent their request by now. */
static void take_connection(struct serving *s)
{
	for (size_t i = 0; i < PENDING_MAX; i++) {
		int fd;

		if (s->fds[WATCH_PENDING + i].fd >= 0)
			continue;
		fd = accept4(s->fds[WATCH_LISTEN].fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return;
		set_watch(s, WATCH_PENDING + (int)i, fd);
		s->pending_until_ms[i] = now_ms() + REQUEST_WAIT_MS;
		take_request(s, i);
	}
}

/* --- The loop --------------------------------------------------------------------------- */

static void bury(struct serving *s)
{
	pid_t pid;
	int status;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == s->child) {
			s->is_dead = true;
			if (s->event.kind == 0) {
				s->event.kind = SP_EVENT_ENDED;
				s->event.status = status;
			}
			continue;
		}
		s->commands -= s->commands > 0;
		if (pid == s->last) /* also when it died and could not */
			end_sandbox(s);
		if (pid == s->spare)
			drop_spare(s);
	}
}

static void take_signals(struct serving *s)
{
	struct signalfd_siginfo info[8];
	ssize_t n = read(s->fds[WATCH_SIGNAL].fd, info, sizeof(info));

	for (size_t i = 0; n > 0 && i < (size_t)n / sizeof(info[0]); i++)
		if (info[i].ssi_signo != SIGCHLD) {
			give_reason(s, "asked");
			end_sandbox(s);
		}
	bury(s);
}

static void sooner(int64_t *at_ms, int64_t other_ms)
{
	if (other_ms && (*at_ms == 0 || other_ms < *at_ms))
		*at_ms = other_ms;
}

static int poll_timeout(struct serving *s)
{
	int64_t at_ms = s->is_killed ? 0 : s->deadline_ms;
	int cpu_left_ms = s->is_killed ? -1 : watch_cpu_left_ms(&s->limits);
	int64_t left;

	if (s->spare)
		sooner(&at_ms, s->spare_until_ms);
	sooner(&at_ms, s->refill_at_ms);
	for (int i = 0; i < PENDING_MAX; i++)
		if (s->fds[WATCH_PENDING + i].fd >= 0)
			sooner(&at_ms, s->pending_until_ms[i]);
	if (at_ms == 0)
		return cpu_left_ms;
	left = at_ms - now_ms();
	if (cpu_left_ms >= 0 && cpu_left_ms < left)
		return cpu_left_ms;
	return left <= 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

/* Become the program that fills the pool again.  Returns only if that cannot be. */
static void become_refill(const struct runner *r)
{
	const char *text = spec_text(r, r->spec->refill);
	char *argv[SP_RUNNER_REFILL_MAX + 1] = {NULL};
	char *env[] = {NULL};
	sigset_t none;

	for (uint32_t i = 0; i < r->spec->refillc && i < SP_RUNNER_REFILL_MAX; i++) {
		argv[i] = (char *)(uintptr_t)text; /* exec changes nothing */
		text += strlen(text) + 1;
	}
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)sys_close_range(3, ~0U);
	execve(argv[0], argv, env);
}

/* A command that goes on does not keep the next from finding a sandbox. */
static void refill_beside(struct serving *s)
{
	pid_t pid = fork();

	s->refill_at_ms = 0;
	if (pid == 0) {
		become_refill(s->r);
		_exit(1);
	}
	s->commands += pid > 0;
}

static void take_time(struct serving *s)
{
	int64_t now = now_ms();

	if (((s->deadline_ms && now >= s->deadline_ms) || s->limits.cpu_is_used_up) &&
		!s->is_killed) {
		give_reason(s, s->limits.cpu_is_used_up ? "cpu-time" : "ttl");
		end_sandbox(s);
	}
	if (s->refill_at_ms && now >= s->refill_at_ms)
		refill_beside(s);
	if (s->spare && s->spare_until_ms && now >= s->spare_until_ms)
		drop_spare(s);
	for (int i = 0; i < PENDING_MAX; i++)
		if (s->fds[WATCH_PENDING + i].fd >= 0 && now >= s->pending_until_ms[i])
			drop_watch(s, WATCH_PENDING + i);
}

static void take_events(struct serving *s)
{
	if (s->fds[WATCH_STATUS].revents)
		take_status(s);
	if (s->fds[WATCH_SPARE].revents)
		drop_spare(s);
	for (size_t i = 0; i < PENDING_MAX; i++)
		if (s->fds[WATCH_PENDING + i].revents)
			take_request(s, i);
	if (s->fds[WATCH_LISTEN].revents)
		take_connection(s);
	if (s->fds[WATCH_SIGNAL].revents)
		take_signals(s);
	if (s->fds[WATCH_CHILD].revents) /* its signal may have come too soon for us */
		bury(s);
}

/* Until process 1 is dead, and with it everything inside. */
static void watch(struct serving *s)
{
	while (!s->is_dead) {
		int n;

		s->fds[WATCH_LISTEN].events = is_full(s) ? 0 : POLLIN;
		n = poll(s->fds, WATCH_COUNT, poll_timeout(s));
		if (n < 0 && errno != EINTR)
			end_sandbox(s);
		if (n > 0)
			take_events(s);
		take_time(s);
	}
}

/* Those who wait for the end of a command are told by its supervisor, while we still live. */
static void wait_for_commands(struct serving *s)
{
	int64_t until_ms = now_ms() + END_WAIT_MS;

	drop_spare(s);
	drop_watch(s, WATCH_LISTEN);
	while (s->commands) {
		int64_t left = until_ms - now_ms();

		if (left <= 0 || poll(&s->fds[WATCH_SIGNAL], 1, (int)left) == 0)
			return;
		take_signals(s);
	}
}

static int fix(int fd, int number, struct sp_error *err)
{
	if (dup3(fd, number, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "keep a descriptor");
	close(fd);
	return 0;
}

static int prepare(struct serving *s, int child_fd, struct sp_error *err)
{
	int signals, rc;

	for (int i = 0; i < WATCH_COUNT; i++)
		set_watch(s, i, -1);
	rc = fix(s->r->proc_fd, FIXED_PROC, err);
	if (rc == 0)
		rc = fix(child_fd, FIXED_SANDBOX, err);
	signals = open_signals(true);
	if (rc == 0 && signals < 0)
		rc = sp_fail_errno(err, "open signals");
	s->r->proc_fd = FIXED_PROC;
	set_watch(s, WATCH_SIGNAL, signals);
	set_watch(s, WATCH_CHILD, FIXED_SANDBOX);
	set_watch(s, WATCH_STATUS, s->r->status[0]);
	return rc;
}

/* In the file of events, while what it was still is on record. */
static void tell_end(const struct serving *s)
{
	const char *state = spec_text(s->r, s->r->spec->events_path);
	const char *path = spec_text(s->r, s->r->spec->state_path);
	const char *id = path ? strrchr(path, '/') : NULL;
	char details[64];

	if (!s->is_ready || s->is_last_taken || !state || !id)
		return;
	if (count_oom_kills(s->r) > 0)
		sp_event_append(state, id + 1, "oom", "");
	snprintf(details, sizeof(details), "reason=%s", s->reason ? s->reason : "died");
	sp_event_append(state, id + 1, "destroyed", details);
}

int serve(struct runner *r, pid_t child, int child_fd)
{
	static struct serving s;

	s.r = r;
	s.child = child;
	if (prepare(&s, child_fd, &s.event.error) < 0) {
		s.event.kind = SP_EVENT_FAILED;
		(void)kill(child, SIGKILL);
	}
	watch_limits(&s.limits, r);
	watch(&s);
	wait_for_commands(&s);
	tell_end(&s);
	remove_traces(r);
	if (!s.is_ready)
		send_event(r, &s.event);
	if (s.refill_at_ms)
		become_refill(r);
	return 0;
}
