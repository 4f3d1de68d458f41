/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids that the administrator granted an ordinary user, in /etc/subuid and /etc/subgid, cut
 * into blocks as large as a sandbox wants; and whether this machine lets them be mapped.
 */
#ifndef SP_PROVIDERS_LOCAL_SUBIDS_H
#define SP_PROVIDERS_LOCAL_SUBIDS_H

#include "base/error.h"

#define LOCAL_BLOCK_IDS  65536u
#define LOCAL_BLOCKS_MAX 64

struct local;

struct local_subids {
	bool is_known;
	size_t count; /* blocks; 0 when there are none to be had */
	uint32_t uids[LOCAL_BLOCKS_MAX], gids[LOCAL_BLOCKS_MAX]; /* first of each */
	char tools[32]; /* folder of newuidmap and newgidmap */
	char why_not[256];
	char mend[256];
};

/*
 * The blocks that lines "NAME:FIRST:COUNT" grant a user, by name or by number.  Lines of
 * others and lines that make no sense are passed over, so are ids below 65536, which are
 * people's, and blocks that overlap an earlier one.  Returns how many.
 *
 * Source: subuid(5) of shadow 4.13
 */
size_t local_subid_blocks(const char *text, size_t len, const char *name, uint32_t uid,
	uint32_t blocks[static LOCAL_BLOCKS_MAX]);

/* Those of the calling user, tried out once for each state folder; never NULL. */
const struct local_subids *local_subids(const struct local *l);

/*
 * A user namespace in which the caller is 0 and all granted ids have a number, so that what
 * sandboxes left can be removed: its descriptor; below 0 when there are none, or with *err.
 */
int local_subids_namespace(const struct local *l, struct sp_error *err);

/* Tried out now, whatever was found before, and not remembered. */
void local_subids_try(struct local_subids *out);

#endif
