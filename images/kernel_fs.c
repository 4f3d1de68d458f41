/* SPDX-License-Identifier: Apache-2.0 */
#include "images/kernel_fs.h"

#include <linux/magic.h>
#include <sys/vfs.h>

bool sp_is_kernel_fs(int fd)
{
	struct statfs fs;

	if (fstatfs(fd, &fs) < 0)
		return false;
	return fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC ||
		fs.f_type == CGROUP_SUPER_MAGIC || fs.f_type == CGROUP2_SUPER_MAGIC;
}
