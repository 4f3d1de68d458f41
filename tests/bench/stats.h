/* SPDX-License-Identifier: Apache-2.0 */
/* Samples of one row, what they amount to, and starting a program as cheaply as can be. */
#ifndef SP_BENCH_STATS_H
#define SP_BENCH_STATS_H

#include <fcntl.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static inline int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

struct stats {
	int n;
	double p50, p99, min, mean;
};

/* Sorts the samples.  The 99th percentile is the nearest rank, so one that was measured. */
static inline struct stats stats_of(double *samples, int n)
{
	struct stats s = {.n = n};

	if (n == 0)
		return s;
	qsort(samples, (size_t)n, sizeof(*samples), by_value);
	for (int i = 0; i < n; i++)
		s.mean += samples[i] / n;
	s.min = samples[0];
	s.p50 = n % 2 ? samples[n / 2] : (samples[n / 2 - 1] + samples[n / 2]) / 2;
	s.p99 = samples[(n * 99 + 99) / 100 - 1];
	return s;
}

/*
 * posix_spawn by hand, because it cannot change the user: vfork, become, exec.  The
 * raw calls change the child alone.  out_fd is its standard output; stderr stays ours.
 */
static inline pid_t start_program(
	char *const *argv, char *const *env, bool as_nobody, int out_fd)
{
	pid_t pid = vfork();

	if (pid != 0)
		return pid;
	if (as_nobody &&
		(syscall(SYS_setgroups, 0, NULL) < 0 ||
			syscall(SYS_setresgid, 65534, 65534, 65534) < 0 ||
			syscall(SYS_setresuid, 65534, 65534, 65534) < 0))
		_exit(125);
	dup2(out_fd, STDOUT_FILENO);
	execve(argv[0], argv, env);
	_exit(127);
}

/* Exit status, or 128+N. */
static inline int await_program(pid_t pid)
{
	int status = 0;

	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 125;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#endif
