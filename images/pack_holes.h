/* SPDX-License-Identifier: Apache-2.0 */
/* Where a file has content, so that what nobody wrote is not copied. */
#ifndef SP_IMAGES_PACK_HOLES_H
#define SP_IMAGES_PACK_HOLES_H

#include <sys/stat.h>

#include "images/tar.h"

struct sp_pack_holes {
	struct sp_segment *pieces;
	size_t count, cap;
};

/* True when the file has holes and not too many of them to be worth it. */
bool sp_pack_holes_find(struct sp_pack_holes *h, int fd, const struct stat *st);
void sp_pack_holes_clear(struct sp_pack_holes *h);

#endif
