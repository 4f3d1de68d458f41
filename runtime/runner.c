/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandpit-runner: starts a sandbox and stays as its supervisor.
 *
 * The launch is the list in launch(); what the child does, in the order it must happen,
 * is the list in sandbox_init().
 */
#include "runtime/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "runtime/pass.h"

#include "runtime/sys.h"

void runner_mark(struct runner *r, const char *name)
{
	struct sp_runner_marks *m = r->marks;
	struct timespec now;
	uint32_t i = m->count;

	if (i >= SP_RUNNER_MARKS_MAX)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	strncpy(m->items[i].name, name, sizeof(m->items[i].name) - 1);
	m->items[i].at_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	m->count = i + 1;
}

int runner_send_status(
	const struct runner *r, uint32_t kind, int status, const struct sp_error *error)
{
	struct status_message m;

	memset(&m, 0, sizeof(m));
	m.kind = kind;
	m.status = status;
	m.degraded = r->degraded;
	if (error)
		m.error = *error;
	return write(r->status[1], &m, sizeof(m)) == sizeof(m) ? 0 : -1;
}

static bool text_fits(const char *base, uint32_t size, uint32_t offset)
{
	return offset == 0 ||
		(offset < size && memchr(base + offset, '\0', size - offset) != NULL);
}

/* Point list at count strings that stand one after the other. */
static bool split_texts(
	const char *base, uint32_t size, uint32_t at, uint32_t count, char **list)
{
	for (uint32_t i = 0; i < count; i++) {
		if (at == 0 || !text_fits(base, size, at))
			return false;
		/* exec wants pointers to non-const and changes nothing. */
		list[i] = (char *)(uintptr_t)(base + at);
		at += (uint32_t)strlen(base + at) + 1;
	}
	list[count] = NULL;
	return true;
}

/* count texts that stand one after the other. */
static bool list_fits(
	const struct sp_runner_spec *s, uint32_t at, uint32_t count, uint32_t max)
{
	const char *base = (const char *)s;

	for (uint32_t i = 0; i < count; i++) {
		if (at == 0 || i >= max || !text_fits(base, s->size, at))
			return false;
		at += (uint32_t)strlen(base + at) + 1;
	}
	return true;
}

static bool spec_texts_fit(const struct sp_runner_spec *s)
{
	const char *base = (const char *)s;
	bool fits = s->mount_count <= SP_RUNNER_MOUNTS_MAX &&
		s->cgroup_count <= SP_RUNNER_CGROUPS_MAX &&
		text_fits(base, s->size, s->workdir) &&
		text_fits(base, s->size, s->user) &&
		text_fits(base, s->size, s->root) &&
		s->layer_count <= SP_RUNNER_LAYERS_MAX &&
		text_fits(base, s->size, s->state_path) &&
		text_fits(base, s->size, s->events_path) &&
		text_fits(base, s->size, s->claim_path) &&
		text_fits(base, s->size, s->hosts) &&
		text_fits(base, s->size, s->resolv) &&
		text_fits(base, s->size, s->map_tools) &&
		text_fits(base, s->size, s->device_cgroup);

	for (uint32_t i = 0; fits && i < s->cgroup_count; i++)
		fits = text_fits(base, s->size, s->cgroups[i].path);
	for (uint32_t i = 0; fits && i < s->layer_count; i++)
		fits = text_fits(base, s->size, s->layers[i].source);
	for (uint32_t i = 0; fits && i < s->mount_count; i++)
		fits = text_fits(base, s->size, s->mounts[i].source) &&
			text_fits(base, s->size, s->mounts[i].target);
	return fits && list_fits(s, s->refill, s->refillc, SP_RUNNER_REFILL_MAX);
}

