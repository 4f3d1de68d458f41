/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "runtime/launch_internal.h"
#include "runtime/spec_build.h"

#define OUTPUT_PIPE_BYTES (512 * 1024)

/* Descriptors of one start, closed together whatever happens. */
struct start_files {
	int in[2], out[2], errors[2]; /* [0] is read, [1] is written */
	int control[2];               /* [0] is ours */
	int spec, runner, cgroup, filter;
	int namespaces[SP_NS_COUNT];
	struct sp_spec_files sources;
};

static void close_pair(int pair[2])
{
	sp_close_fd(&pair[0]);
	sp_close_fd(&pair[1]);
}

static void start_files_clear(struct start_files *f)
{
	close_pair(f->in);
	close_pair(f->out);
	close_pair(f->errors);
	close_pair(f->control);
	sp_close_fd(&f->spec);
	sp_close_fd(&f->runner);
	sp_close_fd(&f->cgroup);
	sp_close_fd(&f->filter);
	for (int i = 0; i < SP_NS_COUNT; i++)
		sp_close_fd(&f->namespaces[i]);
	sp_spec_files_clear(&f->sources);
}

/*
 * /proc/PID/exe of process 1 is a handle of the runner's file.  It must not be writable by
 * any id inside; where it could be, a sealed copy is executed instead (CVE-2019-5736).
 */
static bool is_writable_from_inside(const struct stat *st, const struct sp_record *r)
{
	bool owner = st->st_uid - r->outer_uid < r->id_count;
	bool group = st->st_gid - r->outer_gid < r->id_count && (st->st_mode & S_IWGRP);

	return owner || group || (st->st_mode & S_IWOTH);
}

static int open_runner(const struct sp_launch *l, struct sp_error *err)
{
	sp_autoclose int fd = open(l->runner_path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return sp_fail_errno(err, "runner %s", l->runner_path);
	if (is_writable_from_inside(&st, l->sandbox))
		return sp_sealed_copy("sandpit-runner", fd, err);
	return sp_take_fd(fd);
}

/* What goes on without us has its streams at whoever keeps it. */
static bool has_streams(const struct sp_launch *l)
{
	return l->mode != SP_RUNNER_CREATE && !l->is_background;
}

static int make_streams(
	const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	int rc = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->control) < 0)
		return sp_fail_errno(err, "make a socket pair");
	if (!has_streams(l))
		return 0;
	/* The terminal's master is made inside and comes out here. */
	if (l->tty)
		return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->in) < 0
			? sp_fail_errno(err, "make a socket pair")
			: 0;
	rc = sp_pipe(&f->in[0], &f->in[1], 0, err);
	if (rc == 0)
		rc = sp_pipe(&f->out[0], &f->out[1], OUTPUT_PIPE_BYTES, err);
	if (rc == 0)
		rc = sp_pipe(&f->errors[0], &f->errors[1], 0, err);
	return rc;
}

/*
 * A pipe is also a file that belongs to someone: only its owner opens /dev/stderr, which is
 * a link to it, so it goes to the root inside.
 */
static int give_streams(
	const struct sp_launch *l, const struct start_files *f, struct sp_error *err)
{
	const int ends[] = {f->in[0], f->out[1], f->errors[1]};

	if (!l->sandbox->is_privileged || !has_streams(l) || l->tty)
		return 0;
	for (size_t i = 0; i < SP_COUNT(ends); i++)
		if (fchown(ends[i], l->sandbox->outer_uid, l->sandbox->outer_gid) < 0)
			return sp_fail_errno(err, "hand over a stream");
	return 0;
}

/* What the supervisor keeps open for joiners, reached through its /proc folder. */
static int open_of_supervisor(
	const struct sp_supervisor *s, int number, int *out, struct sp_error *err)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", s->pid, number);
	*out = open(path, O_RDONLY | O_CLOEXEC);
	return *out < 0
		? sp_fail_errno(err, "open %s of the sandbox's supervisor", path)
		: 0;
}

static int open_sandbox_handles(
	const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	const struct sp_supervisor *s = l->supervisor;
	int rc = open_of_supervisor(s, SP_RFD_FILTER, &f->filter, err);

	for (int i = 0; rc == 0 && i < SP_NS_COUNT; i++)
		rc = open_of_supervisor(s, SP_RUNNER_NS_FD + i, &f->namespaces[i], err);
	if (rc < 0)
		return rc;
	/* After opening, not before: what was opened belonged to this process and no other. */
	if (sp_proc_start_ticks(s->pid) != s->start_ticks)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox ended");
	return 0;
}

