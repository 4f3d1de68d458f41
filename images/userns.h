/* SPDX-License-Identifier: Apache-2.0 */
/* Work on a sandbox's files with its own eyes: owners as they are inside, no right beyond. */
#ifndef SP_IMAGES_USERNS_H
#define SP_IMAGES_USERNS_H

#include "base/error.h"

/* Become root of the user namespace fd is a handle of, for the rest of the process' life. */
int sp_userns_enter(int fd, struct sp_error *err);

#endif
