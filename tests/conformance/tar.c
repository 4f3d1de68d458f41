/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/tar.h"

#include <stdio.h>
#include <string.h>

#define BLOCK 512

struct header {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8];
	char type, link[100], magic[6], version[2], user[32], group[32];
	char major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a tar header is one block");

static unsigned int sum_of(const struct header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	unsigned int sum = 0;

	for (size_t i = 0; i < BLOCK; i++)
		sum += bytes[i];
	return sum;
}

static void pad(struct sp_buf *tar)
{
	static const char zeros[BLOCK];

	if (tar->len % BLOCK)
		sp_buf_add(tar, zeros, BLOCK - tar->len % BLOCK);
}

void tar_add(struct sp_buf *tar, const char *name, char type, unsigned int mode,
	const char *link, const void *data, size_t len)
{
	struct header h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
	char number[16];

	memcpy(h.name, name, strnlen(name, sizeof(h.name)));
	if (link)
		memcpy(h.link, link, strnlen(link, sizeof(h.link)));
	snprintf(h.mode, sizeof(h.mode), "%07o", mode);
	snprintf(h.uid, sizeof(h.uid), "%07o", 0u);
	snprintf(h.gid, sizeof(h.gid), "%07o", 0u);
	snprintf(number, sizeof(number), "%011zo", len);
	memcpy(h.size, number, sizeof(h.size));
	snprintf(h.mtime, sizeof(h.mtime), "%011o", 1700000000u);
	memset(h.checksum, ' ', sizeof(h.checksum));
	snprintf(number, sizeof(number), "%06o", sum_of(&h));
	memcpy(h.checksum, number, 7);
	sp_buf_add(tar, &h, sizeof(h));
	sp_buf_add(tar, data ? data : "", len);
	pad(tar);
}

void tar_end(struct sp_buf *tar)
{
	static const char zeros[2 * BLOCK];

	sp_buf_add(tar, zeros, sizeof(zeros));
}

static size_t octal(const char *text, size_t len)
{
	char copy[16] = "";

	memcpy(copy, text, len);
	return strtoul(copy, NULL, 8);
}

/* "LENGTH key=value\n" records of a pax header. */
static void take_pax(const char *data, size_t len, struct tar_member *m)
{
	const char *end = data + len;

	while (data < end) {
		char *text = NULL;
		size_t size = strtoul(data, &text, 10);
		int value = (int)(data + size - text) - 7;

		if (size == 0 || data + size > end || *text != ' ')
			return;
		if (!strncmp(text, " path=", 6))
			snprintf(m->name, sizeof(m->name), "%.*s", value, text + 6);
		data += size;
	}
}

static void take_header(const struct header *h, struct tar_member *m)
{
	if (!m->name[0] && h->prefix[0] && !memcmp(h->magic, "ustar", 6))
		snprintf(m->name, sizeof(m->name), "%.155s/%.100s", h->prefix, h->name);
	if (!m->name[0])
		snprintf(m->name, sizeof(m->name), "%.100s", h->name);
	snprintf(m->link, sizeof(m->link), "%.100s", h->link);
	m->type = h->type ? h->type : TAR_FILE;
	m->mode = (unsigned int)octal(h->mode, sizeof(h->mode));
}

bool tar_next(const struct sp_buf *tar, size_t *at, struct tar_member *out)
{
	*out = (struct tar_member){0};
	while (*at + BLOCK <= tar->len) {
		const struct header *h = (const void *)(tar->data + *at);
		size_t len = octal(h->size, sizeof(h->size));

		if (!h->name[0])
			return false;
		out->data = tar->data + *at + BLOCK;
		out->len = len;
		*at += BLOCK + (len + BLOCK - 1) / BLOCK * BLOCK;
		if (*at > tar->len)
			return false;
		if (h->type == 'x')
			take_pax(out->data, len, out);
		else if (h->type == 'L')
			snprintf(out->name, sizeof(out->name), "%.*s", (int)len,
				out->data);
		else if (h->type != 'g') {
			take_header(h, out);
			return true;
		}
	}
	return false;
}

bool tar_find(const struct sp_buf *tar, const char *name, struct tar_member *out)
{
	size_t at = 0, len = strlen(name);

	while (tar_next(tar, &at, out)) {
		if (!strncmp(out->name, name, len) &&
			(!strcmp(out->name + len, "") || !strcmp(out->name + len, "/")))
			return true;
	}
	return false;
}
