/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper of a process in the background: its supervisor, once nobody waits for it any
 * more.  It stores the output, serves those who ask, enforces the deadline, and writes down
 * how it ended.  One thread and no heap: what it holds does not grow with the output.
 */
#include "runtime/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/proc.h"
#include "runtime/master.h"

/* After its end others may hold its output open: no longer than this. */
#define DRAIN_MS 2000
#define QUIET_MS 200

enum watched {
	WATCH_CONTROL,
	WATCH_REQUEST,
	WATCH_STATUS,
	WATCH_CHILD,
	WATCH_SIGNAL,
	WATCH_OUT,
	WATCH_ERRORS,
	WATCH_IN,
	WATCH_LISTENER,
	WATCH_CLIENTS,
	WATCH_COUNT = WATCH_CLIENTS + SP_JOB_CLIENTS_MAX
};

/* There is one in a program, and no stack to spare for it. */
static struct keeper keeper;

struct keeping {
	struct keeper *k;
	struct pollfd fds[WATCH_COUNT];
	int signals;
	int64_t deadline_ms, drain_until_ms; /* monotonic, or 0 */
	bool is_started, has_status, is_dead, is_quiet;
	struct limit_watch limits;
	struct sp_job_end end;
	struct sp_runner_event event;
};
static struct keeping keeping;
static bool is_killed;

int64_t keep_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- Before it starts ------------------------------------------------------------------ */

/* A pipe is also a file that belongs to someone: to the root inside, or else to all. */
static int give(const struct keeper *k, int fd, struct sp_error *err)
{
	const struct sp_runner_spec *s = k->r->spec;
	int rc = 0;

	if (s->flags & SP_RF_PRIVILEGED)
		rc = fchown(fd, s->outer_uid, s->outer_gid);
	else if (s->range_uid)
		rc = fchmod(fd, 0666);
	return rc < 0 ? sp_fail_errno(err, "hand over a stream") : 0;
}

/* In the place of the stream that was given comes theirs. */
static void replace(int *stream, int theirs)
{
	close(*stream);
	*stream = theirs;
}

/* Make a pipe of which the command gets one side; ours is returned. */
static int make_pipe(
	const struct keeper *k, int *stream, bool is_input, struct sp_error *err)
{
	const int theirs = is_input ? 0 : 1;
	int ends[2];
	int rc;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "make a pipe");
	replace(stream, ends[theirs]);
	rc = give(k, ends[theirs], err);
	if (rc == 0 && fcntl(ends[!theirs], F_SETFL, O_NONBLOCK) < 0)
		rc = sp_fail_errno(err, "prepare a pipe");
	if (rc == 0)
		return ends[!theirs];
	close(ends[!theirs]);
	return rc;
}

/* Until the terminal is there, our end of the socket it comes through is `in`. */
static int make_terminal_socket(struct keeper *k, int *stream, struct sp_error *err)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return sp_fail_errno(err, "make a socket pair");
	k->in = ends[0];
	replace(stream, ends[1]);
	return 0;
}

/* Those that were given are the null device: an input that nobody feeds stays that. */
static int make_streams(struct keeper *k, int streams[3], struct sp_error *err)
{
	int rc = 0;

	if (k->r->spec->flags & SP_RF_TTY)
		return make_terminal_socket(k, &streams[STDIN_FILENO], err);
	if (k->r->spec->flags & SP_RF_TAKES_INPUT) {
		k->in = make_pipe(k, &streams[STDIN_FILENO], true, err);
		rc = k->in < 0 ? k->in : 0;
	}
	if (rc == 0) {
		k->out = make_pipe(k, &streams[STDOUT_FILENO], false, err);
		rc = k->out < 0 ? k->out : 0;
	}
	if (rc == 0) {
		k->errors = make_pipe(k, &streams[STDERR_FILENO], false, err);
		rc = k->errors < 0 ? k->errors : 0;
	}
	return rc;
}

