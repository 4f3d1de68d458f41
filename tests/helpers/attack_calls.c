/* SPDX-License-Identifier: Apache-2.0 */
/* From inside: system calls that are refused, by number, on every ABI the processor has. */
#include <linux/sched.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/timex.h>

#include "tests/helpers/attack.h"

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define HIGH_BITS                (0x5aL << 32)
#define NETLINK_AUDIT_NUMBER     9
#define NETLINK_NETFILTER_NUMBER 12
#define NETLINK_UEVENT_NUMBER    15

static void call(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, syscall(a->number, 0, 0, 0, 0, 0, 0));
}

static void call_x32(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, syscall(a->number | 0x40000000, 0, 0, 0, 0, 0, 0));
}

#ifdef __x86_64__
static void call_i386(const struct attempt *a, char got[static GOT_MAX])
{
	long rc;

	__asm__ volatile("int $0x80"
			 : "=a"(rc)
			 : "a"(a->number), "b"(0), "c"(0), "d"(0)
			 : "memory", "r8", "r9", "r10", "r11");
	errno = (int)-rc;
	say_result(got, rc < 0 ? -1 : rc);
}
#endif

static void new_socket(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, syscall(SYS_socket, a->number, SOCK_DGRAM, a->arg));
}

static void raw_socket(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, socket((int)a->number, SOCK_RAW, (int)a->arg));
}

/* Every family there is or may come, but the four that are allowed. */
static void other_families(const struct attempt *a, char got[static GOT_MAX])
{
	say(got, "EPERM");
	for (int f = 0; f < 64; f++) {
		if (f == AF_UNIX || f == AF_INET || f == AF_INET6 || f == AF_NETLINK)
			continue;
		if (socket(f, SOCK_DGRAM, 0) >= 0 || errno != EPERM)
			say(got, "family %d: %s", f, strerrorname_np(errno));
	}
	(void)a;
}

/* On a terminal of its own, so that only the filter stands between. */
static void type_into_terminal(const struct attempt *a, char got[static GOT_MAX])
{
	int fd = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	char c = 3;

	if (fd < 0)
		say(got, "no terminal");
	else
		say_result(got, syscall(SYS_ioctl, fd, a->number, &c));
}

static void old_clone(const struct attempt *a, char got[static GOT_MAX])
{
	long pid = syscall(SYS_clone, a->number | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	say_result(got, pid);
}

static void new_clone(const struct attempt *a, char got[static GOT_MAX])
{
	struct clone_args args = {
		.flags = (unsigned long)a->number, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	say_result(got, pid);
}

static void new_namespace(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, unshare((int)a->number));
}

static void join_namespace(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, setns(open(a->path, O_RDONLY), 0));
}

static void change_personality(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, personality((unsigned long)a->number));
}

/* Reading the clock's state is everybody's right. */
static void correct_clock(const struct attempt *a, char got[static GOT_MAX])
{
	struct timex t = {.modes = ADJ_OFFSET, .offset = 1};

	say_result(got, adjtimex(&t));
	(void)a;
}

#define REFUSED(name) \
	{ \
#name, "EPERM", call, NULL, SYS_##name \
	}

