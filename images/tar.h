/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tar format, one member at a time: reads ustar, pax and GNU archives, writes pax.
 *
 * Names are bytes, never converted.  What is ambiguous, unknown or over a limit is an
 * error: an archive is only as good as what every reader makes of it.  There is no file
 * system in here, see pack.h and unpack.h.
 */
#ifndef SP_IMAGES_TAR_H
#define SP_IMAGES_TAR_H

#include <time.h>

#include "base/error.h"

#define SP_TAR_BLOCK 512
/* Names and link targets as long as the kernel takes them. */
#define SP_TAR_NAME_MAX 4095

/* What one archive may hold, either way; zero is the default given at each line. */
struct sp_tar_limits {
	uint64_t bytes;     /* 64 GiB of content, holes counted */
	uint64_t members;   /* 2,000,000 */
	unsigned int depth; /* 256 folders in each other */
};
#define SP_TAR_BYTES_DEFAULT   (UINT64_C(64) << 30)
#define SP_TAR_MEMBERS_DEFAULT UINT64_C(2000000)
#define SP_TAR_DEPTH_DEFAULT   256u

/* What went through, and what was left out: devices, FIFOs, sockets. */
struct sp_tar_stats {
	uint64_t bytes, members, skipped;
	uint64_t shrunk; /* files that got shorter while they were read */
};

/* Count a member of this size and depth; LIMIT when one too many. */
int sp_tar_count(struct sp_tar_stats *stats, const struct sp_tar_limits *limits,
	uint64_t size, unsigned int depth, const char *name, struct sp_error *err);

enum sp_tar_type {
	SP_TAR_FILE = 1,
	SP_TAR_HARDLINK,
	SP_TAR_SYMLINK,
	SP_TAR_FOLDER,
	SP_TAR_SPECIAL, /* device or FIFO */
};

struct sp_tar_member {
	enum sp_tar_type type;
	const char *name;  /* when read: unchecked, and borrowed until the next call */
	const char *link;  /* of links, likewise; "" otherwise */
	uint32_t mode;     /* permission bits, set-id and sticky among them */
	uint32_t uid, gid; /* owners; for layers only, others keep none */
	uint64_t size;     /* of a file */
	struct timespec mtime;
};

struct sp_tar_reader;

/* Read an archive from fd, which stays the caller's. */
int sp_tar_reader_new(int fd, struct sp_tar_reader **out, struct sp_error *err);
void sp_tar_reader_free(struct sp_tar_reader *r);

/*
 * The next member, skipping what was not read of the last one.  1, or 0 at the end mark.
 * An archive that stops without one is PROTOCOL: it may be half of what was sent.
 */
int sp_tar_next(struct sp_tar_reader *r, struct sp_tar_member *m, struct sp_error *err);

/*
 * The next piece of the member's content and where in the file it belongs: 1, or 0 at its
 * end.  Pieces come in rising order, and what lies between them is zeros.
 */
int sp_tar_read(struct sp_tar_reader *r, const char **data, size_t *len, uint64_t *at,
	struct sp_error *err);

/* After the end mark: read what the writer pads with, so that it is not cut off. */
int sp_tar_drain(struct sp_tar_reader *r, struct sp_error *err);

static inline void sp_tar_reader_free_(struct sp_tar_reader **r)
{
	sp_tar_reader_free(*r);
}
#define sp_autotarreader __attribute__((cleanup(sp_tar_reader_free_)))

struct sp_tar_writer;

/* Write an archive to fd, which stays the caller's. */
int sp_tar_writer_new(int fd, struct sp_tar_writer **out, struct sp_error *err);
void sp_tar_writer_free(struct sp_tar_writer *w);

/* Begin a member; a file's content follows, exactly size bytes of it. */
int sp_tar_write_member(
	struct sp_tar_writer *w, const struct sp_tar_member *m, struct sp_error *err);
int sp_tar_write(
	struct sp_tar_writer *w, const char *data, size_t len, struct sp_error *err);

/*
 * A file with holes, as a whole member: what lies between the pieces is not written.
 * Errors:  LIMIT (more pieces than a reader takes)
 */
struct sp_segment {
	uint64_t offset, len;
};
#define SP_TAR_SEGMENTS_MAX 65536
int sp_tar_write_sparse(struct sp_tar_writer *w, const struct sp_tar_member *m,
	int from_fd, const struct sp_segment *pieces, size_t count, uint64_t *missing,
	struct sp_error *err);

/*
 * The content from an open file, size bytes of it.  *missing tells how many the file did
 * not have any more; zeros stand in for them.
 */
int sp_tar_write_file(struct sp_tar_writer *w, int from_fd, uint64_t size,
	uint64_t *missing, struct sp_error *err);

/* The end mark; nothing counts before it is there. */
int sp_tar_write_end(struct sp_tar_writer *w, struct sp_error *err);

static inline void sp_tar_writer_free_(struct sp_tar_writer **w)
{
	sp_tar_writer_free(*w);
}
#define sp_autotarwriter __attribute__((cleanup(sp_tar_writer_free_)))

#endif
