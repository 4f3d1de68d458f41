/* SPDX-License-Identifier: Apache-2.0 */
/* Removes a tree that somebody hostile may have filled. */
#ifndef SP_IMAGES_REMOVE_TREE_H
#define SP_IMAGES_REMOVE_TREE_H

#include "base/error.h"

/*
 * Remove dirfd/name and everything in it, depth first, following nothing and entering no
 * other file system.  What is gone already is a success.
 */
int sp_remove_tree(int dirfd, const char *name, struct sp_error *err);

#endif
