/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>

#include "base/buf.h"
#include "base/io.h"
#include "images/tar_layout.h"

#define BUFFER_BYTES (256 * 1024)
/* From this size on the kernel moves a file's pages itself. */
#define SENDFILE_BYTES (64 * 1024)
#define PAX_MAX_BYTES  (16 * 1024)
/* What eleven octal digits hold. */
#define OCTAL_MAX 077777777777
#define OWNER_MAX 07777777
/* "NUMBER\n" twice for each piece. */
#define MAP_MAX_BYTES (SP_TAR_SEGMENTS_MAX * 42)

struct sp_tar_writer {
	int fd;
	bool no_sendfile; /* fd is nothing the kernel sends to */
	size_t len;
	uint64_t body; /* of the member, for its padding */
	struct sp_buf pax;
	char buffer[BUFFER_BYTES];
};

int sp_tar_writer_new(int fd, struct sp_tar_writer **out, struct sp_error *err)
{
	struct sp_tar_writer *w = malloc(sizeof(*w));

	if (!w)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	w->fd = fd;
	w->no_sendfile = false;
	w->len = 0;
	w->body = 0;
	w->pax = (struct sp_buf)SP_BUF_INIT(PAX_MAX_BYTES);
	*out = w;
	return 0;
}

void sp_tar_writer_free(struct sp_tar_writer *w)
{
	if (w)
		sp_buf_clear(&w->pax);
	free(w);
}

static int flush(struct sp_tar_writer *w, struct sp_error *err)
{
	size_t len = w->len;

	w->len = 0;
	return sp_write_all(w->fd, w->buffer, len, err);
}

