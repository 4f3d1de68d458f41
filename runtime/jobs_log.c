/* SPDX-License-Identifier: Apache-2.0 */
/* The stored output of a process in the background, as far as it is complete. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "runtime/jobs.h"

int sp_job_log_open(int folder, struct sp_job_log *log, struct sp_error *err)
{
	struct stat st;

	log->fd = openat(
		folder, SP_JOB_LOG, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (log->fd < 0 || fstat(log->fd, &st) < 0)
		return sp_fail_errno(err, "open the output of a process");
	if (!S_ISREG(st.st_mode))
		return sp_fail(
			err, SP_ERR_PROTOCOL, "the output of a process is no file");
	log->chunk = malloc(SP_JOB_FRAME_MAX);
	return log->chunk ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

void sp_job_log_close(struct sp_job_log *log)
{
	sp_close_fd(&log->fd);
	free(log->chunk);
	log->chunk = NULL;
}

/*
 * The head of the frame at this place, if all of it is there: 1, or 0 where the file ends,
 * or in the middle of a frame that is being written.
 */
static int read_head(const struct sp_job_log *log, uint64_t at,
	struct sp_job_frame *head, struct sp_error *err)
{
	struct stat st;
	ssize_t n = pread(log->fd, head, sizeof(*head), (off_t)at);

	if (n < 0 || fstat(log->fd, &st) < 0)
		return sp_fail_errno(err, "read the output of a process");
	if (n < (ssize_t)sizeof(*head))
		return 0;
	if ((head->stream != SP_STDOUT && head->stream != SP_STDERR) ||
		head->len == 0 || head->len > SP_JOB_FRAME_MAX)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the stored output is broken at byte %llu",
			(unsigned long long)at);
	return at + sizeof(*head) + head->len <= (uint64_t)st.st_size;
}

int sp_job_log_tail(struct sp_job_log *log, uint64_t bytes, struct sp_error *err)
{
	struct sp_job_frame head;
	uint64_t total = 0;
	uint64_t at = log->at;
	int rc;

	while ((rc = read_head(log, at, &head, err)) == 1) {
		total += head.len;
		at += sizeof(head) + head.len;
	}
	if (rc == 0)
		log->skip = total > bytes ? total - bytes : 0;
	return rc;
}

int sp_job_deliver(sp_output_fn *fn, void *ctx, uint32_t stream, const char *data,
	size_t len, struct sp_error *err)
{
	int rc = fn(ctx, (enum sp_stream)stream, data, len);

	if (rc == 0)
		return 0;
	rc = rc < 0 ? rc : SP_ERR_CANCELLED;
	return sp_fail(err, (enum sp_code)rc, "stopped by the receiver of output");
}

static int deliver(struct sp_job_log *log, const struct sp_job_frame *head,
	sp_output_fn *fn, void *ctx, struct sp_error *err)
{
	const uint64_t at = log->at + sizeof(*head) + log->skip;
	const size_t len = head->len - (size_t)log->skip;
	ssize_t n = pread(log->fd, log->chunk, len, (off_t)at);

	if (n != (ssize_t)len)
		return sp_fail_errno(err, "read the output of a process");
	log->skip = 0;
	log->at += sizeof(*head) + head->len;
	return sp_job_deliver(fn, ctx, head->stream, log->chunk, len, err);
}

int sp_job_log_read(
	struct sp_job_log *log, sp_output_fn *fn, void *ctx, struct sp_error *err)
{
	struct sp_job_frame head;
	int rc;

	while ((rc = read_head(log, log->at, &head, err)) == 1) {
		if (log->skip >= head.len) {
			log->skip -= head.len;
			log->at += sizeof(head) + head.len;
			continue;
		}
		rc = deliver(log, &head, fn, ctx, err);
		if (rc != 0)
			return rc;
	}
	return rc;
}
