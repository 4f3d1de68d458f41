/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "images/tar_extension.h"
#include "images/tar_layout.h"

#define BUFFER_BYTES   (256 * 1024)
#define EXTENSIONS_MAX 8
#define FILE_MAX_BYTES (INT64_MAX / 2)
/* Writers pad to a record; the largest in use are some MiB. */
#define TRAILER_MAX_BYTES (16 * 1024 * 1024)

struct sp_tar_reader {
	int fd;
	uint64_t body; /* of the member, not read yet */
	uint64_t pad;  /* behind it */
	uint64_t at;   /* position in the file it becomes */
	struct sp_tar_extension extension;
	struct sp_tar_header h;
	size_t start, end;
	char buffer[BUFFER_BYTES];
};

int sp_tar_reader_new(int fd, struct sp_tar_reader **out, struct sp_error *err)
{
	struct sp_tar_reader *r = malloc(sizeof(*r));

	if (!r)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	/* Not the buffer: zeroing it would cost more than a small archive. */
	memset(r, 0, offsetof(struct sp_tar_reader, buffer));
	r->fd = fd;
	r->extension = (struct sp_tar_extension)SP_TAR_EXTENSION_INIT;
	*out = r;
	return 0;
}

void sp_tar_reader_free(struct sp_tar_reader *r)
{
	if (!r)
		return;
	sp_tar_extension_clear(&r->extension);
	free(r);
}

/* --- Bytes ----------------------------------------------------------------------- */

/* Read on, behind what is buffered.  Returns how many bytes, 0 at the end. */
static ssize_t fill(struct sp_tar_reader *r, struct sp_error *err)
{
	ssize_t n;

	do
		n = read(r->fd, r->buffer + r->end, BUFFER_BYTES - r->end);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sp_fail_errno(err, "read archive");
	r->end += (size_t)n;
	return n;
}

static int cut_short(struct sp_error *err)
{
	return sp_fail(err, SP_ERR_PROTOCOL, "archive ends before its end mark");
}

/* The next up to max bytes, at least one, where they are in the buffer. */
static int take_some(struct sp_tar_reader *r, size_t max, const char **data,
	size_t *len, struct sp_error *err)
{
	size_t n;

	if (r->start == r->end) {
		ssize_t got;

		r->start = r->end = 0;
		got = fill(r, err);
		if (got <= 0)
			return got < 0 ? (int)got : cut_short(err);
	}
	n = r->end - r->start;
	*data = r->buffer + r->start;
	*len = n < max ? n : max;
	r->start += *len;
	return 0;
}

static int take_all(struct sp_tar_reader *r, void *to, size_t len, struct sp_error *err)
{
	char *at = to;

	while (len > 0) {
		const char *data;
		size_t n;
		int rc = take_some(r, len, &data, &n, err);

		if (rc < 0)
			return rc;
		memcpy(at, data, n);
		at += n;
		len -= n;
	}
	return 0;
}

static int skip(struct sp_tar_reader *r, uint64_t len, struct sp_error *err)
{
	while (len > 0) {
		const char *data;
		size_t n;
		int rc = take_some(r, len < BUFFER_BYTES ? (size_t)len : BUFFER_BYTES,
			&data, &n, err);

		if (rc < 0)
			return rc;
		len -= n;
	}
	return 0;
}

/* --- Headers ---------------------------------------------------------------------- */

static int extension(
	struct sp_tar_reader *r, char type, size_t len, struct sp_error *err)
{
	sp_autofree char *text = malloc(len + 1);
	int rc;

	if (!text)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	rc = take_all(r, text, len, err);
	if (rc == 0)
		rc = skip(r, -(uint64_t)len % SP_TAR_BLOCK, err);
	if (rc < 0)
		return rc;
	return sp_tar_extension_read(&r->extension, type, text, len, err);
}

