/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A terminal for one command: of the sandbox's own devpts, made inside by the process that
 * becomes the command.  Its master goes out through a socket, so that nothing of the
 * caller's terminal is ever in reach of what runs inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/pass.h"
#include "runtime/runner.h"

#define PTMX "/dev/pts/ptmx"

/* What was opened is looked at: the name alone proves nothing. */
static bool is_ptmx(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
		st.st_rdev == makedev(5, 2) && fstatfs(fd, &fs) == 0 &&
		fs.f_type == DEVPTS_SUPER_MAGIC;
}

static int open_master(struct sp_error *err)
{
	struct open_how how = {
		.flags = O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, PTMX, &how, sizeof(how));

	if (fd < 0)
		return sp_fail_errno(err, "open a terminal at " PTMX);
	if (is_ptmx(fd))
		return fd;
	close(fd);
	return sp_fail(err, SP_ERR_DENIED, PTMX " inside is not device 5:2");
}

/* By the master, never by a name in /dev/pts, which may be another's by now. */
static int open_slave(int master, struct sp_error *err)
{
	int locked = 0;
	int fd;

	if (ioctl(master, TIOCSPTLCK, &locked) < 0)
		return sp_fail_errno(err, "unlock a terminal");
	fd = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return fd < 0 ? sp_fail_errno(err, "open the other side of a terminal") : fd;
}

static int set_up(const struct runner *r, int slave, struct sp_error *err)
{
	struct winsize size = {
		.ws_row = r->spec->window.rows, .ws_col = r->spec->window.columns};
	struct termios t;

	if (ioctl(slave, TIOCSWINSZ, &size) < 0)
		return sp_fail_errno(err, "set the size of a terminal");
	if (tcgetattr(slave, &t) < 0)
		return sp_fail_errno(err, "read the modes of a terminal");
	t.c_iflag |= IUTF8; /* so that erasing takes a whole character */
	if (tcsetattr(slave, TCSANOW, &t) < 0)
		return sp_fail_errno(err, "set the modes of a terminal");
	return 0;
}

/* A session of its own, whose controlling terminal it is. */
static int take_over(int slave, struct sp_error *err)
{
	if (setsid() < 0)
		return sp_fail_errno(err, "start a session");
	if (ioctl(slave, TIOCSCTTY, 0) < 0)
		return sp_fail_errno(err, "take a controlling terminal");
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(slave, fd) < 0)
			return sp_fail_errno(err, "use a terminal");
	return 0;
}

int open_terminal(const struct runner *r, struct sp_error *err)
{
	int master = open_master(err);
	int slave = master < 0 ? master : open_slave(master, err);
	int rc = slave < 0 ? slave : set_up(r, slave, err);

	if (rc == 0)
		rc = pass_descriptors(STDIN_FILENO, &master, 1, err);
	if (master >= 0)
		close(master);
	if (rc == 0)
		rc = take_over(slave, err);
	if (slave >= 0)
		close(slave);
	return rc;
}