int new_marks(struct runner *r, struct sp_error *err)
{
	struct sp_runner_marks *marks = mmap(NULL, sizeof(*marks),
		PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (marks == MAP_FAILED)
		return sp_fail_errno(err, "map memory");
	r->marks = marks;
	return 0;
}

/* Map the specification and lay out argv and env; nothing is allocated after this. */
int load_spec(struct runner *r, struct sp_error *err)
{
	const struct sp_runner_spec *s;
	struct stat st;
	char **lists;
	size_t count;

	if (fstat(SP_RFD_SPEC, &st) < 0 || st.st_size < (off_t)sizeof(*s) ||
		st.st_size > SP_RUNNER_SPEC_MAX)
		return sp_fail(err, SP_ERR_INVALID, "runner: no specification");
	s = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, SP_RFD_SPEC, 0);
	if (s == MAP_FAILED)
		return sp_fail_errno(err, "map specification");
	if (s->magic != SP_RUNNER_MAGIC || s->size != st.st_size || !spec_texts_fit(s))
		return sp_fail(err, SP_ERR_INVALID,
			"runner: specification of another version");
	count = (size_t)s->argc + s->envc + 4;
	lists = mmap(NULL, count * sizeof(*lists), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (lists == MAP_FAILED)
		return sp_fail_errno(err, "map memory");
	r->spec = s;
	r->argv = lists;
	r->env = lists + s->argc + 1;
	r->env_count = s->envc;
	if (!split_texts((const char *)s, s->size, s->argv, s->argc, lists) ||
		!split_texts((const char *)s, s->size, s->env, s->envc, r->env))
		return sp_fail(err, SP_ERR_INVALID, "runner: broken specification");
	return 0;
}

/* Out of the way of descriptors that arrive later and have to get low numbers. */
static int move_up(int *fd, struct sp_error *err)
{
	int moved = fcntl(*fd, F_DUPFD_CLOEXEC, OWN_FD);

	if (moved < 0)
		return sp_fail_errno(err, "move a descriptor");
	close(*fd);
	*fd = moved;
	return 0;
}

/* A procfs to write maps and scores through: opened once, before anything untrusted runs. */
static int open_proc(struct runner *r, struct sp_error *err)
{
	struct statfs fs;

	r->proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->proc_fd < 0)
		return sp_fail_errno(err, "open /proc");
	if (fstatfs(r->proc_fd, &fs) < 0 || fs.f_type != PROC_SUPER_MAGIC)
		return sp_fail(err, SP_ERR_UNSUPPORTED, "/proc is not a procfs");
	return move_up(&r->proc_fd, err);
}

static int open_channels(struct runner *r, struct sp_error *err)
{
	int *const ends[] = {
		&r->release[0], &r->release[1], &r->status[0], &r->status[1]};
	int rc = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, r->release) < 0)
		return sp_fail_errno(err, "make a socket pair");
	if (pipe2(r->status, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "make a pipe");
	for (size_t i = 0; rc == 0 && i < sizeof(ends) / sizeof(ends[0]); i++)
		rc = move_up(ends[i], err);
	return rc;
}

/*
 * Which network namespace process 1 is cloned with.  That of a run is made beside, which
 * saves its time; those of a kept sandbox are opened below, so all must be there.
 */
static uint64_t network_flag(const struct runner *r)
{
	if (r->spec->flags & SP_RF_HOST_NETWORK)
		return 0;
	return r->spec->mode == SP_RUNNER_CREATE ? CLONE_NEWNET : 0;
}

/* Clone process 1 into all its namespaces, and into its cgroup where v2 can do that. */
static pid_t clone_init(struct runner *r, int *child_fd, struct sp_error *err)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC |
			CLONE_NEWUTS | CLONE_PIDFD | network_flag(r),
		.pidfd = (uintptr_t)child_fd,
		.exit_signal = SIGCHLD,
	};
	long pid;

	if (r->spec->flags & SP_RF_HAS_CGROUP2) {
		args.flags |= CLONE_INTO_CGROUP;
		args.cgroup = SP_RFD_CGROUP;
	}
	pid = sys_clone(&args);
	if (pid < 0 && errno == ENOSYS && (args.flags & CLONE_INTO_CGROUP)) {
		args.flags &= ~(uint64_t)CLONE_INTO_CGROUP;
		r->lacks_clone3 = true;
		pid = sys_clone(&args);
	}
	if (pid < 0)
		return sp_fail_errno(err,
			"create namespaces (see 'sandpit doctor' for what the host "
			"refuses)");
	return (pid_t)pid;
}

