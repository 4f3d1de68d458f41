/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: the sandbox's root says once more, on another code path of the kernel, where
 * the world ends.  Whatever a mistake would leave in reach (a descriptor of the host's,
 * the old root) is not beneath it and stays shut; so do device files and their ioctls.
 *
 * Process 1 takes the domain and its commands inherit it.  Each command that joins takes
 * one of its own with the same rules: the kernel lets nobody join a domain.  So commands
 * that were started apart cannot trace each other; signals and sockets between them are
 * as ever, but for the network of the host, where the host's are to stay out of reach.
 *
 * TCP is left to the network namespace: Landlock knows ports but no addresses, and would
 * take the sandbox's own loopback along.
 *
 * Source: Linux 6.18, Documentation/userspace-api/landlock.rst
 */
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/runner.h"

/* The kernel headers of Debian 12 end at ABI 2. */
#define RIGHT_TRUNCATE  (1ULL << 14)
#define RIGHT_IOCTL_DEV (1ULL << 15)
#define SCOPES          3ULL /* abstract sockets, signals */
#define ABI_WITH_REFER  2
#define ABI_TRUNCATE    3
#define ABI_NET         4
#define ABI_IOCTL_DEV   5
#define ABI_SCOPES      6
#define DEVICE_NODES    (LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_BLOCK)
#define WITHOUT_DEVICES (~(DEVICE_NODES | RIGHT_IOCTL_DEV))

/* As the newest known kernel has it; older ones take the front part. */
struct ruleset {
	uint64_t fs, net, scoped;
};

static size_t ruleset_size(long abi)
{
	return abi >= ABI_SCOPES ? 24 : abi >= ABI_NET ? 16 : 8;
}

/* Every right of files that the kernel can refuse; those above the bits of ABI 1 by name. */
static uint64_t rights_of(long abi)
{
	uint64_t rights = LANDLOCK_ACCESS_FS_REFER - 1;

	if (abi >= ABI_WITH_REFER)
		rights |= LANDLOCK_ACCESS_FS_REFER;
	if (abi >= ABI_TRUNCATE)
		rights |= RIGHT_TRUNCATE;
	if (abi >= ABI_IOCTL_DEV)
		rights |= RIGHT_IOCTL_DEV;
	return rights;
}

static int allow(int ruleset, const char *path, uint64_t rights, struct sp_error *err)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = rights};
	int rc = 0;

	if (rights == 0)
		return 0;
	rule.parent_fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return sp_fail_errno(err, "open %s for Landlock", path);
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule,
		    0) < 0)
		rc = sp_fail_errno(err, "allow %s in Landlock", path);
	close(rule.parent_fd);
	return rc;
}

/* What programs ask devices for is the size and the state of their terminal. */
static int add_rules(int ruleset, uint64_t rights, struct sp_error *err)
{
	int rc = allow(ruleset, "/", rights & WITHOUT_DEVICES, err);

	if (rc == 0)
		rc = allow(ruleset, "/dev/pts", rights & RIGHT_IOCTL_DEV, err);
	if (rc == 0)
		rc = allow(ruleset, "/dev/tty", rights & RIGHT_IOCTL_DEV, err);
	return rc;
}

static int check_abi(const struct runner *r, long abi, struct sp_error *err)
{
	if (abi >= ABI_SCOPES || !(r->spec->flags & SP_RF_HOST_NETWORK))
		return 0;
	return sp_fail(err, SP_ERR_UNSUPPORTED,
		"network host needs Landlock ABI 6 (Linux 6.12) to keep the host's "
		"abstract sockets out of reach; this kernel has %ld",
		abi < 0 ? 0 : abi);
}

int restrict_landlock(const struct runner *r, struct sp_error *err)
{
	long abi = syscall(
		SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	struct ruleset handled = {.fs = rights_of(abi)};
	int rc = check_abi(r, abi, err);
	int fd;

	/* A kernel without it is on the record: see layers.c of the local provider. */
	if (rc < 0 || abi < 1)
		return rc;
	if (r->spec->flags & SP_RF_HOST_NETWORK)
		handled.scoped = SCOPES;
	fd = (int)syscall(SYS_landlock_create_ruleset, &handled, ruleset_size(abi), 0);
	if (fd < 0)
		return sp_fail_errno(err, "create Landlock rules");
	rc = add_rules(fd, handled.fs, err);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		rc = sp_fail_errno(err, "apply Landlock rules");
	close(fd);
	return rc;
}
