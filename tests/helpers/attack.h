/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the attacking programs share.  Each tries a table of ways out from inside a sandbox
 * and prints one row for each: "ok FAMILY: ATTEMPT | GOT", or "not ok" with what was wanted.
 */
#ifndef SP_TESTS_HELPERS_ATTACK_H
#define SP_TESTS_HELPERS_ATTACK_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define GOT_MAX     160
#define COUNT_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Ours in a child's list of descriptors: where it says what it got. */
static int report_pipe[2];

struct attempt {
	const char *what;
	const char *want; /* alternatives between bars: "EPERM|EACCES" */
	void (*run)(const struct attempt *a, char got[static GOT_MAX]);
	const char *path; /* for run, as are the numbers */
	long number, arg;
};

__attribute__((format(printf, 2, 3))) static inline void say(
	char *got, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(got, GOT_MAX, format, args);
	va_end(args);
}

/* The name of the error, or that there was none. */
static inline void say_result(char *got, long rc)
{
	if (rc < 0)
		say(got, "%s", strerrorname_np(errno));
	else
		say(got, "it worked");
}

static inline bool is_wanted(const char *want, const char *got)
{
	size_t len = strlen(got);

	for (const char *p = want; *p;) {
		size_t n = strcspn(p, "|");

		if (n == len && memcmp(p, got, n) == 0)
			return true;
		p += n + (p[n] == '|');
	}
	return false;
}

/* In a child of its own, so that one attempt cannot spoil, or end, the next. */
static inline void run_apart(const struct attempt *a, char got[static GOT_MAX])
{
	int status = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(report_pipe) < 0 || (pid = fork()) < 0) {
		say(got, "no child: %s", strerrorname_np(errno));
		return;
	}
	if (pid == 0) {
		a->run(a, got);
		_exit(write(report_pipe[1], got, strlen(got)) < 0);
	}
	close(report_pipe[1]);
	n = read(report_pipe[0], got, GOT_MAX - 1);
	close(report_pipe[0]);
	waitpid(pid, &status, 0);
	got[n > 0 ? n : 0] = '\0';
	if (WIFSIGNALED(status))
		say(got, "killed by SIG%s", sigabbrev_np(WTERMSIG(status)));
}

static inline int run_attempts(
	const char *family, const struct attempt *table, size_t count)
{
	int bad = 0;

	for (size_t i = 0; i < count; i++) {
		char got[GOT_MAX] = "nothing";
		bool ok;

		run_apart(&table[i], got);
		ok = is_wanted(table[i].want, got);
		bad |= !ok;
		printf("%s %s: %s | %s", ok ? "ok" : "not ok", family, table[i].what,
			got);
		printf(ok ? "\n" : " (wanted %s)\n", table[i].want);
	}
	printf("rows %zu\n", count);
	return bad;
}

#endif