int keep_prepare(struct runner *r, int streams[3], struct sp_error *err)
{
	struct keeper *k = &keeper;
	const int on = 1;
	int rc;

	k->r = r;
	k->folder = k->lock = k->log = k->listener = -1;
	k->in = k->out = k->errors = k->reaper_fd = k->command_fd = -1;
	for (size_t i = 0; i < SP_JOB_CLIENTS_MAX; i++)
		k->clients[i].fd = -1;
	rc = keep_claim(k, err);
	if (rc == 0)
		rc = make_streams(k, streams, err);
	/* The kernel is to say who announces itself there. */
	if (rc == 0 &&
		setsockopt(r->request[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		rc = sp_fail_errno(err, "prepare to watch the command");
	if (rc == 0)
		rc = keep_open_files(k, err);
	if (rc < 0)
		keep_remove(k);
	return rc;
}

/* --- Ending it ------------------------------------------------------------------------- */

/* The promise of a deadline is kept with the whole sandbox where nothing less helps. */
static void end_sandbox(const struct keeper *k)
{
	const char *state = spec_text(k->r, k->r->spec->state_path);
	char path[4096], text[96];
	ssize_t n;
	pid_t pid;
	char *rest;
	int fd;

	snprintf(path, sizeof(path), "%s/" SP_STATE_INIT, state);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	pid = (pid_t)strtol(text, &rest, 10);
	fd = pid > 1 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	/* The number may be another's by now; the descriptor cannot change any more. */
	if (fd >= 0 && sp_proc_start_ticks(pid) == strtoull(rest, NULL, 10))
		(void)syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0);
	if (fd >= 0)
		close(fd);
}

static void kill_all(struct keeper *k)
{
	if (is_killed)
		return;
	is_killed = true;
	if (!kill_tree(k->r, k->reaper))
		end_sandbox(k);
	(void)syscall(SYS_pidfd_send_signal, k->reaper_fd, SIGKILL, NULL, 0);
}

int keep_signal(struct keeper *k, int sig)
{
	if (sig == SIGKILL) {
		kill_all(k);
		return 0;
	}
	return syscall(SYS_pidfd_send_signal, k->command_fd, sig, NULL, 0) < 0 ? errno
									       : 0;
}

/* --- What is heard --------------------------------------------------------------------- */

static void fail(struct keeping *g, const struct sp_error *error)
{
	if (g->event.error.code == SP_OK)
		g->event.error = *error;
	kill_all(g->k);
}

/* Who sent it, by the kernel's word: the process that becomes the command. */
static pid_t read_announcement(int socket)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control;
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	struct ucred who = {0};
	struct cmsghdr *head;

	if (recvmsg(socket, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) != 1)
		return -1;
	head = CMSG_FIRSTHDR(&msg);
	if (head && head->cmsg_level == SOL_SOCKET &&
		head->cmsg_type == SCM_CREDENTIALS)
		memcpy(&who, CMSG_DATA(head), sizeof(who));
	return who.pid > 0 ? who.pid : -1;
}

static bool take_master(struct keeper *k)
{
	k->out = sp_master_take(k->in);
	close(k->in);
	k->in = k->out < 0 ? -1 : fcntl(k->out, F_DUPFD_CLOEXEC, 0);
	return k->in >= 0;
}

/* It is about to begin, and waits for us to have hold of it. */
static void take_announcement(struct keeping *g)
{
	struct keeper *k = g->k;
	const struct sp_runner_spec *s = k->r->spec;
	struct sp_error error = {0};
	pid_t pid = read_announcement(k->r->request[0]);

	g->fds[WATCH_REQUEST].fd = -1;
	if (pid < 0)
		return; /* its end tells why */
	k->command_fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (k->command_fd < 0)
		sp_fail_errno(&error, "watch the command");
	else if (s->flags & SP_RF_TTY && !take_master(k))
		sp_fail(&error, SP_ERR_SYSTEM, "the command's terminal got lost");
	else if (send(k->r->request[0], "G", 1, MSG_NOSIGNAL) != 1)
		sp_fail_errno(&error, "let the command begin");
	if (error.code != SP_OK) {
		fail(g, &error);
		return;
	}
	g->is_started = true;
	g->deadline_ms = s->timeout_ms ? now_ms() + s->timeout_ms : 0;
	g->event.kind = SP_EVENT_STARTED;
	g->event.number = k->number;
	send_event(k->r, &g->event);
	/* From here on nobody's: no pipe, no folder of the caller is held. */
	close(SP_RFD_CONTROL);
	g->fds[WATCH_CONTROL].fd = -1;
	if (chdir("/") < 0)
		return;
}

static void take_status(struct keeping *g)
{
	struct status_message m;
	ssize_t n = read(g->fds[WATCH_STATUS].fd, &m, sizeof(m));

	if (n < 0 && errno == EINTR)
		return;
	if (n != sizeof(m)) {
		g->fds[WATCH_STATUS].fd = -1;
	} else if (m.kind == STATUS_EXIT) {
		g->has_status = true;
		g->end.status = m.status;
	} else if (m.kind == STATUS_ERROR) {
		fail(g, &m.error);
	}
}

static void bury(struct keeping *g)
{
	int status = 0;

	while (waitpid(g->k->reaper, &status, __WALL) < 0 && errno == EINTR)
		;
	if (!g->has_status)
		g->end.status = status;
	g->is_dead = true;
	g->fds[WATCH_CHILD].fd = -1;
	g->drain_until_ms = now_ms() + DRAIN_MS;
}

static void read_output(struct keeper *k, int *fd, enum sp_stream stream)
{
	static char chunk[SP_JOB_FRAME_MAX];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return;
	}
	keep_tell(k, stream, chunk, (size_t)n, keep_store(k, stream, chunk, (size_t)n));
}

/* --- The loop -------------------------------------------------------------------------- */

static void set_polls(struct keeping *g)
{
	struct keeper *k = g->k;

	g->fds[WATCH_OUT].fd = k->out;
	g->fds[WATCH_ERRORS].fd = k->errors;
	g->fds[WATCH_IN].fd = k->input_len ? k->in : -1;
	g->fds[WATCH_LISTENER].fd = k->listener;
	for (size_t i = 0; i < SP_JOB_CLIENTS_MAX; i++)
		g->fds[WATCH_CLIENTS + i].fd = k->clients[i].waits ? -1
								   : k->clients[i].fd;
}

