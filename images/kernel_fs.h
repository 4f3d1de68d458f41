/* SPDX-License-Identifier: Apache-2.0 */
/* Tells the kernel's own file trees, which have no files to copy, and no end. */
#ifndef SP_IMAGES_KERNEL_FS_H
#define SP_IMAGES_KERNEL_FS_H

#include <stdbool.h>

/* Is what is open there a part of procfs, sysfs or a cgroup hierarchy? */
bool sp_is_kernel_fs(int fd);

#endif
