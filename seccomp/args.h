/* SPDX-License-Identifier: Apache-2.0 */
/* Conditions on arguments, as wide as the kernel reads each argument. */
#ifndef SP_SECCOMP_ARGS_H
#define SP_SECCOMP_ARGS_H

#include "seccomp/profile.h"

struct sp_args {
	struct scmp_arg_cmp list[SP_PROFILE_MAX_ARGS];
	size_t count;
	/*
	 * Bit n: of argument n only the low half counts.  The kernel takes it as an
	 * int, so a caller may set the upper half as it likes and mean the same.
	 */
	unsigned int low_half;
};

/* The conditions of a rule for one of its calls.  INVALID when a value does not fit. */
int sp_args_of(const char *name, const struct sp_profile_rule *rule,
	struct sp_args *out, struct sp_error *err);

/* Whether libseccomp can say it: it compares whole arguments, or their bits with ==. */
bool sp_args_are_plain(const struct sp_args *args);

/* Whether all conditions hold. */
bool sp_args_match(const struct sp_args *args, const uint64_t values[static 6]);

#endif