static int poll_timeout(struct keeping *g)
{
	int cpu_left_ms = is_killed || g->is_dead ? -1 : watch_cpu_left_ms(&g->limits);
	int64_t until = g->is_dead ? g->drain_until_ms : is_killed ? 0 : g->deadline_ms;
	int64_t left;

	if (until == 0)
		return cpu_left_ms;
	left = until - now_ms();
	if (g->is_dead && left > QUIET_MS)
		left = QUIET_MS;
	if (cpu_left_ms >= 0 && cpu_left_ms < left)
		left = cpu_left_ms;
	return left <= 0 ? 0 : left > 1000000 ? 1000000 : (int)left;
}

static void serve_all(struct keeping *g)
{
	struct keeper *k = g->k;
	const struct pollfd *p = g->fds;

	if (p[WATCH_OUT].revents)
		read_output(k, &k->out, SP_STDOUT);
	if (p[WATCH_ERRORS].revents)
		read_output(k, &k->errors, SP_STDERR);
	if (p[WATCH_IN].revents)
		keep_write_input(k);
	for (size_t i = 0; i < SP_JOB_CLIENTS_MAX; i++)
		if (p[WATCH_CLIENTS + i].fd >= 0 && p[WATCH_CLIENTS + i].revents)
			keep_hear(k, &k->clients[i]);
	if (p[WATCH_LISTENER].revents)
		keep_accept(k);
}

static void hear(struct keeping *g)
{
	const struct sp_error gone = {
		.code = SP_ERR_CANCELLED, .msg = "the caller went away"};
	const struct pollfd *p = g->fds;

	if (p[WATCH_REQUEST].revents)
		take_announcement(g);
	if (p[WATCH_STATUS].revents)
		take_status(g);
	if (p[WATCH_CONTROL].revents && !g->is_started)
		fail(g, &gone);
	if (p[WATCH_SIGNAL].revents) {
		g->fds[WATCH_SIGNAL].fd = -1;
		kill_all(g->k);
	}
	if (p[WATCH_CHILD].revents && !p[WATCH_STATUS].revents)
		bury(g);
}

static bool is_over(const struct keeping *g)
{
	return g->is_dead &&
		(g->is_quiet || (g->k->out < 0 && g->k->errors < 0) ||
			now_ms() >= g->drain_until_ms);
}

static void watch(struct keeping *g)
{
	while (!is_over(g)) {
		int n;

		set_polls(g);
		n = poll(g->fds, WATCH_COUNT, poll_timeout(g));
		if (n < 0 && errno != EINTR)
			kill_all(g->k);
		if (n == 0 && g->is_dead)
			g->is_quiet = true;
		if (n == 0 && !g->is_dead && g->deadline_ms &&
			now_ms() >= g->deadline_ms) {
			g->end.timed_out = true;
			kill_all(g->k);
		}
		if (g->limits.cpu_is_used_up)
			kill_all(g->k);
		if (n <= 0)
			continue;
		serve_all(g);
		hear(g);
	}
}

static void finish(struct keeping *g)
{
	struct keeper *k = g->k;
	const struct sp_error no_start = {
		.code = SP_ERR_SYSTEM, .msg = "the command ended before it began"};

	if (!g->is_started) {
		keep_remove(k);
		if (g->event.error.code == SP_OK)
			g->event.error = no_start;
		g->event.kind = SP_EVENT_FAILED;
		send_event(k->r, &g->event);
		return;
	}
	g->end.magic = SP_JOB_MAGIC;
	g->end.is_cut = k->is_cut;
	tell_limits(&g->limits, k->r, &g->event);
	g->end.oom_killed = g->event.oom_killed;
	g->end.ended_ms = keep_now_ms();
	/* Before the lock and the sockets go with us: whoever hears of the end finds it. */
	(void)keep_write_end(k, &g->end);
}

void keep(struct runner *r, pid_t reaper, int reaper_fd)
{
	struct keeping *g = &keeping;
	struct keeper *k = &keeper;

	(void)signal(SIGPIPE, SIG_IGN); /* input that nobody reads is no end */
	k->reaper = reaper;
	k->reaper_fd = reaper_fd;
	g->k = k;
	watch_limits(&g->limits, r);
	for (size_t i = 0; i < WATCH_COUNT; i++)
		g->fds[i] = (struct pollfd){.fd = -1, .events = POLLIN};
	g->fds[WATCH_IN].events = POLLOUT;
	g->fds[WATCH_CONTROL].fd = SP_RFD_CONTROL;
	g->fds[WATCH_REQUEST].fd = r->request[0];
	g->fds[WATCH_STATUS].fd = r->status[0];
	g->fds[WATCH_CHILD].fd = reaper_fd;
	g->fds[WATCH_SIGNAL].fd = open_signals(false);
	watch(g);
	finish(g);
}
