/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on files inside; copies are in files.c. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/io.h"
#include "images/records.h"
#include "sandbox/sandbox.h"

#define MODE_BITS 0777u

static int check_path(const char *path, struct sp_error *err)
{
	if (path && strlen(path) >= PATH_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "path %.64s... is over %d bytes",
			path, PATH_MAX - 1);
	return 0; /* the rest is the wrapper's */
}

static int perform(struct sp_client *client, const char *handle,
	const struct sp_file_request *request, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = check_path(request->path, err);

	if (rc == 0)
		rc = check_path(request->to, err);
	if (rc == 0)
		rc = sp_client_locate(client, handle, &p, id, err);
	return rc < 0 ? rc : sp_provider_file(p, id, request, err);
}

/* --- Entries ------------------------------------------------------------------------ */

static int copy_entry(
	const struct sp_entry *from, struct sp_entry *to, struct sp_error *err)
{
	*to = *from;
	to->path = strdup(from->path);
	to->link = from->link ? strdup(from->link) : NULL;
	if (to->path && (to->link || !from->link))
		return 0;
	sp_entry_clear(to);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int add_entry(void *ctx, const struct sp_entry *entry, struct sp_error *err)
{
	struct sp_entry_list *list = ctx;
	struct sp_entry copy = {0};
	int rc = list->count < SP_RECORDS_MAX
		? copy_entry(entry, &copy, err)
		: sp_fail(err, SP_ERR_LIMIT, "there are more than %d entries",
			  SP_RECORDS_MAX);

	if (rc == 0)
		rc = sp_entry_list_add(list, &copy, err);
	sp_entry_clear(&copy);
	return rc;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(
		((const struct sp_entry *)a)->path, ((const struct sp_entry *)b)->path);
}

static int collect(struct sp_client *client, const char *handle,
	struct sp_file_request *request, struct sp_entry_list *out,
	struct sp_error *err)
{
	SP_AUTO(sp_entry_list_clear) struct sp_entry_list list = {0};
	int rc;

	request->cancel_fd = -1;
	request->on_entry = add_entry;
	request->ctx = &list;
	rc = perform(client, handle, request, err);
	if (rc < 0)
		return rc;
	if (list.count > 1)
		qsort(list.items, list.count, sizeof(list.items[0]), by_path);
	*out = list;
	list = (struct sp_entry_list){0};
	return 0;
}

int sp_files_list(struct sp_client *client, const char *handle, const char *path,
	uint32_t depth, struct sp_entry_list *out, struct sp_error *err)
{
	struct sp_file_request request = {
		.op = SP_FILE_LIST, .path = path, .depth = depth};

	return collect(client, handle, &request, out, err);
}

int sp_files_find(struct sp_client *client, const char *handle, const char *path,
	const char *pattern, struct sp_entry_list *out, struct sp_error *err)
{
	struct sp_file_request request = {
		.op = SP_FILE_FIND, .path = path, .pattern = pattern};

	if (!pattern || !*pattern)
		return sp_fail(err, SP_ERR_INVALID, "the pattern is empty");
	return collect(client, handle, &request, out, err);
}

static int keep_entry(void *ctx, const struct sp_entry *entry, struct sp_error *err)
{
	struct sp_entry *out = ctx;

	if (out->path)
		return sp_fail(err, SP_ERR_PROTOCOL, "there is more than one entry");
	return copy_entry(entry, out, err);
}

int sp_files_stat(struct sp_client *client, const char *handle, const char *path,
	struct sp_entry *out, struct sp_error *err)
{
	struct sp_entry entry = {0};
	const struct sp_file_request request = {.op = SP_FILE_STAT,
		.path = path,
		.cancel_fd = -1,
		.on_entry = keep_entry,
		.ctx = &entry};
	int rc = perform(client, handle, &request, err);

	if (rc < 0)
		sp_entry_clear(&entry);
	else
		*out = entry;
	return rc;
}

/* --- Contents ----------------------------------------------------------------------- */

static int write_fd(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	return sp_write_all(*(const int *)ctx, data, len, err);
}

int sp_files_read(struct sp_client *client, const char *handle, const char *path,
	uint64_t offset, uint64_t length, int to_fd, struct sp_error *err)
{
	const struct sp_sink sink = {.write = write_fd, .ctx = &to_fd};
	const struct sp_file_request request = {.op = SP_FILE_READ,
		.path = path,
		.offset = offset,
		.length = length,
		.cancel_fd = -1,
		.sink = &sink};

	if (offset > INT64_MAX || length > INT64_MAX)
		return sp_fail(err, SP_ERR_INVALID, "no file is that long");
	return perform(client, handle, &request, err);
}

static ssize_t read_fd(void *ctx, char *data, size_t len, struct sp_error *err)
{
	ssize_t n;

	do
		n = read(*(const int *)ctx, data, len);
	while (n < 0 && errno == EINTR);
	return n < 0 ? sp_fail_errno(err, "read what is to be written") : n;
}

int sp_files_write(struct sp_client *client, const char *handle, const char *path,
	int from_fd, uint32_t mode, struct sp_error *err)
{
	const struct sp_source source = {.read = read_fd, .ctx = &from_fd};
	const struct sp_file_request request = {.op = SP_FILE_WRITE,
		.path = path,
		.mode = mode,
		.cancel_fd = -1,
		.source = &source};

	if (mode & ~MODE_BITS)
		return sp_fail(err, SP_ERR_INVALID,
			"mode %o has more than the permission bits", mode);
	return perform(client, handle, &request, err);
}

/* --- Changes ------------------------------------------------------------------------ */

static int change(struct sp_client *client, const char *handle, enum sp_file_op op,
	const char *path, const char *to, struct sp_error *err)
{
	const struct sp_file_request request = {
		.op = op, .path = path, .to = to, .cancel_fd = -1};

	return perform(client, handle, &request, err);
}

int sp_files_mkdir(struct sp_client *client, const char *handle, const char *path,
	struct sp_error *err)
{
	return change(client, handle, SP_FILE_MKDIR, path, NULL, err);
}

int sp_files_remove(struct sp_client *client, const char *handle, const char *path,
	struct sp_error *err)
{
	return change(client, handle, SP_FILE_REMOVE, path, NULL, err);
}

int sp_files_rename(struct sp_client *client, const char *handle, const char *from,
	const char *to, struct sp_error *err)
{
	return change(client, handle, SP_FILE_RENAME, from, to, err);
}

int sp_files_watch(struct sp_client *client, const char *handle, const char *path,
	bool recursive, int cancel_fd, sp_change_fn *on_change, void *ctx,
	struct sp_error *err)
{
	const struct sp_file_request request = {.op = SP_FILE_WATCH,
		.path = path,
		.recursive = recursive,
		.cancel_fd = cancel_fd,
		.on_change = on_change,
		.ctx = ctx};

	return perform(client, handle, &request, err);
}
