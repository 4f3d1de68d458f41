/* SPDX-License-Identifier: Apache-2.0 */
/* Writes archives nobody should write, block by block. */
#ifndef SP_TESTS_UNIT_TARBALL_H
#define SP_TESTS_UNIT_TARBALL_H

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "images/tar_layout.h"

#define TARBALL_MAX (64 * 1024 * 1024)

static inline void tarball_pad(struct sp_buf *b)
{
	while (b->len % SP_TAR_BLOCK)
		sp_buf_addc(b, '\0');
}

static inline void tarball_seal(struct sp_tar_header *h)
{
	snprintf(h->checksum, sizeof(h->checksum), "%06o", sp_tar_checksum(h));
	h->checksum[7] = ' ';
}

static inline void tarball_field(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	memcpy(field, text, len < size ? len : size);
}

/* A POSIX header with the usual fields; change what you like, then tarball_seal() it. */
static inline struct sp_tar_header tarball_header(
	const char *name, char type, const char *link, size_t size)
{
	struct sp_tar_header h = {.type = type,
		.magic = "ustar\0"
			 "00"};

	tarball_field(h.name, sizeof(h.name), name);
	tarball_field(h.link, sizeof(h.link), link);
	snprintf(h.mode, sizeof(h.mode), "%07o", type == '5' ? 0755 : 0644);
	snprintf(h.size, sizeof(h.size), "%011llo",
		(unsigned long long)size & 077777777777);
	snprintf(h.mtime, sizeof(h.mtime), "%011o", 1000000000);
	return h;
}

static inline void tarball_add(
	struct sp_buf *b, struct sp_tar_header h, const void *data, size_t len)
{
	tarball_seal(&h);
	sp_buf_add(b, &h, sizeof(h));
	if (len)
		sp_buf_add(b, data, len);
	tarball_pad(b);
}

static inline void tarball_file(struct sp_buf *b, const char *name, const char *text)
{
	tarball_add(b, tarball_header(name, '0', "", strlen(text)), text, strlen(text));
}

static inline void tarball_folder(struct sp_buf *b, const char *name)
{
	tarball_add(b, tarball_header(name, '5', "", 0), NULL, 0);
}

static inline void tarball_symlink(struct sp_buf *b, const char *name, const char *to)
{
	tarball_add(b, tarball_header(name, '2', to, 0), NULL, 0);
}

static inline void tarball_hardlink(struct sp_buf *b, const char *name, const char *to)
{
	tarball_add(b, tarball_header(name, '1', to, 0), NULL, 0);
}

/* An extension header: x and g hold pax records, L and K a name. */
static inline void tarball_extension(
	struct sp_buf *b, char type, const void *data, size_t len)
{
	tarball_add(b, tarball_header("extension", type, "", len), data, len);
}

/* One pax record in a header of its own. */
static inline void tarball_pax(
	struct sp_buf *b, const char *key, const char *value, size_t len)
{
	struct sp_buf record = SP_BUF_INIT(TARBALL_MAX);
	size_t rest = strlen(key) + len + 3, total = rest;

	for (int i = 0; i < 3; i++)
		total = rest + (size_t)snprintf(NULL, 0, "%zu", total);
	sp_buf_addf(&record, "%zu %s=", total, key);
	sp_buf_add(&record, value, len);
	sp_buf_addc(&record, '\n');
	tarball_extension(b, 'x', record.data, record.len);
	sp_buf_clear(&record);
}

static inline void tarball_end(struct sp_buf *b)
{
	for (int i = 0; i < 2 * SP_TAR_BLOCK; i++)
		sp_buf_addc(b, '\0');
}

#endif
