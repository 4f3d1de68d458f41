/* SPDX-License-Identifier: Apache-2.0 */
/* Files of this machine into a list, with the links, libraries and loaders they need. */
#ifndef SP_DOCKER_GATHER_H
#define SP_DOCKER_GATHER_H

#include <sys/stat.h>

#include "base/strv.h"
#include "providers/docker/tar.h"

struct sp_gather {
	struct sp_tar *tar;
	struct sp_strv skip; /* patterns of names that trees leave out */
	char loader[256];    /* of programs; for libraries, which name none */
	struct sp_gather_inode {
		dev_t dev;
		ino_t ino;
		char *name;
	} * inodes; /* files of several names that are in already */
	size_t inode_count;
};
void sp_gather_clear(struct sp_gather *g);

/*
 * Add a file, or a link and what it points to; of a folder only itself.  What is not
 * there or not readable is left out.
 */
int sp_gather_path(struct sp_gather *g, const char *path, struct sp_error *err);

/* Add a folder and all below it that the patterns do not skip. */
int sp_gather_tree(struct sp_gather *g, const char *path, struct sp_error *err);

#endif
