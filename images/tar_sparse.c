/* SPDX-License-Identifier: Apache-2.0 */
#include "images/tar_sparse.h"

#include <string.h>

#include "images/tar_layout.h"

/* Source: GNU tar manual 1.34, "Sparse Formats"; struct oldgnu_header. */
#define GNU_MAP_AT       386
#define GNU_MAP_ENTRIES  4
#define GNU_MORE_AT      482
#define GNU_REAL_SIZE_AT 483
#define GNU_EXT_ENTRIES  21
#define GNU_EXT_MORE_AT  504
#define GNU_FIELD        12

void sp_sparse_clear(struct sp_sparse *s)
{
	free(s->segments);
	s->segments = NULL;
	s->announced = s->has_name = false;
	s->real_size = 0;
	s->count = s->cap = s->current = 0;
}

static int malformed(struct sp_error *err)
{
	return sp_fail(
		err, SP_ERR_PROTOCOL, "malformed map of a sparse file in archive");
}

static int add(struct sp_sparse *s, uint64_t offset, uint64_t len, struct sp_error *err)
{
	if (s->count == SP_TAR_SEGMENTS_MAX)
		return sp_fail(err, SP_ERR_LIMIT,
			"a sparse file in the archive has over %d pieces",
			SP_TAR_SEGMENTS_MAX);
	if (s->count == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 16;
		struct sp_segment *grown = reallocarray(
			s->segments, cap, sizeof(*grown));

		if (!grown)
			return sp_fail(err, SP_ERR_NOMEM, "out of memory");
		s->segments = grown;
		s->cap = cap;
	}
	s->segments[s->count++] = (struct sp_segment){offset, len};
	return 0;
}

static bool is_key(const char *key, size_t len, const char *name)
{
	return strlen(name) == len && memcmp(key, name, len) == 0;
}

int sp_sparse_pax(struct sp_sparse *s, const char *key, size_t key_len,
	const char *value, size_t len, struct sp_error *err)
{
	s->announced = true;
	if (is_key(key, key_len, "major") && len == 1 && value[0] == '1')
		return 0;
	if (is_key(key, key_len, "minor") && len == 1 && value[0] == '0')
		return 0;
	if (is_key(key, key_len, "realsize"))
		return sp_tar_decimal(value, len, &s->real_size) ? 0 : malformed(err);
	if (!is_key(key, key_len, "name"))
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"archive has a sparse file in a format other than 1.0");
	if (s->has_name || len > SP_TAR_NAME_MAX || memchr(value, '\0', len))
		return malformed(err);
	memcpy(s->name, value, len);
	s->name[len] = '\0';
	s->has_name = true;
	return 0;
}

/* Lines of decimal numbers in blocks. */
struct lines {
	sp_take_block_fn *take;
	void *ctx;
	uint64_t left; /* of the content */
	size_t at;
	char block[SP_TAR_BLOCK];
};

static int next_char(struct lines *l, char *c, struct sp_error *err)
{
	if (l->at == SP_TAR_BLOCK) {
		int rc = l->left < SP_TAR_BLOCK ? malformed(err)
						: l->take(l->ctx, l->block, err);

		if (rc < 0)
			return rc;
		l->left -= SP_TAR_BLOCK;
		l->at = 0;
	}
	*c = l->block[l->at++];
	return 0;
}

static int next_number(struct lines *l, uint64_t *out, struct sp_error *err)
{
	char text[20];
	size_t len = 0;

	for (;;) {
		char c;
		int rc = next_char(l, &c, err);

		if (rc < 0)
			return rc;
		if (c == '\n')
			return sp_tar_decimal(text, len, out) ? 0 : malformed(err);
		if (len == sizeof(text))
			return malformed(err);
		text[len++] = c;
	}
}

int sp_sparse_body(struct sp_sparse *s, uint64_t body, sp_take_block_fn *take,
	void *ctx, uint64_t *used, struct sp_error *err)
{
	struct lines l = {.take = take, .ctx = ctx, .left = body, .at = SP_TAR_BLOCK};
	uint64_t count, offset, len;
	int rc = next_number(&l, &count, err);

	for (uint64_t i = 0; rc == 0 && i < count; i++) {
		rc = next_number(&l, &offset, err);
		if (rc == 0)
			rc = next_number(&l, &len, err);
		if (rc == 0)
			rc = add(s, offset, len, err);
	}
	*used = body - l.left;
	return rc;
}

/* Up to count pairs of fields; an empty one ends the map. */
static int gnu_pairs(
	struct sp_sparse *s, const char *at, int count, struct sp_error *err)
{
	for (int i = 0; i < count; i++, at += (size_t)2 * GNU_FIELD) {
		int64_t offset, len;
		int rc;

		if (at[0] == '\0')
			return 0;
		if (!sp_tar_number(at, GNU_FIELD, &offset) ||
			!sp_tar_number(at + GNU_FIELD, GNU_FIELD, &len) || offset < 0 ||
			len < 0)
			return malformed(err);
		rc = add(s, (uint64_t)offset, (uint64_t)len, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int sp_sparse_gnu(struct sp_sparse *s, const char header[static SP_TAR_BLOCK],
	sp_take_block_fn *take, void *ctx, struct sp_error *err)
{
	char block[SP_TAR_BLOCK];
	bool more = header[GNU_MORE_AT] != '\0';
	int rc = gnu_pairs(s, header + GNU_MAP_AT, GNU_MAP_ENTRIES, err);
	int64_t real_size;

	if (!sp_tar_number(header + GNU_REAL_SIZE_AT, GNU_FIELD, &real_size) ||
		real_size < 0)
		return malformed(err);
	s->real_size = (uint64_t)real_size;
	for (int blocks = 0; rc == 0 && more; blocks++) {
		if (blocks > SP_TAR_SEGMENTS_MAX / GNU_EXT_ENTRIES)
			return malformed(err);
		rc = take(ctx, block, err);
		if (rc == 0)
			rc = gnu_pairs(s, block, GNU_EXT_ENTRIES, err);
		more = block[GNU_EXT_MORE_AT] != '\0';
	}
	return rc;
}

int sp_sparse_check(const struct sp_sparse *s, uint64_t body, struct sp_error *err)
{
	uint64_t end = 0, total = 0;

	for (size_t i = 0; i < s->count; i++) {
		const struct sp_segment *g = &s->segments[i];

		if (g->offset < end || g->offset > s->real_size ||
			g->len > s->real_size - g->offset)
			return malformed(err);
		end = g->offset + g->len;
		total += g->len;
	}
	return total == body ? 0 : malformed(err);
}

uint64_t sp_sparse_place(struct sp_sparse *s, uint64_t *at)
{
	const struct sp_segment *g = &s->segments[s->current];

	while (g->len == 0 || *at >= g->offset + g->len)
		g = &s->segments[++s->current];
	if (*at < g->offset)
		*at = g->offset;
	return g->offset + g->len - *at;
}
