/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A command that does not want to end, for the tests of deadlines:
 *
 *   defiant ignore     ignores every signal there is
 *   defiant daemon     leaves twice for a session of its own; the command itself waits
 *   defiant close      closes its streams and goes on
 *   defiant write      writes for ever
 *   defiant fork       forks for ever, each child waking whoever was stopped
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

static void wait_for_ever(void)
{
	for (;;)
		pause();
}

static void ignore(void)
{
	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_IGN);
	wait_for_ever();
}

static void become_daemon(void)
{
	if (fork() == 0) {
		setsid();
		if (fork() > 0)
			_exit(0);
		ignore();
	}
	ignore();
}

static void close_all(void)
{
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	ignore();
}

static void write_for_ever(void)
{
	static char block[65536];

	(void)signal(SIGPIPE, SIG_IGN);
	memset(block, 'x', sizeof(block));
	for (;;)
		if (write(1, block, sizeof(block)) < 0)
			pause();
}

/* The end of one process tree is a race with those who make more of it. */
static void fork_for_ever(void)
{
	pid_t first = getpid();

	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_IGN);
	for (;;) {
		pid_t pid = fork();

		(void)kill(-1, SIGCONT);
		if (pid > 0 && getpid() != first)
			_exit(0);
	}
}

static const struct {
	const char *name;
	void (*run)(void);
} ways[] = {
	{"ignore", ignore},
	{"daemon", become_daemon},
	{"close", close_all},
	{"write", write_for_ever},
	{"fork", fork_for_ever},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(ways) / sizeof(ways[0]); i++)
		if (strcmp(argv[1], ways[i].name) == 0)
			ways[i].run();
	return fprintf(stderr, "usage: defiant ignore|daemon|close|write|fork\n") < 0
		? 1
		: 2;
}
