/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/agent/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "providers/docker/agent/relay.h"
#include "providers/docker/agent/report.h"
#include "providers/docker/agent/tree.h"

/* After the command has ended: how long its streams may be silent, and open, in all. */
#define QUIET_MS 100
#define DRAIN_MS 2000

/* How long a reader that has stopped reading is waited for. */
#define READER_MS (3600 * 1000)

/* Where the kernel counts what the memory limit killed: version 1, version 2. */
static const char *const oom_counters[][2] = {
	{"/sys/fs/cgroup/memory/memory.oom_control", "oom_kill "},
	{"/sys/fs/cgroup/memory.events", "oom_kill "},
};

struct job {
	const struct sp_agent_command *command;
	pid_t pid;
	int signals; /* signalfd */
	long oom_before;
	int64_t deadline_ms; /* 0 never */
	int64_t ended_ms;    /* when the command did, 0 before */
	int status;
	bool timed_out;
	bool stopped;
	bool survivors;
	struct sp_relay out, err;
};

/* Static: two relays are more than a small stack should carry. */
static struct job job;

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static long count_in(const char *path, const char *key)
{
	char text[1024];
	const char *at;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, key);
	/* "oom_kill_disable" comes first in version 1; the blank tells them apart. */
	return at ? strtol(at + strlen(key), NULL, 10) : -1;
}

static long oom_kills(void)
{
	for (size_t i = 0; i < sizeof(oom_counters) / sizeof(oom_counters[0]); i++) {
		long n = count_in(oom_counters[i][0], oom_counters[i][1]);

		if (n >= 0)
			return n;
	}
	return 0;
}

/* A failure before the command runs, on its way from the child. */
struct start_failure {
	int stage;
	int sys_errno;
};

static bool is_missing(int sys_errno)
{
	return sys_errno == ENOENT || sys_errno == ENOTDIR;
}

static void fail_start(int fd, int stage)
{
	struct start_failure f = {stage, errno};

	if (write(fd, &f, sizeof(f)) < 0)
		_exit(126); /* the exit code says nearly as much */
	_exit(is_missing(f.sys_errno) ? 127 : 126);
}

static void be_command(const struct sp_agent_command *c, int out, int err, int failed)
{
	sigset_t none;

	/* A session of its own: signals to "my group" must not reach the agent. */
	setsid();
	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (!c->has_stdin) {
		int null = open("/dev/null", O_RDONLY);

		if (null < 0 || dup2(null, STDIN_FILENO) < 0)
			fail_start(failed, SP_REPORT_STAGE_SETUP);
		if (null > STDERR_FILENO)
			close(null);
	}
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		fail_start(failed, SP_REPORT_STAGE_SETUP);
	if (c->workdir[0] && chdir(c->workdir) < 0)
		fail_start(failed, SP_REPORT_STAGE_WORKDIR);
	execvp(c->argv[0], c->argv);
	fail_start(failed, SP_REPORT_STAGE_EXEC);
}

/* Start the command.  *failure stays zero when it runs. */
static bool start(struct job *j, struct start_failure *failure)
{
	int out[2], err[2], failed[2];

	if (pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0 ||
		pipe2(failed, O_CLOEXEC) < 0)
		return false;
	j->pid = fork();
	if (j->pid < 0)
		return false;
	if (j->pid == 0)
		be_command(j->command, out[1], err[1], failed[1]);
	sp_tree_watch(j->pid);
	close(out[1]);
	close(err[1]);
	close(failed[1]);
	/* The end comes with exec: the descriptor is close-on-exec. */
	if (read(failed[0], failure, sizeof(*failure)) != sizeof(*failure))
		*failure = (struct start_failure){0, 0};
	close(failed[0]);
	sp_relay_init(&j->out, out[0], STDOUT_FILENO);
	sp_relay_init(&j->err, err[0], STDERR_FILENO);
	return true;
}

static bool has_waiting_bytes(const struct job *j)
{
	return j->out.is_full || j->err.is_full;
}

/* How long poll() may sleep; -1 without end. */
static int patience(const struct job *j, int64_t now)
{
	int64_t left;

	if (j->ended_ms)
		return has_waiting_bytes(j) ? READER_MS : QUIET_MS;
	if (!j->deadline_ms)
		return -1;
	left = j->deadline_ms - now;
	return left < 0 ? 0 : left > READER_MS ? READER_MS : (int)left;
}

static void end_tree(struct job *j)
{
	if (!sp_tree_kill(getpid()))
		j->survivors = true;
	sp_tree_reap();
	sp_tree_ended(&j->status);
	j->ended_ms = now_ms();
}

