/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/args.h"

#include <string.h>

#define LOW_HALF UINT64_C(0xffffffff)

/*
 * Arguments that the kernel declares int or unsigned int, of the calls that profiles
 * have conditions for.  Source: SYSCALL_DEFINE lines of Linux 6.12.
 */
static const struct {
	const char *name;
	unsigned int arguments;
} ints[] = {
	{"fcntl", 1u << 0 | 1u << 1},
	{"fcntl64", 1u << 0 | 1u << 1},
	{"getsockopt", 1u << 0 | 1u << 1 | 1u << 2},
	{"ioctl", 1u << 0 | 1u << 1},
	{"kcmp", 1u << 0 | 1u << 1 | 1u << 2},
	{"keyctl", 1u << 0},
	{"kill", 1u << 0 | 1u << 1},
	{"madvise", 1u << 2},
	{"personality", 1u << 0},
	{"prctl", 1u << 0},
	{"prlimit64", 1u << 0 | 1u << 1},
	{"setns", 1u << 0 | 1u << 1},
	{"setsockopt", 1u << 0 | 1u << 1 | 1u << 2},
	{"socket", 1u << 0 | 1u << 1 | 1u << 2},
	{"socketpair", 1u << 0 | 1u << 1 | 1u << 2},
};

static unsigned int ints_of(const char *name)
{
	for (size_t i = 0; i < SP_COUNT(ints); i++) {
		if (strcmp(ints[i].name, name) == 0)
			return ints[i].arguments;
	}
	return 0;
}

/* A value of an int: small, or a negative one written with 64 bits. */
static bool fits(uint64_t value)
{
	return value <= LOW_HALF || value >= UINT64_C(0xffffffff80000000);
}

static bool narrow(struct scmp_arg_cmp *cmp)
{
	if (cmp->op == SCMP_CMP_MASKED_EQ) {
		if (!fits(cmp->datum_b))
			return false;
		cmp->datum_a &= LOW_HALF;
		cmp->datum_b &= LOW_HALF;
		return true;
	}
	if (!fits(cmp->datum_a))
		return false;
	cmp->datum_a &= LOW_HALF;
	if (cmp->op == SCMP_CMP_EQ) {
		cmp->op = SCMP_CMP_MASKED_EQ;
		cmp->datum_b = cmp->datum_a;
		cmp->datum_a = LOW_HALF;
	}
	return true;
}

int sp_args_of(const char *name, const struct sp_profile_rule *rule,
	struct sp_args *out, struct sp_error *err)
{
	unsigned int halves = ints_of(name);

	*out = (struct sp_args){.count = rule->arg_count};
	for (size_t i = 0; i < rule->arg_count; i++) {
		struct scmp_arg_cmp cmp = rule->args[i];

		if (halves & (1u << cmp.arg)) {
			if (!narrow(&cmp))
				return sp_fail(err, SP_ERR_INVALID,
					"syscalls[%zu].args[%zu]: argument %u of %s "
					"has 32 bits, the value has more",
					rule->place, i, cmp.arg, name);
			out->low_half |= 1u << cmp.arg;
		}
		out->list[i] = cmp;
	}
	return 0;
}

bool sp_args_are_plain(const struct sp_args *args)
{
	for (size_t i = 0; i < args->count; i++) {
		if ((args->low_half & (1u << args->list[i].arg)) &&
			args->list[i].op != SCMP_CMP_MASKED_EQ)
			return false;
	}
	return true;
}

static bool compare(const struct scmp_arg_cmp *cmp, uint64_t value)
{
	switch (cmp->op) {
	case SCMP_CMP_NE:
		return value != cmp->datum_a;
	case SCMP_CMP_LT:
		return value < cmp->datum_a;
	case SCMP_CMP_LE:
		return value <= cmp->datum_a;
	case SCMP_CMP_EQ:
		return value == cmp->datum_a;
	case SCMP_CMP_GE:
		return value >= cmp->datum_a;
	case SCMP_CMP_GT:
		return value > cmp->datum_a;
	case SCMP_CMP_MASKED_EQ:
		return (value & cmp->datum_a) == cmp->datum_b;
	default:
		return false;
	}
}

bool sp_args_match(const struct sp_args *args, const uint64_t values[static 6])
{
	for (size_t i = 0; i < args->count; i++) {
		const struct scmp_arg_cmp *cmp = &args->list[i];
		uint64_t value = values[cmp->arg];

		if (args->low_half & (1u << cmp->arg))
			value &= LOW_HALF;
		if (!compare(cmp, value))
			return false;
	}
	return true;
}
