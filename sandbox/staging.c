/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/enc.h"
#include "base/io.h"
#include "base/proc.h"
#include "sandbox/transfer.h"

#define PREFIX       ".sandpit-"
#define RANDOM_CHARS 16
#define NAME_BYTES   (sizeof(PREFIX) + RANDOM_CHARS)
#define TARGET_FD    3 /* of the guard */
#define TARGET_TEXT  "3"

/* Before the folder is made: from its first moment there is somebody to remove it. */
static int start_guard(struct sp_staging *s, struct sp_error *err)
{
	sp_autobuf struct sp_buf path = SP_BUF_INIT(4096);
	sp_autoclose int theirs = -1;
	const char *const argv[] = {
		SP_WORKER_PROGRAM, "guard", "--fd", TARGET_TEXT, "--", s->name, NULL};
	struct sp_spawn guard = {.argv = argv, .fd_count = TARGET_FD + 1};
	int rc;

	sp_buf_addf(&path, "%s/%s", s->libexec_dir, SP_WORKER_PROGRAM);
	rc = sp_buf_ok(&path, err);
	if (rc == 0)
		rc = sp_pipe(&theirs, &s->hold, 0, err);
	if (rc < 0)
		return rc;
	guard.path = path.data;
	guard.fds[0] = theirs;
	guard.fds[1] = guard.fds[2] = -1;
	guard.fds[TARGET_FD] = s->target;
	rc = sp_spawn(&guard, &s->pidfd, err);
	if (rc < 0)
		return rc;
	s->guard = rc;
	return 0;
}

/* Let the guard remove it.  False when that one could not, killed for one. */
static bool end_guard(struct sp_staging *s)
{
	int status = 0;
	int rc = 0;

	sp_close_fd(&s->hold);
	if (s->guard > 0)
		rc = sp_wait(s->guard, s->pidfd, 0, &status, NULL);
	s->guard = 0;
	sp_close_fd(&s->pidfd);
	return rc == 0 && status == 0;
}

void sp_staging_clear(struct sp_staging *s)
{
	sp_close_fd(&s->fd);
	if (!end_guard(s) && start_guard(s, NULL) == 0)
		(void)end_guard(s);
	sp_close_fd(&s->hold);
	sp_close_fd(&s->target);
}

int sp_staging_open(struct sp_staging *s, const char *libexec_dir, const char *folder,
	struct sp_error *err)
{
	_Static_assert(sizeof(s->name) >= NAME_BYTES, "the name fits");
	int rc;

	s->target = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->target < 0)
		return sp_fail_errno(err, "open folder %s", folder);
	s->libexec_dir = libexec_dir;
	memcpy(s->name, PREFIX, strlen(PREFIX));
	rc = sp_random_name(s->name + strlen(PREFIX), RANDOM_CHARS, err);
	if (rc == 0)
		rc = start_guard(s, err);
	if (rc < 0)
		return rc;
	if (mkdirat(s->target, s->name, 0700) < 0)
		return sp_fail_errno(err, "make a folder in %s", folder);
	s->fd = openat(
		s->target, s->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return s->fd < 0 ? sp_fail_errno(err, "open folder in %s", folder) : 0;
}
