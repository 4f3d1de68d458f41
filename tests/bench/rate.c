/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many programs a second: so many callers start one after the other, each for itself,
 * for a while.
 *
 *   rate NAME CALLERS SECONDS JSON PROGRAM ARGS...
 */
#include "tests/bench/stats.h"

/* One caller; the number it got done goes up the pipe. */
static void __attribute__((noreturn)) call(char **argv, double seconds, int to)
{
	int null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	double end = now_us() + seconds * 1e6;
	int done = 0;

	while (now_us() < end) {
		if (await_program(start_program(argv, environ, false, null_fd)) != 0)
			_exit(1);
		done++;
	}
	_exit(write(to, &done, sizeof(done)) != sizeof(done));
}

int main(int argc, char **argv)
{
	int callers, ends[2], sum = 0, failed = 0;
	double seconds, start;
	FILE *json;

	if (argc < 6) {
		fprintf(stderr, "usage: rate NAME CALLERS SECONDS JSON PROGRAM...\n");
		return 2;
	}
	callers = (int)strtol(argv[2], NULL, 10);
	seconds = strtod(argv[3], NULL);
	json = fopen(argv[4], "ae");
	if (!json || callers < 1 || pipe2(ends, O_CLOEXEC) < 0)
		return 2;
	start = now_us();
	for (int i = 0; i < callers; i++) {
		if (fork() == 0)
			call(argv + 5, seconds, ends[1]);
	}
	for (int i = 0; i < callers; i++) {
		int status = 0, done = 0;

		wait(&status);
		if (status != 0 || read(ends[0], &done, sizeof(done)) != sizeof(done))
			failed++;
		sum += done;
	}
	seconds = (now_us() - start) / 1e6;
	if (failed) {
		printf("%-34s failed\n", argv[1]);
		return 1;
	}
	printf("%-34s %2d callers %8.1f a second\n", argv[1], callers, sum / seconds);
	fprintf(json,
		"{\"bench\":\"rate\",\"row\":\"%s\",\"callers\":%d,\"per_second\":%.1f}"
		"\n",
		argv[1], callers, sum / seconds);
	return fclose(json) != 0;
}