/*
 * Keep the namespaces open for those who join.  They are taken from here and not from
 * process 1, which is closed to inspection even for its owner.
 */
static int open_namespaces(const struct runner *r, pid_t child, struct sp_error *err)
{
	static const char *const names[SP_NS_COUNT] = {
		"user", "mnt", "pid", "net", "ipc", "uts"};

	for (int i = 0; i < SP_NS_COUNT; i++) {
		char path[48];
		int fd;

		snprintf(path, sizeof(path), "%d/ns/%s", child, names[i]);
		fd = openat(r->proc_fd, path, O_RDONLY | O_CLOEXEC);
		if (fd < 0)
			return sp_fail_errno(err, "open namespace %s", names[i]);
		if (dup3(fd, SP_RUNNER_NS_FD + i, O_CLOEXEC) < 0)
			return sp_fail_errno(err, "keep namespace %s", names[i]);
		close(fd);
	}
	return 0;
}

/* It only goes down with privilege: where it is higher already, the host is safe too. */
static void set_oom_score(struct runner *r, pid_t child)
{
	static const char score[] = "500";
	char path[48];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "%d/oom_score_adj", child);
	fd = openat(r->proc_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd >= 0) {
		n = write(fd, score, sizeof(score) - 1);
		close(fd);
	}
	if (n < 0)
		degrade(r, SP_DEGRADED_OOM);
}

/* Wait until the caller has everything on record, and take what it hands over. */
static int receive_go(struct sp_error *err)
{
	static const int numbers[] = SP_RUNNER_GO_FDS;
	int fds[sizeof(numbers) / sizeof(numbers[0])];
	size_t count = 0;
	int rc = take_descriptors(
		SP_RFD_CONTROL, fds, sizeof(fds) / sizeof(fds[0]), &count, err);

	if (rc == 0)
		_exit(0); /* nobody waits for it any more; process 1 ends with us */
	if (rc > 0 && count != sizeof(fds) / sizeof(fds[0]))
		return sp_fail(err, SP_ERR_PROTOCOL, "runner: not what is needed");
	for (size_t i = 0; rc > 0 && i < count; i++) {
		if (dup3(fds[i], numbers[i], O_CLOEXEC) < 0)
			return sp_fail_errno(err, "keep a descriptor");
		close(fds[i]);
	}
	return rc < 0 ? rc : 0;
}

/* What is done to it and taken of it through its folder in /proc. */
static int look_after(struct runner *r, pid_t child, struct sp_error *err)
{
	set_oom_score(r, child);
	return r->spec->mode == SP_RUNNER_CREATE ? open_namespaces(r, child, err) : 0;
}

/* Process 1, from its making until it may build the file tree. */
static int begin_child(
	struct runner *r, pid_t *child, int *child_fd, struct sp_error *err)
{
	struct sources sources = {.count = 0};
	int rc;

	*child = clone_init(r, child_fd, err);
	if (*child < 0)
		return *child;
	if (*child == 0)
		sandbox_init(r); /* waits to be released */
	runner_mark(r, "namespaces");
	close(r->release[1]);
	/* Of a run it stays open: that it closes with its writer would only wake us once more. */
	if (r->spec->mode == SP_RUNNER_CREATE)
		close(r->status[1]);
	rc = move_up(child_fd, err);
	/* Until its ids are mapped the child does nothing that depends on them. */
	if (rc == 0)
		rc = write_id_maps(r, *child, err);
	if (rc == 0)
		rc = open_sources(r, *child, &sources, err);
	if (rc == 0)
		rc = check_required(r, err);
	/* Released it becomes another user on the host, whose /proc is not the caller's. */
	if (rc == 0 && r->spec->range_uid)
		rc = look_after(r, *child, err);
	if (rc == 0)
		rc = send_sources(r, &sources, err);
	runner_mark(r, "released");
	if (rc == 0 && !r->spec->range_uid)
		rc = look_after(r, *child, err);
	return rc;
}

