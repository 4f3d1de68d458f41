/* SPDX-License-Identifier: Apache-2.0 */
#include "images/inside_tell.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"
#include "images/records.h"

#define HEAD_MAX 160

int sp_tell_flush(struct sp_tell *t, struct sp_error *err)
{
	size_t len = t->len;

	t->len = 0;
	return len ? sp_write_all(t->fd, t->data, len, err) : 0;
}

static int add_field(struct sp_tell *t, const char *text, struct sp_error *err)
{
	size_t len = strlen(text) + 1;
	int rc = 0;

	if (len > SP_RECORDS_PATH_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "%.64s... is over %d bytes", text,
			SP_RECORDS_PATH_MAX);
	if (len > sizeof(t->data) - t->len)
		rc = sp_tell_flush(t, err);
	if (rc < 0)
		return rc;
	memcpy(t->data + t->len, text, len);
	t->len += len;
	return 0;
}

int sp_tell_begin(struct sp_tell *t, int fd, struct sp_error *err)
{
	t->fd = fd;
	t->len = 0;
	return add_field(t, SP_RECORDS_VERSION, err);
}

static char type_of(mode_t mode)
{
	if (S_ISREG(mode))
		return 'f';
	if (S_ISDIR(mode))
		return 'd';
	return S_ISLNK(mode) ? 'l' : 'o';
}

int sp_tell_entry(struct sp_tell *t, const char *path, const struct stat *st,
	const char *link, struct sp_error *err)
{
	char head[HEAD_MAX];
	int rc;

	snprintf(head, sizeof(head), "e %c %" PRIu64 " %o %u %u %" PRId64,
		type_of(st->st_mode), (uint64_t)st->st_size, st->st_mode & 07777u,
		st->st_uid, st->st_gid,
		(int64_t)st->st_mtim.tv_sec * 1000 + st->st_mtim.tv_nsec / 1000000);
	rc = add_field(t, head, err);
	if (rc == 0)
		rc = add_field(t, path, err);
	return rc < 0 ? rc : add_field(t, link ? link : "", err);
}

int sp_tell_change(
	struct sp_tell *t, const char *action, const char *path, struct sp_error *err)
{
	char head[HEAD_MAX];
	int rc;

	snprintf(head, sizeof(head), "c %s", action);
	rc = add_field(t, head, err);
	return rc < 0 ? rc : add_field(t, *path ? path : "/", err);
}

int sp_tell_end(struct sp_tell *t, struct sp_error *err)
{
	int rc = add_field(t, SP_RECORDS_END, err);

	return rc < 0 ? rc : sp_tell_flush(t, err);
}
