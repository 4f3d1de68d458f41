/* SPDX-License-Identifier: Apache-2.0 */
/* Capabilities: the bounding set is what counts, since a program run as uid 0 regains it. */
#include <errno.h>
#include <linux/securebits.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "runtime/runner.h"

/* Every number the kernel knows, also those newer than our headers. */
static int cut_bounding_set(uint64_t keep, struct sp_error *err)
{
	for (int cap = 0; cap < 64; cap++) {
		if (keep >> cap & 1)
			continue;
		if (cap_drop_bound((cap_value_t)cap) < 0) {
			if (errno == EINVAL)
				return 0; /* past the last one */
			return sp_fail_errno(err, "drop capability %d", cap);
		}
	}
	return 0;
}

static int set_sets(uint64_t keep, struct sp_error *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
		{.effective = (uint32_t)(keep >> 32),
			.permitted = (uint32_t)(keep >> 32)},
	};

	return capset(&head, data) < 0 ? sp_fail_errno(err, "set capabilities") : 0;
}

/* Read back: the sets must be what was asked for, whatever the calls answered. */
static int check_sets(uint64_t keep, struct sp_error *err)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (capget(&head, data) < 0)
		return sp_fail_errno(err, "read capabilities");
	if (((uint64_t)data[1].permitted << 32 | data[0].permitted) & ~keep)
		return sp_fail(err, SP_ERR_SYSTEM, "capabilities are still held");
	if (data[0].inheritable | data[1].inheritable)
		return sp_fail(
			err, SP_ERR_SYSTEM, "capabilities are still inheritable");
	return 0;
}

/* Still needed to become the command's user; gone again in keep_capabilities(). */
#define TO_CHANGE_USER (1ull << CAP_SETUID | 1ull << CAP_SETGID)

int drop_capabilities(uint64_t keep, struct sp_error *err)
{
	int rc;

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return sp_fail_errno(err, "clear ambient capabilities");
	rc = cut_bounding_set(keep, err);
	if (rc < 0)
		return rc;
	if (prctl(PR_SET_SECUREBITS,
		    SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED |
			    SECBIT_KEEP_CAPS_LOCKED) < 0)
		return sp_fail_errno(err, "set secure bits");
	return set_sets(keep | TO_CHANGE_USER, err);
}

int keep_capabilities(uint64_t keep, struct sp_error *err)
{
	/* Another user than 0 has lost all of them with the change. */
	int rc = geteuid() == 0 ? set_sets(keep, err) : 0;

	return rc < 0 ? rc : check_sets(keep, err);
}