/* The member's name field, put together where POSIX splits it. */
static int header_name(struct sp_tar_reader *r, struct sp_error *err)
{
	const struct sp_tar_header *h = &r->h;
	size_t prefix = strnlen(h->prefix, sizeof(h->prefix));
	char text[sizeof(h->prefix) + 1 + sizeof(h->name)];
	size_t len = 0;

	if (prefix && memcmp(h->magic, "ustar", 6) == 0) {
		memcpy(text, h->prefix, prefix);
		text[prefix] = '/';
		len = prefix + 1;
	}
	memcpy(text + len, h->name, strnlen(h->name, sizeof(h->name)));
	len += strnlen(h->name, sizeof(h->name));
	return sp_tar_set_name(
		&r->extension.name, &r->extension.has_name, text, len, err);
}

static int member_type(const struct sp_tar_header *h, const char *name,
	enum sp_tar_type *type, struct sp_error *err)
{
	size_t len = strlen(name);

	switch (h->type) {
	case '\0':
	case '0':
	case '7':
	case 'S':
		/* Archives older than POSIX mark a folder by the slash alone. */
		*type = len && name[len - 1] == '/' ? SP_TAR_FOLDER : SP_TAR_FILE;
		return 0;
	case '1':
		*type = SP_TAR_HARDLINK;
		return 0;
	case '2':
		*type = SP_TAR_SYMLINK;
		return 0;
	case '3':
	case '4':
	case '6':
		*type = SP_TAR_SPECIAL;
		return 0;
	case '5':
		*type = SP_TAR_FOLDER;
		return 0;
	default:
		return sp_fail(err, SP_ERR_PROTOCOL,
			"archive member %s is of unknown type 0x%02x", name,
			(unsigned char)h->type);
	}
}

/* Links, folders and devices have no content, whatever their size field says. */
static bool has_body(char type)
{
	return type == '0' || type == '\0' || type == '7' || type == 'S';
}

static int member_size(struct sp_tar_reader *r, struct sp_error *err)
{
	int64_t size = 0;

	r->body = r->pad = r->at = 0;
	if (!has_body(r->h.type))
		return 0;
	if (r->extension.has_size)
		size = (int64_t)r->extension.size;
	else if (!sp_tar_number(r->h.size, sizeof(r->h.size), &size) || size < 0)
		return sp_tar_bad_number("size", err);
	if (size > FILE_MAX_BYTES)
		return sp_tar_bad_number("size", err);
	r->body = (uint64_t)size;
	r->pad = -r->body % SP_TAR_BLOCK;
	return 0;
}

/* The map of a sparse file stands between header and content, or in the header. */
static int take_block(void *ctx, char block[static SP_TAR_BLOCK], struct sp_error *err)
{
	return take_all(ctx, block, SP_TAR_BLOCK, err);
}

static int read_sparse(
	struct sp_tar_reader *r, struct sp_tar_member *m, struct sp_error *err)
{
	uint64_t in_body = 0;
	int rc;

	if (r->h.type == 'S')
		rc = sp_sparse_gnu(
			&r->extension.sparse, (const char *)&r->h, take_block, r, err);
	else
		rc = sp_sparse_body(
			&r->extension.sparse, r->body, take_block, r, &in_body, err);
	if (rc < 0)
		return rc;
	r->body -= in_body;
	rc = sp_sparse_check(&r->extension.sparse, r->body, err);
	m->size = r->extension.sparse.real_size;
	return rc;
}

/* Beyond what a layer may have is for who cares to refuse; nobody has that id. */
static uint32_t owner_of(const char *field, size_t size, bool has_pax, uint64_t pax)
{
	int64_t id = -1;

	if (has_pax)
		id = pax < UINT32_MAX ? (int64_t)pax : -1;
	else if (!sp_tar_number(field, size, &id) || id >= (int64_t)UINT32_MAX)
		id = -1;
	return id < 0 ? UINT32_MAX : (uint32_t)id;
}

static int fill_member(
	struct sp_tar_reader *r, struct sp_tar_member *m, struct sp_error *err)
{
	struct sp_tar_extension *x = &r->extension;
	int64_t mode, mtime;
	int rc = 0;

