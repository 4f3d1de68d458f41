/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/names.h"

#include <string.h>

#include "base/auto.h"

struct word {
	const char *name;
	uint32_t value;
};

static const struct word actions[] = {
	{"SCMP_ACT_ALLOW", SCMP_ACT_ALLOW},
	{"SCMP_ACT_ERRNO", SCMP_ACT_ERRNO(0)},
	{"SCMP_ACT_KILL", SCMP_ACT_KILL_THREAD},
	{"SCMP_ACT_KILL_PROCESS", SCMP_ACT_KILL_PROCESS},
	{"SCMP_ACT_KILL_THREAD", SCMP_ACT_KILL_THREAD},
	{"SCMP_ACT_LOG", SCMP_ACT_LOG},
	{"SCMP_ACT_NOTIFY", SCMP_ACT_NOTIFY},
	{"SCMP_ACT_TRACE", SCMP_ACT_TRACE(0)},
	{"SCMP_ACT_TRAP", SCMP_ACT_TRAP},
};

static const struct word ops[] = {
	{"SCMP_CMP_EQ", SCMP_CMP_EQ},
	{"SCMP_CMP_GE", SCMP_CMP_GE},
	{"SCMP_CMP_GT", SCMP_CMP_GT},
	{"SCMP_CMP_LE", SCMP_CMP_LE},
	{"SCMP_CMP_LT", SCMP_CMP_LT},
	{"SCMP_CMP_MASKED_EQ", SCMP_CMP_MASKED_EQ},
	{"SCMP_CMP_NE", SCMP_CMP_NE},
};

/* libseccomp 2.5 has no numbers for the last ones. */
static const struct word arches[] = {
	{"SCMP_ARCH_AARCH64", SCMP_ARCH_AARCH64},
	{"SCMP_ARCH_ARM", SCMP_ARCH_ARM},
	{"SCMP_ARCH_MIPS", SCMP_ARCH_MIPS},
	{"SCMP_ARCH_MIPS64", SCMP_ARCH_MIPS64},
	{"SCMP_ARCH_MIPS64N32", SCMP_ARCH_MIPS64N32},
	{"SCMP_ARCH_MIPSEL", SCMP_ARCH_MIPSEL},
	{"SCMP_ARCH_MIPSEL64", SCMP_ARCH_MIPSEL64},
	{"SCMP_ARCH_MIPSEL64N32", SCMP_ARCH_MIPSEL64N32},
	{"SCMP_ARCH_PARISC", SCMP_ARCH_PARISC},
	{"SCMP_ARCH_PARISC64", SCMP_ARCH_PARISC64},
	{"SCMP_ARCH_PPC", SCMP_ARCH_PPC},
	{"SCMP_ARCH_PPC64", SCMP_ARCH_PPC64},
	{"SCMP_ARCH_PPC64LE", SCMP_ARCH_PPC64LE},
	{"SCMP_ARCH_RISCV64", SCMP_ARCH_RISCV64},
	{"SCMP_ARCH_S390", SCMP_ARCH_S390},
	{"SCMP_ARCH_S390X", SCMP_ARCH_S390X},
	{"SCMP_ARCH_X32", SCMP_ARCH_X32},
	{"SCMP_ARCH_X86", SCMP_ARCH_X86},
	{"SCMP_ARCH_X86_64", SCMP_ARCH_X86_64},
	{"SCMP_ARCH_LOONGARCH64", 0},
	{"SCMP_ARCH_M68K", 0},
	{"SCMP_ARCH_SH", 0},
	{"SCMP_ARCH_SHEB", 0},
};

static const struct word rule_arches[] = {
	{"386", SCMP_ARCH_X86},
	{"amd64", SCMP_ARCH_X86_64},
	{"arm", SCMP_ARCH_ARM},
	{"arm64", SCMP_ARCH_AARCH64},
	{"loong64", 0},
	{"loongarch64", 0},
	{"mips", SCMP_ARCH_MIPS},
	{"mips3l64n32", SCMP_ARCH_MIPSEL64N32},
	{"mips64", SCMP_ARCH_MIPS64},
	{"mips64le", SCMP_ARCH_MIPSEL64},
	{"mips64n32", SCMP_ARCH_MIPS64N32},
	{"mips64p32", SCMP_ARCH_MIPS64N32},
	{"mips64p32le", SCMP_ARCH_MIPSEL64N32},
	{"mipsel", SCMP_ARCH_MIPSEL},
	{"mipsel64", SCMP_ARCH_MIPSEL64},
	{"mipsel64n32", SCMP_ARCH_MIPSEL64N32},
	{"mipsle", SCMP_ARCH_MIPSEL},
	{"ppc", SCMP_ARCH_PPC},
	{"ppc64", SCMP_ARCH_PPC64},
	{"ppc64le", SCMP_ARCH_PPC64LE},
	{"riscv64", SCMP_ARCH_RISCV64},
	{"s390", SCMP_ARCH_S390},
	{"s390x", SCMP_ARCH_S390X},
	{"x32", SCMP_ARCH_X32},
	{"x86", SCMP_ARCH_X86},
};

/* In the order of their numbers. */
static const char *const caps[] = {"CAP_CHOWN", "CAP_DAC_OVERRIDE",
	"CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
	"CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE",
	"CAP_NET_BROADCAST", "CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_IPC_LOCK",
	"CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
	"CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT",
	"CAP_SYS_NICE", "CAP_SYS_RESOURCE", "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG",
	"CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL", "CAP_SETFCAP",
	"CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM",
	"CAP_BLOCK_SUSPEND", "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF",
	"CAP_CHECKPOINT_RESTORE"};

static bool look_up(
	const struct word *words, size_t count, const char *word, uint32_t *out)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(words[i].name, word) == 0) {
			*out = words[i].value;
			return true;
		}
	}
	return false;
}

bool sp_seccomp_action(const char *word, uint32_t *out)
{
	return look_up(actions, SP_COUNT(actions), word, out);
}

bool sp_seccomp_op(const char *word, enum scmp_compare *out)
{
	uint32_t value;

	if (!look_up(ops, SP_COUNT(ops), word, &value))
		return false;
	*out = (enum scmp_compare)value;
	return true;
}

bool sp_seccomp_arch(const char *word, uint32_t *out)
{
	return look_up(arches, SP_COUNT(arches), word, out);
}

bool sp_seccomp_rule_arch(const char *word, uint32_t *out)
{
	return look_up(rule_arches, SP_COUNT(rule_arches), word, out);
}

bool sp_seccomp_cap(const char *word, unsigned int *out)
{
	for (size_t i = 0; i < SP_COUNT(caps); i++) {
		if (strcmp(caps[i], word) == 0) {
			*out = (unsigned int)i;
			return true;
		}
	}
	return false;
}
