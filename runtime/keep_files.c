/* SPDX-License-Identifier: Apache-2.0 */
/* The folder of a process in the background: its number, what is known of it, its output. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/proc.h"
#include "runtime/keep.h"

#define BACKLOG 64

static int open_procs(const struct keeper *k, struct sp_error *err)
{
	const char *path = spec_text(k->r, k->r->spec->state_path);
	int state = path ? open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
			 : -1;
	int fd = -1;

	if (state < 0)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox ended");
	if (mkdirat(state, SP_STATE_PROCS, 0700) == 0 || errno == EEXIST)
		fd = openat(state, SP_STATE_PROCS,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	close(state);
	return fd < 0 ? sp_fail_errno(err, "open %s/" SP_STATE_PROCS, path) : fd;
}

/* A number is whose folder was made first. */
static int claim_number(struct keeper *k, int procs, struct sp_error *err)
{
	for (uint32_t n = 1; n <= SP_STATE_PROCS_MAX; n++) {
		char name[16];

		snprintf(name, sizeof(name), "%u", n);
		if (mkdirat(procs, name, 0700) < 0) {
			if (errno == EEXIST)
				continue;
			return sp_fail_errno(err, "make a folder for process %u", n);
		}
		k->number = n;
		k->folder = openat(
			procs, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		return k->folder < 0
			? sp_fail_errno(err, "open the folder of process %u", n)
			: 0;
	}
	return sp_fail(err, SP_ERR_LIMIT,
		"this sandbox has had %u processes in the background: destroy it, and "
		"make "
		"another",
		SP_STATE_PROCS_MAX);
}

int keep_claim(struct keeper *k, struct sp_error *err)
{
	int procs = open_procs(k, err);
	int rc = procs < 0 ? procs : claim_number(k, procs, err);

	if (procs >= 0)
		close(procs);
	return rc;
}

void keep_remove(struct keeper *k)
{
	const char *path = spec_text(k->r, k->r->spec->state_path);
	char folder[4096];

	if (k->folder < 0)
		return;
	close(k->folder);
	k->folder = -1;
	if (snprintf(folder, sizeof(folder), "%s/" SP_STATE_PROCS "/%u", path,
		    k->number) < (int)sizeof(folder))
		(void)sp_remove_process(AT_FDCWD, folder);
}

static int make_file(const struct keeper *k, const char *name, struct sp_error *err)
{
	int fd = openat(k->folder, name,
		O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);

	return fd < 0 ? sp_fail_errno(err, "make %s of process %u", name, k->number)
		      : fd;
}

/* Complete, or not there at all. */
static int put_file(const struct keeper *k, const char *name, const void *data,
	size_t len, struct sp_error *err)
{
	int fd = make_file(k, SP_JOB_NEW, err);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = write(fd, data, len);
	close(fd);
	if (n == (ssize_t)len && renameat(k->folder, SP_JOB_NEW, k->folder, name) == 0)
		return 0;
	sp_fail_errno(err, "write %s of process %u", name, k->number);
	(void)unlinkat(k->folder, SP_JOB_NEW, 0);
	return SP_ERR_SYSTEM;
}

/* By its descriptor, for a path may be longer than a socket's name. */
static int listen_here(struct keeper *k, struct sp_error *err)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};

	k->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	snprintf(name.sun_path, sizeof(name.sun_path),
		"/proc/self/fd/%d/" SP_JOB_SOCKET, k->folder);
	if (k->listener < 0 ||
		bind(k->listener, (struct sockaddr *)&name, sizeof(name)) < 0 ||
		listen(k->listener, BACKLOG) < 0)
		return sp_fail_errno(err, "listen for process %u", k->number);
	return 0;
}

static int write_record(const struct keeper *k, struct sp_error *err)
{
	static struct sp_job_record record;
	const struct sp_runner_spec *s = k->r->spec;

	memset(&record, 0, sizeof(record));
	record.magic = SP_JOB_MAGIC;
	record.number = k->number;
	record.keeper = getpid();
	record.keeper_ticks = sp_proc_start_ticks(getpid());
	record.is_tty = (s->flags & SP_RF_TTY) != 0;
	record.takes_input = k->in >= 0 || record.is_tty;
	record.started_ms = keep_now_ms();
	for (char *const *arg = k->r->argv; *arg; arg++) {
		size_t len = strlen(*arg) + 1;
		size_t room = SP_JOB_COMMAND_MAX - record.command_len;

		memcpy(record.command + record.command_len, *arg,
			len < room ? len : room);
		record.command_len += (uint32_t)(len < room ? len : room);
	}
	record.command[SP_JOB_COMMAND_MAX - 1] = '\0';
	return put_file(k, SP_JOB_RECORD, &record, sizeof(record), err);
}

int keep_open_files(struct keeper *k, struct sp_error *err)
{
	int rc;

	k->lock = make_file(k, SP_JOB_LOCK, err);
	if (k->lock < 0)
		return k->lock;
	if (flock(k->lock, LOCK_EX) < 0)
		return sp_fail_errno(err, "lock process %u", k->number);
	k->log = make_file(k, SP_JOB_LOG, err);
	if (k->log < 0)
		return k->log;
	rc = listen_here(k, err);
	return rc < 0 ? rc : write_record(k, err);
}

/* What is beyond is read and dropped: the process goes on. */
static void cut(struct keeper *k)
{
	int fd = make_file(k, SP_JOB_CUT, NULL);

	if (fd >= 0)
		close(fd);
	k->is_cut = true;
}

static size_t room_for(const struct keeper *k, size_t len)
{
	const uint64_t max = k->r->spec->keep_bytes;
	const uint64_t heads = k->log_bytes - k->kept_bytes;
	uint64_t left = max - k->kept_bytes;

	if (k->is_cut || heads + sizeof(struct sp_job_frame) > max + SP_JOB_HEADS_BYTES)
		return 0;
	return left < len ? (size_t)left : len;
}

size_t keep_store(struct keeper *k, enum sp_stream stream, const char *data, size_t len)
{
	size_t kept = room_for(k, len);
	struct sp_job_frame head = {
		.stream = stream, .len = (uint32_t)kept, .at_ms = keep_now_ms()};
	const struct iovec parts[] = {
		{.iov_base = &head, .iov_len = sizeof(head)},
		{.iov_base = (void *)(uintptr_t)data, .iov_len = kept},
	};
	ssize_t whole = (ssize_t)(sizeof(head) + kept);

	/* A disk that is full leaves no half of a frame. */
	if (kept && pwritev(k->log, parts, 2, (off_t)k->log_bytes) != whole) {
		(void)!ftruncate(k->log, (off_t)k->log_bytes);
		kept = 0;
	}
	if (kept) {
		k->log_bytes += (uint64_t)whole;
		k->kept_bytes += kept;
	}
	if (kept < len && !k->is_cut)
		cut(k);
	return kept;
}

int keep_write_end(const struct keeper *k, const struct sp_job_end *end)
{
	return put_file(k, SP_JOB_END, end, sizeof(*end), NULL);
}