	if (!sp_tar_number(r->h.mode, sizeof(r->h.mode), &mode))
		return sp_tar_bad_number("mode", err);
	if (!sp_tar_number(r->h.mtime, sizeof(r->h.mtime), &mtime))
		return sp_tar_bad_number("time", err);
	if (!x->has_name && (rc = header_name(r, err)) < 0)
		return rc;
	if (!x->has_link)
		rc = sp_tar_set_name(&x->link, &x->has_link, r->h.link,
			strnlen(r->h.link, sizeof(r->h.link)), err);
	if (rc == 0)
		rc = member_size(r, err);
	m->name = r->extension.sparse.has_name ? r->extension.sparse.name
					       : x->name.data;
	m->link = x->link.data;
	m->mode = (uint32_t)mode & 07777;
	m->uid = owner_of(r->h.uid, sizeof(r->h.uid), x->has_uid, x->uid);
	m->gid = owner_of(r->h.gid, sizeof(r->h.gid), x->has_gid, x->gid);
	m->size = r->body;
	m->mtime = x->has_mtime ? x->mtime : (struct timespec){.tv_sec = mtime};
	if (rc == 0)
		rc = member_type(&r->h, m->name, &m->type, err);
	if (rc == 0 && (r->h.type == 'S' || r->extension.sparse.announced))
		rc = read_sparse(r, m, err);
	return rc < 0 ? rc : 1;
}

static bool is_zero(const struct sp_tar_header *h)
{
	static const struct sp_tar_header zero;

	return memcmp(h, &zero, sizeof(zero)) == 0;
}

static int check_header(const struct sp_tar_header *h, struct sp_error *err)
{
	int64_t sum;

	if (!sp_tar_number(h->checksum, sizeof(h->checksum), &sum) ||
		sum != sp_tar_checksum(h))
		return sp_fail(err, SP_ERR_PROTOCOL,
			"this is no tar archive, or a damaged one (checksum)");
	return 0;
}

static int next_extension(struct sp_tar_reader *r, size_t *total, struct sp_error *err)
{
	int64_t size;

	if (!sp_tar_number(r->h.size, sizeof(r->h.size), &size) || size < 0)
		return sp_tar_bad_number("size", err);
	if ((uint64_t)size > SP_TAR_EXTENSION_MAX - *total)
		return sp_fail(err, SP_ERR_LIMIT,
			"extension headers of archive member are over %d bytes",
			SP_TAR_EXTENSION_MAX);
	*total += (size_t)size;
	return extension(r, r->h.type, (size_t)size, err);
}

int sp_tar_next(struct sp_tar_reader *r, struct sp_tar_member *m, struct sp_error *err)
{
	size_t total = 0;
	int rc = skip(r, r->body + r->pad, err);

	r->body = r->pad = 0;
	sp_tar_extension_forget(&r->extension);
	for (int i = 0; i <= EXTENSIONS_MAX && rc == 0; i++) {
		rc = take_all(r, &r->h, sizeof(r->h), err);
		if (rc < 0)
			return rc;
		if (is_zero(&r->h))
			return 0;
		rc = check_header(&r->h, err);
		if (rc < 0)
			return rc;
		if (!r->h.type || !strchr("xgLK", r->h.type))
			return fill_member(r, m, err);
		rc = next_extension(r, &total, err);
	}
	return rc < 0 ? rc
		      : sp_fail(err, SP_ERR_LIMIT,
				"more than %d extension headers for one archive member",
				EXTENSIONS_MAX);
}

int sp_tar_read(struct sp_tar_reader *r, const char **data, size_t *len, uint64_t *at,
	struct sp_error *err)
{
	uint64_t max = r->body;
	int rc;

	if (r->body == 0)
		return 0;
	if (r->extension.sparse.count > 0)
		max = sp_sparse_place(&r->extension.sparse, &r->at);
	rc = take_some(
		r, max < BUFFER_BYTES ? (size_t)max : BUFFER_BYTES, data, len, err);
	if (rc < 0)
		return rc;
	*at = r->at;
	r->at += *len;
	r->body -= *len;
	return 1;
}

int sp_tar_drain(struct sp_tar_reader *r, struct sp_error *err)
{
	uint64_t total = 0;
	ssize_t n;

	do {
		total += r->end - r->start;
		r->start = r->end = 0;
		if (total > TRAILER_MAX_BYTES)
			return sp_fail(err, SP_ERR_LIMIT,
				"more than %d bytes follow the end of the archive",
				TRAILER_MAX_BYTES);
		n = fill(r, err);
	} while (n > 0);
	return (int)n;
}
