/* SPDX-License-Identifier: Apache-2.0 */
/* Writes records (records.h), many in one write. */
#ifndef SP_IMAGES_INSIDE_TELL_H
#define SP_IMAGES_INSIDE_TELL_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"

#define SP_TELL_BYTES (64 * 1024)

struct sp_tell {
	int fd;
	size_t len;
	char data[SP_TELL_BYTES];
};

/* Begin with the version. */
int sp_tell_begin(struct sp_tell *t, int fd, struct sp_error *err);
int sp_tell_entry(struct sp_tell *t, const char *path, const struct stat *st,
	const char *link, struct sp_error *err);
int sp_tell_change(
	struct sp_tell *t, const char *action, const char *path, struct sp_error *err);
/* What was told so far goes out now. */
int sp_tell_flush(struct sp_tell *t, struct sp_error *err);
/* The answer is complete. */
int sp_tell_end(struct sp_tell *t, struct sp_error *err);

#endif
