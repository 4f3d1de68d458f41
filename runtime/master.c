/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/master.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/pass.h"

#define END_OF_TEXT 4 /* Ctrl-D */

int sp_master_take(int socket)
{
	struct pollfd p = {.fd = socket, .events = POLLIN};
	unsigned int number;
	size_t count = 0;
	int fd = -1;

	/* Nothing to take, when the command came to nothing: its end tells why. */
	if (poll(&p, 1, 0) != 1 ||
		take_descriptors(socket, &fd, 1, &count, NULL) != 1 || count != 1)
		return -1;
	if (ioctl(fd, TIOCGPTN, &number) == 0 && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
		return fd;
	close(fd);
	return -1;
}

void sp_master_resize(int master, const struct sp_window *window)
{
	struct winsize size = {.ws_row = window->rows, .ws_col = window->columns};

	if (size.ws_row && size.ws_col)
		(void)ioctl(master, TIOCSWINSZ, &size);
}

/*
 * Whatever the modes are: line editors switch them between two lines, and take the
 * character for the end as well.
 */
size_t sp_master_end(int master, bool is_mid_line, char out[SP_MASTER_END_MAX])
{
	struct termios t;
	bool is_known = tcgetattr(master, &t) == 0;

	out[0] = END_OF_TEXT;
	if (is_known && t.c_cc[VEOF])
		out[0] = (char)t.c_cc[VEOF];
	out[1] = out[0];
	return is_mid_line && is_known && (t.c_lflag & ICANON) ? 2 : 1;
}
