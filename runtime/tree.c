/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ending a process tree from outside the sandbox.  Its root is a subreaper: whoever loses
 * a parent comes back to it, so that ancestry cannot be shed.  The root is stopped first,
 * since its own end would let the rest go.
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

#define ROUNDS_MAX    2000
#define ROUND_NS      500000
#define PROCESSES_MAX 32768

struct process {
	pid_t pid, parent;
	bool is_dead;
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
		.is_dead = at[2] == 'Z' || at[2] == 'X'};
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

/* Mark all that descend from root, root not included. */
static void mark_descendants(size_t count, pid_t root)
{
	bool found = true;

	while (found) {
		found = false;
		for (size_t i = 0; i < count; i++) {
			if (table[i].is_ours)
				continue;
			table[i].is_ours = table[i].parent == root;
			for (size_t k = 0; k < count && !table[i].is_ours; k++)
				table[i].is_ours = table[k].is_ours &&
					table[k].pid == table[i].parent;
			found |= table[i].is_ours;
		}
	}
}

/* Stop all before killing any, so that the tree grows as little as possible meanwhile. */
static size_t kill_marked(size_t count)
{
	static const int order[] = {SIGSTOP, SIGKILL};
	size_t alive = 0;

	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < count; i++) {
			if (!table[i].is_ours || table[i].is_dead)
				continue;
			(void)kill(table[i].pid, order[pass]);
			alive += pass;
		}
	}
	return alive;
}

static bool is_gone(size_t count, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (table[i].pid == pid)
			return table[i].is_dead;
	return true;
}

bool kill_tree(const struct runner *r, pid_t reaper)
{
	const struct timespec pause = {.tv_nsec = ROUND_NS};

	if (kill(reaper, SIGSTOP) < 0)
		return errno == ESRCH;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		size_t count = scan(r);

		/*
		 * Over before we came, or woken by someone inside after we stopped it:
		 * then those it held are process 1's now, and cannot be told apart.
		 */
		if (is_gone(count, reaper))
			return round == 0;
		mark_descendants(count, reaper);
		if (kill_marked(count) == 0)
			return true;
		nanosleep(&pause, NULL);
	}
	return false;
}
