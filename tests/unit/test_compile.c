/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled program is what is tested here, call by call and per architecture. */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
/* cmocka wants the five above before it */
#include <cmocka.h>

#include "base/io.h"
#include "seccomp/compile.h"
#include "seccomp/judge.h"
#include "seccomp/numbers.h"
#include "tests/unit/bpf_machine.h"

#define ALLOW       SCMP_ACT_ALLOW
#define REFUSED     SCMP_ACT_ERRNO(EPERM)
#define UNKNOWN     SCMP_ACT_ERRNO(ENOSYS)
#define KILLED      SCMP_ACT_KILL_PROCESS
#define HIGH        UINT64_C(0xdeadbeef00000000)
#define NAMESPACES  0x7e020000u
#define X32_BIT     0x40000000u
#define THREAD      0x3d0f00u   /* what pthread_create asks of clone */
#define FORK        0x01200011u /* and fork */
#define CAP_CHROOT  (UINT64_C(1) << 18)
#define PROGRAM_MAX (1u << 20)

static const struct sp_profile_host here = {
	.arch = SCMP_ARCH_X86_64, .granted_caps = CAP_CHROOT, .version = 6, .major = 1};

struct fixture {
	struct sp_profile profile;
	struct sp_buf program;
};

static void fixture_clear(struct fixture *f)
{
	sp_profile_clear(&f->profile);
	sp_buf_clear(&f->program);
}

static void compile_text(struct fixture *f, const char *text, size_t len,
	const struct sp_profile_host *host)
{
	struct sp_error err = {0};

	*f = (struct fixture){.program = SP_BUF_INIT(PROGRAM_MAX)};
	if (sp_profile_read(text, len, host, &f->profile, &err) < 0)
		fail_msg("read: %s", err.msg);
	if (sp_seccomp_compile(&f->profile, &f->program, &err) < 0)
		fail_msg("compile: %s", err.msg);
}

static void compile_json(struct fixture *f, const char *json)
{
	compile_text(f, json, strlen(json), &here);
}

static void compile_file(struct fixture *f, const char *path)
{
	struct sp_error err = {0};
	struct sp_bytes text = {0};

	if (sp_read_file_at(AT_FDCWD, path, SP_PROFILE_MAX_BYTES, &text, &err) < 0)
		fail_msg("%s", err.msg);
	compile_text(f, text.data, text.len, &here);
	free(text.data);
}

static uint32_t ask(const struct fixture *f, uint32_t arch, uint32_t nr,
	const uint64_t args[static 6])
{
	struct seccomp_data data = {.nr = (int)nr, .arch = arch};
	const void *program = f->program.data;
	uint32_t action = 0;

	memcpy(data.args, args, sizeof(data.args));
	if (!bpf_run(program, f->program.len / sizeof(struct sock_filter), &data,
		    &action))
		fail_msg("the program is not sound at call %u", nr);
	return action;
}

/* By name, on the machine's own architecture. */
static uint32_t call(
	const struct fixture *f, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t args[6] = {a, b, c};
	int64_t nr = sp_number_of(name, SCMP_ARCH_X86_64);

	if (nr < 0)
		fail_msg("%s has no number here", name);
	return ask(f, AUDIT_ARCH_X86_64, (uint32_t)nr, args);
}

static void must(const char *what, uint32_t got, uint32_t want)
{
	if (got != want)
		fail_msg("%s: 0x%08x, not 0x%08x", what, got, want);
}

static const char *const shipped[] = {"seccomp/default.json", "seccomp/strict.json"};

