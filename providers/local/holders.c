/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Supervisors whose sandbox has lost the files that name them: they still hold one of its
 * folder, be it removed.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/auto.h"
#include "providers/local/local.h"

#define RUNNER "sandpit-runner"
#define END_MS 2000

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* The kernel's name of what runs there: a sealed copy's is another, its arguments' not. */
static bool is_runner(const char *pid)
{
	char path[64], text[sizeof(RUNNER)] = "";
	sp_autoclose int fd = -1;

	snprintf(path, sizeof(path), "/proc/%.16s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, text, sizeof(text)) == sizeof(text) &&
		memcmp(text, RUNNER, sizeof(text)) == 0;
}

/* Does it hold a file in the folder? */
static bool holds(const char *pid, const char *folder)
{
	const size_t len = strlen(folder);
	char path[64], to[PATH_MAX];
	SP_AUTO(close_dir) DIR *dir = NULL;
	struct dirent *e;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), e->d_name, to, sizeof(to) - 1);

		if (n <= (ssize_t)len)
			continue;
		to[n] = '\0';
		if (strncmp(to, folder, len) == 0 && to[len] == '/')
			return true;
	}
	return false;
}

static void end_holder(const char *pid, const char *folder)
{
	sp_autoclose int pidfd = (int)syscall(
		SYS_pidfd_open, (int)strtol(pid, NULL, 10), 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	/* Looked at again: the number may be another's, the descriptor cannot change. */
	if (pidfd < 0 || !is_runner(pid) || !holds(pid, folder))
		return;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	(void)poll(&p, 1, END_MS);
}

void local_end_holders(const char *folder)
{
	/* As the kernel names it. */
	sp_autofree char *real = realpath(folder, NULL);
	SP_AUTO(close_dir) DIR *proc = real ? opendir("/proc") : NULL;
	struct dirent *e;

	while (proc && (e = readdir(proc)))
		if (isdigit((unsigned char)e->d_name[0]) && is_runner(e->d_name) &&
			holds(e->d_name, real))
			end_holder(e->d_name, real);
}
