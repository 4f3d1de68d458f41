/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/file_work.h"

#include <endian.h>
#include <inttypes.h>
#include <string.h>

#include "base/enc.h"
#include "images/records.h"
#include "images/worker_reply.h"

/* A look at one file, a walk over a tree, and as long as a transfer may take. */
#define LOOK_MS  30000
#define WALK_MS  300000
#define BYTES_MS ((int64_t)6 * 3600 * 1000)

static const struct verb {
	const char *name;
	int64_t timeout_ms;
} verbs[] = {
	[SP_FILE_LIST] = {"list", WALK_MS},
	[SP_FILE_STAT] = {"stat", LOOK_MS},
	[SP_FILE_READ] = {"read", BYTES_MS},
	[SP_FILE_WRITE] = {"write", BYTES_MS},
	[SP_FILE_MKDIR] = {"mkdir", LOOK_MS},
	[SP_FILE_REMOVE] = {"remove", WALK_MS},
	[SP_FILE_RENAME] = {"rename", LOOK_MS},
	[SP_FILE_FIND] = {"find", WALK_MS},
	[SP_FILE_WATCH] = {"watch", 0},
};

static void add_number(struct sp_strv *argv, const char *option, uint64_t value)
{
	if (!value)
		return;
	sp_strv_add(argv, option);
	sp_strv_addf(argv, "%" PRIu64, value);
}

static void add_options(struct sp_strv *argv, const struct sp_file_request *r)
{
	if (r->op == SP_FILE_LIST)
		add_number(argv, "--depth", r->depth);
	if (r->op == SP_FILE_READ) {
		add_number(argv, "--offset", r->offset);
		add_number(argv, "--length", r->length);
	}
	if (r->op == SP_FILE_WRITE && r->mode) {
		sp_strv_add(argv, "--mode");
		sp_strv_addf(argv, "%o", r->mode);
	}
	if (r->op == SP_FILE_RENAME) {
		sp_strv_add(argv, "--to");
		sp_strv_add(argv, r->to);
	}
	if (r->op == SP_FILE_FIND) {
		sp_strv_add(argv, "--pattern");
		sp_strv_add(argv, r->pattern);
	}
	if (r->op == SP_FILE_WATCH && r->recursive)
		sp_strv_add(argv, "--recursive");
}

int sp_file_work_init(struct sp_file_work *w, const char *program,
	const struct sp_file_request *request, struct sp_error *err)
{
	int rc = 0;

	*w = (struct sp_file_work){.request = request,
		.timeout_ms = verbs[request->op].timeout_ms,
		.stdin_fd = -1,
		.hold = -1,
		.errors = SP_BUF_INIT(SP_WORKER_STDERR_MAX)};
	sp_worker_records_init(&w->records, request->path);
	w->records.on_entry = request->on_entry;
	w->records.on_change = request->on_change;
	w->records.ctx = request->ctx;
	sp_strv_add(&w->argv, program);
	sp_strv_add(&w->argv, verbs[request->op].name);
	add_options(&w->argv, request);
	sp_strv_add(&w->argv, "--");
	sp_strv_add(&w->argv, request->path);
	if (request->op == SP_FILE_WATCH)
		rc = sp_pipe(&w->stdin_fd, &w->hold, 0, err);
	return rc < 0 ? rc : sp_strv_ok(&w->argv, err);
}

void sp_file_work_clear(struct sp_file_work *w)
{
	sp_strv_clear(&w->argv);
	sp_worker_records_clear(&w->records);
	sp_buf_clear(&w->errors);
	sp_close_fd(&w->stdin_fd);
	sp_close_fd(&w->hold);
}

/* --- Output ------------------------------------------------------------------------- */

/* The end is what counts: room for it is made by dropping the front. */
static void keep_errors(struct sp_file_work *w, const char *data, size_t len)
{
	if (w->errors.len + len > w->errors.max)
		sp_buf_drop(&w->errors, w->errors.len);
	sp_buf_add(&w->errors, data, len < w->errors.max ? len : w->errors.max);
}

int sp_file_work_output(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct sp_file_work *w = ctx;
	const struct sp_sink *sink = w->request->sink;
	int rc;

	if (stream == SP_STDERR) {
		keep_errors(w, data, len);
		return 0;
	}
	if (w->request->op == SP_FILE_READ)
		return sink->write(sink->ctx, data, len, &w->error);
	rc = sp_worker_records_feed(&w->records, data, len, &w->error);
	if (rc != 0 && w->error.code == SP_OK)
		w->stopped = true; /* on_change has had enough */
	return rc;
}

/* --- Input -------------------------------------------------------------------------- */

ssize_t sp_file_work_input(void *ctx, char *data, size_t len, struct sp_error *err)
{
	struct sp_file_work *w = ctx;
	const struct sp_source *source = w->request->source;
	size_t room = len - SP_CHUNK_HEAD < SP_CHUNK_MAX ? len - SP_CHUNK_HEAD
							 : SP_CHUNK_MAX;
	uint32_t head;
	ssize_t n;

	(void)err;
	if (w->input_ended)
		return 0;
	n = source->read(source->ctx, data + SP_CHUNK_HEAD, room, &w->error);
	w->input_ended = n <= 0;
	/* No last chunk: the worker throws away what it has. */
	if (n < 0)
		return 0;
	head = htobe32((uint32_t)n);
	memcpy(data, &head, SP_CHUNK_HEAD);
	return n + SP_CHUNK_HEAD;
}

/* --- End ---------------------------------------------------------------------------- */

static int check_told(const struct sp_file_work *w, struct sp_error *err)
{
	const enum sp_file_op op = w->request->op;
	int rc;

	if (op != SP_FILE_LIST && op != SP_FILE_STAT && op != SP_FILE_FIND &&
		op != SP_FILE_WATCH)
		return 0;
	rc = sp_worker_records_end(&w->records, err);
	if (rc == 0 && op == SP_FILE_STAT && w->records.count != 1)
		rc = sp_fail(err, SP_ERR_PROTOCOL,
			"the file worker tells of %zu files instead of one",
			w->records.count);
	return rc;
}

int sp_file_work_end(struct sp_file_work *w, int rc, const struct sp_outcome *outcome,
	struct sp_error *err)
{
	if (w->error.code != SP_OK) {
		*err = w->error;
		return err->code;
	}
	if (w->stopped)
		return 0;
	if (rc < 0)
		return rc;
	if (outcome->cancelled)
		return w->request->op == SP_FILE_WATCH
			? 0
			: sp_fail(err, SP_ERR_CANCELLED, "cancelled");
	if (outcome->timed_out)
		return sp_fail(err, SP_ERR_TIMEOUT, "it took over %lld seconds",
			(long long)(w->timeout_ms / 1000));
	rc = sp_worker_reply(
		sp_buf_str(&w->errors), w->errors.len, outcome->exit_code, err);
	return rc < 0 ? rc : check_told(w, err);
}
