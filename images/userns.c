/* SPDX-License-Identifier: Apache-2.0 */
#include "images/userns.h"

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <unistd.h>

int sp_userns_enter(int fd, struct sp_error *err)
{
	if (setns(fd, CLONE_NEWUSER) < 0)
		return sp_fail_errno(err, "join the user namespace of the sandbox");
	/* Where only one id is mapped groups cannot be changed; they are the caller's. */
	if (setgroups(0, NULL) < 0 && errno != EPERM)
		return sp_fail_errno(err, "drop groups");
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return sp_fail_errno(err, "become root in the sandbox");
	return 0;
}
