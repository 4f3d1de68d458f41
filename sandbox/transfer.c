/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/transfer.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "base/io.h"
#include "base/proc.h"
#include "base/strv.h"
#include "images/worker_reply.h"

#define PIPE_BYTES ((size_t)1024 * 1024)
#define FOLDER_FD  3 /* of the child */

void sp_transfer_clear(struct sp_transfer *t)
{
	if (t->pid > 0) {
		kill(t->pid, SIGKILL);
		while (waitpid(t->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	t->pid = 0;
	sp_close_fd(&t->pidfd);
	sp_close_fd(&t->stream);
	sp_close_fd(&t->messages);
}

/* Start it with one end of the stream as descriptor `stream_fd`, 0 or 1. */
static int start(struct sp_transfer *t, const char *libexec_dir,
	const struct sp_strv *argv, int stream_fd, int folder_fd, struct sp_error *err)
{
	sp_autobuf struct sp_buf path = SP_BUF_INIT(4096);
	sp_autoclose int theirs = -1, messages = -1;
	struct sp_spawn s = {
		.argv = sp_strv_list(argv), .fds = {-1, -1, -1, folder_fd}};
	int rc;

	s.fd_count = folder_fd >= 0 ? FOLDER_FD + 1 : FOLDER_FD;
	sp_buf_addf(&path, "%s/%s", libexec_dir, SP_WORKER_PROGRAM);
	rc = sp_buf_ok(&path, err);
	if (rc == 0)
		rc = sp_strv_ok(argv, err);
	if (rc == 0)
		rc = stream_fd == 0 ? sp_pipe(&theirs, &t->stream, PIPE_BYTES, err)
				    : sp_pipe(&t->stream, &theirs, PIPE_BYTES, err);
	if (rc == 0)
		rc = sp_pipe(&t->messages, &messages, 0, err);
	if (rc < 0)
		return rc;
	s.path = path.data;
	s.fds[stream_fd] = theirs;
	s.fds[2] = messages;
	t->pid = sp_spawn(&s, &t->pidfd, err);
	if (t->pid > 0)
		return 0;
	rc = t->pid;
	t->pid = 0;
	return rc;
}

static void add_as(struct sp_strv *argv, const char *as)
{
	if (!as)
		return;
	sp_strv_add(argv, "--as");
	sp_strv_add(argv, as);
}

int sp_transfer_pack(struct sp_transfer *t, const char *libexec_dir, const char *from,
	const char *as, struct sp_error *err)
{
	sp_autostrv struct sp_strv argv = {0};

	sp_strv_add(&argv, SP_WORKER_PROGRAM);
	sp_strv_add(&argv, "pack");
	sp_strv_add(&argv, "--host");
	add_as(&argv, as);
	sp_strv_add(&argv, "--");
	sp_strv_add(&argv, from);
	return start(t, libexec_dir, &argv, 1, -1, err);
}

int sp_transfer_unpack(struct sp_transfer *t, const char *libexec_dir, int folder_fd,
	const char *as, struct sp_error *err)
{
	sp_autostrv struct sp_strv argv = {0};

	sp_strv_add(&argv, SP_WORKER_PROGRAM);
	sp_strv_add(&argv, "unpack");
	sp_strv_add(&argv, "--host");
	add_as(&argv, as);
	sp_strv_add(&argv, "--fd");
	sp_strv_addf(&argv, "%d", FOLDER_FD);
	return start(t, libexec_dir, &argv, 0, folder_fd, err);
}

/* Wait for the child, and remember what it complained about. */
static int reap(struct sp_transfer *t)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(SP_WORKER_STDERR_MAX);
	int status = 0;
	int rc;

	if (t->pid == 0)
		return t->error.code;
	sp_close_fd(&t->stream);
	rc = sp_buf_read_fd(&text, t->messages, &t->error);
	if (rc == 0)
		rc = sp_wait(t->pid, t->pidfd, 0, &status, &t->error);
	if (rc < 0)
		return rc;
	t->pid = 0;
	return sp_worker_reply(
		sp_buf_str(&text), text.len, sp_exit_code(status), &t->error);
}

/* The end of the pipe is the end of the stream only if the child says so too. */
static ssize_t read_stream(void *ctx, char *data, size_t len, struct sp_error *err)
{
	struct sp_transfer *t = ctx;
	ssize_t n = 0;
	int rc;

	do
		n = t->stream >= 0 ? read(t->stream, data, len) : 0;
	while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	rc = n < 0 ? sp_fail_errno(&t->error, "read packed files") : reap(t);
	if (rc < 0)
		*err = t->error;
	return rc;
}

static int write_stream(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	struct sp_transfer *t = ctx;
	int rc;

	if (t->stream >= 0 && sp_write_all(t->stream, data, len, &t->error) == 0)
		return 0;
	/* It left before the end: its own words tell more than our broken pipe. */
	rc = t->stream >= 0 ? reap(t) : t->error.code;
	if (rc == 0)
		rc = sp_fail(&t->error, SP_ERR_PROTOCOL,
			"more follows the end of the archive");
	*err = t->error;
	return rc;
}

struct sp_source sp_transfer_source(struct sp_transfer *t)
{
	return (struct sp_source){.read = read_stream, .ctx = t};
}

struct sp_sink sp_transfer_sink(struct sp_transfer *t)
{
	return (struct sp_sink){.write = write_stream, .ctx = t};
}

int sp_transfer_end(struct sp_transfer *t, int rc, struct sp_error *err)
{
	/* A provider that broke off leaves the child in the middle of the stream. */
	if (rc < 0 && t->error.code == SP_OK) {
		sp_transfer_clear(t);
		return rc;
	}
	if (t->error.code == SP_OK)
		reap(t);
	if (t->error.code == SP_OK)
		return 0;
	*err = t->error;
	return err->code;
}
