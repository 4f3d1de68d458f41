/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files between this machine and a sandbox of any provider, as cp -a would copy them.
 *
 * This side of the tar stream is done by a confined child, sandpit-worker in libexec_dir;
 * the other side is the provider's.  Paths inside are relative to "/", whether they begin
 * with one or not.
 */
#ifndef SP_SANDBOX_FILES_H
#define SP_SANDBOX_FILES_H

#include "providers/provider.h"

/*
 * Copy a file or folder of this machine into the sandbox: into `to` where that is a
 * folder, else under its name; missing parents are made.  A `from` that ends in "/."
 * means what is in the folder.
 *
 * Errors:  NOT_FOUND, EXISTS (a folder over a file or the reverse), DENIED, LIMIT
 */
int sp_files_copy_in(struct sp_provider *p, const char *id, const char *libexec_dir,
	const char *from, const char *to, struct sp_error *err);

/*
 * The other way.  The parent of `to` must be there.  The whole stream is unpacked beside
 * the destination and moved into place after it ended well, so a failure changes nothing.
 */
int sp_files_copy_out(struct sp_provider *p, const char *id, const char *libexec_dir,
	const char *from, const char *to, struct sp_error *err);

/* Unpack the tar stream read from fd into the folder `to` inside, which is made if missing. */
int sp_files_unpack_fd(struct sp_provider *p, const char *id, const char *libexec_dir,
	int fd, const char *to, struct sp_error *err);

/* Write `from` inside to fd as a tar stream, whose members begin with its last component. */
int sp_files_pack_fd(struct sp_provider *p, const char *id, const char *libexec_dir,
	const char *from, int fd, struct sp_error *err);

#endif