static int open_cgroup2(
	const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	const struct sp_cgroup_set *set = &l->sandbox->cgroups;

	if (l->mode == SP_RUNNER_ENTER || set->count == 0 || !set->items[0].is_v2)
		return 0;
	f->cgroup = open(set->items[0].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return f->cgroup < 0 ? sp_fail_errno(err, "open cgroup %s", set->items[0].path)
			     : 0;
}

static int open_files(
	const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	int rc = make_streams(l, f, err);

	if (rc == 0)
		rc = give_streams(l, f, err);
	if (rc == 0) {
		f->spec = sp_spec_build(l, &f->sources, err);
		rc = f->spec < 0 ? f->spec : 0;
	}
	if (rc == 0) {
		f->runner = open_runner(l, err);
		rc = f->runner < 0 ? f->runner : 0;
	}
	if (rc == 0)
		rc = open_cgroup2(l, f, err);
	if (rc == 0 && l->mode == SP_RUNNER_ENTER)
		rc = open_sandbox_handles(l, f, err);
	return rc;
}

static pid_t spawn(
	const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	static const char *const argv[] = {"sandpit-runner", NULL};
	bool enters = l->mode == SP_RUNNER_ENTER;
	struct sp_spawn s = {
		.exe_fd = f->runner, .argv = argv, .fd_count = SP_RFD_SOURCES};

	s.fds[0] = f->in[0];
	s.fds[1] = f->out[1];
	s.fds[2] = f->errors[1];
	s.fds[SP_RFD_CONTROL] = f->control[1];
	s.fds[SP_RFD_SPEC] = f->spec;
	s.fds[SP_RFD_FILTER] = enters ? f->filter : l->filter_fd;
	s.fds[SP_RFD_LOCK] = l->lock_fd;
	s.fds[SP_RFD_CGROUP] = f->cgroup;
	s.fds[SP_RFD_EXE] = l->exe_fd;
	for (size_t i = 0; i < f->sources.count; i++)
		s.fds[s.fd_count++] = f->sources.fds[i];
	for (size_t i = 0; enters && i < SP_NS_COUNT; i++)
		s.fds[s.fd_count++] = f->namespaces[i];
	return sp_spawn(&s, NULL, err);
}

int sp_launch_start(
	const struct sp_launch *l, struct sp_running *run, struct sp_error *err)
{
	struct start_files f = {.in = {-1, -1},
		.out = {-1, -1},
		.errors = {-1, -1},
		.control = {-1, -1},
		.spec = -1,
		.runner = -1,
		.cgroup = -1,
		.filter = -1,
		.namespaces = {-1, -1, -1, -1, -1, -1}};
	int rc = open_files(l, &f, err);
	pid_t pid = rc < 0 ? rc : spawn(l, &f, err);

	if (pid > 0)
		*run = (struct sp_running){.pid = pid,
			.control = sp_take_fd(f.control[0]),
			.in = sp_take_fd(f.in[1]),
			.out = sp_take_fd(f.out[0]),
			.errors = sp_take_fd(f.errors[0])};
	start_files_clear(&f);
	return pid > 0 ? 0 : pid;
}

int sp_launch_read_event(
	struct sp_running *run, struct sp_runner_event *event, struct sp_error *err)
{
	ssize_t n;

	do
		n = recv(run->control, event, sizeof(*event), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*event))
		return sp_fail(err, SP_ERR_SYSTEM, "the runner ended without a word");
	return 0;
}

void sp_launch_end(struct sp_running *run)
{
	sp_close_fd(&run->control); /* the runner ends with it */
	sp_close_fd(&run->in);
	sp_close_fd(&run->out);
	sp_close_fd(&run->errors);
	while (run->pid > 0 && waitpid(run->pid, NULL, 0) < 0 && errno == EINTR)
		;
	run->pid = 0;
}

static int wait_event(struct sp_running *run, enum sp_runner_event_kind kind,
	struct sp_runner_event *event, struct sp_error *err)
{
	int rc = sp_launch_read_event(run, event, err);

	sp_launch_end(run);
	if (rc == 0 && event->kind != (uint32_t)kind) {
		if (err)
			*err = event->error;
		rc = event->error.code ? (int)event->error.code : SP_ERR_SYSTEM;
	}
	return rc;
}

int sp_launch_wait_ready(
	struct sp_running *run, struct sp_runner_event *event, struct sp_error *err)
{
	return wait_event(run, SP_EVENT_READY, event, err);
}

int sp_launch_wait_started(
	struct sp_running *run, struct sp_runner_event *event, struct sp_error *err)
{
	return wait_event(run, SP_EVENT_STARTED, event, err);
}
