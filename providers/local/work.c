/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/work.h"

#include <sys/mman.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/proc.h"
#include "images/worker_reply.h"

/* Longer than any disk takes, so that nothing waits for ever. */
#define WORK_MS (6 * 3600 * 1000)

int work_start(const struct local *l, struct work *w, const char *const *argv,
	const int *fds, size_t fd_count, struct sp_error *err)
{
	struct sp_spawn spawn = {.path = l->worker, .exe_fd = -1, .argv = argv};

	w->errors = memfd_create("sandpit-errors", MFD_CLOEXEC);
	if (w->errors < 0)
		return sp_fail_errno(err, "make a memory file");
	for (size_t i = 0; i < fd_count; i++)
		spawn.fds[i < 2 ? i : i + 1] = fds[i];
	spawn.fds[2] = w->errors;
	spawn.fd_count = fd_count + 1;
	w->pid = sp_spawn(&spawn, &w->pidfd, err);
	return w->pid < 0 ? (int)w->pid : 0;
}

int work_end(struct work *w, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(SP_WORKER_STDERR_MAX);
	int status = 0;
	int rc = 0;

	if (w->pid > 0)
		rc = sp_wait(w->pid, w->pidfd, sp_deadline_in(WORK_MS), &status, err);
	if (rc == 0 && w->pid > 0) {
		if (lseek(w->errors, 0, SEEK_SET) < 0)
			rc = sp_fail_errno(err, "read the worker's words");
		else
			rc = sp_buf_read_fd(&text, w->errors, err);
	}
	if (rc == 0 && w->pid > 0)
		rc = sp_worker_reply(
			sp_buf_str(&text), text.len, sp_exit_code(status), err);
	sp_close_fd(&w->pidfd);
	sp_close_fd(&w->errors);
	w->pid = 0;
	return rc;
}
