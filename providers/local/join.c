/* SPDX-License-Identifier: Apache-2.0 */
/* Commands and transfers in a sandbox that is there. */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "images/worker_reply.h"
#include "providers/local/local.h"

/* A transfer that makes no progress at all would hold its caller for ever. */
#define TRANSFER_TIMEOUT_MS (6 * 3600 * 1000)
#define STAT_TIMEOUT_MS     30000
#define STAT_REPLY_MAX      256

void local_outcome(
	const struct sp_runner_event *event, int64_t start_us, struct sp_outcome *out)
{
	*out = (struct sp_outcome){.exit_code = sp_exit_code(event->status),
		.signal = WIFSIGNALED(event->status) ? WTERMSIG(event->status) : 0,
		.timed_out = event->timed_out,
		.oom_killed = event->oom_killed,
		.disk_full = event->disk_full,
		.pids_exceeded = event->pids_exceeded,
		.cpu_time_exceeded = event->cpu_time_exceeded,
		.cancelled = event->cancelled,
		.wall_us = sp_clock_us() - start_us};
}

void local_timeline(
	const struct sp_command *command, const struct sp_runner_event *event)
{
	struct sp_timeline *t = command->timeline;

	for (uint32_t i = 0; t && i < event->marks.count && t->count < SP_TIMELINE_MAX;
		i++) {
		struct sp_mark *m = &t->marks[t->count++];

		snprintf(m->name, sizeof(m->name), "%.19s", event->marks.items[i].name);
		m->at_us = event->marks.items[i].at_us - command->timeline_start_us;
	}
}

int local_find_running(const struct local *l, const char *id, struct sp_record *record,
	struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(l->sandboxes, err);
	sp_autoclose int folder = base < 0 ? base : sp_state_folder(base, id, err);
	enum sp_liveness life;
	int rc;

	if (folder < 0)
		return folder;
	rc = sp_state_life(base, id, &life, NULL, err);
	if (rc < 0)
		return rc;
	if (life == SP_LIFE_DEAD)
		return sp_fail(err, SP_ERR_NOT_FOUND, "sandbox %s has ended", id);
	if (life == SP_LIFE_STARTING)
		return sp_fail(
			err, SP_ERR_UNAVAILABLE, "sandbox %s is still starting", id);
	rc = sp_state_read(base, id, record, err);
	if (rc < 0)
		return rc;
	if (!record->is_kept)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"sandbox %s belongs to one command of 'run' and cannot be "
			"joined",
			id);
	return sp_take_fd(folder);
}

static int join(const struct local *l, const char *id, struct sp_launch *launch,
	const struct sp_relay *relay, struct sp_runner_event *event,
	struct sp_error *err)
{
	sp_autorecord struct sp_record record = {0};
	sp_autoclose int folder = local_find_running(l, id, &record, err);
	struct sp_running running = {0};
	int rc;

	if (folder < 0)
		return folder;
	launch->mode = SP_RUNNER_ENTER;
	launch->sandbox = &record;
	launch->lock_fd = launch->filter_fd = -1;
	launch->state_fd = folder;
	rc = sp_launch_start(launch, &running, err);
	if (rc < 0)
		return rc;
	return sp_launch_relay(&running, relay, event, err);
}

int local_exec(struct sp_provider *p, const char *id, const struct sp_command *command,
	struct sp_outcome *out, struct sp_error *err)
{
	int64_t start_us = sp_clock_us();
	struct sp_relay relay = {.input = {.fd = command->stdin_fd},
		.cancel_fd = command->cancel_fd,
		.on_output = command->on_output,
		.on_output_ctx = command->on_output_ctx,
		.tty = command->tty,
		.has_resize = command->has_resize,
		.resize_fd = command->resize_fd};
	struct sp_launch launch = {.argv = command->argv,
		.env = command->env,
		.workdir = command->workdir,
		.user = command->user,
		.timeout_ms = command->timeout_ms,
		.tty = command->tty,
		.window = command->window,
		.exe_fd = -1};
	struct sp_runner_event event = {0};
	int rc = join(local_of(p), id, &launch, &relay, &event, err);

