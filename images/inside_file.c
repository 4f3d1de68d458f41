/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/io.h"
#include "images/inside.h"
#include "images/kernel_fs.h"
#include "images/records.h"

#define COPY_BYTES (256 * 1024)
#define TEMP_BYTES 40
#define FILE_MODE  0644
/* The kernel's files say that they are empty. */
#define KERNEL_FILE_MAX (4 * 1024 * 1024)

static int not_regular(const char *path, mode_t mode, struct sp_error *err)
{
	if (S_ISDIR(mode))
		return sp_fail(err, SP_ERR_EXISTS, "%s is a folder", path);
	return sp_fail(err, SP_ERR_INVALID, "%s is a device, FIFO or socket", path);
}

/* --- Reading ------------------------------------------------------------------------ */

/* From offset up to end, or to where the file ends by then. */
static int copy_out(int fd, uint64_t offset, uint64_t end, int out_fd, const char *path,
	struct sp_error *err)
{
	sp_autofree char *data = malloc(COPY_BYTES);
	int rc = 0;

	if (!data)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	while (rc == 0 && offset < end) {
		size_t want = end - offset < COPY_BYTES ? (size_t)(end - offset)
							: COPY_BYTES;
		ssize_t n = pread(fd, data, want, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sp_fail_errno(err, "read %s", path);
		if (n == 0)
			break;
		offset += (uint64_t)n;
		rc = sp_write_all(out_fd, data, (size_t)n, err);
	}
	return rc;
}

int sp_inside_read(const char *path, uint64_t offset, uint64_t length, int out_fd,
	struct sp_error *err)
{
	/* A FIFO or a device must not make us wait, or become our terminal. */
	sp_autoclose int fd = sp_inside_open(
		path, O_RDONLY | O_NONBLOCK | O_NOCTTY, err);
	struct stat st;
	uint64_t end;

	if (fd < 0 && err->sys_errno == ENXIO)
		return not_regular(path, S_IFSOCK, err);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "%s", path);
	if (!S_ISREG(st.st_mode))
		return not_regular(path, st.st_mode, err);
	/* What is there now: one that grows under our eyes would have no end. */
	end = (uint64_t)st.st_size;
	if (end == 0 && sp_is_kernel_fs(fd))
		end = KERNEL_FILE_MAX;
	if (length && offset < end && length < end - offset)
		end = offset + length;
	return copy_out(fd, offset, end, out_fd, path, err);
}

/* --- Writing ------------------------------------------------------------------------ */

/* A file while it is written, without a name that counts. */
struct draft {
	struct sp_inside_place place;
	int fd;
	char temp[TEMP_BYTES];
};

static void draft_clear(struct draft *d)
{
	if (d->fd >= 0)
		unlinkat(d->place.folder, d->temp, 0);
	sp_close_fd(&d->fd);
	sp_close_fd(&d->place.folder);
}

/* Unguessable, so that nobody can be there first and make us fail. */
static int draft_open(struct draft *d, const char *path, struct sp_error *err)
{
	uint64_t number;

	if (getrandom(&number, sizeof(number), 0) != sizeof(number))
		return sp_fail_errno(err, "get random bytes");
	snprintf(d->temp, sizeof(d->temp), ".sandpit-%016llx",
		(unsigned long long)number);
	d->fd = openat(d->place.folder, d->temp,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	return d->fd < 0 ? sp_fail_errno(err, "write %s", path) : 0;
}

static int copy_chunk(struct draft *d, int in_fd, char *data, size_t len,
	const char *path, struct sp_error *err)
{
	int rc = 0;

	while (rc == 0 && len > 0) {
		size_t part = len < COPY_BYTES ? len : COPY_BYTES;

		rc = sp_read_exact(in_fd, data, part, err);
		if (rc == 0)
			rc = sp_write_all(d->fd, data, part, err);
		len -= part;
	}
	return rc < 0 ? sp_wrap(err, rc, "%s", path) : 0;
}

/* Until the chunk that says it was all: a stream that breaks off changes nothing. */
static int copy_in(struct draft *d, int in_fd, const char *path, struct sp_error *err)
{
	sp_autofree char *data = malloc(COPY_BYTES);
	uint32_t head;
	int rc;

	if (!data)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (;;) {
		rc = sp_read_exact(in_fd, &head, sizeof(head), err);
		if (rc < 0)
			return sp_wrap(err, rc, "contents of %s", path);
		head = be32toh(head);
		if (head == 0)
			return 0;
		if (head > SP_CHUNK_MAX)
			return sp_fail(err, SP_ERR_PROTOCOL,
				"contents of %s: a chunk of %u bytes", path, head);
		rc = copy_chunk(d, in_fd, data, head, path, err);
		if (rc < 0)
			return rc;
	}
}

/* Owner first: changing it takes bits of the mode away. */
static int dress(struct draft *d, mode_t mode, const struct stat *old, const char *path,
	struct sp_error *err)
{
	if (!mode)
		mode = old ? old->st_mode & 0777 : FILE_MODE;
	if (old && fchown(d->fd, old->st_uid, old->st_gid) < 0)
		return sp_fail_errno(err, "keep the owner of %s", path);
	if (fchmod(d->fd, mode) < 0)
		return sp_fail_errno(err, "set the mode of %s", path);
	return 0;
}

static int settle(struct draft *d, const char *path, struct sp_error *err)
{
	if (renameat(d->place.folder, d->temp, d->place.folder, d->place.name) < 0)
		return errno == EISDIR ? not_regular(path, S_IFDIR, err)
				       : sp_fail_errno(err, "write %s", path);
	sp_close_fd(&d->fd);
	return 0;
}

int sp_inside_write(const char *path, mode_t mode, int in_fd, struct sp_error *err)
{
	SP_AUTO(draft_clear)
	struct draft d = {.place = SP_INSIDE_PLACE_INIT, .fd = -1};
	struct stat old;
	bool replaces;
	int rc;

	if (path[strlen(path) - 1] == '/')
		return sp_fail(err, SP_ERR_INVALID, "%s names a folder", path);
	rc = sp_inside_locate(path, SP_INSIDE_FOLLOW, true, &d.place, err);
	if (rc < 0)
		return rc;
	replaces = fstatat(d.place.folder, d.place.name, &old, AT_SYMLINK_NOFOLLOW) ==
		0;
	if (replaces && !S_ISREG(old.st_mode))
		return not_regular(path, old.st_mode, err);
	rc = draft_open(&d, path, err);
	if (rc == 0)
		rc = copy_in(&d, in_fd, path, err);
	if (rc == 0)
		rc = dress(&d, mode, replaces ? &old : NULL, path, err);
	return rc < 0 ? rc : settle(&d, path, err);
}
