/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run one test program and tell what it leaves running.  As the child subreaper every
 * process it starts ends up here, daemons too, so nothing can hide and nobody else's
 * processes are blamed.
 *
 *   reaper SECONDS PROGRAM ARGS...
 *
 * Exit status: the program's; 98 when it did not end in time; 99 when it ended but left
 * processes, which are named as TAP comments and killed.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What ends because the test ended may take this long to do so. */
#define GRACE_MS 3000
/* SIGKILL is not refused, but a dying namespace takes its time. */
#define KILL_MS 5000

#define EXIT_LATE 98
#define EXIT_LEFT 99

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Parent of a process, or 0; its name goes to name. */
static pid_t parent_of(pid_t pid, char name[static 64])
{
	char path[64], text[512], *end;
	ssize_t len;
	long parent;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return 0;
	text[len] = '\0';
	end = strrchr(text, ')'); /* a name may hold brackets itself */
	if (!end || end + 4 > text + len)
		return 0;
	parent = strtol(end + 4, NULL, 10); /* ") S PPID" */
	*end = '\0';
	snprintf(name, 64, "%s", strchr(text, '(') ? strchr(text, '(') + 1 : "?");
	return (pid_t)parent;
}

/* Kill our children, all of them; with tell, name each.  Returns how many there were. */
static int kill_children(bool tell)
{
	struct dirent *entry;
	char name[64];
	int count = 0;
	DIR *proc = opendir("/proc");

	if (!proc)
		return 0;
	while ((entry = readdir(proc))) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);

		if (pid <= 0 || parent_of(pid, name) != getpid())
			continue;
		if (tell)
			printf("# left behind: process %d (%s)\n", (int)pid, name);
		kill(pid, SIGKILL);
		count++;
	}
	closedir(proc);
	fflush(stdout);
	return count;
}

/*
 * Reap until pid has ended (its status to *status), or with pid 0 until no child is
 * left.  False when the deadline came first.
 */
static bool reap_until(pid_t pid, int64_t deadline, int *status)
{
	const struct timespec tick = {.tv_nsec = 50 * 1000000};
	sigset_t set;
	int st;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		pid_t got = waitpid(-1, &st, WNOHANG);

		if (got > 0 && got == pid) {
			*status = st;
			return true;
		}
		if (got > 0)
			continue;
		if (got < 0 && errno == ECHILD)
			return pid == 0;
		if (now_ms() >= deadline)
			return false;
		sigtimedwait(&set, NULL, &tick);
	}
}

static void kill_all(bool tell)
{
	int64_t deadline = now_ms() + KILL_MS;
	int status;

	/* What a killed process leaves becomes a child of ours in turn. */
	while (kill_children(tell) > 0 && now_ms() < deadline)
		reap_until(0, now_ms() + 100, &status);
}

/* A shell in the background ignores interrupts, and tests of them would wait for ever. */
static void default_signals(void)
{
	for (int sig = 1; sig < NSIG; sig++)
		(void)signal(sig, SIG_DFL);
}

static pid_t start(char **argv, const sigset_t *old_mask)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	sigprocmask(SIG_SETMASK, old_mask, NULL);
	default_signals();
	execvp(argv[0], argv);
	fprintf(stderr, "# reaper: %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

int main(int argc, char **argv)
{
	long seconds = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
	sigset_t set, old;
	int status = 0;
	pid_t pid;

	if (seconds <= 0) {
		fprintf(stderr, "usage: reaper SECONDS PROGRAM ARGS...\n");
		return 2;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return 2;
	pid = start(argv + 2, &old);
	if (pid < 0)
		return 2;
	if (!reap_until(pid, now_ms() + seconds * 1000, &status)) {
		printf("# not ended after %ld s, killed\n", seconds);
		kill_all(true);
		return EXIT_LATE;
	}
	if (!reap_until(0, now_ms() + GRACE_MS, &status)) {
		kill_all(true);
		return EXIT_LEFT;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
