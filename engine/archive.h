/* SPDX-License-Identifier: Apache-2.0 */
/* Files of a container, in and out as tar streams; it need not be running. */
#ifndef SP_ENGINE_ARCHIVE_H
#define SP_ENGINE_ARCHIVE_H

#include "engine/engine.h"

/* The file or folder at path, members named from its last component.  NOT_FOUND. */
int sp_engine_archive_get(struct sp_engine *engine, const char *container,
	const char *path, const struct sp_sink *sink, struct sp_error *err);

enum sp_archive_put {
	SP_ARCHIVE_KEEP_TYPES = 1
		<< 0, /* refuse a file over a folder and the reverse */
	SP_ARCHIVE_KEEP_OWNERS = 1 << 1, /* CopyUIDGID */
};

/* Unpack into the folder at path, which must be there: NOT_FOUND. */
int sp_engine_archive_put(struct sp_engine *engine, const char *container,
	const char *path, unsigned int flags, const struct sp_source *tar,
	struct sp_error *err);

struct sp_engine_path_stat {
	char *name;
	uint64_t size;
	uint32_t mode; /* as st_mode has it, type and permissions */
	int64_t mtime_ms;
	char *link_target; /* or NULL */
};
void sp_engine_path_stat_clear(struct sp_engine_path_stat *stat);

/* Look at path, not through it when it is a link.  NOT_FOUND. */
int sp_engine_archive_stat(struct sp_engine *engine, const char *container,
	const char *path, struct sp_engine_path_stat *out, struct sp_error *err);

#endif
