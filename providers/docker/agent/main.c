/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandpit-agent: the one program of ours in a container.  Static, without a library but
 * libc's, read-only inside, and it loads nothing of the image.
 *
 *     agent keep EXPIRES_MS                         be process 1 until then (0: for ever)
 *     agent run TOKEN TIMEOUT_MS LETTERS WORKDIR -- PROGRAM ARGUMENT…
 *         i: it has standard input; e: bytes of WORKDIR and what follows are as %XX
 *     agent kill TOKEN                              end what "run TOKEN" runs
 *     agent sweep                                   end what nobody watches any more
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "providers/docker/agent/report.h"
#include "providers/docker/agent/run.h"
#include "providers/docker/agent/tree.h"

/* How long a command's own agent gets to end it in good order. */
#define GRACE_ROUNDS 200
#define GRACE_MS     10

static int64_t number(const char *text)
{
	return strtoll(text, NULL, 10);
}

static void nap(int64_t ms)
{
	const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

static int64_t real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Until the time to leave; a year where there is none. */
static struct timespec time_left(int64_t expires_ms)
{
	int64_t left = expires_ms ? expires_ms - real_ms() : 365LL * 24 * 3600 * 1000;

	if (left < 0)
		left = 0;
	return (struct timespec){
		.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1000000};
}

static int keep(int argc, char **argv)
{
	int64_t expires_ms = argc > 2 ? number(argv[2]) : 0;
	struct timespec left;
	sigset_t set;

	prctl(PR_SET_DUMPABLE, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		int sig;

		/* Again each time: the clock may have been set meanwhile. */
		left = time_left(expires_ms);
		sig = sigtimedwait(&set, NULL, &left);
		sp_tree_reap();
		if (sig == SIGTERM || (expires_ms && real_ms() >= expires_ms))
			return 0;
	}
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* %XX to bytes, in place. */
static void decode(char *text)
{
	char *to = text;

	for (; *text; text++) {
		if (*text == '%' && digit(text[1]) >= 0 && digit(text[2]) >= 0) {
			*to++ = (char)(digit(text[1]) * 16 + digit(text[2]));
			text += 2;
		} else {
			*to++ = *text;
		}
	}
	*to = '\0';
}

static int run(int argc, char **argv)
{
	struct sp_agent_command command;

	if (argc < 8 || strlen(argv[2]) != SP_REPORT_TOKEN_LEN)
		return SP_AGENT_USAGE;
	for (int i = 5; strchr(argv[4], SP_AGENT_ENCODED) && i < argc; i++)
		decode(argv[i]);
	command = (struct sp_agent_command){
		.token = argv[2],
		.timeout_ms = number(argv[3]),
		.has_stdin = strchr(argv[4], SP_AGENT_STDIN) != NULL,
		.workdir = argv[5],
		.argv = argv + 7,
	};
	return sp_agent_run(&command);
}

static int kill_run(int argc, char **argv)
{
	pid_t pid = argc > 2 ? sp_tree_find("run", argv[2]) : 0;

	if (!pid)
		return argc > 2 ? SP_AGENT_NO_SUCH : SP_AGENT_USAGE;
	/* In good order first: its own agent keeps the output and reports. */
	kill(pid, SIGTERM);
	kill(pid, SIGCONT);
	for (int i = 0; i < GRACE_ROUNDS; i++) {
		if (sp_tree_find("run", argv[2]) != pid)
			return SP_AGENT_DONE;
		nap(GRACE_MS);
	}
	/* It was stopped, or hangs.  Its tree before it: orphans would leave the tree. */
	if (!sp_tree_kill(pid))
		return SP_AGENT_SURVIVORS;
	kill(pid, SIGKILL);
	return SP_AGENT_DONE;
}

static int sweep(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return sp_tree_sweep() ? SP_AGENT_DONE : SP_AGENT_SURVIVORS;
}

static const struct verb {
	const char *name;
	int (*run)(int argc, char **argv);
} verbs[] = {
	{"keep", keep},
	{"run", run},
	{"kill", kill_run},
	{"sweep", sweep},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc, argv);
	return SP_AGENT_USAGE;
}
