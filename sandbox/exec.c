/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/exec.h"

#include <string.h>

#include "base/clock.h"

#define CAPTURE_DEFAULT_BYTES ((uint64_t)64 << 20)
#define ROWS_DEFAULT          24
#define COLUMNS_DEFAULT       80

/* Keep the front of each stream; what is over the limit is only counted as missing. */
static int capture(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct sp_execution *x = ctx;
	size_t which = stream == SP_STDERR;
	struct sp_buf *buf = &x->captured[which];
	uint64_t room = x->capture_bytes - buf->len;

	if (len > room) {
		x->truncated[which] = true;
		len = (size_t)room;
	}
	sp_buf_add(buf, data, len);
	return sp_buf_ok(buf, NULL);
}

void sp_execution_init(struct sp_execution *x, const char *const argv[],
	const struct sp_exec_opts *opts)
{
	static const struct sp_exec_opts none;

	opts = opts ? opts : &none;
	x->start_us = sp_clock_us();
	x->outcome = (struct sp_outcome){0};
	x->own_timeline.count = 0;
	x->capture_bytes = opts->capture_bytes ? opts->capture_bytes
					       : CAPTURE_DEFAULT_BYTES;
	for (size_t i = 0; i < SP_COUNT(x->captured); i++) {
		x->captured[i] = (struct sp_buf)SP_BUF_INIT(x->capture_bytes);
		x->truncated[i] = false;
	}
	x->command = (struct sp_command){
		.argv = argv,
		.env = opts->env,
		.workdir = opts->workdir,
		.user = opts->user,
		.timeout_ms = opts->timeout_ms,
		.stdin_fd = opts->has_stdin ? opts->stdin_fd : -1,
		.cancel_fd = opts->has_cancel ? opts->cancel_fd : -1,
		.tty = opts->tty,
		.window = {opts->window.rows ? opts->window.rows : ROWS_DEFAULT,
			opts->window.columns ? opts->window.columns : COLUMNS_DEFAULT},
		.has_resize = opts->has_resize,
		.resize_fd = opts->resize_fd,
		.keep_bytes = x->capture_bytes,
		.on_output = opts->on_output ? opts->on_output : capture,
		.on_output_ctx = opts->on_output ? opts->on_output_ctx : x,
		.timeline = opts->timeline ? opts->timeline : &x->own_timeline,
		.timeline_start_us = x->start_us,
	};
}

void sp_execution_clear(struct sp_execution *x)
{
	for (size_t i = 0; i < SP_COUNT(x->captured); i++)
		sp_buf_clear(&x->captured[i]);
}

/* Never NULL for a stream that was captured. */
static bool take_captured(struct sp_buf *from, struct sp_bytes *to)
{
	size_t len = from->len;
	char *data;

	sp_buf_add(from, "", 0);
	data = from->data ? sp_buf_take(from) : calloc(1, 1);
	if (!data)
		return false;
	*to = (struct sp_bytes){.data = data, .len = len};
	return true;
}

static bool find_mark(const struct sp_timeline *t, const char *name, int64_t *at_us)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->marks[i].name, name) == 0) {
			*at_us = t->marks[i].at_us;
			return true;
		}
	return false;
}

void sp_execution_split(const struct sp_execution *x, struct sp_exec_result *r)
{
	const int64_t total_us = sp_clock_us() - x->start_us;
	int64_t started_us, ended_us;

	if (!find_mark(x->command.timeline, SP_MARK_STARTED, &started_us) ||
		!find_mark(x->command.timeline, SP_MARK_ENDED, &ended_us))
		return;
	r->create_us = started_us;
	r->wall_us = ended_us - started_us;
	r->destroy_us = total_us - ended_us;
}

int sp_execution_result(struct sp_execution *x, const struct sp_provider *where,
	const char *id, struct sp_exec_result *out, struct sp_error *err)
{
	const int64_t total_us = sp_clock_us() - x->start_us;
	struct sp_exec_result r = {
		.exit_code = x->outcome.exit_code,
		.signal = x->outcome.signal,
		.timed_out = x->outcome.timed_out,
		.oom_killed = x->outcome.oom_killed,
		.disk_full = x->outcome.disk_full,
		.pids_exceeded = x->outcome.pids_exceeded,
		.cpu_time_exceeded = x->outcome.cpu_time_exceeded,
		.cancelled = x->outcome.cancelled,
		.out_truncated = x->truncated[0],
		.err_truncated = x->truncated[1],
		.wall_us = x->outcome.wall_us ? x->outcome.wall_us : total_us,
	};

	if (x->command.on_output == capture &&
		(!take_captured(&x->captured[0], &r.out) ||
			!take_captured(&x->captured[1], &r.err))) {
		sp_exec_result_clear(&r);
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	sp_handle_make(r.handle, where, id);
	*out = r;
	return 0;
}

int sp_sandbox_exec(struct sp_client *client, const char *handle,
	const char *const argv[], const struct sp_exec_opts *opts,
	struct sp_exec_result *out, struct sp_error *err)
{
	SP_AUTO(sp_execution_clear) struct sp_execution x;
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc;

	sp_execution_init(&x, argv, opts);
	rc = sp_client_locate(client, handle, &p, id, err);
	if (rc == 0)
		rc = sp_provider_exec(p, id, &x.command, &x.outcome, err);
	return rc < 0 ? rc : sp_execution_result(&x, p, id, out, err);
}

int sp_run(struct sp_client *client, const struct sp_sandbox_spec *spec,
	const char *const argv[], const struct sp_exec_opts *opts,
	struct sp_exec_result *out, struct sp_error *err)
{
	SP_AUTO(sp_execution_clear) struct sp_execution x;
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc;

	sp_execution_init(&x, argv, opts);
	rc = sp_manager_run(client->manager, spec, &x.command, &p, id, &x.outcome, err);
	if (rc == 0)
		rc = sp_execution_result(&x, p, id, out, err);
	if (rc == 0)
		sp_execution_split(&x, out);
	return rc;
}

void sp_exec_result_clear(struct sp_exec_result *result)
{
	if (!result)
		return;
	free(result->out.data);
	free(result->err.data);
	*result = (struct sp_exec_result){0};
}
