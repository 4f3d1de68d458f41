/* SPDX-License-Identifier: Apache-2.0 */
/* What a keeper stored, perhaps cut short by a full disk or changed by somebody. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/io.h"
#include "runtime/jobs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_record(const char *data, size_t size)
{
	sp_autojob struct sp_job job = {0};
	struct sp_error err = {0};
	int rc = sp_job_parse_record(data, size, 1, &job, &err);

	if (rc == 0 ? !job.command || job.number != 1 || job.keeper <= 1
		    : job.command || rc != (int)err.code || !err.msg[0])
		abort();
}

static int count(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	uint64_t *bytes = ctx;

	if ((stream != SP_STDOUT && stream != SP_STDERR) || !data || len == 0)
		abort();
	*bytes += len;
	return 0;
}

static uint64_t read_all(struct sp_job_log *log, int *rc)
{
	struct sp_error err = {0};
	uint64_t bytes = 0;

	*rc = sp_job_log_read(log, count, &bytes, &err);
	if (*rc != 0 && *rc != (int)err.code)
		abort();
	return bytes;
}

/* A tail is what it says, and no more than there is. */
static void check_log(const char *data, size_t size, uint64_t tail)
{
	struct sp_job_log log = {.chunk = malloc(SP_JOB_FRAME_MAX)};
	uint64_t all, last;
	int rc;

	log.fd = memfd_create("log", MFD_CLOEXEC);
	if (!log.chunk || log.fd < 0 || sp_write_all(log.fd, data, size, NULL) < 0)
		abort();
	all = read_all(&log, &rc);
	if (all > size)
		abort();
	log.at = 0;
	if (rc == 0) {
		if (sp_job_log_tail(&log, tail, NULL) != 0)
			abort();
		last = read_all(&log, &rc);
		if (last != (tail < all ? tail : all))
			abort();
	}
	sp_job_log_close(&log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_job_end end;

	check_record((const char *)data, size);
	(void)sp_job_parse_end((const char *)data, size, &end, NULL);
	if (size)
		check_log((const char *)data + 1, size - 1, data[0]);
	return 0;
}
