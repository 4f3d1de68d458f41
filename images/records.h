/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the worker inside tells of files: NUL-terminated fields, so that a name may be any
 * bytes a name can be.  First the version; then for each file
 *
 *     "e TYPE SIZE MODE UID GID MTIME_MS"  PATH  LINK
 *
 * (TYPE one of f d l o, MODE octal, LINK empty where it is no link), or for each change
 *
 *     "c ACTION"  PATH
 *
 * and at the end of a complete answer ".".  What is written to a file goes the other way
 * in chunks, a length of 32 bits big-endian before each; one of 0 means that this was all.
 */
#ifndef SP_IMAGES_RECORDS_H
#define SP_IMAGES_RECORDS_H

#define SP_RECORDS_VERSION "sandpit-files 1"
#define SP_RECORDS_END     "."

/* The longest path told of, deeper than one system call could name. */
#define SP_RECORDS_PATH_MAX 16384
/* Most files in one answer. */
#define SP_RECORDS_MAX 100000

#define SP_CHUNK_HEAD 4
#define SP_CHUNK_MAX  (1024 * 1024)

#endif
