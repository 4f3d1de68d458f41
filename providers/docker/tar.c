/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/tar.h"

#include <fcntl.h>
#include <string.h>

#define BLOCK        512
#define NAME_MAX_LEN 100
#define HEAD_MAX     (64u << 10)
#define END_BLOCKS   2
#define OCTAL_MAX    ((1ull << 33) - 1) /* eleven digits */

/* --- The list -------------------------------------------------------------------- */

static void clear_member(struct sp_tar_member *m)
{
	free(m->name);
	free(m->link);
	free(m->source);
	free(m->data);
}

void sp_tar_clear(struct sp_tar *tar)
{
	for (size_t i = 0; i < tar->count; i++)
		clear_member(&tar->items[i]);
	free(tar->items);
	free(tar->table);
	memset(tar, 0, sizeof(*tar));
}

static size_t hash(const char *name)
{
	uint64_t h = 14695981039346656037ull; /* FNV-1a */

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 1099511628211ull;
	return (size_t)h;
}

/* Its place in the table, or the free place where it belongs. */
static size_t slot_of(const struct sp_tar *tar, const char *name)
{
	size_t i = hash(name) & (tar->table_size - 1);

	while (tar->table[i] && strcmp(tar->items[tar->table[i] - 1].name, name) != 0)
		i = (i + 1) & (tar->table_size - 1);
	return i;
}

bool sp_tar_has(const struct sp_tar *tar, const char *name)
{
	return tar->table_size && tar->table[slot_of(tar, name)];
}

static bool grow(struct sp_tar *tar)
{
	size_t cap = tar->cap ? tar->cap * 2 : 256;
	struct sp_tar_member *items = realloc(tar->items, cap * sizeof(items[0]));
	uint32_t *table = calloc(cap * 2, sizeof(table[0]));

	if (items)
		tar->items = items;
	if (!items || !table) {
		free(table);
		return false;
	}
	free(tar->table);
	tar->table = table;
	tar->table_size = cap * 2;
	tar->cap = cap;
	for (size_t i = 0; i < tar->count; i++)
		table[slot_of(tar, tar->items[i].name)] = (uint32_t)i + 1;
	return true;
}

static char *copy(const char *text, bool *failed)
{
	char *out = text ? strdup(text) : NULL;

	if (text && !out)
		*failed = true;
	return out;
}

static void append(struct sp_tar *tar, const struct sp_tar_member *member)
{
	struct sp_tar_member m = *member;

	if (tar->count == tar->cap && !grow(tar)) {
		tar->failed = true;
		return;
	}
	m.name = copy(member->name, &tar->failed);
	m.link = copy(member->link, &tar->failed);
	m.source = copy(member->source, &tar->failed);
	m.data = member->data ? malloc(member->size + 1) : NULL;
	if (member->data && m.data)
		memcpy(m.data, member->data, member->size);
	if ((member->data && !m.data) || !m.name) {
		clear_member(&m);
		tar->failed = true;
		return;
	}
	tar->items[tar->count++] = m;
	tar->table[slot_of(tar, m.name)] = (uint32_t)tar->count;
}

static void add_parents(struct sp_tar *tar, const struct sp_tar_member *member)
{
	sp_autofree char *name = strdup(member->name);

	if (!name) {
		tar->failed = true;
		return;
	}
	for (char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (!sp_tar_has(tar, name))
			append(tar,
				&(struct sp_tar_member){.type = SP_TAR_FOLDER,
					.name = name,
					.mode = 0755,
					.mtime = member->mtime});
		*p = '/';
	}
}

void sp_tar_add(struct sp_tar *tar, const struct sp_tar_member *member)
{
	if (sp_tar_has(tar, member->name))
		return;
	add_parents(tar, member);
	append(tar, member);
}

int sp_tar_ok(const struct sp_tar *tar, struct sp_error *err)
{
	return tar->failed ? sp_fail(err, SP_ERR_NOMEM, "list of files") : 0;
}

/* --- The stream ------------------------------------------------------------------ */

static uint64_t padded(uint64_t size)
{
	return (size + BLOCK - 1) / BLOCK * BLOCK;
}

static void add_zeros(struct sp_buf *b, size_t len)
{
	static const char zeros[BLOCK];

	while (len > 0) {
		size_t n = len < BLOCK ? len : BLOCK;

		sp_buf_add(b, zeros, n);
		len -= n;
	}
}

struct head {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type,
		link[100], magic[6], version[2], user[32], group[32], major[8],
		minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct head) == BLOCK, "a tar head is one block");

/* Cut to the field, without a NUL where it is full: that is the format. */
static void put_text(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	memcpy(field, text, len < size ? len : size);
}

static void put_octal(char *field, size_t size, uint64_t value)
{
	for (size_t i = size - 1; i > 0; i--, value >>= 3)
		field[i - 1] = (char)('0' + (value & 7));
}

