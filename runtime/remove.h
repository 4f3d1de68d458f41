/* SPDX-License-Identifier: Apache-2.0 */
/* Taking away what a sandbox left on the host; shared by the runner and the library. */
#ifndef SP_RUNTIME_REMOVE_H
#define SP_RUNTIME_REMOVE_H

#include <stdbool.h>

/* Remove an empty cgroup, waiting up to two seconds for it to become empty. */
bool sp_remove_cgroup(const char *path);

/* Remove the folder of a process in the background, with the files that belong in one. */
bool sp_remove_process(int dirfd, const char *name);

/* Remove a sandbox's state folder with the files that belong in one. */
bool sp_remove_state(const char *path);

#endif