int sp_tar_write(
	struct sp_tar_writer *w, const char *data, size_t len, struct sp_error *err)
{
	while (len > 0) {
		size_t n = BUFFER_BYTES - w->len;
		int rc;

		n = n < len ? n : len;
		memcpy(w->buffer + w->len, data, n);
		w->len += n;
		data += n;
		len -= n;
		rc = w->len == BUFFER_BYTES ? flush(w, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int write_zeros(struct sp_tar_writer *w, uint64_t len, struct sp_error *err)
{
	static const char zeros[8 * SP_TAR_BLOCK];
	int rc = 0;

	while (len > 0 && rc == 0) {
		size_t n = len < sizeof(zeros) ? (size_t)len : sizeof(zeros);

		rc = sp_tar_write(w, zeros, n, err);
		len -= n;
	}
	return rc;
}

static uint64_t padding(uint64_t body)
{
	return -body % SP_TAR_BLOCK;
}

static void put_octal(char *field, size_t size, uint64_t value)
{
	char text[32];

	snprintf(
		text, sizeof(text), "%0*llo", (int)size - 1, (unsigned long long)value);
	memcpy(field, text, size);
}

static char type_flag(enum sp_tar_type type)
{
	static const char flags[] = {[SP_TAR_FILE] = '0',
		[SP_TAR_HARDLINK] = '1',
		[SP_TAR_SYMLINK] = '2',
		[SP_TAR_FOLDER] = '5'};

	return flags[type];
}

/* One "LENGTH KEY=VALUE\n", whose length counts its own digits. */
static void pax_add(struct sp_buf *pax, const char *key, const char *value)
{
	size_t rest = strlen(key) + strlen(value) + 3;
	size_t len = rest;

	for (int i = 0; i < 3; i++)
		len = rest + (size_t)snprintf(NULL, 0, "%zu", len);
	sp_buf_addf(pax, "%zu %s=%s\n", len, key, value);
}

static void pax_number(struct sp_buf *pax, const char *key, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	pax_add(pax, key, text);
}

/* What does not fit the fields of the header, or would lose by it. */
static void pax_for(struct sp_buf *pax, const struct sp_tar_member *m)
{
	char text[48];

	if (strlen(m->name) > sizeof(((struct sp_tar_header *)0)->name))
		pax_add(pax, "path", m->name);
	if (strlen(m->link) > sizeof(((struct sp_tar_header *)0)->link))
		pax_add(pax, "linkpath", m->link);
	if (m->size > OCTAL_MAX)
		pax_number(pax, "size", m->size);
	if (m->uid > OWNER_MAX)
		pax_number(pax, "uid", m->uid);
	if (m->gid > OWNER_MAX)
		pax_number(pax, "gid", m->gid);
	if (m->mtime.tv_sec < 0 || m->mtime.tv_sec > OCTAL_MAX || m->mtime.tv_nsec) {
		bool below = m->mtime.tv_sec < 0 && m->mtime.tv_nsec;
		long long whole = m->mtime.tv_sec + below;

		/* -1.25 is two seconds before 1970 and 750,000,000 ns after that. */
		snprintf(text, sizeof(text), "%s%lld.%09ld", below && !whole ? "-" : "",
			whole,
			below ? 1000000000 - m->mtime.tv_nsec : m->mtime.tv_nsec);
		pax_add(pax, "mtime", text);
	}
}

static void copy_field(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	memcpy(field, text, len < size ? len : size);
}

/* Owner and group are nameless, and 0 but in layers: whoever unpacks owns what comes out. */
static int write_header(struct sp_tar_writer *w, const struct sp_tar_member *m,
	char flag, struct sp_error *err)
{
	struct sp_tar_header h = {.type = flag,
		.magic = "ustar\0"
			 "00"};
	int64_t mtime = m->mtime.tv_sec;

	copy_field(h.name, sizeof(h.name), m->name);
	copy_field(h.link, sizeof(h.link), m->link);
	put_octal(h.mode, sizeof(h.mode), m->mode);
	put_octal(h.uid, sizeof(h.uid), m->uid > OWNER_MAX ? 0 : m->uid);
	put_octal(h.gid, sizeof(h.gid), m->gid > OWNER_MAX ? 0 : m->gid);
	put_octal(h.size, sizeof(h.size), m->size > OCTAL_MAX ? 0 : m->size);
	put_octal(h.mtime, sizeof(h.mtime),
		mtime < 0 || mtime > OCTAL_MAX ? 0 : (uint64_t)mtime);
	put_octal(h.checksum, sizeof(h.checksum) - 1, sp_tar_checksum(&h));
	h.checksum[sizeof(h.checksum) - 1] = ' ';
	return sp_tar_write(w, (const char *)&h, sizeof(h), err);
}

static int write_pax(struct sp_tar_writer *w, struct sp_error *err)
{
	const struct sp_tar_member m = {
		.name = "././@PaxHeader",
		.link = "",
		.mode = 0644,
		.size = w->pax.len,
	};
	int rc = sp_buf_ok(&w->pax, err);

	if (rc < 0)
		return rc;
	rc = write_header(w, &m, 'x', err);
	if (rc < 0)
		return rc;
	rc = sp_tar_write(w, w->pax.data, w->pax.len, err);
	return rc < 0 ? rc : write_zeros(w, padding(w->pax.len), err);
}

/* Its headers; w->pax may hold records of its own already. */
static int begin_member(
	struct sp_tar_writer *w, const struct sp_tar_member *m, struct sp_error *err)
{
	int rc = write_zeros(w, padding(w->body), err);

	if (rc < 0)
		return rc;
	w->body = m->type == SP_TAR_FILE ? m->size : 0;
	pax_for(&w->pax, m);
	if (w->pax.len > 0 && (rc = write_pax(w, err)) < 0)
		return rc;
	return write_header(w, m, type_flag(m->type), err);
}

int sp_tar_write_member(
	struct sp_tar_writer *w, const struct sp_tar_member *m, struct sp_error *err)
{
	sp_buf_drop(&w->pax, w->pax.len);
	return begin_member(w, m, err);
}

/* Straight from the page cache into the pipe; what is left over is for copy_file(). */
static int send_file(
	struct sp_tar_writer *w, int from_fd, uint64_t *left, struct sp_error *err)
{
	int rc = flush(w, err);

	if (rc < 0)
		return rc;
	while (*left > 0) {
		size_t want = *left < (1u << 30) ? (size_t)*left : (1u << 30);
		ssize_t n = sendfile(w->fd, from_fd, NULL, want);

		if (n == 0)
			return 0;
		if (n > 0) {
			*left -= (uint64_t)n;
		} else if (errno == EINVAL || errno == ENOSYS || errno == EAGAIN) {
			w->no_sendfile = true;
			return 0;
		} else if (errno != EINTR) {
			return sp_fail_errno(err, "send");
		}
	}
	return 0;
}

static int copy_file(
	struct sp_tar_writer *w, int from_fd, uint64_t *left, struct sp_error *err)
{
	while (*left > 0) {
		size_t room = BUFFER_BYTES - w->len;
		ssize_t n = read(from_fd, w->buffer + w->len,
			*left < room ? (size_t)*left : room);
		int rc = 0;

		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return sp_fail_errno(err, "read");
		if (n > 0) {
			w->len += (size_t)n;
			*left -= (uint64_t)n;
			rc = w->len == BUFFER_BYTES ? flush(w, err) : 0;
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}

int sp_tar_write_file(struct sp_tar_writer *w, int from_fd, uint64_t size,
	uint64_t *missing, struct sp_error *err)
{
	uint64_t left = size;
	int rc = 0;

	if (size >= SENDFILE_BYTES && !w->no_sendfile)
		rc = send_file(w, from_fd, &left, err);
	if (rc == 0)
		rc = copy_file(w, from_fd, &left, err);
	if (rc < 0)
		return rc;
	*missing = left;
	return write_zeros(w, left, err);
}

/* GNU's pax format 1.0: the map in whole blocks before the pieces.  See tar_sparse.c. */
static void add_map(struct sp_buf *map, const struct sp_segment *pieces, size_t count)
{
	sp_buf_addf(map, "%zu\n", count);
	for (size_t i = 0; i < count; i++)
		sp_buf_addf(map, "%llu\n%llu\n", (unsigned long long)pieces[i].offset,
			(unsigned long long)pieces[i].len);
	while (map->len % SP_TAR_BLOCK)
		sp_buf_addc(map, '\0');
}

static int begin_sparse(struct sp_tar_writer *w, const struct sp_tar_member *m,
	const struct sp_segment *pieces, size_t count, struct sp_error *err)
{
	sp_autobuf struct sp_buf map = SP_BUF_INIT(MAP_MAX_BYTES);
	struct sp_tar_member body = *m;
	int rc;

	add_map(&map, pieces, count);
	rc = sp_buf_ok(&map, err);
	if (rc < 0)
		return rc;
	sp_buf_drop(&w->pax, w->pax.len);
	pax_add(&w->pax, "GNU.sparse.major", "1");
	pax_add(&w->pax, "GNU.sparse.minor", "0");
	pax_add(&w->pax, "GNU.sparse.name", m->name);
	pax_number(&w->pax, "GNU.sparse.realsize", m->size);
	body.size = map.len;
	for (size_t i = 0; i < count; i++)
		body.size += pieces[i].len;
	rc = begin_member(w, &body, err);
	return rc < 0 ? rc : sp_tar_write(w, map.data, map.len, err);
}

int sp_tar_write_sparse(struct sp_tar_writer *w, const struct sp_tar_member *m,
	int from_fd, const struct sp_segment *pieces, size_t count, uint64_t *missing,
	struct sp_error *err)
{
	int rc = count > SP_TAR_SEGMENTS_MAX
		? sp_fail(err, SP_ERR_LIMIT, "%s has over %d holes", m->name,
			  SP_TAR_SEGMENTS_MAX)
		: begin_sparse(w, m, pieces, count, err);

	*missing = 0;
	for (size_t i = 0; rc == 0 && i < count; i++) {
		uint64_t lacking = 0;

		if (lseek(from_fd, (off_t)pieces[i].offset, SEEK_SET) < 0)
			return sp_fail_errno(err, "seek in %s", m->name);
		rc = sp_tar_write_file(w, from_fd, pieces[i].len, &lacking, err);
		*missing += lacking;
	}
	return rc;
}

int sp_tar_write_end(struct sp_tar_writer *w, struct sp_error *err)
{
	int rc = write_zeros(w, padding(w->body) + 2 * SP_TAR_BLOCK, err);

	return rc < 0 ? rc : flush(w, err);
}
