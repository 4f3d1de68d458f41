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
static int wake_fd = -1;

static void on_signal(int sig)
{
	const uint64_t one = 1;
	int saved = errno;

	caught_signal = sig;
	/* The counter cannot overflow: each signal comes here once. */
	if (write(wake_fd, &one, sizeof(one)) < 0)
		errno = saved;
	errno = saved;
}

int cli_signals_init(struct sp_error *err)
{
	/*
	 * RESETHAND: a second one ends the program on the spot.  No RESTART: a write to
	 * a reader that does not read must come back.
	 */
	const struct sigaction stop = {
		.sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};

	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd < 0)
		return sp_fail_errno(err, "prepare for signals");
	for (size_t i = 0; i < SP_COUNT(handled); i++) {
		struct sigaction old;

		/* What nohup, or a shell in the background, took away stays away. */
		if (sigaction(handled[i], &stop, &old) == 0 &&
			old.sa_handler == SIG_IGN)
			(void)sigaction(handled[i], &ignore, NULL);
	}
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
