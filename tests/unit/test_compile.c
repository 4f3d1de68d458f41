/* SPDX-License-Identifier: Apache-2.0 */
/* The compiled program is what is tested here, call by call and per architecture. */
#include <sched.h>
#include <sys/socket.h>

#include "seccomp/judge.h"
#include "tests/unit/compiled.h"

#define NAMESPACES 0x7e020000u
#define X32_BIT    0x40000000u
#define THREAD     0x3d0f00u   /* what pthread_create asks of clone */
#define FORK       0x01200011u /* and fork */

static const uint64_t patterns[][6] = {{0}, {1, 1, 1, 1, 1, 1},
	{HIGH, HIGH, HIGH, HIGH, HIGH, HIGH},
	{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};

/* Written out again, so that taking one from the list is noticed here. */
static const char *const kept_shut[] = {"io_uring_setup", "io_uring_enter",
	"io_uring_register", "bpf", "perf_event_open", "userfaultfd", "fanotify_init",
	"keyctl", "add_key", "request_key", "open_by_handle_at", "process_madvise",
	"pidfd_getfd", "kcmp", "mount", "umount2", "pivot_root", "fsopen", "fsconfig",
	"fsmount", "fspick", "move_mount", "open_tree", "open_tree_attr",
	"mount_setattr", "init_module", "finit_module", "delete_module", "kexec_load",
	"kexec_file_load", "reboot", "swapon", "swapoff", "acct", "quotactl",
	"quotactl_fd", "settimeofday", "clock_settime", "adjtimex", "clock_adjtime",
	"iopl", "ioperm", "syslog", "lookup_dcookie", "vhangup", "sethostname",
	"setdomainname", "mbind", "set_mempolicy", "get_mempolicy", "migrate_pages",
	"move_pages", "set_mempolicy_home_node", "modify_ldt", "uselib", "sysfs",
	"ustat", "unshare", "setns", "clone3"};

static bool is_listed(const char *name)
{
	for (size_t i = 0; sp_seccomp_refused[i]; i++) {
		if (strcmp(sp_seccomp_refused[i], name) == 0)
			return true;
	}
	return false;
}

static void shipped_profiles_refuse_what_must_stay_shut(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		for (size_t i = 0; i < SP_COUNT(kept_shut); i++) {
			const char *name = kept_shut[i];
			int64_t nr = sp_number_of(name, SCMP_ARCH_X86_64);

			assert_true(nr >= 0 && is_listed(name));
			for (size_t k = 0; k < SP_COUNT(patterns); k++)
				must(name,
					ask(&f, AUDIT_ARCH_X86_64, (uint32_t)nr,
						patterns[k]),
					strcmp(name, "clone3") ? REFUSED : UNKNOWN);
		}
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

/* By name, on arm64: the same profile has other numbers there, and fewer calls. */
static uint32_t arm_call(
	const struct fixture *f, const char *name, const uint64_t args[static 6])
{
	int64_t nr = sp_number_of(name, SCMP_ARCH_AARCH64);

	if (nr < 0)
		fail_msg("%s has no number on arm64", name);
	return ask(f, AUDIT_ARCH_AARCH64, (uint32_t)nr, args);
}

static void compile_for_arm(struct fixture *f, const char *path)
{
	const struct sp_profile_host arm = {.arch = SCMP_ARCH_AARCH64,
		.granted_caps = CAP_CHROOT,
		.version = 6,
		.major = 1};
	struct sp_error err = {0};
	struct sp_bytes text = {0};

	if (sp_read_file_at(AT_FDCWD, path, SP_PROFILE_MAX_BYTES, &text, &err) < 0)
		fail_msg("%s", err.msg);
	compile_text(f, text.data, text.len, &arm);
	free(text.data);
}

static void on_arm64_the_same_stays_shut(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_for_arm(&f, shipped[p]);
		for (size_t i = 0; i < SP_COUNT(kept_shut); i++) {
			bool is_clone3 = strcmp(kept_shut[i], "clone3") == 0;

			/* iopl, modify_ldt and their like are the other machine's. */
			if (sp_number_of(kept_shut[i], SCMP_ARCH_AARCH64) < 0)
				continue;
			for (size_t a = 0; a < SP_COUNT(patterns); a++)
				must(kept_shut[i],
					arm_call(&f, kept_shut[i], patterns[a]),
					is_clone3 ? UNKNOWN : REFUSED);
		}
		fixture_clear(&f);
	}
}

static void on_arm64_other_machines_are_killed(void **state)
{
	static const uint32_t foreign[] = {
		AUDIT_ARCH_ARM, AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, 0};
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_for_arm(&f, shipped[p]);
		for (size_t i = 0; i < SP_COUNT(foreign); i++)
			for (uint32_t nr = 0; nr < 1024; nr++)
				must("foreign", ask(&f, foreign[i], nr, patterns[1]),
					KILLED);
		fixture_clear(&f);
	}
}

