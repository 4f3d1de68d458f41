/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Killing a tree whose members fork meanwhile: stop all of it first, look again until
 * nothing new appears, and only then kill.  Killing at once would free process numbers,
 * and a fork bomb at its limit would fill them again.  A member that loses its parent
 * comes to the agent, which is a subreaper, so looking again finds it.
 */
#include "providers/docker/agent/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_PROCESSES  65536 /* more are met in the next round */
#define MAX_STOP_ROUND 64
#define MAX_KILL_ROUND 500 /* of 10 ms: what sits in the kernel may take a while */
#define ROUND_MS       10

struct process {
	pid_t pid;
	pid_t parent;
	char state;
	int threads;
	bool chosen;
};

static struct process table[MAX_PROCESSES];
static size_t table_len;

static struct {
	pid_t pid;
	int status;
	bool ended;
} watched;

void sp_tree_watch(pid_t pid)
{
	watched.pid = pid;
	watched.ended = false;
}

bool sp_tree_ended(int *status)
{
	if (watched.ended)
		*status = watched.status;
	return watched.ended;
}

void sp_tree_reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		/* Once: its number may be another's later. */
		if (pid != watched.pid || watched.ended)
			continue;
		watched.status = status;
		watched.ended = true;
	}
}

static ssize_t read_proc(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, out, size - 1);
	close(fd);
	if (n >= 0)
		out[n] = '\0';
	return n;
}

/* "pid (name) S parent …": the name may hold anything, so look from its end.  See proc(5). */
#define STAT_FORMAT \
	" %c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %d"

static bool read_process(pid_t pid, struct process *p)
{
	char text[512];
	const char *end;
	int parent;

	if (read_proc(pid, "stat", text, sizeof(text)) <= 0)
		return false;
	end = strrchr(text, ')');
	if (!end || sscanf(end + 1, STAT_FORMAT, &p->state, &parent, &p->threads) != 3)
		return false;
	p->pid = pid;
	p->parent = parent;
	p->chosen = false;
	return true;
}

static int by_pid(const void *a, const void *b)
{
	const struct process *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static bool look(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;

	table_len = 0;
	if (!dir)
		return false;
	while ((e = readdir(dir)) && table_len < MAX_PROCESSES) {
		long pid = strtol(e->d_name, NULL, 10);

		if (pid > 0 && read_process((pid_t)pid, &table[table_len]))
			table_len++;
	}
	closedir(dir);
	qsort(table, table_len, sizeof(table[0]), by_pid);
	return true;
}

static struct process *find(pid_t pid)
{
	const struct process key = {.pid = pid};

	return bsearch(&key, table, table_len, sizeof(table[0]), by_pid);
}

/* A zombie may be a first thread that left while others go on. */
static bool is_gone(const struct process *p)
{
	return p->state == 'X' || (p->state == 'Z' && p->threads <= 1);
}

/* Choose what descends from a chosen one, until that adds nothing. */
static void spread(void)
{
	bool changed = true;

	while (changed) {
		changed = false;
		for (size_t i = 0; i < table_len; i++) {
			const struct process *parent = find(table[i].parent);

			if (table[i].chosen || !parent || !parent->chosen)
				continue;
			table[i].chosen = true;
			changed = true;
		}
	}
}

/* Those below root. */
static void choose_below(pid_t root)
{
	struct process *top = find(root);

	if (!top)
		return;
	top->chosen = true;
	spread();
	top->chosen = false;
}

/* Those that are neither process 1 nor entered from outside, nor below such. */
static void choose_orphans(pid_t unused)
{
	pid_t self = getpid();

	(void)unused;
	for (size_t i = 0; i < table_len; i++)
		table[i].chosen = table[i].pid == self ||
			(table[i].parent == 0 && table[i].pid != 1);
	spread();
	for (size_t i = 0; i < table_len; i++)
		table[i].chosen = !table[i].chosen && table[i].pid != 1;
}

typedef void choose_fn(pid_t root);

/* Signal all that are chosen; how many there were that did not have it already. */
static size_t signal_chosen(int sig)
{
	size_t fresh = 0;

	for (size_t i = 0; i < table_len; i++) {
		if (!table[i].chosen || is_gone(&table[i]))
			continue;
		if (sig == SIGKILL || (table[i].state != 'T' && table[i].state != 't'))
			fresh++;
		kill(table[i].pid, sig);
	}
	return fresh;
}

static bool kill_chosen(choose_fn *choose, pid_t root)
{
	for (int round = 0; round < MAX_KILL_ROUND; round++) {
		for (int i = 0; i < MAX_STOP_ROUND; i++) {
			if (!look())
				return false;
			choose(root);
			if (signal_chosen(SIGSTOP) == 0)
				break;
		}
		if (signal_chosen(SIGKILL) == 0)
			return true;
		poll(NULL, 0, round == 0 ? 1 : ROUND_MS);
		sp_tree_reap();
	}
	return false;
}

bool sp_tree_kill(pid_t root)
{
	/* Process 1 can name all others at once, which no fork outruns. */
	if (root == 1 && getpid() == 1)
		kill(-1, SIGKILL);
	return kill_chosen(choose_below, root);
}

bool sp_tree_sweep(void)
{
	return kill_chosen(choose_orphans, 0);
}

static bool has_arguments(pid_t pid, const char *verb, const char *token)
{
	char text[256];
	ssize_t len = read_proc(pid, "cmdline", text, sizeof(text));
	const char *end = text + (len > 0 ? len : 0), *second, *third;

	if (len <= 0)
		return false;
	second = text + strlen(text) + 1;
	if (second >= end || strcmp(second, verb) != 0)
		return false;
	third = second + strlen(second) + 1;
	return third < end && strcmp(third, token) == 0;
}

pid_t sp_tree_find(const char *verb, const char *token)
{
	if (!look())
		return 0;
	for (size_t i = 0; i < table_len; i++)
		if (table[i].parent == 0 && !is_gone(&table[i]) &&
			has_arguments(table[i].pid, verb, token))
			return table[i].pid;
	return 0;
}
