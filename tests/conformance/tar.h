/* SPDX-License-Identifier: Apache-2.0 */
/* The little of tar that a behaviour needs, so that it does not test libarchive by itself. */
#ifndef SP_TESTS_CONFORMANCE_TAR_H
#define SP_TESTS_CONFORMANCE_TAR_H

#include "base/buf.h"

#define TAR_FILE    '0'
#define TAR_SYMLINK '2'
#define TAR_FOLDER  '5'

/* Append a member; names and link targets under 100 bytes.  data is NULL but for files. */
void tar_add(struct sp_buf *tar, const char *name, char type, unsigned int mode,
	const char *link, const void *data, size_t len);
/* The two empty blocks at the end. */
void tar_end(struct sp_buf *tar);

struct tar_member {
	char name[512];
	char link[512];
	char type;
	unsigned int mode;
	const char *data;
	size_t len;
};

/*
 * The member at *at, which goes on to the next; pax and GNU long names are taken in.
 * False at the end or where the archive is damaged.
 */
bool tar_next(const struct sp_buf *tar, size_t *at, struct tar_member *out);

/* Find a member by its name, with or without a slash at its end. */
bool tar_find(const struct sp_buf *tar, const char *name, struct tar_member *out);

#endif
