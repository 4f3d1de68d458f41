/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the file worker tells, which may come from whoever got hold of it inside: taken
 * whole and in pieces the result is the same, and no path leads anywhere but below the one
 * that was asked for.  The first byte picks entries or changes; its rest is how many bytes
 * are in a piece.
 */
#include <stdlib.h>
#include <string.h>

#include "images/worker_records.h"

#define BELOW "/a/b"

struct seen {
	uint64_t digest; /* FNV-1a */
	size_t count;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void add(struct seen *s, const char *text)
{
	for (; *text; text++)
		s->digest = (s->digest ^ (unsigned char)*text) * 1099511628211u;
	s->count++;
}

static void check_path(const char *path)
{
	if (strncmp(path, BELOW, strlen(BELOW)) != 0 || strstr(path, "//") ||
		strstr(path, "/../") || strstr(path, "/./") ||
		(path[strlen(BELOW)] && path[strlen(BELOW)] != '/'))
		abort();
}

static int take_entry(void *ctx, const struct sp_entry *e, struct sp_error *err)
{
	(void)err;
	check_path(e->path);
	if (e->mode > 07777 || e->type < SP_ENTRY_FILE || e->type > SP_ENTRY_OTHER ||
		(e->link != NULL) != (e->type == SP_ENTRY_LINK))
		abort();
	add(ctx, e->path);
	return 0;
}

static int take_change(void *ctx, const char *action, const char *path)
{
	check_path(path);
	add(ctx, action);
	add(ctx, path);
	return 0;
}

static int read_all(
	struct seen *s, const char *data, size_t len, size_t piece, bool changes)
{
	struct sp_worker_records r;
	struct sp_error err = {0};
	int rc = 0;

	sp_worker_records_init(&r, BELOW);
	r.on_entry = changes ? NULL : take_entry;
	r.on_change = changes ? take_change : NULL;
	r.ctx = s;
	for (size_t at = 0; rc == 0 && at < len; at += piece)
		rc = sp_worker_records_feed(
			&r, data + at, len - at < piece ? len - at : piece, &err);
	if (rc == 0)
		rc = sp_worker_records_end(&r, &err);
	if (rc != (int)err.code)
		abort();
	sp_worker_records_clear(&r);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen whole = {0}, cut = {0};
	bool changes;
	int rc;

	if (size < 1)
		return 0;
	changes = data[0] & 1;
	rc = read_all(&whole, (const char *)data + 1, size - 1, size, changes);
	if (rc !=
		read_all(&cut, (const char *)data + 1, size - 1, data[0] / 2u + 1,
			changes))
		abort();
	if (whole.digest != cut.digest || whole.count != cut.count)
		abort();
	return 0;
}
