/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's JSON seccomp format as a plain model: the rules that apply on one host, with
 * the capabilities that one sandbox gets.
 */
#ifndef SP_SECCOMP_PROFILE_H
#define SP_SECCOMP_PROFILE_H

#include <seccomp.h>

#include "base/strv.h"

#define SP_PROFILE_MAX_BYTES (1u << 20)
#define SP_PROFILE_MAX_RULES 2048
#define SP_PROFILE_MAX_NAMES 8192 /* of all rules together */
#define SP_PROFILE_MAX_NAME  64
#define SP_PROFILE_MAX_LIST  64 /* of one list of capabilities or architectures */
#define SP_PROFILE_MAX_ARGS  6
#define SP_PROFILE_MAX_SUBS  4

/* What conditional rules are judged against. */
struct sp_profile_host {
	uint32_t arch;         /* SCMP_ARCH_* of the kernel */
	uint64_t granted_caps; /* bit n is capability n: those granted, not held */
	unsigned int version, major; /* kernel 6.1.0: 6 and 1 */
};

struct sp_profile_rule {
	size_t place;    /* syscalls[place] of the file, for messages */
	uint32_t action; /* SCMP_ACT_*, with its errno */
	struct sp_strv names;
	struct scmp_arg_cmp args[SP_PROFILE_MAX_ARGS]; /* all must hold */
	size_t arg_count;
};

/*
 * What a program may call.  For one system call a rule that refuses comes before one
 * that allows, wherever they stand; what no rule decides is the default's.
 */
struct sp_profile {
	uint32_t arch;
	uint32_t default_action; /* SCMP_ACT_*, with its errno */
	uint32_t sub_arches[SP_PROFILE_MAX_SUBS];
	size_t sub_arch_count;
	struct sp_profile_rule *rules;
	size_t rule_count;
};

void sp_profile_clear(struct sp_profile *profile);
#define sp_autoprofile SP_AUTO(sp_profile_clear)

/*
 * The host we run on, for a sandbox with these capabilities.  UNSUPPORTED where
 * libseccomp does not know the architecture.
 */
int sp_profile_host_here(
	uint64_t granted_caps, struct sp_profile_host *out, struct sp_error *err);

/*
 * Read a profile.  Fields, actions, operators, capabilities and architectures that are
 * not known are errors naming their place; names of system calls are looked at when it
 * is compiled.  INVALID, PROTOCOL (not JSON), LIMIT, UNSUPPORTED (SCMP_ACT_NOTIFY).
 * The caller clears *out, which is untouched on failure.
 *
 * Source: github.com/moby/profiles, seccomp/seccomp.go; OCI runtime-spec 1.2,
 * config-linux.md "Seccomp"
 */
int sp_profile_read(const char *text, size_t len, const struct sp_profile_host *host,
	struct sp_profile *out, struct sp_error *err);

/* Whether an action lets the call happen: ALLOW, LOG, or TRACE where a tracer says so. */
bool sp_profile_permits(uint32_t action);

#endif
