/* SPDX-License-Identifier: Apache-2.0 */
/* Moves a finished tree to where it was meant to go. */
#ifndef SP_SANDBOX_SETTLE_H
#define SP_SANDBOX_SETTLE_H

#include "base/error.h"

/*
 * Move from/name to to/as, both on one file system.  Folders are merged, files and links
 * replaced; a folder over a file or the reverse is EXISTS, found before anything is moved.
 */
int sp_settle(int from, const char *name, int to, const char *as, struct sp_error *err);

/* Move what is in the folder from/name into the folder `to`. */
int sp_settle_contents(int from, const char *name, int to, struct sp_error *err);

#endif
