/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts the process down to one folder or file of this machine, for the rest of its life. */
#ifndef SP_IMAGES_CONFINE_H
#define SP_IMAGES_CONFINE_H

#include "base/error.h"

enum sp_confine {
	SP_CONFINE_READ,  /* read what is there */
	SP_CONFINE_WRITE, /* make and remove files, folders and links */
	SP_CONFINE_LAYER, /* the same, and overlayfs's marks */
};

/*
 * With Landlock, of Linux 5.19 and later: nothing but what is at fd (-1: nothing at all)
 * can be reached, no program started, no network used.  Without it the walk beneath
 * descriptors, which is always done, stands alone.
 */
int sp_confine(int fd, enum sp_confine what, struct sp_error *err);

#endif
