/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandpit-gate.  Three processes: this one, which meets no byte from outside or inside and
 * sees to it that all end together; the inner half (porter.c); the outer half (outer.c).
 * With network nat there is the program that does it as a fourth.
 *
 * When the sandbox ends they end.  When any of them ends, all do, and with their sockets
 * the sandbox's way out is gone: it has no other.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "providers/local/gate/message.h"
#include "providers/local/gate/nat.h"
#include "providers/local/gate/outer.h"

enum part { PART_PORTER, PART_NAT, PART_OUTER, PART_COUNT };

struct warden {
	struct gate gate;
	pid_t pids[PART_COUNT]; /* 0: none */
	int pidfds[PART_COUNT];
	int porter[2];   /* socket pair: [1] is the inner half's */
	int lifeline[2]; /* pipe: nobody writes; it ends with this process */
	int report[2];   /* socket pair: [1] is the outer half's */
};

static int read_plan(struct gate_plan *plan, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(GATE_PLAN_MAX);
	int rc = lseek(GATE_FD_PLAN, 0, SEEK_SET) < 0
		? sp_fail_errno(err, "gate: read the plan")
		: sp_buf_read_fd(&text, GATE_FD_PLAN, err);

	if (rc == 0)
		rc = gate_plan_parse(sp_buf_str(&text), text.len, plan, err);
	if (text.data)
		explicit_bzero(text.data, text.len);
	/* The number stays taken: those around it are closed by their numbers. */
	if (dup2(0, GATE_FD_PLAN) < 0)
		return sp_fail_errno(err, "gate: close the plan");
	return rc;
}

static int make_channels(struct warden *w, struct sp_error *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, w->porter) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, w->report) < 0)
		return sp_fail_errno(err, "gate: make a socket pair");
	return sp_pipe(&w->lifeline[0], &w->lifeline[1], 0, err);
}

static int remember(struct warden *w, enum part part, pid_t pid, struct sp_error *err)
{
	if (pid < 0)
		return sp_fail_errno(err, "gate: fork");
	w->pids[part] = pid;
	w->pidfds[part] = (int)syscall(SYS_pidfd_open, pid, 0);
	return w->pidfds[part] < 0 ? sp_fail_errno(err, "gate: watch a process") : 0;
}

static void close_all_but(int keep)
{
	for (int fd = GATE_FD_COUNT; fd < 64; fd++)
		if (fd != keep)
			close(fd);
}

static int start_porter(struct warden *w, struct sp_error *err)
{
	pid_t pid = fork();
	int rc;

	if (pid == 0) {
		close_all_but(w->porter[1]);
		porter_run(w->porter[1], &w->gate.plan);
	}
	rc = remember(w, PART_PORTER, pid, err);
	sp_close_fd(&w->porter[1]);
	/* Its first word, unasked for. */
	return rc < 0 ? rc : porter_call(&w->gate.porter, NULL, -1, NULL, err);
}

static int start_nat(struct warden *w, struct sp_error *err)
{
	pid_t pid;

	if (w->gate.plan.nat == GATE_NAT_NONE)
		return 0;
	pid = nat_start(&w->gate.plan, w->pids[PART_PORTER], w->lifeline[0],
		&w->pidfds[PART_NAT], err);
	if (pid < 0)
		return pid;
	w->pids[PART_NAT] = pid;
	return 0;
}

static _Noreturn void run_outer(struct warden *w)
{
	sp_close_fd(&w->lifeline[1]);
	sp_close_fd(&w->report[0]);
	for (int fd = GATE_FD_CONTROL; fd <= GATE_FD_NET; fd++)
		close(fd);
	_exit(outer_run(&w->gate, w->report[1], w->lifeline[0]));
}

static int start_outer(struct warden *w, struct gate_report *report)
{
	pid_t pid = fork();
	int rc;

	if (pid == 0)
		run_outer(w);
	rc = remember(w, PART_OUTER, pid, &report->error);
	sp_close_fd(&w->report[1]);
	sp_close_fd(&w->porter[0]);
	if (rc < 0)
		return rc;
	if (recv(w->report[0], report, sizeof(*report), 0) != sizeof(*report))
		return sp_fail(
			&report->error, SP_ERR_SYSTEM, "the gate ended without a word");
	return report->error.code;
}

static int start_all(struct warden *w, struct gate_report *report)
{
	int rc = read_plan(&w->gate.plan, &report->error);

	if (rc == 0)
		rc = make_channels(w, &report->error);
	w->gate.porter.socket = w->porter[0];
	w->gate.denied.fd = GATE_FD_DENIED;
	if (rc == 0)
		rc = start_porter(w, &report->error);
	if (rc == 0)
		rc = start_nat(w, &report->error);
	if (rc == 0)
		rc = start_outer(w, report);
	return rc < 0 ? sp_wrap(&report->error, rc, "network") : 0;
}

static void end_all(struct warden *w)
{
	for (int i = 0; i < PART_COUNT; i++)
		if (w->pids[i])
			kill(w->pids[i], SIGKILL);
	for (int i = 0; i < PART_COUNT; i++)
		while (w->pids[i] && waitpid(w->pids[i], NULL, 0) < 0 && errno == EINTR)
			;
}

/* Its starter is gone: a sandbox around one command goes as well. */
static void starter_gone(const struct warden *w)
{
	if (w->gate.plan.life == GATE_RUN)
		(void)syscall(
			SYS_pidfd_send_signal, GATE_FD_SUPERVISOR, SIGTERM, NULL, 0);
}

/* Returns when anything ends that the others cannot do without. */
static void watch_all(const struct warden *w)
{
	enum { SUPERVISOR = PART_COUNT, CONTROL, COUNT };
	struct pollfd p[COUNT];
	int n;

	for (int i = 0; i < PART_COUNT; i++)
		p[i] = (struct pollfd){
			.fd = w->pids[i] ? w->pidfds[i] : -1, .events = POLLIN};
	p[SUPERVISOR] = (struct pollfd){.fd = GATE_FD_SUPERVISOR, .events = POLLIN};
	p[CONTROL] = (struct pollfd){
		.fd = w->gate.plan.life == GATE_KEPT ? -1 : GATE_FD_CONTROL,
		.events = POLLIN};
	do
		n = poll(p, COUNT, -1);
	while (n < 0 && errno == EINTR);
	if (n > 0 && p[CONTROL].revents)
		starter_gone(w);
}

static int warden(void)
{
	static struct warden w = {.porter = {-1, -1},
		.lifeline = {-1, -1},
		.report = {-1, -1},
		.pidfds = {-1, -1, -1},
		.gate = {.porter.lock = PTHREAD_MUTEX_INITIALIZER,
			.names.lock = PTHREAD_MUTEX_INITIALIZER,
			.denied.lock = PTHREAD_MUTEX_INITIALIZER}};
	struct gate_report report = {.pid = getpid()};
	int rc = start_all(&w, &report);

	report.pid = getpid();
	if (send(GATE_FD_CONTROL, &report, sizeof(report), MSG_NOSIGNAL) !=
		sizeof(report))
		rc = -1;
	if (w.gate.plan.life == GATE_KEPT)
		close(GATE_FD_CONTROL);
	if (rc == 0)
		watch_all(&w);
	end_all(&w);
	return rc < 0;
}

int main(void)
{
	umask(077);
	(void)signal(SIGPIPE, SIG_IGN);
	/* It outlives its starter, who waits for the first process only. */
	if (fork() > 0)
		_exit(0);
	(void)setsid();
	if (chdir("/") < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return 1;
	return warden();
}