static const uint64_t patterns[][6] = {{0}, {1, 1, 1, 1, 1, 1},
	{HIGH, HIGH, HIGH, HIGH, HIGH, HIGH},
	{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

static void shipped_profiles_refuse_every_call_on_the_list(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		for (size_t i = 0; sp_seccomp_refused[i]; i++) {
			const char *name = sp_seccomp_refused[i];
			int64_t nr = sp_number_of(name, SCMP_ARCH_X86_64);

			for (size_t k = 0; nr >= 0 && k < SP_COUNT(patterns); k++)
				must(name,
					ask(&f, AUDIT_ARCH_X86_64, (uint32_t)nr,
						patterns[k]),
					strcmp(name, "clone3") ? REFUSED : UNKNOWN);
		}
		fixture_clear(&f);
	}
}

static void shipped_profiles_open_nothing(void **state)
{
	sp_autostrv struct sp_strv opened = {0};
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		assert_int_equal(sp_profile_opened(&f.profile, &opened, NULL), 0);
		if (opened.count > 0)
			fail_msg("%s opens %s", shipped[p], opened.items[0]);
		fixture_clear(&f);
	}
}

static void another_architecture_is_killed(void **state)
{
	static const uint32_t foreign[] = {AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64,
		AUDIT_ARCH_ARM, AUDIT_ARCH_RISCV64, 0, SCMP_ARCH_X32, UINT32_MAX,
		AUDIT_ARCH_X86_64 ^ 0x80000000u};
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		for (size_t i = 0; i < SP_COUNT(foreign); i++) {
			for (uint32_t nr = 0; nr < 1024; nr++)
				must("foreign", ask(&f, foreign[i], nr, patterns[1]),
					KILLED);
		}
		fixture_clear(&f);
	}
}

static void x32_numbers_are_refused(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		for (uint32_t nr = 0; nr < 1024; nr++)
			must("x32",
				ask(&f, AUDIT_ARCH_X86_64, nr | X32_BIT, patterns[1]),
				UNKNOWN);
		must("-1", ask(&f, AUDIT_ARCH_X86_64, UINT32_MAX, patterns[0]),
			UNKNOWN);
		fixture_clear(&f);
	}
}

static void numbers_newer_than_known_do_not_exist(void **state)
{
	uint32_t last = sp_number_last(SCMP_ARCH_X86_64);
	struct fixture f;

	(void)state;
	compile_file(&f, "seccomp/default.json");
	assert_true(last >= 469 && last < 1024);
	for (uint32_t nr = last + 1; nr < 4096; nr++)
		must("unknown", ask(&f, AUDIT_ARCH_X86_64, nr, patterns[0]), UNKNOWN);
	must("known and refused", ask(&f, AUDIT_ARCH_X86_64, 461, patterns[0]),
		REFUSED);
	fixture_clear(&f);
}

static void calls_newer_than_libseccomp_are_allowed_by_name(void **state)
{
	struct fixture f;

	(void)state;
	compile_file(&f, "seccomp/default.json");
	must("fchmodat2", ask(&f, AUDIT_ARCH_X86_64, 452, patterns[0]), ALLOW);
	must("mseal", ask(&f, AUDIT_ARCH_X86_64, 462, patterns[2]), ALLOW);
	must("open_tree_attr", ask(&f, AUDIT_ARCH_X86_64, 467, patterns[0]), REFUSED);
	fixture_clear(&f);
}

static void clone_makes_no_namespaces(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		must("thread", call(&f, "clone", THREAD, 0, 0), ALLOW);
		must("fork", call(&f, "clone", FORK, 0, 0), ALLOW);
		must("fork, high half", call(&f, "clone", HIGH | FORK, 0, 0), ALLOW);
		for (uint64_t bit = 1; bit <= NAMESPACES; bit <<= 1) {
			uint32_t want = bit & NAMESPACES ? REFUSED : ALLOW;

			must("clone", call(&f, "clone", bit, 0, 0), want);
			must("clone", call(&f, "clone", FORK | bit | HIGH, 0, 0), want);
		}
		must("clone3", call(&f, "clone3", 0, 0, 0), UNKNOWN);
		fixture_clear(&f);
	}
}

