/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Puts files, folders and links into a tree that somebody hostile may have prepared, or
 * is changing at the same time.
 *
 * Paths are clean: relative, no empty, "." or ".." component.  Each is walked anew beneath
 * the root, and nothing on the way may be a link.  What is new appears under a temporary
 * name and is renamed; what is in its way is unlinked, never opened.
 */
#ifndef SP_IMAGES_PLACE_H
#define SP_IMAGES_PLACE_H

#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "base/error.h"

/* ".sandpit-" and 16 digits. */
#define SP_PLACE_TEMP_BYTES 32

struct sp_place {
	int root;        /* borrowed */
	mode_t mask;     /* permission bits nothing gets */
	bool keep_kinds; /* a folder and something else never replace each other */
	bool layer; /* an overlay's lower folder: owners and sticky bits are kept */
	bool keep_owner; /* layer: set uid and gid, which need the right to */
	uid_t uid;       /* of what is placed next */
	gid_t gid;
	uint64_t next_temp;
	struct sp_place_folder *folders; /* whose mode and times are set at the end */
	size_t folder_count, folder_cap, folder_bytes;
};

int sp_place_init(struct sp_place *p, int root, mode_t mask, bool keep_kinds,
	struct sp_error *err);
void sp_place_clear(struct sp_place *p);

/* Make the folder, or take the one that is there. */
int sp_place_folder(struct sp_place *p, const char *path, mode_t mode,
	struct timespec mtime, struct sp_error *err);

/* The text is stored as it is. */
int sp_place_symlink(struct sp_place *p, const char *path, const char *text,
	struct timespec mtime, struct sp_error *err);

/* A further name of a regular file that is in the tree already. */
int sp_place_hardlink(
	struct sp_place *p, const char *path, const char *target, struct sp_error *err);

/* Layers: hide what lower ones have at path, or in the folder at path. */
int sp_place_gone(struct sp_place *p, const char *path, struct sp_error *err);
int sp_place_opaque(struct sp_place *p, const char *path, struct sp_error *err);

/* A regular file while it is written, without a name that counts. */
struct sp_place_file {
	int fd;           /* to write to */
	int parent;       /* the folder it is in */
	const char *name; /* in the path it was begun with */
	char temp[SP_PLACE_TEMP_BYTES];
};
#define SP_PLACE_FILE_INIT \
	{ \
		.fd = -1, .parent = -1 \
	}

int sp_place_file_begin(struct sp_place *p, const char *path, mode_t mode,
	struct sp_place_file *f, struct sp_error *err);

/* Give it its date and its name, in place of what has it. */
int sp_place_file_commit(struct sp_place *p, struct sp_place_file *f,
	struct timespec mtime, struct sp_error *err);

/* Close it, and remove what was not committed. */
void sp_place_file_clear(struct sp_place_file *f);

/* Modes and times of folders, which would change with what is put into them. */
int sp_place_finish(struct sp_place *p, struct sp_error *err);

#endif
