/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "images/tar_layout.h"
#include "images/tar_sparse.h"

#define BUFFER_BYTES (256 * 1024)
/* All extension headers of one member together. */
#define EXTENSION_MAX_BYTES (1024 * 1024)
#define EXTENSIONS_MAX      8
#define FILE_MAX_BYTES      (INT64_MAX / 2)
/* Writers pad to a record; the largest in use are some MiB. */
#define TRAILER_MAX_BYTES (16 * 1024 * 1024)

/* What extension headers said about the member that follows them. */
struct pending {
	struct sp_buf name, link; /* with their NUL when has_ */
	bool has_name, has_link, has_size, has_mtime;
	uint64_t size;
	struct timespec mtime;
};

struct sp_tar_reader {
	int fd;
	uint64_t body; /* of the member, not read yet */
	uint64_t pad;  /* behind it */
	uint64_t at;   /* position in the file it becomes */
	struct pending pending;
	struct sp_sparse sparse;
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
	r->pending.name.max = r->pending.link.max = EXTENSION_MAX_BYTES;
	*out = r;
	return 0;
}

void sp_tar_reader_free(struct sp_tar_reader *r)
{
	if (!r)
		return;
	sp_buf_clear(&r->pending.name);
	sp_buf_clear(&r->pending.link);
	sp_sparse_clear(&r->sparse);
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

/* --- Fields ---------------------------------------------------------------------- */

static int bad_number(const char *what, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_PROTOCOL, "archive member has a malformed %s", what);
}

/* GNU: big-endian two's complement, announced by the top bit. */
static bool base256(const unsigned char *f, size_t size, int64_t *out)
{
	bool negative = f[0] == 0xff;
	int64_t value = negative ? -1 : f[0] & 0x7f;

	if (!negative && f[0] != 0x80 && size > 8)
		return false;
	for (size_t i = 1; i < size; i++) {
		if (value > INT64_MAX >> 8 || value < INT64_MIN >> 8)
			return false;
		value = value * 256 + f[i];
	}
	*out = value;
	return true;
}

static bool octal(const char *f, size_t size, int64_t *out)
{
	int64_t value = 0;
	size_t i = 0;

	while (i < size && f[i] == ' ')
		i++;
	for (; i < size && f[i] >= '0' && f[i] <= '7'; i++)
		value = value * 8 + (f[i] - '0');
	for (; i < size; i++)
		if (f[i] != ' ' && f[i] != '\0')
			return false;
	*out = value;
	return true;
}

bool sp_tar_number(const char *f, size_t size, int64_t *out)
{
	if ((unsigned char)f[0] & 0x80)
		return base256((const unsigned char *)f, size, out);
	return octal(f, size, out);
}

/* Decimal digits and nothing else. */
bool sp_tar_decimal(const char *text, size_t len, uint64_t *out)
{
	uint64_t value = 0;

	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*out = value;
	return true;
}

/* "[-]SECONDS[.FRACTION]" as pax writes times; digits beyond nanoseconds are dropped. */
static bool pax_time(const char *text, size_t len, struct timespec *out)
{
	bool negative = len > 0 && text[0] == '-';
	const char *dot = memchr(text, '.', len);
	size_t whole = dot ? (size_t)(dot - text) : len;
	long nsec = 0, unit = 100000000;
	uint64_t sec;

	if (!sp_tar_decimal(text + negative, whole - negative, &sec))
		return false;
	for (size_t i = whole + 1; i < len; i++, unit /= 10) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		nsec += (text[i] - '0') * unit;
	}
	out->tv_sec = negative ? -(time_t)sec - (nsec > 0) : (time_t)sec;
	out->tv_nsec = negative && nsec ? 1000000000 - nsec : nsec;
	return true;
}

/* --- Extension headers ----------------------------------------------------------- */

