/* SPDX-License-Identifier: Apache-2.0 */
/* The traces of a sandbox on the host, taken away by its supervisor or by whoever cleans up. */
#include "runtime/remove.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>
#include <unistd.h>

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

/* The files a sandbox's folder may hold; a folder with others in it is not one. */
static const char *const state_files[] = {SP_STATE_RECORD, SP_STATE_NEW, SP_STATE_INIT,
	SP_STATE_LOCK, SP_STATE_CONTROL, SP_STATE_GATE, SP_STATE_DENIED};

bool sp_remove_state(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT;
	for (size_t i = 0; i < sizeof(state_files) / sizeof(state_files[0]); i++)
		(void)unlinkat(fd, state_files[i], 0);
	close(fd);
	return rmdir(path) == 0 || errno == ENOENT;
}
