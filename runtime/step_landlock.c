/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With the host's network namespace its abstract sockets would be in reach: Landlock keeps
 * them out.  Elsewhere the namespaces do, and a domain for each command would only keep
 * the commands of one sandbox from each other.
 */
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/runner.h"

#define ABI_WITH_SCOPES 6

/* The kernel headers of Debian 12 end before the scopes. */
struct ruleset_with_scopes {
	uint64_t handled_access_fs;
	uint64_t handled_access_net;
	uint64_t scoped;
};
#define SCOPE_ABSTRACT_UNIX_SOCKET (1u << 0)
#define SCOPE_SIGNAL               (1u << 1)

int restrict_landlock(const struct runner *r, struct sp_error *err)
{
	struct ruleset_with_scopes rules = {
		.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL};
	long abi, fd;
	int rc = 0;

	if (!(r->spec->flags & SP_RF_HOST_NETWORK))
		return 0;
	abi = syscall(
		SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < ABI_WITH_SCOPES)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"network host needs Landlock ABI 6 (Linux 6.12) to keep the "
			"host's "
			"abstract sockets out of reach; this kernel has %ld",
			abi < 0 ? 0 : abi);
	fd = syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0);
	if (fd < 0)
		return sp_fail_errno(err, "create Landlock rules");
	if (syscall(SYS_landlock_restrict_self, (int)fd, 0) < 0)
		rc = sp_fail_errno(err, "apply Landlock rules");
	close((int)fd);
	return rc;
}