static void terminals_cannot_be_typed_into(void **state)
{
	static const uint64_t highs[] = {
		0, UINT64_C(1) << 32, HIGH, UINT64_C(0xffffffff00000000)};
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		for (size_t i = 0; i < SP_COUNT(highs); i++) {
			for (uint64_t fd = 0; fd < 3; fd++) {
				must("TIOCSTI",
					call(&f, "ioctl", fd, highs[i] | 0x5412, 0),
					REFUSED);
				must("TIOCLINUX",
					call(&f, "ioctl", fd, highs[i] | 0x541c, 0),
					REFUSED);
			}
			must("TCGETS", call(&f, "ioctl", 0, highs[i] | 0x5401, 0),
				ALLOW);
			must("TIOCGWINSZ", call(&f, "ioctl", 0, highs[i] | 0x5413, 0),
				ALLOW);
		}
		fixture_clear(&f);
	}
}

static uint32_t family_answer(bool strict, int family, uint64_t protocol)
{
	if (family == AF_UNIX)
		return ALLOW;
	if (strict)
		return REFUSED;
	if (family == AF_INET || family == AF_INET6)
		return ALLOW;
	return family == AF_NETLINK && (uint32_t)protocol == 0 ? ALLOW : REFUSED;
}

static void sockets_are_of_four_families_at_most(void **state)
{
	static const uint64_t protocols[] = {0, 1, 6, 9, 12, 16, HIGH, HIGH | 9};
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		for (int family = 0; family < 128; family++) {
			for (size_t i = 0; i < SP_COUNT(protocols); i++) {
				uint32_t want = family_answer(
					p == 1, family, protocols[i]);

				must("socket",
					call(&f, "socket", (uint64_t)family, 1,
						protocols[i]),
					want);
				must("socket, high half",
					call(&f, "socket", HIGH | (uint64_t)family, 1,
						protocols[i]),
					want);
			}
			must("socketpair",
				call(&f, "socketpair", (uint64_t)family, 1, 0),
				family == AF_UNIX ? ALLOW : REFUSED);
		}
		fixture_clear(&f);
	}
}

/* What the C library, shells and interpreters cannot do without. */
static const char *const needed[] = {"read", "write", "openat", "openat2", "close",
	"fstat", "newfstatat", "statx", "lseek", "mmap", "mprotect", "munmap", "brk",
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "pread64",
	"pwrite64", "access", "faccessat2", "pipe2", "dup2", "dup3", "nanosleep",
	"clock_nanosleep", "clock_gettime", "getpid", "gettid", "execve", "exit",
	"exit_group", "wait4", "waitid", "kill", "tgkill", "uname", "fcntl", "flock",
	"fsync", "getdents64", "getcwd", "chdir", "rename", "renameat2", "mkdir",
	"unlink", "unlinkat", "readlink", "chmod", "fchmodat", "chown", "umask",
	"getrlimit", "prlimit64", "sysinfo", "getuid", "setuid", "setgid", "setsid",
	"futex", "set_robust_list", "set_tid_address", "rseq", "sched_getaffinity",
	"sched_yield", "getrandom", "memfd_create", "eventfd2", "epoll_create1",
	"epoll_ctl", "epoll_pwait", "poll", "ppoll", "select", "prctl", "arch_prctl",
	"sendmsg", "recvmsg", "sendto", "recvfrom", "bind", "connect", "listen",
	"accept4", "setsockopt", "getsockopt", "shutdown", "timerfd_create",
	"inotify_init1", "copy_file_range", "fallocate", "madvise", "mremap",
	"membarrier", "pidfd_open", "close_range", "vfork", "utimensat", "symlink",
	"linkat", "sendfile", "splice", "getxattr"};

static const char *const only_default[] = {"ptrace", "process_vm_readv", "chroot",
	"mq_open", "semget", "shmget", "io_setup", "setxattr", "memfd_secret",
	"seccomp", "landlock_create_ruleset", "name_to_handle_at"};

static void what_programs_need_is_allowed(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		for (size_t i = 0; i < SP_COUNT(needed); i++) {
			must(needed[i], call(&f, needed[i], 0, 0, 0), ALLOW);
			must(needed[i], call(&f, needed[i], HIGH, HIGH, HIGH), ALLOW);
		}
		for (size_t i = 0; i < SP_COUNT(only_default); i++)
			must(only_default[i], call(&f, only_default[i], 0, 0, 0),
				p == 0 ? ALLOW : REFUSED);
		fixture_clear(&f);
	}
}

