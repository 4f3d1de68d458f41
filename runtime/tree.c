/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending a process tree from outside the sandbox.  Its root is a subreaper: whoever loses
 * a parent comes back to it, so that ancestry cannot be shed.  The root is stopped first,
 * since its own end would let the rest go.
 *
 * Whoever forks as fast as it can is ended in bounded time: nothing is killed before all
 * of the tree has stopped, because each death would make room for another fork under the
 * process limit.  Where a cgroup can be frozen that is one step, else it takes rounds.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "runtime/runner.h"

#define STOPS_MAX     100
#define ROUNDS_MAX    2000
#define ROUND_NS      500000
#define PROCESSES_MAX 32768

struct process {
	pid_t pid, parent;
	bool is_dead, is_stopped;
	bool is_ours;
};

/* One scan of /proc at a time, in a program without a heap. */
static struct process table[PROCESSES_MAX];

static bool read_process(const struct runner *r, const char *pid, struct process *p)
{
	char path[32], text[512];
	char *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.16s/stat", pid);
	fd = openat(r->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	/* "PID (NAME) STATE PARENT ...", where NAME may hold anything. */
	at = strrchr(text, ')');
	if (!at || strlen(at) < 5)
		return false;
	*p = (struct process){.pid = (pid_t)strtol(pid, NULL, 10),
		.parent = (pid_t)strtol(at + 4, NULL, 10),
		.is_dead = at[2] == 'Z' || at[2] == 'X',
		.is_stopped = at[2] == 'T' || at[2] == 't'};
	return true;
}

static size_t scan(const struct runner *r)
{
	/* As the kernel lays it out; the C library's reader would allocate. */
	struct entry {
		uint64_t ino;
		int64_t off;
		unsigned short len;
		unsigned char type;
		char name[];
	};
	static char buffer[32768] __attribute__((aligned(8)));
	size_t count = 0;
	long n;
	int fd = openat(r->proc_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	while ((n = syscall(SYS_getdents64, fd, buffer, sizeof(buffer))) > 0) {
		for (long at = 0; at < n;) {
			const struct entry *e = (const void *)(buffer + at);

			at += e->len;
			if (e->name[0] < '1' || e->name[0] > '9' ||
				count == PROCESSES_MAX)
				continue;
			if (read_process(r, e->name, &table[count]))
				count++;
		}
	}
	close(fd);
	return count;
}

/* The kernel lists them by number. */
static const struct process *find_process(size_t count, pid_t pid)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (table[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && table[low].pid == pid ? &table[low] : NULL;
}

/* Mark all that descend from root, root not included. */
static void mark_descendants(size_t count, pid_t root)
{
	bool found = true;

	/* Parents mostly come before their children: few rounds, also for long chains. */
	while (found) {
		found = false;
		for (size_t i = 0; i < count; i++) {
			const struct process *parent;

			if (table[i].is_ours)
				continue;
			parent = find_process(count, table[i].parent);
			table[i].is_ours = table[i].parent == root ||
				(parent && parent->is_ours);
			found |= table[i].is_ours;
		}
	}
}

/* How many there were that had not stopped, or were not dead, yet. */
static size_t signal_marked(size_t count, int signal)
{
	size_t hit = 0;

	for (size_t i = 0; i < count; i++) {
		if (!table[i].is_ours || table[i].is_dead ||
			(signal == SIGSTOP && table[i].is_stopped))
			continue;
		(void)kill(table[i].pid, signal);
		hit++;
	}
	return hit;
}

static bool is_gone(size_t count, pid_t pid)
{
	const struct process *p = find_process(count, pid);

	return !p || p->is_dead;
}

static size_t scan_tree(const struct runner *r, pid_t reaper)
{
	size_t count = scan(r);

	mark_descendants(count, reaper);
	return count;
}

/*
 * Until a look finds nobody running: whoever was forked meanwhile is seen by the next one,
 * and those that stand still take up the room there is.  A process that sleeps in the
 * kernel stops when it comes back, and forks nothing before.
 */
static void stop_tree(const struct runner *r, pid_t reaper)
{
	const struct timespec pause = {.tv_nsec = ROUND_NS};

	for (int i = 0; i < STOPS_MAX; i++) {
		if (signal_marked(scan_tree(r, reaper), SIGSTOP) == 0)
			return;
		nanosleep(&pause, NULL);
	}
}

/* False when it was over before, or somebody inside has woken it: see below. */
static bool end_stopped(const struct runner *r, pid_t reaper)
{
	const struct timespec pause = {.tv_nsec = ROUND_NS};

	for (int round = 0; round < ROUNDS_MAX; round++) {
		size_t count = scan_tree(r, reaper);

		/*
		 * Over before we came, or woken by someone inside after we stopped it:
		 * then those it held are process 1's now, and cannot be told apart.
		 */
		if (is_gone(count, reaper))
			return round == 0;
		if (signal_marked(count, SIGKILL) == 0)
			return true;
		let_die(r);
		nanosleep(&pause, NULL);
	}
	return false;
}

/* Frozen again it would not die in version 1. */
static void end_reaper(const struct runner *r, pid_t reaper)
{
	const struct timespec pause = {.tv_nsec = ROUND_NS};

	(void)kill(reaper, SIGKILL);
	for (int i = 0; i < ROUNDS_MAX && !is_gone(scan(r), reaper); i++) {
		let_die(r);
		nanosleep(&pause, NULL);
	}
}

bool kill_tree(const struct runner *r, pid_t reaper)
{
	enum freeze freeze;
	bool ended;

	if (kill(reaper, SIGSTOP) < 0)
		return errno == ESRCH;
	freeze = freeze_all(r);
	if (freeze == FREEZE_NONE)
		stop_tree(r, reaper);
	ended = end_stopped(r, reaper);
	/* What others run in the sandbox goes on, unless it was paused. */
	if (freeze == FREEZE_DONE)
		thaw_all(r);
	if (freeze != FREEZE_WAS)
		return ended;
	end_reaper(r, reaper);
	(void)freeze_all(r);
	return ended;
}
