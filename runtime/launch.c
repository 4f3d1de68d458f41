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
#include "runtime/pass.h"
#include "runtime/spec_build.h"

#define OUTPUT_PIPE_BYTES (512 * 1024)

/* Descriptors of one start, closed together whatever happens. */
struct start_files {
	int in[2], out[2], errors[2]; /* [0] is read, [1] is written */
	int control[2];               /* [0] is ours */
	int spec, runner, cgroup;
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
	sp_spec_files_clear(&f->sources);
}

/*
 * /proc/PID/exe of process 1 is a handle of the runner's file.  It must not be writable by
 * any id inside; where it could be, a sealed copy is executed instead (CVE-2019-5736).
 */
static bool is_writable_from_inside(const struct stat *st, const struct sp_record *r)
{
	bool owner = sp_record_maps_uid(r, st->st_uid);
	bool group = sp_record_maps_gid(r, st->st_gid) && (st->st_mode & S_IWGRP);

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

static int open_null(int *fd, struct sp_error *err)
{
	*fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	return *fd < 0 ? sp_fail_errno(err, "open /dev/null") : 0;
}

/* The supervisor is sent three in any case. */
static int open_nothing(
	const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	int rc = l->is_background ? open_null(&f->in[0], err) : 0;

	if (rc == 0 && l->is_background)
		rc = open_null(&f->out[1], err);
	if (rc == 0 && l->is_background)
		rc = open_null(&f->errors[1], err);
	return rc;
}

/* The terminal's master is made inside and comes out here. */
static int make_terminal_socket(struct start_files *f, struct sp_error *err)
{
	int rc = open_null(&f->out[1], err);

	if (rc == 0)
		rc = open_null(&f->errors[1], err);
	if (rc == 0 && socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->in) < 0)
		rc = sp_fail_errno(err, "make a socket pair");
	return rc;
}

static int make_streams(
	const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	int rc = 0;

	if (l->mode != SP_RUNNER_ENTER &&
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, f->control) < 0)
		return sp_fail_errno(err, "make a socket pair");
	if (!has_streams(l))
		return open_nothing(l, f, err);
	if (l->tty)
		return make_terminal_socket(f, err);
	rc = sp_pipe(&f->in[0], &f->in[1], 0, err);
	if (rc == 0)
		rc = sp_pipe(&f->out[0], &f->out[1], OUTPUT_PIPE_BYTES, err);
	if (rc == 0)
		rc = sp_pipe(&f->errors[0], &f->errors[1], 0, err);
	return rc;
}

/*
 * A pipe is also a file that belongs to someone: only its owner opens /dev/stderr, which is
 * a link to it.  So it goes to the root inside; who may not give it away opens it for all,
 * which are those who see the /proc folder of a process that has it.
 */
static int give_streams(
	const struct sp_launch *l, const struct start_files *f, struct sp_error *err)
{
	const int ends[] = {f->in[0], f->out[1], f->errors[1]};

	const struct sp_record *r = l->sandbox;
	bool is_ours = !r->is_privileged && r->range_uid == 0;

	if (is_ours || !has_streams(l) || l->tty)
		return 0;
	for (size_t i = 0; i < SP_COUNT(ends); i++)
		if ((r->is_privileged ? fchown(ends[i], r->outer_uid, r->outer_gid)
				      : fchmod(ends[i], 0666)) < 0)
			return sp_fail_errno(err, "hand over a stream");
	return 0;
}

static bool is_born_in_cgroup(const struct sp_cgroup_set *set)
{
	return set->count > 0 && set->items[0].is_v2;
}

