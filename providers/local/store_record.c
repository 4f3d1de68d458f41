/* SPDX-License-Identifier: Apache-2.0 */
/* The records of snapshots and volumes, and what tells that a snapshot's base changed. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/enc.h"
#include "base/io.h"
#include "base/lines.h"
#include "providers/local/store.h"

#define STORED_VERSION "1"
#define STORED_MAX     (64 * 1024)

void stored_record_clear(struct stored_record *r)
{
	if (!r)
		return;
	free(r->image);
	free(r->base);
	sp_strv_clear(&r->below);
	*r = (struct stored_record){0};
}

void stored_record_print(struct sp_buf *out, const struct stored_record *r)
{
	sp_lines_add(out, "version", STORED_VERSION);
	sp_lines_add_number(out, "created_ms", (uint64_t)r->created_ms);
	sp_lines_add_number(out, "bytes", r->bytes);
	sp_lines_add(out, "image", r->image);
	sp_lines_add(out, "base", r->base);
	sp_lines_add_number(out, "base_mark", r->base_mark);
	for (size_t i = 0; i < r->below.count; i++)
		sp_lines_add(out, "below", r->below.items[i]);
	sp_lines_end(out);
}

static int keep_text(char **to, const char *value, struct sp_error *err)
{
	free(*to);
	*to = strdup(value);
	return *to ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int keep_below(struct stored_record *r, const char *value, struct sp_error *err)
{
	if (!store_name_ok(value))
		return sp_fail(err, SP_ERR_PROTOCOL, "below is \"%.40s\"", value);
	if (r->below.count == SP_RUNNER_LAYERS_MAX)
		return sp_fail(err, SP_ERR_PROTOCOL, "more than %d layers below",
			SP_RUNNER_LAYERS_MAX);
	sp_strv_add(&r->below, value);
	return sp_strv_ok(&r->below, err);
}

static int keep_number(struct stored_record *r, const char *key, const char *value,
	struct sp_error *err)
{
	const struct {
		const char *key;
		uint64_t max;
		uint64_t *to;
	} numbers[] = {
		{"bytes", UINT64_MAX, &r->bytes},
		{"base_mark", UINT64_MAX, &r->base_mark},
	};
	uint64_t n = 0;
	int rc;

	for (size_t i = 0; i < SP_COUNT(numbers); i++)
		if (strcmp(key, numbers[i].key) == 0)
			return sp_lines_number(
				key, value, numbers[i].max, numbers[i].to, err);
	if (strcmp(key, "created_ms") != 0)
		return sp_fail(err, SP_ERR_PROTOCOL, "unknown line \"%.40s\"", key);
	rc = sp_lines_number(key, value, INT64_MAX, &n, err);
	r->created_ms = (int64_t)n;
	return rc;
}

static int keep_line(
	void *ctx, const char *key, const char *value, struct sp_error *err)
{
	struct stored_record *r = ctx;

	if (strcmp(key, "version") == 0 && strcmp(value, STORED_VERSION) == 0)
		return 0;
	if (strcmp(key, "image") == 0)
		return keep_text(&r->image, value, err);
	if (strcmp(key, "base") == 0)
		return keep_text(&r->base, value, err);
	if (strcmp(key, "below") == 0)
		return keep_below(r, value, err);
	return keep_number(r, key, value, err);
}

int stored_record_parse(
	const char *text, size_t len, struct stored_record *out, struct sp_error *err)
{
	sp_autostored r = {0};
	int rc = sp_lines_parse(text, len, keep_line, &r, err);

	if (rc < 0)
		return rc;
	*out = r;
	memset(&r, 0, sizeof(r));
	return 0;
}

int store_read(const struct store *s, enum sp_stored_kind kind, const char *name,
	struct stored_record *out, struct sp_error *err)
{
	sp_autoclose int folder = -1;
	struct sp_bytes text = {0};
	sp_autofree char *owned = NULL;
	int rc;

	if (store_name_ok(name))
		folder = openat(s->kinds[kind], name,
			O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder < 0)
		return sp_fail(err, SP_ERR_NOT_FOUND, "there is no %s %.128s",
			kind == SP_STORED_SNAPSHOT ? "snapshot" : "volume", name);
	rc = sp_read_file_at(folder, STORE_RECORD, STORED_MAX, &text, err);
	owned = text.data;
	if (rc == 0)
		rc = stored_record_parse(text.data, text.len, out, err);
	return rc < 0 ? sp_wrap(err, rc, "record of %s", name) : 0;
}

/* --- What it was made on -------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t value)
{
	for (int i = 0; i < 8; i++, value >>= 8)
		hash = (hash ^ (value & 0xff)) * UINT64_C(1099511628211);
	return hash;
}

/*
 * Installing, removing and replacing programs changes the date of one of these.  A tree
 * that was changed deeper down is another one, too, but finding out would take as long as
 * reading it.
 */
uint64_t base_mark(const char *base)
{
	static const char *const tops[] = {"", "etc", "usr", "usr/bin", "usr/sbin",
		"usr/lib", "usr/local/bin", "bin", "lib"};
	bool is_host = strcmp(base, LOCAL_IMAGE_HOST) == 0;
	sp_autoclose int root = open(
		is_host ? "/" : base, O_PATH | O_DIRECTORY | O_CLOEXEC);
	uint64_t hash = UINT64_C(14695981039346656037);

	for (size_t i = 0; root >= 0 && i < SP_COUNT(tops); i++) {
		struct stat st;

		/* The host's own /etc and top folder are not shown. */
		if (is_host && strncmp(tops[i], "usr", 3) != 0)
			continue;
		if (fstatat(root, tops[i], &st, AT_EMPTY_PATH) < 0)
			continue;
		hash = mix(hash, i);
		hash = mix(hash, st.st_ino);
		hash = mix(hash, (uint64_t)st.st_mtim.tv_sec);
		hash = mix(hash, (uint64_t)st.st_mtim.tv_nsec);
	}
	return hash;
}
