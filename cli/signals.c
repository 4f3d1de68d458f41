/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/signals.h"

#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/auto.h"

static const int handled[] = {SIGINT, SIGTERM, SIGHUP};

/* A handler has nowhere else to look. */
static volatile sig_atomic_t caught_signal;
static volatile sig_atomic_t times_caught[NSIG];
static int wake_fd = -1;
static void (*last_deed)(void);

static void on_signal(int sig)
{
	const uint64_t one = 1;
	const struct sigaction dfl = {.sa_handler = SIG_DFL};
	int saved = errno;

	/* A second one ends the program on the spot. */
	if (times_caught[sig]++) {
		if (last_deed)
			last_deed();
		(void)sigaction(sig, &dfl, NULL);
		(void)raise(sig);
		return; /* it is blocked until now */
	}
	caught_signal = sig;
	if (write(wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

void cli_signals_add(int sig)
{
	/* No RESTART: a write to a reader that does not read must come back. */
	const struct sigaction stop = {.sa_handler = on_signal};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction old;

	/* What nohup, or a shell in the background, took away stays away. */
	if (sigaction(sig, &stop, &old) == 0 && old.sa_handler == SIG_IGN)
		(void)sigaction(sig, &ignore, NULL);
}

void cli_signals_at_death(void (*last)(void))
{
	last_deed = last;
}

int cli_signals_init(struct sp_error *err)
{
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return sp_fail_errno(err, "prepare for signals");
	for (size_t i = 0; i < SP_COUNT(handled); i++)
		cli_signals_add(handled[i]);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	return wake_fd;
}

int cli_signals_caught(void)
{
	return caught_signal;
}

void cli_signals_die(int sig)
{
	const struct sigaction dfl = {.sa_handler = SIG_DFL};
	sigset_t set;

	(void)sigaction(sig, &dfl, NULL);
	sigemptyset(&set);
	sigaddset(&set, sig);
	(void)sigprocmask(SIG_UNBLOCK, &set, NULL);
	(void)raise(sig);
	_exit(128 + sig);
}