static void strict_makes_fifos_and_no_devices(void **state)
{
	struct fixture f;

	(void)state;
	compile_file(&f, "seccomp/strict.json");
	must("fifo", call(&f, "mknodat", 3, 0, 010644), ALLOW);
	must("character", call(&f, "mknodat", 3, 0, 020644), REFUSED);
	must("block", call(&f, "mknod", 0, 060644, 0), REFUSED);
	must("fifo", call(&f, "mknod", 0, HIGH | 010644, 0), ALLOW);
	fixture_clear(&f);
}

static void capabilities_granted_decide(void **state)
{
	struct sp_profile_host without = here;
	struct sp_bytes text = {0};
	struct fixture f;

	(void)state;
	without.granted_caps = ~CAP_CHROOT;
	without.version = 4;
	without.major = 7;
	assert_int_equal(sp_read_file_at(AT_FDCWD, "seccomp/default.json",
				 SP_PROFILE_MAX_BYTES, &text, NULL),
		0);
	compile_text(&f, text.data, text.len, &without);
	must("chroot", call(&f, "chroot", 0, 0, 0), REFUSED);
	must("ptrace before 4.8", call(&f, "ptrace", 0, 0, 0), REFUSED);
	must("mount with SYS_ADMIN", call(&f, "mount", 0, 0, 0), REFUSED);
	free(text.data);
	fixture_clear(&f);
}

/* ----- the model and the program say the same -------------------------------- */

static const char *const agree[] = {
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
	"{\"names\":[\"mount\",\"mseal\"],\"action\":\"SCMP_ACT_ERRNO\"},"
	"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":["
	"{\"index\":2,\"value\":4294967297,\"op\":\"SCMP_CMP_GT\"}]}]}",

	"{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":["
	"{\"names\":[\"read\",\"cachestat\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":4294967297,\"op\":\"SCMP_CMP_LE\"}]},"
	"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_LOG\"},"
	"{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":1,\"value\":21522,\"op\":\"SCMP_CMP_NE\"}]},"
	"{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":18446744073709551615,\"op\":\"SCMP_CMP_EQ\"}]}]}",

	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
	"{\"names\":[\"read\",\"futex_wait\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"read\",\"futex_wait\"],\"action\":\"SCMP_ACT_TRAP\",\"args\":["
	"{\"index\":1,\"value\":4294967296,\"op\":\"SCMP_CMP_GE\"},"
	"{\"index\":2,\"value\":1,\"op\":\"SCMP_CMP_LT\"}]},"
	"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5,\"args\":["
	"{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":5,\"value\":4294967295,\"op\":\"SCMP_CMP_NE\"}]},"
	"{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7},"
	"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":12,\"op\":\"SCMP_CMP_LT\"}]},"
	"{\"names\":[\"open\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"open\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":2}]}",
};

static const uint64_t values[] = {0, 1, 11, 12, 21521, 21522, 0xfffffffe, 0xffffffff,
	UINT64_C(0x100000000), UINT64_C(0x100000001), UINT64_C(0x100000002),
	UINT64_C(0x200000000), HIGH | 21522, HIGH | 1, UINT64_MAX};

static void compare_call(const struct fixture *f, const char *name, uint32_t nr)
{
	for (size_t a = 0; a < SP_COUNT(values); a++) {
		for (size_t b = 0; b < SP_COUNT(values); b++) {
			const uint64_t args[6] = {values[a], values[b],
				values[(a + b) % SP_COUNT(values)], 0, 0, values[b]};

			must(name, ask(f, AUDIT_ARCH_X86_64, nr, args),
				sp_profile_decide(&f->profile, name, args));
		}
	}
}

static void compare_all(const struct fixture *f)
{
	for (uint32_t nr = 0; nr <= sp_number_last(SCMP_ARCH_X86_64); nr++) {
		sp_autofree char *name = seccomp_syscall_resolve_num_arch(
			SCMP_ARCH_X86_64, (int)nr);

		if (name)
			compare_call(f, name, nr);
	}
	compare_call(f, "cachestat", 451);
	compare_call(f, "futex_wait", 455);
	compare_call(f, "mseal", 462);
}

static void model_and_program_agree_on_every_call(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		compare_all(&f);
		fixture_clear(&f);
	}
	for (size_t i = 0; i < SP_COUNT(agree); i++) {
		compile_json(&f, agree[i]);
		compare_all(&f);
		fixture_clear(&f);
	}
}

#define ONE_RULE(call, action, op, value, two) \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" \
	"{\"names\":[\"" call "\"],\"action\":\"SCMP_ACT_ALLOW\"}," \
	"{\"names\":[\"" call "\"],\"action\":\"" action "\",\"args\":[" \
	"{\"index\":0,\"value\":" value ",\"valueTwo\":" two ",\"op\":\"" op "\"}]}]}"

static void a_condition_that_refuses_beats_one_that_allows(void **state)
{
	static const struct {
		const char *json;
		uint64_t refused, allowed;
	} rows[] = {
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_EQ", "4294967301", "0"),
			0x100000005, 5},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_NE", "4294967301", "0"),
			5, 0x100000005},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_LT", "4294967301", "0"),
			0x100000004, 0x100000005},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_LE", "4294967301", "0"),
			0x100000005, 0x100000006},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_GT", "4294967301", "0"),
			0x200000000, 0x100000005},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_GE", "4294967301", "0"),
			0x100000005, 0x100000004},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_MASKED_EQ", "4294967297",
			 "4294967296"),
			0x100000002, 0x100000003},
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(rows); i++) {
		compile_json(&f, rows[i].json);
		must(rows[i].json, call(&f, "lseek", rows[i].refused, 0, 0),
			SCMP_ACT_TRAP);
		must(rows[i].json, call(&f, "lseek", rows[i].allowed, 0, 0), ALLOW);
		fixture_clear(&f);
	}
}

