/* SPDX-License-Identifier: Apache-2.0 */
#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020 /* Linux 6.3 */
#endif

static int wait_writable(int fd, struct sp_error *err)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	if (poll(&p, 1, -1) < 0 && errno != EINTR)
		return sp_fail_errno(err, "wait to write");
	return 0;
}

/*
 * A library must not let a peer that left end the program: SIGPIPE is held back during the
 * write and, if it was ours, taken away before it is let through again.
 */
ssize_t sp_write_some(int fd, const void *data, size_t len)
{
	const struct timespec now = {0};
	sigset_t pipe_signal, old, pending;
	ssize_t n;
	int saved;

	sigemptyset(&pipe_signal);
	sigaddset(&pipe_signal, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_signal, &old);
	n = write(fd, data, len);
	saved = errno;
	if (n < 0 && saved == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe_signal, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return n;
}

int sp_write_all(int fd, const void *data, size_t len, struct sp_error *err)
{
	const char *from = data;

	while (len > 0) {
		ssize_t n = sp_write_some(fd, from, len);

		if (n >= 0) {
			from += n;
			len -= (size_t)n;
		} else if (errno == EAGAIN) {
			int rc = wait_writable(fd, err);

			if (rc < 0)
				return rc;
		} else if (errno != EINTR) {
			return sp_fail_errno(err, "write");
		}
	}
	return 0;
}

int sp_read_exact(int fd, void *data, size_t len, struct sp_error *err)
{
	char *to = data;

	while (len > 0) {
		ssize_t n = read(fd, to, len);

		if (n == 0)
			return sp_fail(
				err, SP_ERR_PROTOCOL, "ended %zu bytes early", len);
		if (n > 0) {
			to += n;
			len -= (size_t)n;
		} else if (errno != EINTR) {
			return sp_fail_errno(err, "read");
		}
	}
	return 0;
}

int sp_write_file_at(int dirfd, const char *name, const void *data, size_t len,
	mode_t mode, struct sp_error *err)
{
	sp_autoclose int fd = -1;
	char temporary[NAME_MAX + 1];
	int rc;

	/* The thread id keeps two writers apart; a dead one's leftover goes, mode and all. */
	if (snprintf(temporary, sizeof(temporary), ".%s.%d", name, gettid()) >=
		(int)sizeof(temporary))
		return sp_fail(err, SP_ERR_INVALID, "name %s is too long", name);
	(void)unlinkat(dirfd, temporary, 0);
	fd = openat(dirfd, temporary,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd < 0)
		return sp_fail_errno(err, "write %s", name);
	rc = sp_write_all(fd, data, len, err);
	if (rc == 0 && renameat(dirfd, temporary, dirfd, name) < 0)
		rc = sp_fail_errno(err, "rename");
	if (rc < 0) {
		unlinkat(dirfd, temporary, 0);
		return sp_wrap(err, rc, "write %s", name);
	}
	return 0;
}

int sp_read_file_at(int dirfd, const char *name, size_t max, struct sp_bytes *out,
	struct sp_error *err)
{
	sp_autoclose int fd = -1;
	sp_autofree char *data = NULL;
	struct stat st;
	size_t len = 0;

	fd = openat(
		dirfd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return sp_fail_errno(err, "open %s", name);
	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "stat %s", name);
	if (!S_ISREG(st.st_mode))
		return sp_fail(err, SP_ERR_INVALID, "%s is not a regular file", name);
	if ((uint64_t)st.st_size > max)
		return sp_fail(
			err, SP_ERR_LIMIT, "%s is longer than %zu bytes", name, max);
	data = malloc((size_t)st.st_size + 1);
	if (!data)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, data + len, (size_t)st.st_size - len);

		if (n == 0)
			break;
		if (n > 0)
			len += (size_t)n;
		else if (errno != EINTR)
			return sp_fail_errno(err, "read %s", name);
	}
	data[len] = '\0';
	out->data = sp_take_ptr(data);
	out->len = len;
	return 0;
}

static int seal(int fd, struct sp_error *err)
{
	const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

	/* F_SEAL_EXEC is newer than the others; without it the mode bits may change, no more. */
	if (fcntl(fd, F_ADD_SEALS, seals | F_SEAL_EXEC) == 0)
		return 0;
	if (fcntl(fd, F_ADD_SEALS, seals) < 0)
		return sp_fail_errno(err, "seal memory");
	return 0;
}

static int new_memfd(const char *name, struct sp_error *err)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	return fd < 0 ? sp_fail_errno(err, "make memory file") : fd;
}

int sp_sealed_memfd(
	const char *name, const void *data, size_t len, struct sp_error *err)
{
	sp_autoclose int fd = new_memfd(name, err);
	int rc;

	if (fd < 0)
		return fd;
	rc = sp_write_all(fd, data, len, err);
	if (rc < 0)
		return rc;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return sp_fail_errno(err, "seek");
	rc = seal(fd, err);
	return rc < 0 ? rc : sp_take_fd(fd);
}

int sp_sealed_copy(const char *name, int from_fd, struct sp_error *err)
{
	sp_autoclose int fd = new_memfd(name, err);
	struct stat st;
	off_t at = 0;
	int rc;

	if (fd < 0)
		return fd;
	if (fstat(from_fd, &st) < 0)
		return sp_fail_errno(err, "stat %s", name);
	while (at < st.st_size) {
		ssize_t n = sendfile(fd, from_fd, &at, (size_t)(st.st_size - at));

		if (n < 0 && errno != EINTR)
			return sp_fail_errno(err, "copy %s", name);
		if (n == 0)
			return sp_fail(err, SP_ERR_SYSTEM,
				"%s shrank while it was read", name);
	}
	if (lseek(fd, 0, SEEK_SET) < 0)
		return sp_fail_errno(err, "seek");
	rc = seal(fd, err);
	return rc < 0 ? rc : sp_take_fd(fd);
}

int sp_set_nonblock(int fd, bool on, struct sp_error *err)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 ||
		fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) < 0)
		return sp_fail_errno(err, "set blocking mode");
	return 0;
}

int sp_pipe(int *read_end, int *write_end, size_t bytes, struct sp_error *err)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "make a pipe");
	/* A smaller pipe than asked for (a user's quota) is slower, not wrong. */
	if (bytes)
		(void)fcntl(fds[1], F_SETPIPE_SZ, (int)bytes);
	*read_end = fds[0];
	*write_end = fds[1];
	return 0;
}

/* Links to folders count; errno stays as it is. */
static bool is_folder(const char *path)
{
	int saved = errno;
	struct stat st;
	bool yes = stat(path, &st) == 0 && S_ISDIR(st.st_mode);

	errno = saved;
	return yes;
}

int sp_mkdir_p(const char *path, mode_t mode, struct sp_error *err)
{
	sp_autofree char *copy = strdup(path);

	if (!copy)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	if (!*copy)
		return sp_fail(err, SP_ERR_INVALID, "make folder \"\": no name");
	for (char *p = copy + 1;; p++) {
		char c = *p;

		if (c != '/' && c != '\0')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && !(errno == EEXIST && is_folder(copy)))
			return sp_fail_errno(err, "make folder %s", copy);
		if (c == '\0')
			return 0;
		*p = c;
	}
}
