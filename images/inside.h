/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations on files for the worker inside a sandbox, where anything may change between
 * two system calls.
 *
 * Each path is resolved once, by the kernel, with the sandbox's own root; the magic links
 * of /proc are refused.  What was opened is then judged by its descriptor.  Changes are
 * made beneath the opened folder, by name.
 */
#ifndef SP_IMAGES_INSIDE_H
#define SP_IMAGES_INSIDE_H

#include <limits.h>
#include <sys/types.h>

#include "base/error.h"

/* --- Resolving: inside_path.c ------------------------------------------------------- */

/* Open what path means, links followed. */
int sp_inside_open(const char *path, int flags, struct sp_error *err);

/* A name in an open folder. */
struct sp_inside_place {
	int folder; /* the caller's to close */
	char name[NAME_MAX + 1];
};
#define SP_INSIDE_PLACE_INIT \
	{ \
		.folder = -1 \
	}

enum sp_inside_last {
	SP_INSIDE_KEEP,   /* the last component is meant, be it a link */
	SP_INSIDE_FOLLOW, /* what a link there means, which need not be there */
};

/* Where path is.  make_parents: folders that are missing are made. */
int sp_inside_locate(const char *path, enum sp_inside_last last, bool make_parents,
	struct sp_inside_place *out, struct sp_error *err);

/* Open the folder, made with its parents where it is missing. */
int sp_inside_make(const char *path, struct sp_error *err);

/* --- Telling: inside_tree.c; see records.h ------------------------------------------ */

/* A link is followed. */
int sp_inside_stat(const char *path, int out_fd, struct sp_error *err);

/* What is in the folder, depth levels deep; 0 is 1. */
int sp_inside_list(const char *path, uint32_t depth, int out_fd, struct sp_error *err);

/* What is below the folder and has a name that matches, as fnmatch(3) does it. */
int sp_inside_find(
	const char *path, const char *pattern, int out_fd, struct sp_error *err);

/* Changes until in_fd ends or the folder is gone: inside_watch.c. */
int sp_inside_watch(
	const char *path, bool recursive, int in_fd, int out_fd, struct sp_error *err);

/* --- Contents and changes: inside_file.c, inside_change.c --------------------------- */

/* At most length bytes from offset on, 0: all that there are now. */
int sp_inside_read(const char *path, uint64_t offset, uint64_t length, int out_fd,
	struct sp_error *err);

/*
 * The chunks of in_fd as the file at path, all or nothing.  mode 0 is that of the file
 * that is replaced, or 0644; its owner stays as well.
 */
int sp_inside_write(const char *path, mode_t mode, int in_fd, struct sp_error *err);

int sp_inside_mkdir(const char *path, struct sp_error *err);
int sp_inside_remove(const char *path, struct sp_error *err);
int sp_inside_rename(const char *from, const char *to, struct sp_error *err);

#endif