/* A name given twice would be another one for another reader. */
static int set_name(
	struct sp_buf *b, bool *has, const char *text, size_t len, struct sp_error *err)
{
	if (*has)
		return sp_fail(err, SP_ERR_PROTOCOL, "archive member is named twice");
	if (memchr(text, '\0', len))
		return sp_fail(
			err, SP_ERR_PROTOCOL, "name of archive member contains a NUL");
	if (len > SP_TAR_NAME_MAX)
		return sp_fail(err, SP_ERR_LIMIT,
			"name of archive member is longer than %d bytes",
			SP_TAR_NAME_MAX);
	sp_buf_drop(b, b->len);
	sp_buf_add(b, text, len);
	sp_buf_addc(b, '\0');
	*has = true;
	return sp_buf_ok(b, err);
}

static int pax_path(
	struct sp_tar_reader *r, const char *v, size_t len, struct sp_error *err)
{
	return set_name(&r->pending.name, &r->pending.has_name, v, len, err);
}

static int pax_linkpath(
	struct sp_tar_reader *r, const char *v, size_t len, struct sp_error *err)
{
	return set_name(&r->pending.link, &r->pending.has_link, v, len, err);
}

static int pax_size(
	struct sp_tar_reader *r, const char *v, size_t len, struct sp_error *err)
{
	if (r->pending.has_size || !sp_tar_decimal(v, len, &r->pending.size))
		return bad_number("size", err);
	r->pending.has_size = true;
	return 0;
}

static int pax_mtime(
	struct sp_tar_reader *r, const char *v, size_t len, struct sp_error *err)
{
	if (!pax_time(v, len, &r->pending.mtime))
		return bad_number("time", err);
	r->pending.has_mtime = true;
	return 0;
}

/* Owners, groups, ACLs and extended attributes of an archive are nobody's business here. */
static const struct pax_key {
	const char *key;
	int (*read)(struct sp_tar_reader *r, const char *value, size_t len,
		struct sp_error *err);
} pax_keys[] = {
	{"path", pax_path},
	{"linkpath", pax_linkpath},
	{"size", pax_size},
	{"mtime", pax_mtime},
};

static int pax_record(struct sp_tar_reader *r, const char *text, size_t len,
	bool global, struct sp_error *err)
{
	const char *equals = memchr(text, '=', len);
	size_t key_len = equals ? (size_t)(equals - text) : 0;

	if (key_len == 0)
		return sp_fail(err, SP_ERR_PROTOCOL, "malformed pax record in archive");
	if (key_len > 11 && !global && memcmp(text, "GNU.sparse.", 11) == 0)
		return sp_sparse_pax(&r->sparse, text + 11, key_len - 11, equals + 1,
			len - key_len - 1, err);
	for (size_t i = 0; i < SP_COUNT(pax_keys); i++) {
		const struct pax_key *k = &pax_keys[i];

		if (strlen(k->key) != key_len || memcmp(k->key, text, key_len) != 0)
			continue;
		if (global)
			return sp_fail(err, SP_ERR_UNSUPPORTED,
				"archive gives %s for all its members", k->key);
		return k->read(r, equals + 1, len - key_len - 1, err);
	}
	return 0;
}

/* Records of the form "LENGTH KEY=VALUE\n", the length being that of the whole record. */
static int pax_records(struct sp_tar_reader *r, const char *text, size_t len,
	bool global, struct sp_error *err)
{
	while (len > 0) {
		const char *blank = memchr(text, ' ', len < 20 ? len : 20);
		size_t digits = blank ? (size_t)(blank - text) : 0;
		uint64_t size;
		int rc;

		if (!sp_tar_decimal(text, digits, &size) || size > len ||
			size < digits + 3 || text[size - 1] != '\n')
			return sp_fail(err, SP_ERR_PROTOCOL,
				"malformed pax record in archive");
		rc = pax_record(r, blank + 1, (size_t)size - digits - 2, global, err);
		if (rc < 0)
			return rc;
		text += size;
		len -= size;
	}
	return 0;
}

