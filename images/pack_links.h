/* SPDX-License-Identifier: Apache-2.0 */
/* Which files of a transfer have another name, so that hard links stay links. */
#ifndef SP_IMAGES_PACK_LINKS_H
#define SP_IMAGES_PACK_LINKS_H

#include <sys/stat.h>

#include "base/error.h"

/* A hash table with open addressing; zeroed is empty. */
struct sp_pack_links {
	struct sp_pack_link {
		dev_t dev;
		ino_t ino;
		char *name;
	} * slots;
	size_t count, cap;
};

void sp_pack_links_clear(struct sp_pack_links *l);

/* The name this file was first packed under, or NULL, and then it is `name` from now on. */
int sp_pack_links_seen(struct sp_pack_links *l, const struct stat *st, const char *name,
	const char **first, struct sp_error *err);

#endif
