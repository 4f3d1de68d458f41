/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What outlives sandboxes: a folder for each snapshot and each volume.
 *
 *   snapshots/NAME/{record,tree}   what was written in a sandbox; what it lies on
 *   volumes/NAME/{record,data}     files that sandboxes share
 *   uses                           a file to lock, of no content
 *
 * Whoever uses one holds a shared lock on the byte of `uses` that its folder's inode number
 * says, through a description that goes on to the sandbox's supervisor: the kernel gives it
 * up with the last process that has it, however that ends.  Names that begin with a dot
 * are the store's own: ".fork-X" is the layer of a fork, ".new-X" is being made, ".gone-X"
 * is being removed; the first goes with its last user, the others with whoever looks next.
 */
#ifndef SP_PROVIDERS_LOCAL_STORE_H
#define SP_PROVIDERS_LOCAL_STORE_H

#include "base/strv.h"
#include "providers/local/local.h"

#define STORE_RECORD "record"
#define STORE_TREE   "tree"
#define STORE_DATA   "data"
#define STORE_FORK   ".fork-"
#define STORE_NEW    ".new-"

/* One component of the store: a name of a user's, or one of a fork. */
#define STORE_NAME_MAX 129

struct store {
	int dir, uses;
	int kinds[SP_STORED_VOLUME + 1]; /* folders, by enum sp_stored_kind */
};
#define STORE_INIT \
	{ \
		.dir = -1, .uses = -1, .kinds = { -1, -1, -1 } \
	}

/* Open it, made where it is missing: 0700 and ours alone. */
int store_open(const struct local *l, struct store *s, struct sp_error *err);
/* The same, but where there is none that is no error: NOT_FOUND. */
int store_open_there(const struct local *l, struct store *s, struct sp_error *err);
void store_close(struct store *s);
#define sp_autostore SP_AUTO(store_close) struct store

/* What is known of one.  Of volumes only created_ms counts. */
struct stored_record {
	int64_t created_ms;
	uint64_t bytes;
	char *image;          /* of the sandbox a snapshot was taken of */
	char *base;           /* "host" or a folder */
	uint64_t base_mark;   /* base_mark() of it at that time */
	struct sp_strv below; /* further snapshots, the topmost first */
};
void stored_record_clear(struct stored_record *r);
#define sp_autostored SP_AUTO(stored_record_clear) struct stored_record
void stored_record_print(struct sp_buf *out, const struct stored_record *r);
int stored_record_parse(
	const char *text, size_t len, struct stored_record *out, struct sp_error *err);
int store_read(const struct store *s, enum sp_stored_kind kind, const char *name,
	struct stored_record *out, struct sp_error *err);

/* A number that changes with what a folder tree is at its top. */
uint64_t base_mark(const char *base);

/*
 * Hold one against removal for as long as s->uses, or a copy of it, is open.  NOT_FOUND.
 */
int store_hold(const struct store *s, enum sp_stored_kind kind, const char *name,
	struct sp_error *err);

/* A new folder under a temporary name, held; it counts once it is renamed. */
struct store_new {
	enum sp_stored_kind kind;
	int fd;
	char name[STORE_NAME_MAX];
};
int store_begin(const struct store *s, enum sp_stored_kind kind, struct store_new *n,
	struct sp_error *err);
/* Write its record and give it its name: EXISTS.  Whatever happens, store_abandon() it. */
int store_commit(const struct store *s, struct store_new *n, const char *name,
	const struct stored_record *r, struct sp_error *err);
void store_abandon(const struct local *l, const struct store *s, struct store_new *n);

/* LIMIT, naming it, when somebody uses it. */
int store_remove(const struct local *l, const struct store *s, enum sp_stored_kind kind,
	const char *name, struct sp_error *err);
/* What crashes left, and layers of forks that nobody uses any more. */
void store_sweep(const struct local *l);

typedef int store_each_fn(void *ctx, const char *name, struct sp_error *err);
/* The names of a kind, those that begin with a dot included. */
int store_each(const struct store *s, enum sp_stored_kind kind, store_each_fn *each,
	void *ctx, struct sp_error *err);

/* Bytes on disk below a folder; what cannot be read is not counted. */
uint64_t store_usage(int folder);

bool store_name_ok(const char *name);

#endif
