/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>

#include "base/auto.h"
#include "cli/signals.h"

#define DETACH_KEY 0x1d /* Ctrl-] */

/* A handler has nowhere else to look. */
static struct termios found, raw;
static volatile sig_atomic_t is_raw;
static int size_fd = -1;

static bool read_size(struct sp_window *window)
{
	static const int fds[] = {STDOUT_FILENO, STDIN_FILENO, STDERR_FILENO};
	struct winsize size;

	for (size_t i = 0; i < SP_COUNT(fds); i++) {
		if (ioctl(fds[i], TIOCGWINSZ, &size) < 0 || !size.ws_row ||
			!size.ws_col)
			continue;
		*window = (struct sp_window){
			.rows = size.ws_row, .columns = size.ws_col};
		return true;
	}
	return false;
}

static void on_resize(int sig)
{
	struct sp_window window;
	int saved = errno;

	(void)sig;
	/* A pipe that is full holds sizes enough to come after each other. */
	if (read_size(&window) && write(size_fd, &window, sizeof(window)) < 0)
		errno = saved;
	errno = saved;
}

/* Whoever stopped us may have changed it back. */
static void on_continue(int sig)
{
	int saved = errno;

	(void)sig;
	if (is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	errno = saved;
	on_resize(SIGWINCH);
}

int terminal_open(struct terminal *t, struct sp_exec_opts *opts, struct sp_error *err)
{
	const struct sigaction resize = {
		.sa_handler = on_resize, .sa_flags = SA_RESTART};

	if (!read_size(&opts->window))
		return 0; /* there is none: the default size, for good */
	if (pipe2(t->resize, O_CLOEXEC | O_NONBLOCK) < 0)
		return sp_fail_errno(err, "make a pipe");
	t->is_open = true;
	size_fd = t->resize[1];
	(void)sigaction(SIGWINCH, &resize, NULL);
	opts->has_resize = true;
	opts->resize_fd = t->resize[0];
	return 0;
}

int terminal_raw(bool can_detach, struct sp_error *err)
{
	const struct sigaction again = {
		.sa_handler = on_continue, .sa_flags = SA_RESTART};

	if (!isatty(STDIN_FILENO))
		return 0;
	if (tcgetattr(STDIN_FILENO, &found) < 0)
		return sp_fail_errno(err, "read the modes of the terminal");
	raw = found;
	cfmakeraw(&raw);
	if (can_detach) {
		memset(raw.c_cc, _POSIX_VDISABLE, sizeof(raw.c_cc));
		raw.c_cc[VMIN] = 1;
		raw.c_cc[VTIME] = 0;
		raw.c_cc[VQUIT] = DETACH_KEY;
		raw.c_lflag |= ISIG | NOFLSH;
	}
	cli_signals_at_death(terminal_restore);
	is_raw = 1;
	if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) < 0) {
		is_raw = 0;
		return sp_fail_errno(err, "set the modes of the terminal");
	}
	(void)sigaction(SIGCONT, &again, NULL);
	return 0;
}

void terminal_restore(void)
{
	if (is_raw)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &found);
	is_raw = 0;
}

void terminal_clear(struct terminal *t)
{
	const struct sigaction dfl = {.sa_handler = SIG_DFL};

	terminal_restore();
	if (!t->is_open)
		return;
	(void)sigaction(SIGWINCH, &dfl, NULL);
	(void)sigaction(SIGCONT, &dfl, NULL);
	sp_close_fd(&t->resize[0]);
	sp_close_fd(&t->resize[1]);
	t->is_open = false;
}
