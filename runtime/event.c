/* SPDX-License-Identifier: Apache-2.0 */
/* Writing events: no heap, for supervisors do it at their end. */
#include "runtime/event.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int open_events(int state)
{
	return openat(state, SP_EVENT_FILE,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

/* Of those who find it too large, one renames it: the others see that it has gone. */
static void rotate(int state, int fd)
{
	struct stat open_one, named;

	if (flock(fd, LOCK_EX) < 0)
		return;
	if (fstat(fd, &open_one) == 0 &&
		fstatat(state, SP_EVENT_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		open_one.st_ino == named.st_ino)
		(void)renameat(state, SP_EVENT_FILE, state, SP_EVENT_FILE_OLD);
	(void)flock(fd, LOCK_UN);
}

static int open_for_append(int state)
{
	int fd = open_events(state);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_size < SP_EVENT_FILE_MAX)
		return fd;
	rotate(state, fd);
	close(fd);
	return open_events(state);
}

void sp_event_append(
	const char *state, const char *id, const char *action, const char *details)
{
	char line[SP_EVENT_LINE_MAX];
	struct timespec now;
	int dir, fd, len;

	clock_gettime(CLOCK_REALTIME, &now);
	len = snprintf(line, sizeof(line), "%lld %s %s %s\n",
		(long long)now.tv_sec * 1000 + now.tv_nsec / 1000000, id, action,
		details);
	if (len < 0 || (size_t)len >= sizeof(line))
		return;
	dir = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
	fd = dir < 0 ? -1 : open_for_append(dir);
	if (fd >= 0 && write(fd, line, (size_t)len) == len)
		(void)0; /* a full disk loses events, and nothing else */
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
}
