/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Run a command in a world that lacks something, as a container's filter makes it lack:
 *
 *   refuse WHAT[,WHAT...] COMMAND [ARGUMENT...]
 *
 *   userns    EPERM for clone and unshare into a user namespace, no clone3
 *   clone3    no such call
 *   keyctl    EPERM
 *   landlock  no such call
 *   mounts    no such calls as fsopen and its like
 *   fs        EPERM for making any file system
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RULES_MAX 32

static const struct rule {
	const char *what;
	int call, answer;
	unsigned int flag; /* of the first argument; 0 is any */
} rules[] = {
	{"userns", SYS_clone3, ENOSYS, 0},
	{"userns", SYS_clone, EPERM, CLONE_NEWUSER},
	{"userns", SYS_unshare, EPERM, CLONE_NEWUSER},
	{"clone3", SYS_clone3, ENOSYS, 0},
	{"keyctl", SYS_keyctl, EPERM, 0},
	{"landlock", SYS_landlock_create_ruleset, ENOSYS, 0},
	{"mounts", SYS_fsopen, ENOSYS, 0},
	{"fs", SYS_fsconfig, EPERM, 0},
};

static struct sock_filter steps[4 + 5 * RULES_MAX];
static unsigned short count;

static void step(unsigned int code, unsigned int k, unsigned int yes, unsigned int no)
{
	steps[count++] = (struct sock_filter){
		.code = (unsigned short)code,
		.k = k,
		.jt = (unsigned char)yes,
		.jf = (unsigned char)no,
	};
}

static void load(size_t offset)
{
	step(BPF_LD | BPF_W | BPF_ABS, (unsigned int)offset, 0, 0);
}

static void add(const struct rule *r)
{
	load(offsetof(struct seccomp_data, nr));
	step(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)r->call, 0, r->flag ? 3 : 1);
	if (r->flag) {
		load(offsetof(struct seccomp_data, args[0]));
		step(BPF_JMP | BPF_JSET | BPF_K, r->flag, 0, 1);
	}
	step(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)r->answer, 0, 0);
}

static int add_all(const char *what, size_t len)
{
	int found = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (strlen(rules[i].what) == len &&
			strncmp(rules[i].what, what, len) == 0) {
			add(&rules[i]);
			found = 1;
		}
	return found;
}

int main(int argc, char *argv[])
{
	struct sock_fprog program = {.filter = steps};

	if (argc < 3)
		return 2;
	for (const char *at = argv[1]; *at; at += *at == ',') {
		size_t len = strcspn(at, ",");

		if (!add_all(at, len)) {
			fprintf(stderr, "refuse: what is \"%s\"?\n", at);
			return 2;
		}
		at += len;
	}
	step(BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	program.len = count;
	/* As root without no_new_privs, which would be one thing more. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 &&
		(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
			prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)) {
		perror("refuse");
		return 2;
	}
	execvp(argv[2], argv + 2);
	perror(argv[2]);
	return 127;
}
