/* SPDX-License-Identifier: Apache-2.0 */
/* Steps with a fallback: what was lost is told, or is an error where it was required. */
#include <errno.h>

#include "runtime/runner.h"

void degrade(struct runner *r, enum sp_runner_degraded what)
{
	r->degraded_errno = errno;
	r->degraded |= what;
}

int check_required(const struct runner *r, struct sp_error *err)
{
	/* By bit; the names are those of the local provider's layers. */
	static const char *const names[] = {
		"mount owners", "session keyring", "OOM score", "device cgroup"};
	uint32_t lost = r->degraded & r->spec->required;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!(lost >> i & 1))
			continue;
		errno = r->degraded_errno;
		return sp_fail_errno(err,
			"layer \"%s\" is required and cannot be had here "
			"(see 'sandpit doctor')",
			names[i]);
	}
	return 0;
}
