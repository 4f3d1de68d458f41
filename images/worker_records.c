/* SPDX-License-Identifier: Apache-2.0 */
#include "images/worker_records.h"

#include <inttypes.h>
#include <string.h>

#include "images/records.h"

void sp_worker_records_init(struct sp_worker_records *r, const char *below)
{
	*r = (struct sp_worker_records){
		.below = below, .field = SP_BUF_INIT(SP_RECORDS_PATH_MAX)};
}

static void drop_entry(struct sp_worker_records *r)
{
	free(r->entry.path);
	r->entry = (struct sp_entry){0};
}

void sp_worker_records_clear(struct sp_worker_records *r)
{
	sp_buf_clear(&r->field);
	drop_entry(r);
}

static int malformed(const char *what, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_PROTOCOL, "the file worker's answer: %s", what);
}

/* --- Fields ------------------------------------------------------------------------- */

static int take_version(
	struct sp_worker_records *r, const char *text, struct sp_error *err)
{
	if (strcmp(text, SP_RECORDS_VERSION) != 0)
		return malformed("another version", err);
	r->at = SP_RECORDS_AT_HEAD;
	return 0;
}

/* No signs but that of a time before 1970, the last, and one space before each. */
static bool has_plain_numbers(const char *text)
{
	const char *last = strrchr(text, ' ');

	if (strlen(text) < strlen("e f ") || !last || strstr(text, "  "))
		return false;
	text += strlen("e f ");
	text += strspn(text, "0123456789 ");
	return !*text || (*text == '-' && text == last + 1 && text[1]);
}

static int take_entry_head(
	struct sp_worker_records *r, const char *text, struct sp_error *err)
{
	static const char letters[] = "fdlo"; /* in the order of the types */
	struct sp_entry *e = &r->entry;
	uint64_t uid, gid;
	const char *letter;
	int used = 0;
	char type;

	if (!has_plain_numbers(text) ||
		sscanf(text,
			"e %c %19" SCNu64 " %4o %10" SCNu64 " %10" SCNu64 " %19" SCNd64
			"%n",
			&type, &e->size, &e->mode, &uid, &gid, &e->mtime_ms,
			&used) != 6 ||
		text[used] || uid > UINT32_MAX || gid > UINT32_MAX)
		return malformed("a bad entry", err);
	e->uid = (uint32_t)uid;
	e->gid = (uint32_t)gid;
	letter = strchr(letters, type);
	if (!letter || !*letter)
		return malformed("an entry of no known type", err);
	e->type = (enum sp_entry_type)(SP_ENTRY_FILE + (letter - letters));
	return 0;
}

/* A word for programs to compare. */
static bool is_action(const char *text)
{
	size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz_");

	return len > 0 && !text[len] &&
		len < sizeof(((struct sp_worker_records *)NULL)->action);
}

static int take_head(
	struct sp_worker_records *r, const char *text, struct sp_error *err)
{
	int rc = 0;

	r->action[0] = '\0';
	if (strcmp(text, SP_RECORDS_END) == 0) {
		r->at = SP_RECORDS_AT_END;
		return 0;
	}
	if (text[0] == 'e' && r->on_entry)
		rc = take_entry_head(r, text, err);
	else if (strncmp(text, "c ", 2) == 0 && r->on_change && is_action(text + 2))
		memcpy(r->action, text + 2, strlen(text + 2) + 1);
	else
		return malformed("a record of no known kind", err);
	r->at = SP_RECORDS_AT_PATH;
	if (++r->count > SP_RECORDS_MAX && r->on_entry)
		return sp_fail(err, SP_ERR_LIMIT, "there are more than %d entries",
			SP_RECORDS_MAX);
	return rc;
}

/* Only names after the start: whoever puts the path together with one of his own is safe. */
static bool is_below(const char *path, const char *start)
{
	size_t len = strlen(start);

	while (len > 0 && start[len - 1] == '/')
		len--;
	if (strncmp(path, start, len) != 0)
		return false;
	path += len;
	if (!*path || strcmp(path, "/") == 0)
		return (len == 0) == (*path == '/');
	while (*path == '/') {
		size_t n = strcspn(++path, "/");

		if (n == 0 || (n == 1 && path[0] == '.') ||
			(n == 2 && memcmp(path, "..", 2) == 0))
			return false;
		path += n;
	}
	return !*path;
}

static int take_path(
	struct sp_worker_records *r, const char *text, struct sp_error *err)
{
	if (!is_below(text, r->below))
		return malformed("a path that was not asked for", err);
	if (r->action[0]) {
		r->at = SP_RECORDS_AT_HEAD;
		return r->on_change(r->ctx, r->action, text);
	}
	r->entry.path = strdup(text);
	if (!r->entry.path)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	r->at = SP_RECORDS_AT_LINK;
	return 0;
}

static int take_link(struct sp_worker_records *r, char *text, struct sp_error *err)
{
	int rc;

	if (*text && r->entry.type != SP_ENTRY_LINK)
		return malformed("a link that is none", err);
	r->entry.link = r->entry.type == SP_ENTRY_LINK ? text : NULL;
	rc = r->on_entry(r->ctx, &r->entry, err);
	drop_entry(r);
	r->at = SP_RECORDS_AT_HEAD;
	return rc;
}

static int take_field(struct sp_worker_records *r, struct sp_error *err)
{
	char *text = r->field.data;

	switch (r->at) {
	case SP_RECORDS_AT_VERSION:
		return take_version(r, text, err);
	case SP_RECORDS_AT_HEAD:
		return take_head(r, text, err);
	case SP_RECORDS_AT_PATH:
		return take_path(r, text, err);
	case SP_RECORDS_AT_LINK:
		return take_link(r, text, err);
	case SP_RECORDS_AT_END:
		break;
	}
	return malformed("more after its end", err);
}

/* --- The stream --------------------------------------------------------------------- */

int sp_worker_records_feed(
	struct sp_worker_records *r, const char *data, size_t len, struct sp_error *err)
{
	int rc = 0;

	while (rc == 0 && len > 0) {
		const char *end = memchr(data, '\0', len);
		size_t part = end ? (size_t)(end - data) + 1 : len;

		sp_buf_add(&r->field, data, part);
		if (r->field.failed)
			return r->field.is_over_max
				? malformed("a field that is too long", err)
				: sp_fail(err, SP_ERR_NOMEM, "out of memory");
		data += part;
		len -= part;
		if (!end)
			break;
		rc = take_field(r, err);
		sp_buf_drop(&r->field, r->field.len);
	}
	return rc;
}

int sp_worker_records_end(const struct sp_worker_records *r, struct sp_error *err)
{
	if (r->at != SP_RECORDS_AT_END || r->field.len)
		return malformed("it ended early", err);
	return 0;
}
