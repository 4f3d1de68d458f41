/* SPDX-License-Identifier: Apache-2.0 */
/* A profile as the BPF program the kernel takes. */
#ifndef SP_SECCOMP_COMPILE_H
#define SP_SECCOMP_COMPILE_H

#include "base/buf.h"
#include "seccomp/profile.h"

/* Part of the cache's key: raise it when the same profile gives another program. */
#define SP_SECCOMP_REVISION 1

/*
 * Append the program, an array of struct sock_filter, to *program.
 *
 * What holds for every profile: an architecture the profile does not list ends the
 * process; of one call, rules that refuse come before rules that allow; arguments that
 * the kernel takes as int are compared on their low 32 bits; socketcall and ipc, whose
 * arguments are out of reach, are refused.  Where the default refuses: numbers newer
 * than any known get ENOSYS, and so does clone3 unless a rule names it, for the C
 * library then falls back to what it knows; unknown names are passed over.
 *
 * Errors: INVALID (unknown name, where the default allows; a value that does not fit),
 * LIMIT (longer than the kernel takes)
 */
int sp_seccomp_compile(
	const struct sp_profile *profile, struct sp_buf *program, struct sp_error *err);

#endif
