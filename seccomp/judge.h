/* SPDX-License-Identifier: Apache-2.0 */
/* What a profile answers to a call, and what it opens that ours keep shut. */
#ifndef SP_SECCOMP_JUDGE_H
#define SP_SECCOMP_JUDGE_H

#include "seccomp/profile.h"

/* The names that no shipped profile allows, NULL-terminated. */
extern const char *const sp_seccomp_refused[];

/*
 * The action for a call of the machine's own architecture.  It says of the model what
 * the compiled program does; the tests hold one against the other.
 */
uint32_t sp_profile_decide(const struct sp_profile *profile, const char *name,
	const uint64_t values[static 6]);

/*
 * Add to *out what this profile opens of what HARDENING keeps shut: names of calls,
 * "ioctl TIOCSTI", "socket AF_VSOCK", "architecture x86" and the like; nothing for the
 * shipped ones.
 */
int sp_profile_opened(
	const struct sp_profile *profile, struct sp_strv *out, struct sp_error *err);

#endif