static int open_cgroup2(
	const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	const struct sp_cgroup_set *set = &l->sandbox->cgroups;

	if (!is_born_in_cgroup(set))
		return 0;
	f->cgroup = open(set->items[0].path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return f->cgroup < 0 ? sp_fail_errno(err, "open cgroup %s", set->items[0].path)
			     : 0;
}

static bool is_root(const char *user)
{
	return strcmp(user, "0") == 0 || strcmp(user, "root") == 0;
}

/* The supervisor of the sandbox starts it; what was a socket pair is our connection. */
static int ask(const struct sp_launch *l, struct start_files *f, struct sp_error *err)
{
	const int fds[SP_CONTROL_FDS_MAX] = {
		f->in[0], f->out[1], f->errors[1], f->spec, l->exe_fd};
	struct sp_control_request q = {
		.magic = SP_CONTROL_MAGIC, .size = sizeof(q), .kind = SP_CONTROL_EXEC};

	/* A terminal is opened with rights that a settled command has given up. */
	if (l->tty || !is_root(l->user ? l->user : l->sandbox->user))
		q.flags |= SP_CF_OTHER_USER;
	if (l->is_last)
		q.flags |= SP_CF_LAST;
	f->control[0] = sp_control_send(
		l->state_fd, &q, fds, SP_CONTROL_FDS_MAX - (l->exe_fd < 0), err);
	return f->control[0] < 0 ? f->control[0] : 0;
}

static struct start_files no_files(void)
{
	return (struct start_files){.in = {-1, -1},
		.out = {-1, -1},
		.errors = {-1, -1},
		.control = {-1, -1},
		.spec = -1,
		.runner = -1,
		.cgroup = -1};
}

/* Our ends of what the runner was given. */
static void take_ends(struct start_files *f, pid_t pid, struct sp_running *run)
{
	*run = (struct sp_running){.pid = pid,
		.control = sp_take_fd(f->control[0]),
		.in = sp_take_fd(f->in[1]),
		.out = sp_take_fd(f->out[0]),
		.errors = sp_take_fd(f->errors[0])};
}

int sp_launch_start(
	const struct sp_launch *l, struct sp_running *run, struct sp_error *err)
{
	struct start_files f = no_files();
	int rc = make_streams(l, &f, err);

	if (rc == 0)
		rc = give_streams(l, &f, err);
	if (rc == 0) {
		f.spec = sp_spec_build(l, &f.sources, err);
		rc = f.spec < 0 ? f.spec : 0;
	}
	if (rc == 0)
		rc = ask(l, &f, err);
	if (rc == 0)
		take_ends(&f, 0, run);
	start_files_clear(&f);
	return rc;
}

/* Where there is nothing yet, or never, something fills the number. */
static pid_t spawn_ahead(
	const struct sp_launch *l, const struct start_files *f, struct sp_error *err)
{
	static const char *const argv[] = {"sandpit-runner", NULL};
	struct sp_spawn s = {
		.exe_fd = f->runner, .argv = argv, .fd_count = SP_RFD_SOURCES};

	s.fds[0] = f->in[0];
	s.fds[1] = f->out[1];
	s.fds[2] = f->errors[1];
	s.fds[SP_RFD_CONTROL] = f->control[1];
	for (int i = SP_RFD_SPEC; i < SP_RFD_SOURCES; i++)
		s.fds[i] = f->spec;
	if (l->store_fd >= 0)
		s.fds[SP_RFD_STORE] = l->store_fd;
	for (size_t i = 0; i < f->sources.count; i++)
		s.fds[s.fd_count++] = f->sources.fds[i];
	return sp_spawn(&s, NULL, err);
}

int sp_launch_ahead(
	const struct sp_launch *l, struct sp_running *run, struct sp_error *err)
{
	struct start_files f = no_files();
	int rc = make_streams(l, &f, err);
	pid_t pid = -1;

	if (rc == 0)
		rc = give_streams(l, &f, err);
	if (rc == 0) {
		f.spec = sp_spec_build(l, &f.sources, err);
		rc = f.spec;
	}
	if (rc >= 0) {
		f.runner = open_runner(l, err);
		rc = f.runner;
	}
	pid = rc < 0 ? rc : spawn_ahead(l, &f, err);
	if (pid > 0)
		take_ends(&f, pid, run);
	start_files_clear(&f);
	return pid > 0 ? 0 : pid;
}

static int send_go(const struct sp_launch *l, struct start_files *f,
	const struct sp_running *run, struct sp_error *err)
{
	int fds[] = SP_RUNNER_GO_FDS;
	int rc = open_cgroup2(l, f, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < SP_COUNT(fds); i++)
		fds[i] = fds[i] == SP_RFD_FILTER                 ? l->filter_fd
			: fds[i] == SP_RFD_LOCK || f->cgroup < 0 ? l->lock_fd
								 : f->cgroup;
	return pass_descriptors(run->control, fds, SP_COUNT(fds), err);
}

int sp_launch_go(
	const struct sp_launch *l, struct sp_running *run, struct sp_error *err)
{
	struct start_files f = no_files();
	struct sp_error why = {0};
	int rc = send_go(l, &f, run, &why);

	start_files_clear(&f);
	/* A runner that ended has left a better word than that, which is read next. */
	if (rc == 0 || why.sys_errno == EPIPE)
		return 0;
	sp_launch_end(run);
	if (err)
		*err = why;
	return rc;
}

int sp_launch_read_event(
	struct sp_running *run, struct sp_runner_event *event, struct sp_error *err)
{
	bool was_reset = false;
	ssize_t n;

	/* Of one that ended without taking all we sent this is told first, its word after. */
	do {
		n = recv(run->control, event, sizeof(*event), 0);
		was_reset |= n < 0 && errno == ECONNRESET;
	} while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	if (n == sizeof(*event))
		return 0;
	/* A request that its supervisor never read: it was ending. */
	if (was_reset && run->pid == 0) {
		sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox has ended");
		if (err)
			err->not_sent = true;
		return SP_ERR_NOT_FOUND;
	}
	return sp_fail(err, SP_ERR_SYSTEM, "the runner ended without a word");
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