static void on_arm64_arguments_decide_as_elsewhere(void **state)
{
	static const uint64_t fork[6] = {FORK}, thread[6] = {THREAD},
			      userns[6] = {0x10000000}, typed[6] = {0, HIGH | 0x5412},
			      size[6] = {0, 0x5413}, local[6] = {1, 1},
			      vsock[6] = {40, 1}, alg[6] = {HIGH | 38, 5};
	const struct {
		const char *name;
		const uint64_t *args;
		uint32_t want;
	} calls[] = {{"clone", fork, ALLOW}, {"clone", thread, ALLOW},
		{"clone", userns, REFUSED}, {"ioctl", typed, REFUSED},
		{"ioctl", size, ALLOW}, {"socket", local, ALLOW},
		{"socket", vsock, REFUSED}, {"socket", alg, REFUSED},
		{"openat", patterns[0], ALLOW}, {"execve", patterns[0], ALLOW},
		{"futex", patterns[0], ALLOW}};
	struct fixture f;

	(void)state;
	compile_for_arm(&f, "seccomp/default.json");
	for (size_t i = 0; i < SP_COUNT(calls); i++)
		must(calls[i].name, arm_call(&f, calls[i].name, calls[i].args),
			calls[i].want);
	must("of the future", ask(&f, AUDIT_ARCH_AARCH64, 4000, patterns[0]), UNKNOWN);
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
	assert_int_equal(compile_only("{\"defaultAction\":\"SCMP_ACT_ERRNO\","
				      "\"syscalls\":[{\"names\":[\"ioctl\"],"
				      "\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
				      "{\"index\":0,\"value\":4294967301,"
				      "\"op\":\"SCMP_CMP_EQ\"}]}]}",
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
		cmocka_unit_test(shipped_profiles_refuse_what_must_stay_shut),
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
		cmocka_unit_test(each_sub_architecture_has_its_own_numbers),
		cmocka_unit_test(on_arm64_the_same_stays_shut),
		cmocka_unit_test(on_arm64_other_machines_are_killed),
		cmocka_unit_test(on_arm64_arguments_decide_as_elsewhere),
		cmocka_unit_test(calls_with_arguments_in_memory_stay_shut),
		cmocka_unit_test(clone3_not_named_falls_back),
		cmocka_unit_test(
			unknown_names_are_passed_over_only_where_the_default_refuses),
		cmocka_unit_test(a_value_wider_than_its_argument_is_an_error),
		cmocka_unit_test(a_program_too_long_for_the_kernel_is_a_limit),
		cmocka_unit_test(shipped_programs_stay_short),
	};

	/* A program is compiled for the machine it runs on, and asked with its numbers. */
	if (seccomp_arch_native() != SCMP_ARCH_X86_64) {
		print_message("1..0 # SKIP the numbers are those of x86-64\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
