/* SPDX-License-Identifier: Apache-2.0 */
#include "images/pack_holes.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* As stat counts them, whatever the file system's own are. */
#define BLOCK_BYTES 512

void sp_pack_holes_clear(struct sp_pack_holes *h)
{
	free(h->pieces);
	*h = (struct sp_pack_holes){0};
}

static bool add(struct sp_pack_holes *h, uint64_t offset, uint64_t len)
{
	if (h->count == SP_TAR_SEGMENTS_MAX)
		return false;
	if (h->count == h->cap) {
		size_t cap = h->cap ? h->cap * 2 : 16;
		struct sp_segment *grown = reallocarray(h->pieces, cap, sizeof(*grown));

		if (!grown)
			return false;
		h->pieces = grown;
		h->cap = cap;
	}
	h->pieces[h->count++] = (struct sp_segment){offset, len};
	return true;
}

/* The file may change while it is looked at: what is found stays within its size. */
static bool find_pieces(struct sp_pack_holes *h, int fd, off_t size)
{
	off_t at = 0;

	while (at < size) {
		off_t data = lseek(fd, at, SEEK_DATA);
		off_t hole = data < 0 ? -1 : lseek(fd, data, SEEK_HOLE);

		if (data < 0)
			return errno == ENXIO; /* a hole up to the end */
		if (hole <= data)
			return false;
		if (data >= size)
			break;
		hole = hole < size ? hole : size;
		if (!add(h, (uint64_t)data, (uint64_t)(hole - data)))
			return false;
		at = hole;
	}
	return true;
}

bool sp_pack_holes_find(struct sp_pack_holes *h, int fd, const struct stat *st)
{
	if (st->st_size <= (off_t)st->st_blocks * BLOCK_BYTES)
		return false;
	if (find_pieces(h, fd, st->st_size))
		return true;
	sp_pack_holes_clear(h);
	(void)lseek(fd, 0, SEEK_SET);
	return false;
}
