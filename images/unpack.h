/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unpacks a tar stream whose every byte may be hostile, beneath one folder.
 *
 * Names that leave the folder, or that another program could read differently, are
 * rejected, not repaired.  Devices and FIFOs are skipped and counted; set-id and sticky
 * bits, owners, ACLs and extended attributes are dropped: what comes out belongs to
 * whoever unpacks.
 */
#ifndef SP_IMAGES_UNPACK_H
#define SP_IMAGES_UNPACK_H

#include <sys/types.h>

#include "images/tar.h"

struct sp_unpack_opts {
	const char *as;  /* rename the first component, one for all members, to this */
	mode_t mask;     /* permission bits nothing gets */
	bool keep_kinds; /* a folder and something else never replace each other */
	bool layer; /* an OCI layer, onto an empty folder that an overlay will show */
	bool keep_owners; /* layer: for who may give files away */
	struct sp_tar_limits limits;
};

/*
 * Unpack the stream from in_fd into the folder root_fd.  The umask must be 0 for modes to
 * be kept.  A file is there whole or not at all; members before a bad one stay.
 *
 * Errors:  PROTOCOL (malformed or cut short), DENIED (leaves the folder, or goes through a
 *          link), LIMIT, EXISTS (a folder in the way, or with keep_kinds the reverse)
 */
int sp_unpack(int root_fd, int in_fd, const struct sp_unpack_opts *opts,
	struct sp_tar_stats *stats, struct sp_error *err);

#endif
