/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast a program's standard output reaches its caller, through a pipe that is read
 * and thrown away.
 *
 *   pour NAME RUNS JSON PROGRAM ARGS...
 */
#include "tests/bench/stats.h"

#define PIPE_BYTES (1 << 20)
#define RUNS_MAX   100

static uint64_t drain(int fd)
{
	static char buffer[1 << 18];
	uint64_t sum = 0;
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		sum += (uint64_t)got;
	return sum;
}

/* Gigabytes a second of one run, or 0 when it failed. */
static double pour(char **argv, uint64_t *bytes)
{
	double start = now_us();
	int ends[2], status;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return 0;
	fcntl(ends[0], F_SETPIPE_SZ, PIPE_BYTES);
	pid = start_program(argv, environ, false, ends[1]);
	close(ends[1]);
	*bytes = drain(ends[0]);
	close(ends[0]);
	status = await_program(pid);
	return status == 0 ? (double)*bytes / ((now_us() - start) * 1e3) : 0;
}

int main(int argc, char **argv)
{
	double rates[RUNS_MAX];
	uint64_t bytes = 0;
	struct stats s;
	FILE *json;
	int runs;

	if (argc < 5 || (runs = (int)strtol(argv[2], NULL, 10)) < 1 ||
		runs > RUNS_MAX) {
		fprintf(stderr, "usage: pour NAME RUNS JSON PROGRAM...\n");
		return 2;
	}
	json = fopen(argv[3], "ae");
	if (!json)
		return 2;
	for (int i = 0; i < runs; i++) {
		rates[i] = pour(argv + 4, &bytes);
		if (rates[i] <= 0) {
			printf("%-34s failed\n", argv[1]);
			return 1;
		}
	}
	s = stats_of(rates, runs);
	printf("%-34s %5d %9.2f GB/s, least %.2f\n", argv[1], runs, s.p50, s.min);
	fprintf(json,
		"{\"bench\":\"stdout\",\"row\":\"%s\",\"n\":%d,\"bytes\":%llu,"
		"\"gb_per_second\":%.3f}\n",
		argv[1], runs, (unsigned long long)bytes, s.p50);
	return fclose(json) != 0;
}
