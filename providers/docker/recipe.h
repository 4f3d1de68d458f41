/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The default image as a list of this machine's files.  What goes in is data: the rules
 * are explained in images/recipes/base/host-files.
 */
#ifndef SP_DOCKER_RECIPE_H
#define SP_DOCKER_RECIPE_H

#include "base/strv.h"
#include "providers/docker/tar.h"

#define SP_RECIPE_TAG_LEN 16

/*
 * A tag that changes when the rules, the programs or the libraries do: a look at each
 * rule's own paths, not at every file, so that it costs a millisecond.
 *
 * Errors:  NOT_FOUND (the recipe, or a program it needs), PROTOCOL (a rule)
 */
int sp_recipe_tag(const char *folder, char tag[static SP_RECIPE_TAG_LEN + 1],
	struct sp_error *err);

/* All members, and the "set" lines into *changes. */
int sp_recipe_collect(const char *folder, struct sp_tar *tar, struct sp_strv *changes,
	struct sp_error *err);

#endif