static void add_head(struct sp_buf *out, const char *name, const char *link, char type,
	uint32_t mode, uint64_t size, int64_t mtime)
{
	struct head h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
	const unsigned char *bytes = (const unsigned char *)&h;
	uint32_t sum = 0;

	put_text(h.name, sizeof(h.name), name);
	put_text(h.link, sizeof(h.link), link ? link : "");
	put_octal(h.mode, sizeof(h.mode), mode & 07777);
	put_octal(h.uid, sizeof(h.uid), 0);
	put_octal(h.gid, sizeof(h.gid), 0);
	put_octal(h.size, sizeof(h.size), size);
	put_octal(h.mtime, sizeof(h.mtime), mtime > 0 ? (uint64_t)mtime : 0);
	memset(h.sum, ' ', sizeof(h.sum));
	for (size_t i = 0; i < sizeof(h); i++)
		sum += bytes[i];
	put_octal(h.sum, sizeof(h.sum) - 1, sum);
	sp_buf_add(out, &h, sizeof(h));
}

/* A name too long for the head goes before it as a member of its own (GNU). */
static void add_long(struct sp_buf *out, char type, const char *text)
{
	size_t len = text ? strlen(text) + 1 : 0;

	if (len <= NAME_MAX_LEN)
		return;
	add_head(out, "././@LongLink", NULL, type, 0, len, 0);
	sp_buf_add(out, text, len);
	add_zeros(out, padded(len) - len);
}

static void add_member_head(struct sp_buf *out, const struct sp_tar_member *m)
{
	add_long(out, 'K', m->link);
	add_long(out, 'L', m->name);
	add_head(out, m->name, m->link, (char)m->type, m->mode,
		m->type == SP_TAR_FILE ? m->size : 0, m->mtime);
}

static uint64_t long_length(const char *text)
{
	size_t len = text ? strlen(text) + 1 : 0;

	return len <= NAME_MAX_LEN ? 0 : BLOCK + padded(len);
}

uint64_t sp_tar_length(const struct sp_tar *tar)
{
	uint64_t total = END_BLOCKS * BLOCK;

	for (size_t i = 0; i < tar->count; i++) {
		const struct sp_tar_member *m = &tar->items[i];

		total += BLOCK + long_length(m->link) + long_length(m->name);
		if (m->type == SP_TAR_FILE)
			total += padded(m->size);
	}
	return total;
}

void sp_tar_reader_init(struct sp_tar_reader *r, const struct sp_tar *tar)
{
	*r = (struct sp_tar_reader){
		.tar = tar, .fd = -1, .head = SP_BUF_INIT(HEAD_MAX)};
	r->total = sp_tar_length(tar);
}

void sp_tar_reader_clear(struct sp_tar_reader *r)
{
	sp_close_fd(&r->fd);
	sp_buf_clear(&r->head);
}

static int begin_file(
	struct sp_tar_reader *r, const struct sp_tar_member *m, struct sp_error *err)
{
	if (m->size > OCTAL_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "%s: too large", m->name);
	r->left = m->size;
	r->padding = (uint32_t)(padded(m->size) - m->size);
	r->bytes = m->data;
	if (m->data)
		return 0;
	r->fd = open(m->source, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (r->fd < 0)
		return sp_fail_errno(err, "open %s", m->source);
	return 0;
}

/* The next head, or the end of the archive. */
static int advance(struct sp_tar_reader *r, struct sp_error *err)
{
	const struct sp_tar_member *m;

	sp_close_fd(&r->fd);
	sp_buf_drop(&r->head, r->head.len);
	r->head_at = 0;
	add_zeros(&r->head, r->padding);
	r->padding = 0;
	if (r->next == r->tar->count) {
		add_zeros(&r->head, END_BLOCKS * BLOCK);
		r->ended = true;
		return sp_buf_ok(&r->head, err);
	}
	m = &r->tar->items[r->next++];
	add_member_head(&r->head, m);
	if (r->on_progress && r->next % 64 == 0)
		r->on_progress(r->progress_ctx, r->what, r->done, r->total);
	if (m->type == SP_TAR_FILE && begin_file(r, m, err) < 0)
		return err->code;
	return sp_buf_ok(&r->head, err);
}

static ssize_t take_head(struct sp_tar_reader *r, char *data, size_t len)
{
	size_t n = r->head.len - r->head_at;

	if (n > len)
		n = len;
	memcpy(data, r->head.data + r->head_at, n);
	r->head_at += n;
	return (ssize_t)n;
}

static ssize_t take_file(
	struct sp_tar_reader *r, char *data, size_t len, struct sp_error *err)
{
	ssize_t n = (ssize_t)(r->left < len ? r->left : len);

	if (r->bytes) {
		memcpy(data, r->bytes, (size_t)n);
		r->bytes += n;
	} else {
		n = read(r->fd, data, (size_t)n);
		if (n < 0)
			return sp_fail_errno(
				err, "read %s", r->tar->items[r->next - 1].source);
		if (n == 0)
			return sp_fail(err, SP_ERR_SYSTEM, "%s became shorter",
				r->tar->items[r->next - 1].source);
	}
	r->left -= (uint64_t)n;
	return n;
}

static ssize_t read_tar(void *ctx, char *data, size_t len, struct sp_error *err)
{
	struct sp_tar_reader *r = ctx;
	ssize_t n;
	int rc;

	if (r->head_at == r->head.len && r->left == 0) {
		if (r->ended)
			return 0;
		rc = advance(r, err);
		if (rc < 0)
			return rc;
	}
	n = r->head_at < r->head.len ? take_head(r, data, len)
				     : take_file(r, data, len, err);
	if (n > 0)
		r->done += (uint64_t)n;
	return n;
}

struct sp_source sp_tar_source(struct sp_tar_reader *r)
{
	return (struct sp_source){.read = read_tar, .ctx = r};
}
