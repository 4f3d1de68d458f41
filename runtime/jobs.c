/* SPDX-License-Identifier: Apache-2.0 */
/* What is stored of processes in the background: ours, and still looked at twice. */
#include "runtime/jobs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/io.h"
#include "base/proc.h"
#include "runtime/spec.h"

#define COMMAND_TEXT_MAX (16 * 1024)
#define STATUS_KILLED    9 /* as waitpid gives it */

void sp_job_clear(struct sp_job *job)
{
	if (!job)
		return;
	free(job->command);
	*job = (struct sp_job){0};
}

static int compare(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* Whatever else is in the folder has no number. */
static int collect(DIR *dir, uint32_t **out, size_t *count, struct sp_error *err)
{
	uint32_t *numbers = calloc(SP_STATE_PROCS_MAX, sizeof(*numbers));
	const struct dirent *entry;
	size_t n = 0;

	if (!numbers)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	while ((entry = readdir(dir)) && n < SP_STATE_PROCS_MAX) {
		int64_t number;

		if (sp_parse_int(entry->d_name, 1, SP_STATE_PROCS_MAX, &number, NULL) ==
			0)
			numbers[n++] = (uint32_t)number;
	}
	qsort(numbers, n, sizeof(*numbers), compare);
	*out = numbers;
	*count = n;
	return 0;
}

static int open_procs(const char *state_path)
{
	sp_autoclose int state = open(
		state_path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (state < 0)
		return -1;
	return openat(
		state, SP_STATE_PROCS, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

int sp_job_numbers(
	const char *state_path, uint32_t **out, size_t *count, struct sp_error *err)
{
	int fd = open_procs(state_path);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	int rc;

	if (fd < 0 && errno == ENOENT) {
		*out = NULL;
		*count = 0;
		return 0;
	}
	if (!dir) {
		rc = sp_fail_errno(err, "list %s/" SP_STATE_PROCS, state_path);
		sp_close_fd(&fd);
		return rc;
	}
	rc = collect(dir, out, count, err);
	closedir(dir);
	return rc;
}

int sp_job_open(const char *state_path, uint32_t number, struct sp_error *err)
{
	sp_autoclose int procs = open_procs(state_path);
	char name[16];
	int fd = -1;

	snprintf(name, sizeof(name), "%u", number);
	if (procs >= 0)
		fd = openat(
			procs, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* Without a record it is about to start, or came to nothing. */
	if (fd >= 0 && faccessat(fd, SP_JOB_RECORD, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		sp_close_fd(&fd);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT)
		return sp_fail(err, SP_ERR_NOT_FOUND, "there is no process %u", number);
	return sp_fail_errno(err, "open process %u", number);
}

static bool is_plain(const char *word)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789%+,-./:=@_";

	return *word && strspn(word, plain) == strlen(word);
}

static void add_word(struct sp_buf *out, const char *word)
{
	if (is_plain(word)) {
		sp_buf_adds(out, word);
		return;
	}
	sp_buf_addc(out, '\'');
	for (; *word; word++) {
		if (*word == '\'')
			sp_buf_adds(out, "'\\'");
		sp_buf_addc(out, *word);
	}
	sp_buf_addc(out, '\'');
}

int sp_job_parse_record(const char *data, size_t len, uint32_t number,
	struct sp_job *out, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(COMMAND_TEXT_MAX + 8);
	struct sp_job_record r;

	if (len != sizeof(r))
		return sp_fail(err, SP_ERR_PROTOCOL,
			"record of process %u is no record", number);
	memcpy(&r, data, sizeof(r));
	if (r.magic != SP_JOB_MAGIC || r.number != number || r.keeper <= 1 ||
		r.command_len == 0 || r.command_len > SP_JOB_COMMAND_MAX ||
		r.command[r.command_len - 1] != '\0')
		return sp_fail(err, SP_ERR_PROTOCOL,
			"record of process %u is broken or of another version", number);
	for (uint32_t at = 0; at < r.command_len;) {
		if (at)
			sp_buf_addc(&text, ' ');
		add_word(&text, r.command + at);
		at += (uint32_t)strlen(r.command + at) + 1;
	}
	if (sp_buf_ok(&text, err) < 0)
		return SP_ERR_NOMEM;
	*out = (struct sp_job){.number = number,
		.is_tty = r.is_tty,
		.takes_input = r.takes_input,
		.started_ms = r.started_ms,
		.keeper = r.keeper,
		.keeper_ticks = r.keeper_ticks,
		.command = sp_buf_take(&text)};
	return 0;
}

int sp_job_parse_end(
	const char *data, size_t len, struct sp_job_end *out, struct sp_error *err)
{
	if (len != sizeof(*out) ||
		((const struct sp_job_end *)data)->magic != SP_JOB_MAGIC)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the end of a process is broken or of another version");
	memcpy(out, data, sizeof(*out));
	return 0;
}

static int read_end(int folder, struct sp_job_end *end, struct sp_error *err)
{
	struct sp_bytes bytes = {0};
	int rc = sp_read_file_at(folder, SP_JOB_END, sizeof(*end), &bytes, err);

	if (rc < 0)
		return rc;
	rc = sp_job_parse_end(bytes.data, bytes.len, end, err);
	free(bytes.data);
	return rc;
}

/* A lock that can be taken has no keeper behind it. */
static bool is_kept(int folder)
{
	sp_autoclose int lock = openat(
		folder, SP_JOB_LOCK, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Killed with its keeper, it could not say how it ended. */
static int fill_end(int folder, struct sp_job *job, struct sp_error *err)
{
	struct sp_error why = {0};
	int rc = read_end(folder, &job->end, &why);

	if (rc == SP_ERR_NOT_FOUND && is_kept(folder)) {
		job->is_running = true;
		return 0;
	}
	if (rc == SP_ERR_NOT_FOUND) /* it may have been written just now */
		rc = read_end(folder, &job->end, &why);
	if (rc == SP_ERR_NOT_FOUND) {
		job->end = (struct sp_job_end){
			.magic = SP_JOB_MAGIC, .status = STATUS_KILLED};
		return 0;
	}
	if (rc < 0 && err)
		*err = why;
	return rc;
}

int sp_job_read(int folder, uint32_t number, struct sp_job *out, struct sp_error *err)
{
	sp_autojob struct sp_job job = {0};
	struct sp_bytes bytes = {0};
	int rc = sp_read_file_at(
		folder, SP_JOB_RECORD, sizeof(struct sp_job_record), &bytes, err);

	if (rc < 0)
		return sp_wrap(err, rc, "process %u", number);
	rc = sp_job_parse_record(bytes.data, bytes.len, number, &job, err);
	free(bytes.data);
	if (rc == 0)
		rc = fill_end(folder, &job, err);
	if (rc < 0)
		return rc;
	job.is_cut = faccessat(folder, SP_JOB_CUT, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
	*out = job;
	job = (struct sp_job){0};
	return 0;
}

int sp_job_wait(const struct sp_job *job, int64_t deadline_ms, struct sp_error *err)
{
	sp_autoclose int pidfd = (int)syscall(SYS_pidfd_open, job->keeper, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int n;

	/* The number may be another's by now; the descriptor cannot change any more. */
	if (pidfd < 0 || sp_proc_start_ticks(job->keeper) != job->keeper_ticks)
		return 0;
	do
		n = poll(&p, 1, sp_deadline_poll_ms(deadline_ms));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sp_fail_errno(err, "wait for process %u", job->number);
	return n > 0
		? 0
		: sp_fail(err, SP_ERR_TIMEOUT, "process %u still runs", job->number);
}
