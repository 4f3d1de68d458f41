/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a file or folder as a tar stream, while whoever owns it may be changing it.
 *
 * Everything is opened once, by name beneath an open folder, never through a link, and
 * then judged by its descriptor.  Regular files, folders and symbolic links are packed;
 * what else there is gets skipped and counted.
 */
#ifndef SP_IMAGES_PACK_H
#define SP_IMAGES_PACK_H

#include <limits.h>

#include "images/tar.h"

/* Where to begin: NAME in the folder fd, or fd itself when name is ".". */
struct sp_pack_start {
	int fd;      /* the caller's to close; -1 while empty */
	bool follow; /* the path ended in a slash: a link there means its folder */
	char name[NAME_MAX + 1];
};

struct sp_pack_opts {
	const char *as; /* name of the first component, or NULL for its own */
	/*
	 * The tree is the upper folder of an overlay: owners are kept, its marks become those
	 * of an OCI layer, holes stay holes, and other file systems in it are left out.
	 */
	bool layer;
	struct sp_tar_limits limits;
};

/*
 * Resolve a path, whose folders may be links.  One that ends in "/." is the content of
 * the folder, packed as "./NAME".
 */
int sp_pack_open(const char *path, struct sp_pack_start *start, struct sp_error *err);

/*
 * Write the stream to out_fd, end mark and all.  A link at the start is packed as a link.
 *
 * Errors:  NOT_FOUND, DENIED, LIMIT, INVALID (the start is a device, FIFO or socket)
 */
int sp_pack(const struct sp_pack_start *start, const struct sp_pack_opts *opts,
	int out_fd, struct sp_tar_stats *stats, struct sp_error *err);

#endif
