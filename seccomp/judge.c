/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/judge.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>

#include "seccomp/args.h"
#include "seccomp/numbers.h"

#define TIOCSTI_NUMBER   0x5412
#define TIOCLINUX_NUMBER 0x541c
#define FAMILIES         64 /* more than the kernel has */

/* By what each of them would give. */
const char *const sp_seccomp_refused[] = {
	/* operations that no filter sees */
	"io_uring_enter", "io_uring_register", "io_uring_setup",
	/* programs and counters in the kernel */
	"bpf", "perf_event_open", "userfaultfd", "fanotify_init", "lookup_dcookie",
	/* keyrings belong to the user, not to the sandbox */
	"add_key", "keyctl", "request_key",
	/* files and processes by handle, past paths and namespaces */
	"kcmp", "open_by_handle_at", "pidfd_getfd", "process_madvise",
	/* namespaces and mounts */
	"clone3", "fsconfig", "fsmount", "fsopen", "fspick", "mount", "mount_setattr",
	"move_mount", "open_tree", "open_tree_attr", "pivot_root", "setns", "umount",
	"umount2", "unshare",
	/* the machine */
	"acct", "adjtimex", "clock_adjtime", "clock_adjtime64", "clock_settime",
	"clock_settime64", "create_module", "delete_module", "finit_module",
	"init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load", "quotactl",
	"quotactl_fd", "reboot", "setdomainname", "sethostname", "settimeofday",
	"stime", "swapoff", "swapon", "syslog", "vhangup",
	/* memory of other nodes, and of segments only old programs use */
	"get_mempolicy", "mbind", "migrate_pages", "modify_ldt", "move_pages",
	"set_mempolicy", "set_mempolicy_home_node",
	/* of another time */
	"nfsservctl", "query_module", "sysfs", "uselib", "ustat", NULL};

struct probe {
	const char *label;
	const char *name;
	uint64_t values[6];
};

/* Calls that are needed, with arguments that are not. */
static const struct probe probes[] = {
	{"clone with new namespaces", "clone", {CLONE_NEWUSER, CLONE_NEWUSER}},
	{"ioctl TIOCSTI", "ioctl", {0, TIOCSTI_NUMBER}},
	{"ioctl TIOCLINUX", "ioctl", {0, TIOCLINUX_NUMBER}},
	{"socket AF_ALG", "socket", {AF_ALG, SOCK_SEQPACKET}},
	{"socket AF_PACKET", "socket", {AF_PACKET, SOCK_RAW}},
	{"socket AF_VSOCK", "socket", {AF_VSOCK, SOCK_STREAM}},
	{"socket AF_NETLINK of any protocol", "socket", {AF_NETLINK, SOCK_RAW, 16}},
};

static const struct {
	uint32_t arch;
	const char *label;
} sub_labels[] = {
	{SCMP_ARCH_X86, "architecture x86"},
	{SCMP_ARCH_X32, "architecture x32"},
	{SCMP_ARCH_ARM, "architecture arm"},
	{SCMP_ARCH_S390, "architecture s390"},
};

static bool names(const struct sp_profile_rule *rule, const char *name)
{
	for (size_t i = 0; i < rule->names.count; i++) {
		if (strcmp(rule->names.items[i], name) == 0)
			return true;
	}
	return false;
}

static bool holds(
	const struct sp_profile_rule *rule, const char *name, const uint64_t *values)
{
	struct sp_args args;

	return names(rule, name) && sp_args_of(name, rule, &args, NULL) == 0 &&
		sp_args_match(&args, values);
}

/* The strictest of the matching rules of one kind; conditional or not. */
static const struct sp_profile_rule *find(const struct sp_profile *p, const char *name,
	const uint64_t *values, bool permits, bool conditional)
{
	const struct sp_profile_rule *found = NULL;

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct sp_profile_rule *rule = &p->rules[i];

		if (sp_profile_permits(rule->action) != permits ||
			(rule->arg_count > 0) != conditional ||
			!holds(rule, name, values))
			continue;
		if (conditional)
			return rule;
		if (!found || (int32_t)rule->action < (int32_t)found->action)
			found = rule;
	}
	return found;
}

static bool mentions(const struct sp_profile *p, const char *name)
{
	for (size_t i = 0; i < p->rule_count; i++) {
		if (names(&p->rules[i], name))
			return true;
	}
	return false;
}

uint32_t sp_profile_decide(const struct sp_profile *profile, const char *name,
	const uint64_t values[static 6])
{
	static const struct {
		bool permits, conditional;
	} order[] = {{false, false}, {false, true}, {true, false}, {true, true}};

	for (size_t i = 0; i < SP_COUNT(order); i++) {
		const struct sp_profile_rule *rule = find(
			profile, name, values, order[i].permits, order[i].conditional);

		if (rule)
			return rule->action;
	}
	if (!strcmp(name, "clone3") && !mentions(profile, name) &&
		!sp_profile_permits(profile->default_action))
		return SCMP_ACT_ERRNO(ENOSYS);
	return profile->default_action;
}

/* Whether there are arguments with which the call is let through. */
static bool may_pass(const struct sp_profile *p, const char *name)
{
	bool passes = sp_profile_permits(p->default_action);

	for (size_t i = 0; i < p->rule_count; i++) {
		const struct sp_profile_rule *rule = &p->rules[i];

		if (!names(rule, name))
			continue;
		if (sp_profile_permits(rule->action))
			passes = true;
		else if (rule->arg_count == 0)
			return false;
	}
	return passes;
}

static bool exists_here(const struct sp_profile *p, const char *name)
{
	for (size_t i = 0; i < p->sub_arch_count; i++) {
		if (sp_number_of(name, p->sub_arches[i]) >= 0)
			return true;
	}
	return sp_number_of(name, p->arch) >= 0;
}

static void add_probes(const struct sp_profile *p, struct sp_strv *out)
{
	for (size_t i = 0; i < SP_COUNT(probes); i++) {
		if (sp_profile_permits(
			    sp_profile_decide(p, probes[i].name, probes[i].values)))
			sp_strv_add(out, probes[i].label);
	}
}

static bool is_named_family(int family)
{
	static const int named[] = {
		AF_UNIX, AF_INET, AF_INET6, AF_NETLINK, AF_ALG, AF_PACKET, AF_VSOCK};

	for (size_t i = 0; i < SP_COUNT(named); i++) {
		if (named[i] == family)
			return true;
	}
	return false;
}

static void add_families(const struct sp_profile *p, struct sp_strv *out)
{
	for (int family = 0; family < FAMILIES; family++) {
		const uint64_t values[6] = {(uint64_t)family, SOCK_RAW};

		if (!is_named_family(family) &&
			sp_profile_permits(sp_profile_decide(p, "socket", values))) {
			sp_strv_add(out, "socket of other families");
			return;
		}
	}
}

int sp_profile_opened(
	const struct sp_profile *profile, struct sp_strv *out, struct sp_error *err)
{
	for (size_t i = 0; sp_seccomp_refused[i]; i++) {
		const char *name = sp_seccomp_refused[i];

		if (exists_here(profile, name) && may_pass(profile, name))
			sp_strv_add(out, name);
	}
	add_probes(profile, out);
	add_families(profile, out);
	for (size_t i = 0; i < profile->sub_arch_count; i++) {
		for (size_t k = 0; k < SP_COUNT(sub_labels); k++) {
			if (sub_labels[k].arch == profile->sub_arches[i])
				sp_strv_add(out, sub_labels[k].label);
		}
	}
	return sp_strv_ok(out, err);
}