	if (rc < 0)
		return rc;
	/* The promise of a deadline is kept with the whole sandbox where nothing less helps. */
	if (event.has_survivors)
		(void)local_destroy(p, id, err);
	local_timeline(command, &event);
	local_outcome(&event, start_us, out);
	return 0;
}

/* --- Transfers: our static worker, run inside as one more command ------------------- */

struct transfer {
	const struct sp_sink *sink;
	struct sp_buf
		*reply; /* where standard output goes instead, for short answers */
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
	if (t->sink)
		return t->sink->write(t->sink->ctx, data, len, t->err);
	if (t->reply)
		sp_buf_add(t->reply, data, len);
	return 0;
}

static int open_worker(const struct local *l, struct sp_error *err)
{
	int fd = open(l->worker, O_RDONLY | O_CLOEXEC);
	int copy;

	if (fd < 0)
		return sp_fail_errno(err, "worker %s", l->worker);
	/* A copy: what runs inside is a handle of its file. */
	copy = sp_sealed_copy("sandpit-worker", fd, err);
	close(fd);
	return copy;
}

static int transfer(struct local *l, const char *id, const char *const *argv,
	const struct sp_source *source, struct transfer *t, int64_t timeout_ms,
	struct sp_error *err)
{
	sp_autoclose int worker = open_worker(l, err);
	struct sp_relay relay = {.input = {.fd = -1},
		.cancel_fd = -1,
		.on_output = take_output,
		.on_output_ctx = t};
	struct sp_launch launch = {.argv = argv,
		.workdir = "/",
		.user = "0",
		.timeout_ms = timeout_ms,
		.exe_fd = worker};
	struct sp_runner_event event = {0};
	int rc;

	if (worker < 0)
		return worker;
	if (source)
		relay.input = (struct sp_input){
			.fd = -1, .read = source->read, .ctx = source->ctx};
	t->err = err;
	rc = join(l, id, &launch, &relay, &event, err);
	if (rc < 0)
		return rc;
	if (event.timed_out)
		return sp_fail(err, SP_ERR_TIMEOUT, "the transfer took too long");
	return sp_worker_reply(
		sp_buf_str(&t->errors), t->errors.len, sp_exit_code(event.status), err);
}

int local_get_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_sink *sink, struct sp_error *err)
{
	const char *const argv[] = {"sandpit-worker", "pack", "--", path, NULL};
	struct transfer t = {.sink = sink, .errors = SP_BUF_INIT(SP_WORKER_STDERR_MAX)};
	int rc = transfer(local_of(p), id, argv, NULL, &t, TRANSFER_TIMEOUT_MS, err);

	sp_buf_clear(&t.errors);
	return rc;
}

int local_put_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err)
{
	const char *const argv[] = {
		"sandpit-worker", "unpack", "--keep-kinds", "--", path, NULL};
	struct transfer t = {.errors = SP_BUF_INIT(SP_WORKER_STDERR_MAX)};
	int rc = transfer(local_of(p), id, argv, source, &t, TRANSFER_TIMEOUT_MS, err);

	sp_buf_clear(&t.errors);
	return rc;
}

int local_stat(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *out, struct sp_error *err)
{
	const char *const argv[] = {"sandpit-worker", "stat", "--", path, NULL};
	sp_autobuf struct sp_buf reply = SP_BUF_INIT(STAT_REPLY_MAX);
	struct transfer t = {
		.reply = &reply, .errors = SP_BUF_INIT(SP_WORKER_STDERR_MAX)};
	struct sp_worker_stat found;
	int rc = transfer(local_of(p), id, argv, NULL, &t, STAT_TIMEOUT_MS, err);

	sp_buf_clear(&t.errors);
	if (rc == 0)
		rc = sp_worker_parse_stat(sp_buf_str(&reply), reply.len, &found, err);
	if (rc < 0)
		return rc;
	*out = (struct sp_file_stat){.type = found.is_file ? SP_FILE_REGULAR
			: found.is_folder                  ? SP_FILE_FOLDER
							   : SP_FILE_OTHER,
		.size = found.size,
		.mode = found.mode,
		.mtime_s = found.mtime_s};
	return 0;
}
