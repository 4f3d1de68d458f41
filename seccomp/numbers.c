/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/numbers.h"

#include <linux/audit.h>
#include <seccomp.h>
#include <string.h>

#include "base/auto.h"

/* How far above the first one numbers are looked for. */
#define SCAN_NUMBERS 1024

/*
 * From 424 on a call has one number everywhere, counted from the architecture's first.
 * Source: scripts/syscall.tbl, Linux 6.17.
 */
static const struct {
	const char *name;
	uint32_t number;
} newer[] = {
	{"futex_waitv", 449}, /* in order: the first and the last are asked for */
	{"set_mempolicy_home_node", 450},
	{"cachestat", 451},
	{"fchmodat2", 452},
	{"map_shadow_stack", 453},
	{"futex_wake", 454},
	{"futex_wait", 455},
	{"futex_requeue", 456},
	{"statmount", 457},
	{"listmount", 458},
	{"lsm_get_self_attr", 459},
	{"lsm_set_self_attr", 460},
	{"lsm_list_modules", 461},
	{"mseal", 462},
	{"setxattrat", 463},
	{"getxattrat", 464},
	{"listxattrat", 465},
	{"removexattrat", 466},
	{"open_tree_attr", 467},
	{"file_getattr", 468},
	{"file_setattr", 469},
};

static const struct {
	uint32_t arch, first;
} firsts[] = {
	{SCMP_ARCH_X32, 0x40000000},
	{SCMP_ARCH_MIPS, 4000},
	{SCMP_ARCH_MIPSEL, 4000},
	{SCMP_ARCH_MIPS64, 5000},
	{SCMP_ARCH_MIPSEL64, 5000},
	{SCMP_ARCH_MIPS64N32, 6000},
	{SCMP_ARCH_MIPSEL64N32, 6000},
};

uint32_t sp_number_first(uint32_t arch)
{
	for (size_t i = 0; i < SP_COUNT(firsts); i++) {
		if (firsts[i].arch == arch)
			return firsts[i].first;
	}
	return 0;
}

uint32_t sp_number_audit_arch(uint32_t arch)
{
	return arch == SCMP_ARCH_X32 ? AUDIT_ARCH_X86_64 : arch;
}

bool sp_number_is_newer(const char *name)
{
	return seccomp_syscall_resolve_name(name) == __NR_SCMP_ERROR;
}

static int64_t newer_number(const char *name)
{
	for (size_t i = 0; i < SP_COUNT(newer); i++) {
		if (strcmp(newer[i].name, name) == 0)
			return newer[i].number;
	}
	return -1;
}

bool sp_number_known(const char *name)
{
	return !sp_number_is_newer(name) || newer_number(name) >= 0;
}

int64_t sp_number_of(const char *name, uint32_t arch)
{
	int number = seccomp_syscall_resolve_name_arch(arch, name);
	int64_t late;

	if (number != __NR_SCMP_ERROR)
		return number < 0 ? -1 : number;
	late = newer_number(name);
	return late < 0 ? -1 : late + sp_number_first(arch);
}

static bool has_name(uint32_t arch, uint32_t number)
{
	sp_autofree char *name = seccomp_syscall_resolve_num_arch(arch, (int)number);

	return name != NULL;
}

uint32_t sp_number_first_newer(uint32_t arch)
{
	return sp_number_first(arch) + newer[0].number;
}

static uint32_t last_in_libseccomp(uint32_t arch)
{
	uint32_t first = sp_number_first(arch);
	uint32_t last = first + SCAN_NUMBERS;

	while (last > first && !has_name(arch, last))
		last--;
	return last;
}

uint32_t sp_number_last(uint32_t arch)
{
	uint32_t theirs = last_in_libseccomp(arch);
	uint32_t ours = newer[SP_COUNT(newer) - 1].number + sp_number_first(arch);

	return theirs > ours ? theirs : ours;
}
