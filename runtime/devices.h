/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The control group that lets a sandbox open the devices of its /dev and no other: a second
 * layer behind the user namespace, which makes none.  All sandboxes of this machine's root
 * share one, since they are to have the same; the first makes it, the last removes it.
 */
#ifndef SP_RUNTIME_DEVICES_H
#define SP_RUNTIME_DEVICES_H

#include "base/error.h"

/*
 * Where it is to be, with version 1 controllers; an error tells why it cannot be.
 * UNSUPPORTED, DENIED.
 */
int sp_devices_path(char *path, size_t size, struct sp_error *err);

/*
 * Hold the group at path, made complete if it is not there.  While the descriptor is open
 * nobody removes it.
 */
int sp_devices_hold(const char *path, struct sp_error *err);

/* Let go of it; whoever is the last removes it.  fd may be -1. */
void sp_devices_release(int fd, const char *path);

/* Remove it if nobody holds it: after a crash. */
void sp_devices_drop(const char *path);

/*
 * Version 2: all in this group and below may open these devices and no others, from now on.
 * Done once for each group; asking again is cheap.
 */
int sp_devices_guard(const char *cgroup2_path, struct sp_error *err);

#endif