static void high_halves_of_ints_do_not_count(void **state)
{
	struct fixture f;

	(void)state;
	compile_json(&f, agree[1]);
	must("NE", call(&f, "ioctl", 0, 21522, 0), KILLED);
	must("NE, high half", call(&f, "ioctl", 0, HIGH | 21522, 0), KILLED);
	must("NE, another", call(&f, "ioctl", 0, HIGH | 21523, 0), ALLOW);
	must("-1 of 32 bits", call(&f, "personality", 0xffffffff, 0, 0), ALLOW);
	must("-1 of 64 bits", call(&f, "personality", UINT64_MAX, 0, 0), ALLOW);
	fixture_clear(&f);
	compile_json(&f, agree[2]);
	must("LT", call(&f, "socket", HIGH | 11, 0, 0), ALLOW);
	must("LT, over", call(&f, "socket", HIGH | 12, 0, 0), REFUSED);
	fixture_clear(&f);
}

/* ----- sub-architectures ------------------------------------------------------ */

static const char both[] =
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"archMap\":[{\"architecture\":"
	"\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\","
	"\"SCMP_ARCH_X32\"]}],\"syscalls\":["
	"{\"names\":[\"write\",\"ioctl\",\"socketcall\",\"ipc\",\"mseal\","
	"\"clone\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ERRNO\",\"args\":["
	"{\"index\":1,\"value\":4294967295,\"valueTwo\":21522,"
	"\"op\":\"SCMP_CMP_MASKED_EQ\"}]},"
	"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":1,\"op\":\"SCMP_CMP_EQ\"}]}]}";