static const struct attempt table[] = {
	REFUSED(acct),
	REFUSED(add_key),
	REFUSED(bpf),
	REFUSED(clock_adjtime),
	REFUSED(clock_settime),
	REFUSED(delete_module),
	REFUSED(fanotify_init),
	REFUSED(finit_module),
	REFUSED(fsconfig),
	REFUSED(fsmount),
	REFUSED(fsopen),
	REFUSED(fspick),
	REFUSED(get_mempolicy),
	REFUSED(init_module),
	REFUSED(io_uring_enter),
	REFUSED(io_uring_register),
	REFUSED(io_uring_setup),
	REFUSED(ioperm),
	REFUSED(iopl),
	REFUSED(kcmp),
	REFUSED(kexec_file_load),
	REFUSED(kexec_load),
	REFUSED(keyctl),
	REFUSED(lookup_dcookie),
	REFUSED(mbind),
	REFUSED(migrate_pages),
	REFUSED(modify_ldt),
	REFUSED(mount),
	REFUSED(mount_setattr),
	REFUSED(move_mount),
	REFUSED(move_pages),
	REFUSED(nfsservctl),
	REFUSED(open_by_handle_at),
	REFUSED(open_tree),
	REFUSED(perf_event_open),
	REFUSED(pidfd_getfd),
	REFUSED(pivot_root),
	REFUSED(process_madvise),
	REFUSED(quotactl),
	REFUSED(quotactl_fd),
	REFUSED(reboot),
	REFUSED(request_key),
	REFUSED(set_mempolicy),
	REFUSED(setdomainname),
	REFUSED(sethostname),
	REFUSED(setns),
	REFUSED(settimeofday),
	REFUSED(swapoff),
	REFUSED(swapon),
	REFUSED(sysfs),
	REFUSED(syslog),
	REFUSED(umount2),
	REFUSED(unshare),
	REFUSED(uselib),
	REFUSED(userfaultfd),
	REFUSED(ustat),
	REFUSED(vhangup),
	{"a call of the future (number 4000)", "ENOSYS", call, NULL, 4000},

	{"clone into a new user namespace", "EPERM", old_clone, NULL, CLONE_NEWUSER},
	{"clone into a new mount namespace", "EPERM", old_clone, NULL, CLONE_NEWNS},
	{"clone into a new network namespace", "EPERM", old_clone, NULL, CLONE_NEWNET},
	{"clone into a new cgroup namespace", "EPERM", old_clone, NULL,
		CLONE_NEWCGROUP},
	{"clone into a new pid namespace", "EPERM", old_clone, NULL, CLONE_NEWPID},
	{"clone into a new IPC namespace", "EPERM", old_clone, NULL, CLONE_NEWIPC},
	{"clone into a new UTS namespace", "EPERM", old_clone, NULL, CLONE_NEWUTS},
	{"clone3 into a new user namespace", "ENOSYS", new_clone, NULL, CLONE_NEWUSER},
	{"unshare the user namespace", "EPERM", new_namespace, NULL, CLONE_NEWUSER},
	{"unshare the time namespace", "EPERM", new_namespace, NULL, CLONE_NEWTIME},
	{"unshare the mount namespace", "EPERM", new_namespace, NULL, CLONE_NEWNS},
	{"join one's own user namespace again", "EPERM", join_namespace,
		"/proc/self/ns/user"},
	{"set the clock by a correction", "EPERM", correct_clock},
	{"switch off address randomisation", "EPERM", change_personality, NULL,
		ADDR_NO_RANDOMIZE},

	{"socket AF_ALG", "EPERM", new_socket, NULL, AF_ALG},
	{"socket AF_ALG, with high bits set", "EPERM", new_socket, NULL,
		AF_ALG | HIGH_BITS},
	{"socket AF_VSOCK", "EPERM", new_socket, NULL, AF_VSOCK},
	{"socket AF_PACKET", "EPERM", raw_socket, NULL, AF_PACKET},
	{"socket AF_INET, raw", "EPERM", raw_socket, NULL, AF_INET, 1},
	{"socket AF_INET6, raw", "EPERM", raw_socket, NULL, AF_INET6, 58},
	{"socket AF_NETLINK, audit", "EPERM", new_socket, NULL, AF_NETLINK,
		NETLINK_AUDIT_NUMBER},
	{"socket AF_NETLINK, netfilter", "EPERM", new_socket, NULL, AF_NETLINK,
		NETLINK_NETFILTER_NUMBER},
	{"socket AF_NETLINK, netfilter, with high bits set", "EPERM", new_socket, NULL,
		AF_NETLINK, NETLINK_NETFILTER_NUMBER | HIGH_BITS},
	{"socket AF_NETLINK, device events", "EPERM", new_socket, NULL, AF_NETLINK,
		NETLINK_UEVENT_NUMBER},
	{"sockets of 60 other families", "EPERM", other_families},

	{"ioctl TIOCSTI", "EPERM", type_into_terminal, NULL, 0x5412},
	{"ioctl TIOCSTI, with high bits set", "EPERM", type_into_terminal, NULL,
		0x5412 | HIGH_BITS},
	{"ioctl TIOCLINUX", "EPERM", type_into_terminal, NULL, 0x541c},
	{"ioctl TIOCLINUX, with high bits set", "EPERM", type_into_terminal, NULL,
		0x541c | HIGH_BITS},

#ifdef __x86_64__
	{"mount, as x32", "EPERM|ENOSYS|killed by SIGSYS", call_x32, NULL, SYS_mount},
	{"getpid, as x32", "EPERM|ENOSYS|killed by SIGSYS", call_x32, NULL, SYS_getpid},
	{"ptrace, as x32 (521)", "EPERM|ENOSYS|killed by SIGSYS", call_x32, NULL, 521},
	{"bpf, as x32", "EPERM|ENOSYS|killed by SIGSYS", call_x32, NULL, SYS_bpf},
	{"mount, as 32-bit (21)", "killed by SIGSYS", call_i386, NULL, 21},
	{"getpid, as 32-bit (20)", "killed by SIGSYS", call_i386, NULL, 20},
	{"socketcall, as 32-bit (102)", "killed by SIGSYS", call_i386, NULL, 102},
	{"ipc, as 32-bit (117)", "killed by SIGSYS", call_i386, NULL, 117},
	{"keyctl, as 32-bit (288)", "killed by SIGSYS", call_i386, NULL, 288},
	{"bpf, as 32-bit (357)", "killed by SIGSYS", call_i386, NULL, 357},
#endif
};

int main(void)
{
	return run_attempts("calls", table, COUNT_OF(table));
}
