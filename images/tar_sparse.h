/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The maps of sparse files in archives: GNU's old format and its pax format 1.0, what
 * `tar --sparse` writes.  Only for the tar reader.
 */
#ifndef SP_IMAGES_TAR_SPARSE_H
#define SP_IMAGES_TAR_SPARSE_H

#include "base/buf.h"
#include "images/tar.h"

struct sp_sparse {
	bool announced; /* by pax records; the map stands before the content */
	bool has_name;
	char name[SP_TAR_NAME_MAX + 1]; /* the real one */
	uint64_t real_size;
	struct sp_segment *segments;
	size_t count, cap, current;
};

void sp_sparse_clear(struct sp_sparse *s);

/* The next 512 bytes of the archive. */
typedef int sp_take_block_fn(
	void *ctx, char block[static SP_TAR_BLOCK], struct sp_error *err);

/* A pax record GNU.sparse.KEY. */
int sp_sparse_pax(struct sp_sparse *s, const char *key, size_t key_len,
	const char *value, size_t len, struct sp_error *err);

/* The map at the front of the content, at most body bytes; *used is what it took. */
int sp_sparse_body(struct sp_sparse *s, uint64_t body, sp_take_block_fn *take,
	void *ctx, uint64_t *used, struct sp_error *err);

/* The map in an old GNU header and in the blocks that follow it. */
int sp_sparse_gnu(struct sp_sparse *s, const char header[static SP_TAR_BLOCK],
	sp_take_block_fn *take, void *ctx, struct sp_error *err);

/* Pieces in order, apart, within the file, and together as long as the content. */
int sp_sparse_check(const struct sp_sparse *s, uint64_t body, struct sp_error *err);

/* Move *at, where the last piece ended, to where content goes on; returns for how long. */
uint64_t sp_sparse_place(struct sp_sparse *s, uint64_t *at);

#endif