static void take_signals(struct job *j)
{
	struct signalfd_siginfo info;

	while (read(j->signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGPIPE)
			j->stopped = true;
	sp_tree_reap();
	if (!j->ended_ms && sp_tree_ended(&j->status))
		j->ended_ms = now_ms();
}

/* One wait and what follows.  False: all is told, or nothing more will be. */
static bool step(struct job *j)
{
	struct pollfd fds[3] = {
		{.fd = j->signals, .events = POLLIN},
		sp_relay_poll(&j->out),
		sp_relay_poll(&j->err),
	};
	int64_t now = now_ms();
	int ready;

	if (j->ended_ms && sp_relay_is_done(&j->out) && sp_relay_is_done(&j->err))
		return false;
	ready = poll(fds, 3, patience(j, now));
	if (ready < 0 && errno != EINTR)
		return false;
	if (ready == 0 && j->ended_ms)
		return false;
	if (fds[0].revents)
		take_signals(j);
	if (fds[1].revents)
		sp_relay_step(&j->out);
	if (fds[2].revents)
		sp_relay_step(&j->err);
	now = now_ms();
	if (j->ended_ms)
		return has_waiting_bytes(j) || now - j->ended_ms < DRAIN_MS;
	j->timed_out = j->deadline_ms && now >= j->deadline_ms;
	if (j->timed_out || j->stopped)
		end_tree(j);
	return true;
}

static int exit_code(int status)
{
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void write_whole(const char *text, size_t len)
{
	struct pollfd room = {.fd = STDERR_FILENO, .events = POLLOUT};

	while (len > 0) {
		ssize_t n = write(STDERR_FILENO, text, len);

		if (n > 0) {
			text += n;
			len -= (size_t)n;
		} else if (errno != EAGAIN || poll(&room, 1, READER_MS) <= 0) {
			return;
		}
	}
}

static void report(const struct job *j, int code, int stage, int sys_errno, bool oom)
{
	char text[SP_REPORT_LEN + 8];
	int signo = WIFSIGNALED(j->status) ? WTERMSIG(j->status) : 0;
	int len = snprintf(text, sizeof(text), SP_REPORT_MAGIC "%.*s" SP_REPORT_FORMAT,
		SP_REPORT_TOKEN_LEN, j->command->token, code, signo, sys_errno, stage,
		j->timed_out         ? SP_REPORT_TIMED_OUT
			: j->stopped ? SP_REPORT_STOPPED
				     : SP_REPORT_NO,
		oom ? SP_REPORT_OOM : SP_REPORT_NO,
		j->survivors ? SP_REPORT_SURVIVORS : SP_REPORT_NO);

	write_whole(text, (size_t)len);
}

/* The words of a POSIX shell, as a part of the command's own stderr. */
static void say_not_executed(const char *name, int sys_errno)
{
	char line[512];
	int len = snprintf(line, sizeof(line), "sandpit: %.300s: %s\n", name,
		is_missing(sys_errno) ? "not found" : strerror(sys_errno));

	write_whole(line, (size_t)len);
}

static int report_no_start(const struct job *j, const struct start_failure *f)
{
	int code = f->stage == SP_REPORT_STAGE_EXEC && is_missing(f->sys_errno) ? 127
										: 126;

	if (f->stage == SP_REPORT_STAGE_EXEC)
		say_not_executed(j->command->argv[0], f->sys_errno);
	report(j, code, f->stage, f->sys_errno, false);
	return code;
}

static int watch_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGPIPE);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int sp_agent_run(const struct sp_agent_command *command)
{
	struct start_failure failure = {SP_REPORT_STAGE_SETUP, 0};
	struct job *j = &job;
	int code;

	j->command = command;
	/* Orphans come to us, and the command cannot look into us. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	prctl(PR_SET_DUMPABLE, 0);
	j->signals = watch_signals();
	j->oom_before = oom_kills();
	if (command->timeout_ms > 0)
		j->deadline_ms = now_ms() + command->timeout_ms;
	report(j, 0, SP_REPORT_STAGE_HELLO, 0, false);
	if (j->signals < 0 || !start(j, &failure)) {
		failure.sys_errno = errno;
		return report_no_start(j, &failure);
	}
	if (failure.stage)
		return report_no_start(j, &failure);
	/* Only the command has it from here on: its writer learns when nobody reads. */
	close(STDIN_FILENO);
	while (step(j))
		;
	code = exit_code(j->status);
	report(j, code, SP_REPORT_STAGE_RAN, 0, code && oom_kills() > j->oom_before);
	return code;
}
