/* SPDX-License-Identifier: Apache-2.0 */
/* The traces of a sandbox on the host, taken away by its supervisor or by whoever cleans up. */
#include "runtime/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "runtime/job_wire.h"
#include "runtime/spec.h"

/* A killed process leaves its cgroup a moment after it was waited for. */
#define CGROUP_TRIES   400
#define CGROUP_WAIT_NS 5000000

bool sp_remove_cgroup(const char *path)
{
	const struct timespec pause = {.tv_nsec = CGROUP_WAIT_NS};

	for (int i = 0; i < CGROUP_TRIES; i++) {
		if (rmdir(path) == 0 || errno == ENOENT)
			return true;
		if (errno != EBUSY)
			return false;
		nanosleep(&pause, NULL);
	}
	return false;
}

/* While it goes, its keeper may still write down the end, a few times at most. */
#define REMOVE_TRIES 8

bool sp_remove_process(int dirfd, const char *name)
{
	static const char *const files[] = {SP_JOB_RECORD, SP_JOB_NEW, SP_JOB_END,
		SP_JOB_LOG, SP_JOB_CUT, SP_JOB_LOCK, SP_JOB_SOCKET};

	for (int i = 0; i < REMOVE_TRIES; i++) {
		int fd = openat(
			dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0)
			return errno == ENOENT;
		for (size_t k = 0; k < sizeof(files) / sizeof(files[0]); k++)
			(void)unlinkat(fd, files[k], 0);
		close(fd);
		if (unlinkat(dirfd, name, AT_REMOVEDIR) == 0)
			return true;
		if (errno != ENOTEMPTY)
			return errno == ENOENT;
	}
	return false;
}

/* Numbers follow each other, but for those whose start came to nothing. */
static void remove_processes(int state)
{
	int procs = openat(
		state, SP_STATE_PROCS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	char name[16];

	if (procs < 0)
		return;
	for (uint32_t n = 1; n <= SP_STATE_PROCS_MAX; n++) {
		snprintf(name, sizeof(name), "%u", n);
		if (faccessat(procs, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0)
			(void)sp_remove_process(procs, name);
		else if (unlinkat(state, SP_STATE_PROCS, AT_REMOVEDIR) == 0)
			break;
	}
	(void)unlinkat(state, SP_STATE_PROCS, AT_REMOVEDIR); /* all were used */
	close(procs);
}

/* The files a sandbox's folder may hold; a folder with others in it is not one. */
static const char *const state_files[] = {SP_STATE_RECORD, SP_STATE_NEW, SP_STATE_INIT,
	SP_STATE_LOCK, SP_STATE_CONTROL, SP_STATE_GATE, SP_STATE_DENIED};

bool sp_remove_state(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT;
	remove_processes(fd);
	for (size_t i = 0; i < sizeof(state_files) / sizeof(state_files[0]); i++)
		(void)unlinkat(fd, state_files[i], 0);
	close(fd);
	return rmdir(path) == 0 || errno == ENOENT;
}
