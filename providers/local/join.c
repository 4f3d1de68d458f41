/* SPDX-License-Identifier: Apache-2.0 */
/* Commands in a sandbox that is there. */
#include <stdio.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/proc.h"
#include "providers/local/local.h"

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
	struct sp_supervisor supervisor = {0};
	int rc;

	if (folder < 0)
		return folder;
	rc = local_find_alive(l, id, record, &supervisor, err);
	if (rc < 0)
		return rc;
	if (!record->is_kept)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"sandbox %s belongs to one command of 'run' and cannot be "
			"joined",
			id);
	rc = local_check_not_paused(record, &supervisor, err);
	return rc < 0 ? rc : sp_take_fd(folder);
}

int local_join(const struct local *l, const char *id, struct sp_launch *launch,
	const struct sp_relay *relay, struct sp_runner_event *event,
	struct sp_error *err)
{
	sp_autorecord struct sp_record record = {0};
	sp_autoclose int folder = local_find_running(l, id, &record, err);
	struct sp_running running = {0};
	int rc;

	if (folder < 0) {
		err->not_sent = true;
		return folder;
	}
	launch->mode = SP_RUNNER_ENTER;
	launch->sandbox = &record;
	launch->lock_fd = launch->filter_fd = -1;
	launch->state_fd = folder;
	rc = sp_launch_start(launch, &running, err);
	if (rc < 0) {
		err->not_sent = true;
		return rc;
	}
	return sp_launch_relay(&running, relay, event, err);
}

static int exec_in(struct sp_provider *p, const char *id,
	const struct sp_command *command, bool is_last, struct sp_outcome *out,
	struct sp_error *err)
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
		.is_last = is_last,
		.exe_fd = -1};
	struct sp_runner_event event = {0};
	int rc = local_join(local_of(p), id, &launch, &relay, &event, err);

	if (rc < 0)
		return rc;
	/* The promise of a deadline is kept with the whole sandbox where nothing less helps. */
	if (event.has_survivors)
		(void)local_destroy(p, id, err);
	local_timeline(command, &event);
	local_outcome(&event, start_us, out);
	return 0;
}

int local_exec(struct sp_provider *p, const char *id, const struct sp_command *command,
	struct sp_outcome *out, struct sp_error *err)
{
	return exec_in(p, id, command, false, out, err);
}

int local_exec_last(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err)
{
	return exec_in(p, id, command, true, out, err);
}