/* What it waits for before it begins to give up rights: its filter and its cgroups. */
static int complete_child(struct runner *r, struct sp_error *err)
{
	int fds[2 + SP_RUNNER_CGROUPS_MAX] = {SP_RFD_FILTER};
	size_t count = 1;
	int rc = open_cgroup_doors(r, fds, &count, err);

	if (rc == 0)
		open_device_door(r, fds, &count);
	if (rc == 0)
		rc = check_required(r, err);
	if (rc == 0)
		rc = pass_descriptors(r->release[0], fds, count, err);
	for (size_t i = 1; i < count; i++)
		close(fds[i]);
	return rc;
}

/*
 * The parent's side of the launch, in the order of docs/security.md.  Process 1 builds its
 * file tree while the caller still prepares, unless it is to be born in a cgroup.
 */
static int launch(struct runner *r, pid_t *child, int *child_fd, struct sp_error *err)
{
	bool is_early = !(r->spec->flags & SP_RF_HAS_CGROUP2);
	int rc = open_channels(r, err);

	runner_mark(r, "runner up");
	if (rc == 0 && is_early)
		rc = begin_child(r, child, child_fd, err);
	if (rc == 0)
		rc = receive_go(err);
	if (rc == 0 && !is_early)
		rc = begin_child(r, child, child_fd, err);
	return rc < 0 ? rc : complete_child(r, err);
}

/* A child that gave up meanwhile is why nobody takes what we send: it told the reason. */
static void prefer_own_words(const struct runner *r, struct sp_error *err)
{
	struct pollfd p = {.fd = r->status[0], .events = POLLIN};
	struct status_message m;

	if (poll(&p, 1, 0) == 1 && (p.revents & POLLIN) &&
		read(r->status[0], &m, sizeof(m)) == sizeof(m) &&
		m.kind == STATUS_ERROR)
		*err = m.error;
}

static int run_launch(struct runner *r)
{
	struct sp_runner_event event;
	pid_t child = -1;
	int child_fd = -1;

	memset(&event, 0, sizeof(event));
	if (launch(r, &child, &child_fd, &event.error) < 0) {
		if (child > 0)
			prefer_own_words(r, &event.error);
		if (child > 0)
			kill(child, SIGKILL);
		event.kind = SP_EVENT_FAILED;
		send_event(r, &event);
		return 1;
	}
	if (r->spec->mode == SP_RUNNER_CREATE)
		return serve(r, child, child_fd);
	supervise(r, child, child_fd, &event);
	remove_traces(r);
	runner_mark(r, "cleaned");
	send_event(r, &event);
	return 0;
}

/* A kept sandbox outlives its maker, who waits for the first process only. */
static void detach(void)
{
	if (fork() > 0)
		_exit(0);
}

static int start(struct runner *r, struct sp_error *err)
{
	int rc = new_marks(r, err);

	if (rc == 0)
		rc = load_spec(r, err);
	return rc < 0 ? rc : open_proc(r, err);
}

int main(void)
{
	struct sp_runner_event event;
	struct runner r = {.proc_fd = -1,
		.devices_fd = -1,
		.layer_fd = -1,
		.release = {-1, -1},
		.status = {-1, -1},
		.request = {-1, -1}};

	umask(022);
	memset(&event, 0, sizeof(event));
	if (start(&r, &event.error) < 0) {
		event.kind = SP_EVENT_FAILED;
		(void)send(SP_RFD_CONTROL, &event, sizeof(event), MSG_NOSIGNAL);
		return 1;
	}
	if (r.spec->mode == SP_RUNNER_CREATE)
		detach();
	/* What is typed at a terminal is for the caller, who then asks us to stop. */
	(void)setsid();
	return run_launch(&r);
}
