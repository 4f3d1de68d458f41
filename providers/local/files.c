/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files in and out, and operations on them: our static worker, run inside as one more
 * command of the sandbox.
 */
#include <errno.h>
#include <fcntl.h>

#include "base/io.h"
#include "base/proc.h"
#include "images/worker_reply.h"
#include "providers/file_work.h"
#include "providers/local/local.h"

#define WORKER "sandpit-worker"

/* A transfer that makes no progress at all would hold its caller for ever. */
#define TRANSFER_TIMEOUT_MS ((int64_t)6 * 3600 * 1000)

/* One run of the worker. */
struct task {
	const char *const *argv;
	struct sp_relay relay;
	int64_t timeout_ms;
};

static int open_worker(const struct local *l, struct sp_error *err)
{
	sp_autoclose int fd = open(l->worker, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return sp_fail_errno(err, "worker %s", l->worker);
	/* A copy: what runs inside is a handle of its file. */
	return sp_sealed_copy(WORKER, fd, err);
}

static int run_worker(struct local *l, const char *id, const struct task *t,
	struct sp_outcome *out, struct sp_error *err)
{
	sp_autoclose int worker = open_worker(l, err);
	struct sp_launch launch = {.argv = t->argv,
		.workdir = "/",
		.user = "0",
		.timeout_ms = t->timeout_ms,
		.exe_fd = worker};
	struct sp_runner_event event = {0};
	int rc;

	if (worker < 0)
		return worker;
	rc = local_join(l, id, &launch, &t->relay, &event, err);
	if (rc == 0)
		local_outcome(&event, 0, out);
	return rc;
}

/* --- Archives ----------------------------------------------------------------------- */

struct transfer {
	const struct sp_sink *sink;
	struct sp_buf errors;
	struct sp_error *err;
};

static int take_output(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct transfer *t = ctx;

	if (stream == SP_STDERR) {
		/* The end is what counts: room for it is made by dropping the front. */
		if (t->errors.len + len > t->errors.max)
			sp_buf_drop(&t->errors, t->errors.len);
		sp_buf_add(&t->errors, data, len < t->errors.max ? len : t->errors.max);
		return 0;
	}
	return t->sink ? t->sink->write(t->sink->ctx, data, len, t->err) : 0;
}

static int transfer(struct local *l, const char *id, const char *const *argv,
	const struct sp_source *source, const struct sp_sink *sink,
	struct sp_error *err)
{
	struct transfer t = {
		.sink = sink, .errors = SP_BUF_INIT(SP_WORKER_STDERR_MAX), .err = err};
	struct task task = {.argv = argv,
		.timeout_ms = TRANSFER_TIMEOUT_MS,
		.relay = {.input = {.fd = -1},
			.cancel_fd = -1,
			.on_output = take_output,
			.on_output_ctx = &t}};
	struct sp_outcome outcome = {0};
	int rc;

	if (source) {
		task.relay.input.read = source->read;
		task.relay.input.ctx = source->ctx;
	}
	rc = run_worker(l, id, &task, &outcome, err);
	if (rc == 0 && outcome.timed_out)
		rc = sp_fail(err, SP_ERR_TIMEOUT, "the transfer took too long");
	if (rc == 0)
		rc = sp_worker_reply(
			sp_buf_str(&t.errors), t.errors.len, outcome.exit_code, err);
	sp_buf_clear(&t.errors);
	return rc;
}

int local_get_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_sink *sink, struct sp_error *err)
{
	const char *const argv[] = {WORKER, "pack", "--", path, NULL};

	return transfer(local_of(p), id, argv, NULL, sink, err);
}

int local_put_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err)
{
	const char *const argv[] = {WORKER, "unpack", "--keep-kinds", "--", path, NULL};

	return transfer(local_of(p), id, argv, source, NULL, err);
}

/* --- Operations --------------------------------------------------------------------- */

int local_file(struct sp_provider *p, const char *id,
	const struct sp_file_request *request, struct sp_error *err)
{
	sp_autowork struct sp_file_work w;
	struct sp_outcome outcome = {0};
	int rc = sp_file_work_init(&w, WORKER, request, err);
	struct task task = {.argv = sp_strv_list(&w.argv),
		.timeout_ms = w.timeout_ms,
		.relay = {.input = {.fd = w.stdin_fd},
			.cancel_fd = request->cancel_fd,
			.on_output = sp_file_work_output,
			.on_output_ctx = &w}};

	if (rc < 0)
		return rc;
	if (sp_file_work_has_input(&w)) {
		task.relay.input.read = sp_file_work_input;
		task.relay.input.ctx = &w;
	}
	rc = run_worker(local_of(p), id, &task, &outcome, err);
	return sp_file_work_end(&w, rc, &outcome, err);
}

static int take_stat(void *ctx, const struct sp_entry *entry, struct sp_error *err)
{
	struct sp_file_stat *out = ctx;

	(void)err;
	*out = (struct sp_file_stat){.type = entry->type == SP_ENTRY_FILE
			? SP_FILE_REGULAR
			: entry->type == SP_ENTRY_FOLDER ? SP_FILE_FOLDER
							 : SP_FILE_OTHER,
		.size = entry->size,
		.mode = entry->mode,
		.mtime_s = (entry->mtime_ms - (entry->mtime_ms < 0 ? 999 : 0)) / 1000};
	return 0;
}

int local_stat(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *out, struct sp_error *err)
{
	const struct sp_file_request request = {.op = SP_FILE_STAT,
		.path = path,
		.cancel_fd = -1,
		.on_entry = take_stat,
		.ctx = out};

	return local_file(p, id, &request, err);
}
