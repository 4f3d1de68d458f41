/* SPDX-License-Identifier: Apache-2.0 */
/* Where the fields of a tar header are and what is in them; for the reader and the writer. */
#ifndef SP_IMAGES_TAR_LAYOUT_H
#define SP_IMAGES_TAR_LAYOUT_H

#include <stddef.h>

#include "images/tar.h"

/*
 * POSIX.1-2017, pax, "ustar Interchange Format".  GNU archives use the room of prefix for
 * other things, so it counts only with the POSIX magic.
 */
struct sp_tar_header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[8]; /* with version: "ustar\0" "00", GNU "ustar  \0" */
	char uname[32];
	char gname[32];
	char devmajor[8];
	char devminor[8];
	char prefix[155];
	char pad[12];
};
_Static_assert(sizeof(struct sp_tar_header) == SP_TAR_BLOCK, "a header is one block");

/* The sum of a header's bytes with blanks for the checksum itself. */
static inline unsigned int sp_tar_checksum(const struct sp_tar_header *h)
{
	const unsigned char *bytes = (const unsigned char *)h;
	const size_t from = offsetof(struct sp_tar_header, checksum);
	unsigned int sum = 0;

	for (size_t i = 0; i < SP_TAR_BLOCK; i++)
		sum += i - from < sizeof(h->checksum) ? ' ' : bytes[i];
	return sum;
}

/* A number field: octal, or GNU's base 256.  False when it is malformed or too large. */
bool sp_tar_number(const char *field, size_t size, int64_t *out);

/* Decimal digits and nothing else. */
bool sp_tar_decimal(const char *text, size_t len, uint64_t *out);

#endif