static void each_sub_architecture_has_its_own_numbers(void **state)
{
	const uint64_t unix_args[6] = {1, 1}, vsock[6] = {40, 1},
		       typed[6] = {0, 0x5412};
	struct fixture f;

	(void)state;
	compile_json(&f, both);
	must("write", ask(&f, AUDIT_ARCH_I386, 4, patterns[0]), ALLOW);
	must("stat", ask(&f, AUDIT_ARCH_X86_64, 4, patterns[0]), REFUSED);
	must("open of 32 bits", ask(&f, AUDIT_ARCH_I386, 5, patterns[0]), REFUSED);
	must("write of x32", ask(&f, AUDIT_ARCH_X86_64, X32_BIT | 1, patterns[0]),
		ALLOW);
	must("open of x32", ask(&f, AUDIT_ARCH_X86_64, X32_BIT | 2, patterns[0]),
		REFUSED);
	must("ioctl of x32", ask(&f, AUDIT_ARCH_X86_64, X32_BIT | 514, patterns[0]),
		ALLOW);
	must("TIOCSTI of x32", ask(&f, AUDIT_ARCH_X86_64, X32_BIT | 514, typed),
		REFUSED);
	must("TIOCSTI of 32 bits", ask(&f, AUDIT_ARCH_I386, 54, typed), REFUSED);
	must("socket of 32 bits", ask(&f, AUDIT_ARCH_I386, 359, unix_args), ALLOW);
	must("vsock of 32 bits", ask(&f, AUDIT_ARCH_I386, 359, vsock), REFUSED);
	must("mseal of 32 bits", ask(&f, AUDIT_ARCH_I386, 462, patterns[0]), ALLOW);
	must("mseal of x32", ask(&f, AUDIT_ARCH_X86_64, X32_BIT | 462, patterns[0]),
		ALLOW);
	must("newer of 32 bits", ask(&f, AUDIT_ARCH_I386, 900, patterns[0]), UNKNOWN);
	must("newer of x32", ask(&f, AUDIT_ARCH_X86_64, X32_BIT | 900, patterns[0]),
		UNKNOWN);
	must("another", ask(&f, AUDIT_ARCH_AARCH64, 64, patterns[0]), KILLED);
	fixture_clear(&f);
}

static void calls_with_arguments_in_memory_stay_shut(void **state)
{
	struct fixture f;

	(void)state;
	compile_json(&f, both);
	for (uint64_t what = 0; what < 32; what++) {
		const uint64_t args[6] = {what};

		must("socketcall", ask(&f, AUDIT_ARCH_I386, 102, args), REFUSED);
		must("ipc", ask(&f, AUDIT_ARCH_I386, 117, args), REFUSED);
	}
	fixture_clear(&f);
}

/* ----- what is not in the shipped files --------------------------------------- */

static void clone3_not_named_falls_back(void **state)
{
	struct fixture f;

	(void)state;
	compile_json(&f,
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		"{\"names\":[\"clone\"],\"action\":\"SCMP_ACT_ALLOW\"}]}");
	must("clone3", call(&f, "clone3", 0, 0, 0), UNKNOWN);
	must("read", call(&f, "read", 0, 0, 0), REFUSED);
	fixture_clear(&f);
}

static void a_widening_profile_is_told_what_it_opened(void **state)
{
	static const char *const want[] = {"bpf", "clone3", "clone with new namespaces",
		"ioctl TIOCSTI", "ioctl TIOCLINUX", "socket AF_VSOCK",
		"architecture x86"};
	sp_autostrv struct sp_strv got = {0};
	struct fixture f;

	(void)state;
	compile_json(&f,
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"archMap\":[{\"architecture\":"
		"\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],"
		"\"syscalls\":[{\"names\":[\"bpf\",\"clone\",\"clone3\",\"ioctl\","
		"\"read\",\"mount\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\"},"
		"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
		"{\"index\":0,\"value\":40,\"op\":\"SCMP_CMP_EQ\"}]}]}");
	assert_int_equal(sp_profile_opened(&f.profile, &got, NULL), 0);
	assert_int_equal(got.count, SP_COUNT(want));
	for (size_t i = 0; i < got.count; i++)
		assert_string_equal(got.items[i], want[i]);
	fixture_clear(&f);
}

