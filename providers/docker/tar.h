/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tar stream made while it is read, from a list of members.  ustar, with GNU long names
 * where one does not fit; owners are 0:0.
 */
#ifndef SP_DOCKER_TAR_H
#define SP_DOCKER_TAR_H

#include "providers/provider.h"

enum sp_tar_type {
	SP_TAR_FILE = '0',
	SP_TAR_HARD_LINK = '1',
	SP_TAR_LINK = '2',
	SP_TAR_FOLDER = '5',
};

struct sp_tar_member {
	enum sp_tar_type type;
	char *name; /* relative, no slash at either end */
	char *link; /* of links: where to; else NULL */
	/* A file's bytes: of this host file, or, where that is NULL, these. */
	char *source;
	char *data;
	uint64_t size;
	uint32_t mode;
	int64_t mtime; /* seconds since 1970 */
};

/* A list in order.  Adding fails quietly; sp_tar_ok() asks once. */
struct sp_tar {
	struct sp_tar_member *items;
	size_t count, cap;
	/* Names that are in it, as a hash table of index + 1. */
	uint32_t *table;
	size_t table_size;
	bool failed;
};

void sp_tar_clear(struct sp_tar *tar);
#define sp_autotar SP_AUTO(sp_tar_clear)

bool sp_tar_has(const struct sp_tar *tar, const char *name);

/*
 * Add copies of what *member points to, and the folders above it that are missing.  A
 * name that is there already stays as it was.
 */
void sp_tar_add(struct sp_tar *tar, const struct sp_tar_member *member);
int sp_tar_ok(const struct sp_tar *tar, struct sp_error *err);

/* How long the stream will be. */
uint64_t sp_tar_length(const struct sp_tar *tar);

/* Reads the list once as a stream.  The list must stay. */
struct sp_tar_reader {
	const struct sp_tar *tar;
	size_t next;       /* member to begin */
	uint64_t left;     /* of the current file's bytes */
	uint32_t padding;  /* zeros after it */
	int fd;            /* it, or -1 */
	const char *bytes; /* or its bytes in memory */
	struct sp_buf head;
	size_t head_at;
	bool ended;
	uint64_t done;
	/* Called now and then; may be NULL. */
	void (*on_progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	void *progress_ctx;
	const char *what;
	uint64_t total;
};
void sp_tar_reader_init(struct sp_tar_reader *r, const struct sp_tar *tar);
void sp_tar_reader_clear(struct sp_tar_reader *r);
#define sp_autotarreader SP_AUTO(sp_tar_reader_clear)

/* For engine calls that take a source. */
struct sp_source sp_tar_source(struct sp_tar_reader *r);

#endif