/* GNU long names end with a NUL that is counted. */
static int long_name(
	struct sp_buf *b, bool *has, const char *text, size_t len, struct sp_error *err)
{
	if (len > 0 && text[len - 1] == '\0')
		len--;
	return set_name(b, has, text, len, err);
}

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
	switch (type) {
	case 'L':
		return long_name(
			&r->pending.name, &r->pending.has_name, text, len, err);
	case 'K':
		return long_name(
			&r->pending.link, &r->pending.has_link, text, len, err);
	default:
		return pax_records(r, text, len, type == 'g', err);
	}
}

/* --- Members --------------------------------------------------------------------- */

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
	return set_name(&r->pending.name, &r->pending.has_name, text, len, err);
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
	if (r->pending.has_size)
		size = (int64_t)r->pending.size;
	else if (!sp_tar_number(r->h.size, sizeof(r->h.size), &size) || size < 0)
		return bad_number("size", err);
	if (size > FILE_MAX_BYTES)
		return bad_number("size", err);
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
		rc = sp_sparse_gnu(&r->sparse, (const char *)&r->h, take_block, r, err);
	else
		rc = sp_sparse_body(&r->sparse, r->body, take_block, r, &in_body, err);
	if (rc < 0)
		return rc;
	r->body -= in_body;
	rc = sp_sparse_check(&r->sparse, r->body, err);
	m->size = r->sparse.real_size;
	return rc;
}

static int fill_member(
	struct sp_tar_reader *r, struct sp_tar_member *m, struct sp_error *err)
{
	struct pending *p = &r->pending;
	int64_t mode, mtime;
	int rc = 0;

	if (!sp_tar_number(r->h.mode, sizeof(r->h.mode), &mode))
		return bad_number("mode", err);
	if (!sp_tar_number(r->h.mtime, sizeof(r->h.mtime), &mtime))
		return bad_number("time", err);
	if (!p->has_name && (rc = header_name(r, err)) < 0)
		return rc;
	if (!p->has_link)
		rc = set_name(&p->link, &p->has_link, r->h.link,
			strnlen(r->h.link, sizeof(r->h.link)), err);
	if (rc == 0)
		rc = member_size(r, err);
	m->name = r->sparse.has_name ? r->sparse.name : p->name.data;
	m->link = p->link.data;
	m->mode = (uint32_t)mode & 07777;
	m->size = r->body;
	m->mtime = p->has_mtime ? p->mtime : (struct timespec){.tv_sec = mtime};
	if (rc == 0)
		rc = member_type(&r->h, m->name, &m->type, err);
	if (rc == 0 && (r->h.type == 'S' || r->sparse.announced))
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

static void forget_member(struct sp_tar_reader *r)
{
	struct pending *p = &r->pending;

	p->has_name = p->has_link = p->has_size = p->has_mtime = false;
	sp_sparse_clear(&r->sparse);
}

static int next_extension(struct sp_tar_reader *r, size_t *total, struct sp_error *err)
{
	int64_t size;

	if (!sp_tar_number(r->h.size, sizeof(r->h.size), &size) || size < 0)
		return bad_number("size", err);
	if ((uint64_t)size > EXTENSION_MAX_BYTES - *total)
		return sp_fail(err, SP_ERR_LIMIT,
			"extension headers of archive member are over %d bytes",
			EXTENSION_MAX_BYTES);
	*total += (size_t)size;
	return extension(r, r->h.type, (size_t)size, err);
}

int sp_tar_next(struct sp_tar_reader *r, struct sp_tar_member *m, struct sp_error *err)
{
	size_t total = 0;
	int rc = skip(r, r->body + r->pad, err);

	r->body = r->pad = 0;
	forget_member(r);
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
	if (r->sparse.count > 0)
		max = sp_sparse_place(&r->sparse, &r->at);
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