static int compile_only(const char *json, struct sp_error *err)
{
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
	sp_autoprofile struct sp_profile profile = {0};
	int rc;

	rc = sp_profile_read(json, strlen(json), &here, &profile, err);
	if (rc < 0)
		return rc;
	rc = sp_seccomp_compile(&profile, &program, err);
	if (rc < 0)
		assert_int_equal(program.len, 0);
	return rc;
}

static void unknown_names_are_passed_over_only_where_the_default_refuses(void **state)
{
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(
		compile_only("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
			     "{\"names\":[\"raed\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
			&err),
		0);
	assert_int_equal(
		compile_only("{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
			     "{\"names\":[\"raed\"],\"action\":\"SCMP_ACT_ERRNO\"}]}",
			&err),
		SP_ERR_INVALID);
	assert_non_null(strstr(err.msg, "syscalls[0].names"));
	assert_non_null(strstr(err.msg, "raed"));
}

static void a_value_wider_than_its_argument_is_an_error(void **state)
{
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(compile_only(ONE_RULE("ioctl", "SCMP_ACT_ERRNO", "SCMP_CMP_EQ",
					      "4294967301", "0"),
				 &err),
		SP_ERR_INVALID);
	assert_non_null(strstr(err.msg, "argument 0 of ioctl"));
}

/* More conditions than a program may have instructions. */
static void a_program_too_long_for_the_kernel_is_a_limit(void **state)
{
	sp_autobuf struct sp_buf json = SP_BUF_INIT(PROGRAM_MAX);
	struct sp_error err = {0};

	(void)state;
	sp_buf_adds(&json, "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[");
	for (int i = 0; i < 1500; i++)
		sp_buf_addf(&json,
			"%s{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\","
			"\"args\":[{\"index\":1,\"value\":%d,\"op\":\"SCMP_CMP_EQ\"}]}",
			i ? "," : "", i);
	sp_buf_adds(&json, "]}");
	assert_int_equal(compile_only(sp_buf_str(&json), &err), SP_ERR_LIMIT);
	assert_non_null(strstr(err.msg, "4096"));
}

static void shipped_programs_stay_short(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		assert_in_range(f.program.len / sizeof(struct sock_filter), 100, 1500);
		fixture_clear(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_profiles_refuse_every_call_on_the_list),
		cmocka_unit_test(shipped_profiles_open_nothing),
		cmocka_unit_test(another_architecture_is_killed),
		cmocka_unit_test(x32_numbers_are_refused),
		cmocka_unit_test(numbers_newer_than_known_do_not_exist),
		cmocka_unit_test(calls_newer_than_libseccomp_are_allowed_by_name),
		cmocka_unit_test(clone_makes_no_namespaces),
		cmocka_unit_test(terminals_cannot_be_typed_into),
		cmocka_unit_test(sockets_are_of_four_families_at_most),
		cmocka_unit_test(what_programs_need_is_allowed),
		cmocka_unit_test(strict_makes_fifos_and_no_devices),
		cmocka_unit_test(capabilities_granted_decide),
		cmocka_unit_test(model_and_program_agree_on_every_call),
		cmocka_unit_test(a_condition_that_refuses_beats_one_that_allows),
		cmocka_unit_test(high_halves_of_ints_do_not_count),
		cmocka_unit_test(each_sub_architecture_has_its_own_numbers),
		cmocka_unit_test(calls_with_arguments_in_memory_stay_shut),
		cmocka_unit_test(clone3_not_named_falls_back),
		cmocka_unit_test(a_widening_profile_is_told_what_it_opened),
		cmocka_unit_test(
			unknown_names_are_passed_over_only_where_the_default_refuses),
		cmocka_unit_test(a_value_wider_than_its_argument_is_an_error),
		cmocka_unit_test(a_program_too_long_for_the_kernel_is_a_limit),
		cmocka_unit_test(shipped_programs_stay_short),
	};

	/* The numbers above are one machine's; elsewhere libseccomp cannot be asked. */
	if (seccomp_arch_native() != SCMP_ARCH_X86_64) {
		print_message("skipped: written for x86-64\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
