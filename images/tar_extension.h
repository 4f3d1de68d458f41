/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The headers of an archive that say more about the member after them: pax records and
 * GNU long names.  Only for the tar reader.
 */
#ifndef SP_IMAGES_TAR_EXTENSION_H
#define SP_IMAGES_TAR_EXTENSION_H

#include "base/buf.h"
#include "images/tar_sparse.h"

/* All of one member together. */
#define SP_TAR_EXTENSION_MAX (1024 * 1024)

struct sp_tar_extension {
	struct sp_buf name, link; /* ended by a NUL that counts, once has_ */
	bool has_name, has_link, has_size, has_mtime, has_uid, has_gid;
	uint64_t size;
	struct timespec mtime;
	uint64_t uid, gid;
	struct sp_sparse sparse;
};
#define SP_TAR_EXTENSION_INIT \
	{ \
		.name = SP_BUF_INIT(SP_TAR_EXTENSION_MAX), \
		.link = SP_BUF_INIT(SP_TAR_EXTENSION_MAX) \
	}

/* Know nothing any more, for the next member. */
void sp_tar_extension_forget(struct sp_tar_extension *x);
void sp_tar_extension_clear(struct sp_tar_extension *x);

/* The content of a header of type x, g, L or K. */
int sp_tar_extension_read(struct sp_tar_extension *x, char type, const char *text,
	size_t len, struct sp_error *err);

/* A name given twice is an error: another reader would take the other one. */
int sp_tar_set_name(struct sp_buf *b, bool *has, const char *text, size_t len,
	struct sp_error *err);

int sp_tar_bad_number(const char *what, struct sp_error *err);

#endif
