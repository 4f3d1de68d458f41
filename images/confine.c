/* SPDX-License-Identifier: Apache-2.0 */
#include "images/confine.h"

#include <errno.h>
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/auto.h"

/* The first that lets a file be linked or moved into another folder. */
#define ABI_MIN 2

/* Newer than the headers may be.  Source: linux/landlock.h of Linux 6.12. */
#define RIGHT_TRUNCATE  (1ULL << 14) /* ABI 3 */
#define RIGHT_IOCTL_DEV (1ULL << 15) /* ABI 5 */
#define NET_ALL         3ULL         /* ABI 4: bind and connect of TCP */
#define SCOPE_ALL       3ULL         /* ABI 6: abstract sockets, signals */

#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_RIGHTS \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_READ_DIR | \
		LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
		LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
		LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER)

/* What names of folders and links may take, many times over. */
#define MEMORY_MAX_BYTES ((rlim_t)512 * 1024 * 1024)

/* As the kernel has it; older ones take the front part. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static int new_ruleset(long abi)
{
	struct ruleset r = {
		/* All rights of ABI 1 and 2 are the bits up to REFER. */
		.fs = LANDLOCK_ACCESS_FS_REFER | (LANDLOCK_ACCESS_FS_REFER - 1),
		.net = NET_ALL,
		.scoped = SCOPE_ALL,
	};
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;

	if (abi >= 3)
		r.fs |= RIGHT_TRUNCATE;
	if (abi >= 5)
		r.fs |= RIGHT_IOCTL_DEV;
	return (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
}

static int allow(
	int ruleset, int fd, enum sp_confine what, long abi, struct sp_error *err)
{
	struct landlock_path_beneath_attr rule = {.parent_fd = fd};
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "stat what to confine to");
	rule.allowed_access = what == SP_CONFINE_READ ? READ_RIGHTS : WRITE_RIGHTS;
	if (what == SP_CONFINE_LAYER)
		rule.allowed_access |= LANDLOCK_ACCESS_FS_MAKE_CHAR;
	if (what != SP_CONFINE_READ && abi >= 3)
		rule.allowed_access |= RIGHT_TRUNCATE;
	if (!S_ISDIR(st.st_mode))
		rule.allowed_access &= LANDLOCK_ACCESS_FS_READ_FILE;
	if (rule.allowed_access &&
		syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
			&rule, 0) < 0)
		return sp_fail_errno(err, "allow one folder in Landlock");
	return 0;
}

int sp_confine(int fd, enum sp_confine what, struct sp_error *err)
{
	const struct rlimit no_core = {0, 0};
	const struct rlimit memory = {MEMORY_MAX_BYTES, MEMORY_MAX_BYTES};
	sp_autoclose int ruleset = -1;
	long abi;
	int rc = 0;

	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || setrlimit(RLIMIT_AS, &memory) < 0)
		return sp_fail_errno(err, "set limits");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sp_fail_errno(err, "set no_new_privs");
	abi = syscall(
		SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < ABI_MIN)
		return 0;
	ruleset = new_ruleset(abi);
	if (ruleset < 0)
		return sp_fail_errno(err, "make a Landlock ruleset");
	if (fd >= 0)
		rc = allow(ruleset, fd, what, abi, err);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return sp_fail_errno(err, "confine with Landlock");
	return rc;
}
