/* SPDX-License-Identifier: Apache-2.0 */
/* From inside: processes of the host, whose HOST_PID is one, and our own process 1. */
#include <dirent.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/uio.h>

#include "tests/helpers/attack.h"

static pid_t host_pid(void)
{
	const char *text = getenv("HOST_PID");

	return text ? (pid_t)strtol(text, NULL, 10) : 0x3ffffe;
}

static pid_t target(const struct attempt *a)
{
	return a->number ? (pid_t)a->number : host_pid();
}

/* Process 1, this program and its child for this attempt; exec has a reaper besides. */
static void count_processes(const struct attempt *a, char got[static GOT_MAX])
{
	DIR *proc = opendir("/proc");
	struct dirent *e;
	int own = 0;

	while (proc && (e = readdir(proc)))
		own += e->d_name[0] >= '1' && e->d_name[0] <= '9';
	if (proc)
		closedir(proc);
	say(got, own <= 6 ? "its own" : "%d", own);
	(void)a;
}

static void send_signal(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, kill(target(a), SIGKILL));
}

/* All but process 1 and the caller, says the manual; here that is nobody, or our parent. */
static void signal_everyone(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, kill(-1, 0));
	(void)a;
}

/* The kernel drops what process 1 has no handler for, when it comes from inside. */
static void kill_first(const struct attempt *a, char got[static GOT_MAX])
{
	(void)kill(1, SIGKILL);
	(void)kill(1, SIGTERM);
	(void)kill(1, SIGSTOP);
	say(got, access("/proc/1/stat", F_OK) == 0 ? "it lives" : "it is gone");
	(void)a;
}

static void trace(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, ptrace(PTRACE_SEIZE, target(a), 0, 0));
}

static void read_memory(const struct attempt *a, char got[static GOT_MAX])
{
	char byte;
	struct iovec here = {.iov_base = &byte, .iov_len = 1};
	struct iovec there = {.iov_base = (void *)0x400000, .iov_len = 1};

	say_result(got, process_vm_readv(target(a), &here, 1, &there, 1, 0));
}

static void write_memory(const struct attempt *a, char got[static GOT_MAX])
{
	char byte = 0;
	struct iovec here = {.iov_base = &byte, .iov_len = 1};
	struct iovec there = {.iov_base = (void *)0x400000, .iov_len = 1};

	say_result(got, process_vm_writev(target(a), &here, 1, &there, 1, 0));
}

static void write_own(const struct attempt *a, char got[static GOT_MAX])
{
	static const char line[] = "0 0 4294967295\n";
	int fd = open(a->path, O_WRONLY);

	say_result(got, fd < 0 ? -1 : write(fd, line, sizeof(line) - 1));
}

static void open_of(const struct attempt *a, char got[static GOT_MAX])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", target(a), a->path);
	say_result(got, open(path, (int)a->arg));
}

static void read_link_of(const struct attempt *a, char got[static GOT_MAX])
{
	char path[64], to[256];

	snprintf(path, sizeof(path), "/proc/%d/%s", target(a), a->path);
	say_result(got, readlink(path, to, sizeof(to)));
}

/* Only its name: no argument, so no secret. */
static void read_cmdline(const struct attempt *a, char got[static GOT_MAX])
{
	char text[256] = "";
	int fd = open("/proc/1/cmdline", O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		say_result(got, -1);
	else
		say(got, (size_t)n == strlen(text) + 1 ? "%s" : "%s and arguments",
			text);
	(void)a;
}

static void take_descriptor(const struct attempt *a, char got[static GOT_MAX])
{
	long pidfd = syscall(SYS_pidfd_open, 1, 0);

	say_result(got, pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, 0, 0));
	(void)a;
}

static void raise_limit_of_first(const struct attempt *a, char got[static GOT_MAX])
{
	const struct rlimit all = {.rlim_cur = 1u << 20, .rlim_max = 1u << 20};

	say_result(got, prlimit(1, RLIMIT_NOFILE, &all, NULL));
	(void)a;
}

static void lower_oom_score(const struct attempt *a, char got[static GOT_MAX])
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY);

	say_result(got, fd < 0 ? -1 : write(fd, "-1000", 5));
	(void)a;
}

static const struct attempt table[] = {
	{"see processes of the host in /proc", "its own", count_processes},
	{"kill a process of the host", "ESRCH", send_signal},
	{"signal everyone", "ESRCH|it worked", signal_everyone},
	{"trace a process of the host", "ESRCH", trace},
	{"read a host process's memory", "ESRCH", read_memory},
	{"open a host process's root", "ENOENT", open_of, "root", 0, O_RDONLY},
	{"kill process 1", "it lives", kill_first},
	{"trace process 1", "EPERM", trace, NULL, 1},
	{"read process 1's memory", "EPERM", read_memory, NULL, 1},
	{"write process 1's memory", "EPERM", write_memory, NULL, 1},
	{"open /proc/1/task/1/mem", "EACCES", open_of, "task/1/mem", 1, O_RDWR},
	{"open /proc/1/oom_score_adj", "EACCES", open_of, "oom_score_adj", 1, O_WRONLY},
	{"map all ids of the host (uid_map)", "EPERM|EACCES", write_own,
		"/proc/self/uid_map"},
	{"map all groups of the host (gid_map)", "EPERM|EACCES", write_own,
		"/proc/self/gid_map"},
	{"open /proc/1/mem", "EACCES", open_of, "mem", 1, O_RDWR},
	{"open /proc/1/root", "EACCES", open_of, "root", 1, O_RDONLY},
	{"open /proc/1/cwd", "EACCES", open_of, "cwd", 1, O_RDONLY},
	{"open /proc/1/fd", "EACCES", open_of, "fd", 1, O_RDONLY},
	{"open /proc/1/map_files", "EACCES", open_of, "map_files", 1, O_RDONLY},
	{"open /proc/1/environ", "EACCES", open_of, "environ", 1, O_RDONLY},
	{"open /proc/1/maps", "EACCES", open_of, "maps", 1, O_RDONLY},
	{"open /proc/1/auxv", "EACCES", open_of, "auxv", 1, O_RDONLY},
	{"open /proc/1/ns/mnt", "EACCES", open_of, "ns/mnt", 1, O_RDONLY},
	{"open /proc/1/ns/user", "EACCES", open_of, "ns/user", 1, O_RDONLY},
	{"overwrite the runner by /proc/1/exe", "EACCES", open_of, "exe", 1, O_WRONLY},
	{"read the runner's path from /proc/1/exe", "EACCES", read_link_of, "exe", 1},
	{"read process 1's arguments", "sandpit-runner", read_cmdline},
	{"take a descriptor of process 1", "EPERM", take_descriptor},
	{"raise a limit of process 1", "EPERM", raise_limit_of_first},
	{"be spared when memory runs out", "EACCES|EPERM", lower_oom_score},
};

int main(void)
{
	return run_attempts("processes", table, COUNT_OF(table));
}
