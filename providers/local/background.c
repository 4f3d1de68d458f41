/* SPDX-License-Identifier: Apache-2.0 */
/* Processes in the background: started through a runner that stays as their keeper. */
#include <string.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "providers/local/local.h"
#include "runtime/jobs.h"

static char *state_path(const struct local *l, const char *id)
{
	char *path = NULL;

	return asprintf(&path, "%s/%s", l->sandboxes, id) < 0 ? NULL : path;
}

static int out_of_memory(struct sp_error *err)
{
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

int local_start(struct sp_provider *p, const char *id, const struct sp_command *command,
	uint32_t *number, struct sp_error *err)
{
	const struct local *l = local_of(p);
	sp_autorecord struct sp_record record = {0};
	sp_autofree char *path = state_path(l, id);
	sp_autoclose int folder = local_find_running(l, id, &record, err);
	struct sp_runner_event event = {0};
	struct sp_running running = {0};
	struct sp_launch launch = {.mode = SP_RUNNER_ENTER,
		.sandbox = &record,
		.state_path = path,
		.argv = command->argv,
		.env = command->env,
		.workdir = command->workdir,
		.user = command->user,
		.timeout_ms = command->timeout_ms,
		.tty = command->tty,
		.window = command->window,
		.is_background = true,
		.takes_input = command->stdin_fd >= 0,
		.keep_bytes = command->keep_bytes,
		.exe_fd = -1,
		.lock_fd = -1,
		.filter_fd = -1,
		.store_fd = -1,
		.state_fd = folder};
	int rc;

	if (folder < 0)
		return folder;
	rc = path ? sp_launch_start(&launch, &running, err) : out_of_memory(err);
	if (rc == 0)
		rc = sp_launch_wait_started(&running, &event, err);
	if (rc == 0)
		*number = event.number;
	return rc;
}

/* The folder of a sandbox's processes is asked only while there is such a sandbox. */
static int find_state(
	const struct local *l, const char *id, char **path, struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(l->sandboxes, err);
	enum sp_liveness life;
	int rc = base < 0 ? base : sp_state_life(base, id, &life, NULL, err);

	if (rc < 0)
		return rc;
	*path = state_path(l, id);
	return *path ? 0 : out_of_memory(err);
}

static int open_job(const struct local *l, const char *id, uint32_t number,
	struct sp_job *job, struct sp_error *err)
{
	sp_autofree char *path = NULL;
	sp_autoclose int folder = -1;
	int rc = find_state(l, id, &path, err);

	if (rc < 0)
		return rc;
	folder = sp_job_open(path, number, err);
	if (folder < 0)
		return folder;
	rc = sp_job_read(folder, number, job, err);
	return rc < 0 ? rc : sp_take_fd(folder);
}

static struct sp_process_info info_of(struct sp_job *job)
{
	const int status = job->end.status;
	struct sp_process_info info = {.number = job->number,
		.is_running = job->is_running,
		.tty = job->is_tty,
		.output_truncated = job->is_cut || job->end.is_cut,
		.started_ms = job->started_ms};

	info.command = sp_take_ptr(job->command);
	if (job->is_running)
		return info;
	info.exit_code = sp_exit_code(status);
	info.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	info.timed_out = job->end.timed_out;
	info.oom_killed = job->end.oom_killed;
	info.ended_ms = job->end.ended_ms;
	return info;
}

static int add_process(const char *path, uint32_t number, struct sp_process_list *list,
	struct sp_error *err)
{
	sp_autojob struct sp_job job = {0};
	sp_autoclose int folder = sp_job_open(path, number, err);
	struct sp_process_info info;
	int rc = folder < 0 ? folder : sp_job_read(folder, number, &job, err);

	if (rc == SP_ERR_NOT_FOUND)
		return 0; /* about to start, or gone with its sandbox */
	if (rc < 0)
		return rc;
	info = info_of(&job);
	rc = sp_process_list_add(list, &info, err);
	sp_process_info_clear(&info);
	return rc;
}

int local_processes(struct sp_provider *p, const char *id, struct sp_process_list *out,
	struct sp_error *err)
{
	SP_AUTO(sp_process_list_clear) struct sp_process_list list = {0};
	sp_autofree uint32_t *numbers = NULL;
	sp_autofree char *path = NULL;
	size_t count = 0;
	int rc = find_state(local_of(p), id, &path, err);

	if (rc == 0)
		rc = sp_job_numbers(path, &numbers, &count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_process(path, numbers[i], &list, err);
	if (rc < 0)
		return rc;
	*err = (struct sp_error){0};
	*out = list;
	list = (struct sp_process_list){0};
	return 0;
}

int local_logs(struct sp_provider *p, const char *id, uint32_t number,
	const struct sp_logs *logs, struct sp_error *err)
{
	sp_autojob struct sp_job job = {0};
	sp_autoclose int folder = open_job(local_of(p), id, number, &job, err);
	struct sp_job_follow f = {.folder = folder,
		.log = SP_JOB_LOG_INIT,
		.cancel_fd = logs->cancel_fd,
		.stdin_fd = -1,
		.resize_fd = -1,
		.on_output = logs->on_output,
		.on_output_ctx = logs->on_output_ctx};
	int rc = folder < 0 ? folder : sp_job_log_open(folder, &f.log, err);

	if (rc == 0 && logs->has_tail)
		rc = sp_job_log_tail(&f.log, logs->tail_bytes, err);
	if (rc == 0)
		rc = logs->follow ? sp_job_follow(&f, err)
				  : sp_job_log_read(&f.log, logs->on_output,
					    logs->on_output_ctx, err);
	sp_job_log_close(&f.log);
	return rc;
}

/* Read again after its end. */
static int end_of(const struct local *l, const char *id, uint32_t number,
	struct sp_process_info *out, struct sp_error *err)
{
	sp_autojob struct sp_job job = {0};
	sp_autoclose int folder = open_job(l, id, number, &job, err);

	if (folder < 0)
		return folder;
	*out = info_of(&job);
	return 0;
}

int local_wait(struct sp_provider *p, const char *id, uint32_t number,
	int64_t timeout_ms, struct sp_process_info *out, struct sp_error *err)
{
	const int64_t deadline_ms = sp_deadline_in(timeout_ms);
	sp_autojob struct sp_job job = {0};
	sp_autoclose int folder = open_job(local_of(p), id, number, &job, err);
	int rc = folder < 0 ? folder : 0;

	if (rc == 0 && job.is_running)
		rc = sp_job_wait(&job, deadline_ms, err);
	return rc < 0 ? rc : end_of(local_of(p), id, number, out, err);
}

int local_signal(struct sp_provider *p, const char *id, uint32_t number, int signal,
	struct sp_error *err)
{
	sp_autojob struct sp_job job = {0};
	sp_autoclose int folder = open_job(local_of(p), id, number, &job, err);

	if (folder < 0)
		return folder;
	if (!job.is_running)
		return sp_fail(err, SP_ERR_NOT_FOUND, "process %u has ended", number);
	return sp_job_signal(folder, signal, err);
}

int local_attach(struct sp_provider *p, const char *id, uint32_t number,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err)
{
	const int64_t start_us = sp_clock_us();
	SP_AUTO(sp_process_info_clear) struct sp_process_info info = {0};
	sp_autojob struct sp_job job = {0};
	sp_autoclose int folder = open_job(local_of(p), id, number, &job, err);
	struct sp_job_follow f = {.folder = folder,
		.log = SP_JOB_LOG_INIT,
		.from_now = true,
		.cancel_fd = command->cancel_fd,
		.stdin_fd = command->stdin_fd,
		.resize_fd = command->has_resize ? command->resize_fd : -1,
		.on_output = command->on_output,
		.on_output_ctx = command->on_output_ctx};
	int rc = folder < 0 ? folder : sp_job_log_open(folder, &f.log, err);

	if (rc == 0)
		rc = sp_job_follow(&f, err);
	sp_job_log_close(&f.log);
	if (rc == 0 && !f.is_cancelled)
		rc = end_of(local_of(p), id, number, &info, err);
	if (rc < 0)
		return rc;
	*out = (struct sp_outcome){.exit_code = info.exit_code,
		.signal = info.signal,
		.timed_out = info.timed_out,
		.oom_killed = info.oom_killed,
		.cancelled = f.is_cancelled,
		.wall_us = sp_clock_us() - start_us};
	return 0;
}
