/* SPDX-License-Identifier: Apache-2.0 */
/* From inside: what was handed in, and what it can be turned into. */
#include <dirent.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "tests/helpers/attack.h"

/* CHOWN DAC_OVERRIDE FOWNER FSETID KILL SETGID SETUID SETPCAP NET_BIND SYS_CHROOT */
#define GRANTED 0x405fbull

extern char **environ;

static void list_descriptors(const struct attempt *a, char got[static GOT_MAX])
{
	size_t len = 0;

	for (int fd = 0; fd < 1024 && len < GOT_MAX - 1; fd++) {
		struct stat st;

		if (fd != report_pipe[0] && fd != report_pipe[1] && fstat(fd, &st) == 0)
			len += (size_t)snprintf(got + len, GOT_MAX - len, "%s%d %s",
				len ? ", " : "", fd,
				S_ISFIFO(st.st_mode) ? "pipe" : "something else");
	}
	(void)a;
}

/* A read-only file on descriptor 0 could be opened again for writing; a pipe cannot. */
static void reopen_input(const struct attempt *a, char got[static GOT_MAX])
{
	struct stat st;
	int fd = open("/proc/self/fd/0", O_RDWR | O_TRUNC | O_NONBLOCK);

	if (fd < 0)
		say_result(got, -1);
	else if (fstat(fd, &st) == 0 && S_ISFIFO(st.st_mode))
		say(got, "a pipe of its own");
	else
		say(got, "the file");
	(void)a;
}

static void enter_input(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, fchdir(0));
	(void)a;
}

static void find_secret(const struct attempt *a, char got[static GOT_MAX])
{
	say(got, "none");
	for (char **e = environ; *e; e++)
		if (strstr(*e, "secret of the caller"))
			say(got, "%s", *e);
	(void)a;
}

static void see_host_name(const struct attempt *a, char got[static GOT_MAX])
{
	struct utsname u;

	if (uname(&u) == 0)
		say(got, "%s", u.nodename);
	(void)a;
}

static void find_own_path(const struct attempt *a, char got[static GOT_MAX])
{
	FILE *f = fopen("/proc/self/cgroup", "r");
	char line[512];

	say(got, "/");
	while (f && fgets(line, sizeof(line), f)) {
		char *path = strchr(line, '/');

		/* The hierarchy of the init system, where nothing is limited, has no group. */
		if (path && strcmp(path, "/\n") != 0)
			say(got, "%.*s", (int)strcspn(path, "\n"), path);
	}
	if (f)
		fclose(f);
	(void)a;
}

static unsigned long long status_line(const char *key, int base)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	unsigned long long value = ~0ull;

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			value = strtoull(line + strlen(key), NULL, base);
	if (f)
		fclose(f);
	return value;
}

static void see_status(const struct attempt *a, char got[static GOT_MAX])
{
	say(got, "%llu", status_line(a->path, (int)a->number));
}

static void hold_capabilities(const struct attempt *a, char got[static GOT_MAX])
{
	unsigned long long more = status_line(a->path, 16) & ~GRANTED;

	if (more)
		say(got, "%llx", more);
	else
		say(got, "no more than the ten");
}

static void raise_capability(const struct attempt *a, char got[static GOT_MAX])
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	data[0].effective = data[0].permitted = 1u << a->number;
	say_result(got, syscall(SYS_capset, &head, data));
}

static void raise_ambient(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, a->number, 0, 0));
}

static void gain_privileges(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	(void)a;
}

static void become_host_user(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(
		got, setresuid((uid_t)a->number, (uid_t)a->number, (uid_t)a->number));
}

static bool copy_self(const char *to)
{
	char block[65536];
	int from = open("/proc/self/exe", O_RDONLY);
	int fd = open(to, O_CREAT | O_EXCL | O_WRONLY, 0755);
	ssize_t n;

	while ((n = read(from, block, sizeof(block))) > 0)
		if (write(fd, block, (size_t)n) != n)
			return false;
	close(from);
	return n == 0 && fchmod(fd, 04755) == 0 && close(fd) == 0;
}

/* A set-user-ID copy of this program, run by someone else, tells who it runs as. */
static void run_set_uid(const struct attempt *a, char got[static GOT_MAX])
{
	char *argv[] = {(char *)(uintptr_t) "euid", NULL};
	int out[2];
	pid_t pid;

	if (!copy_self("/tmp/set-uid") || pipe(out) < 0) {
		say(got, "no copy");
		return;
	}
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		if (geteuid() == 0 && setresuid(1000, 1000, 1000) < 0)
			_exit(write(1, "nobody else", 11) < 0);
		execv("/tmp/set-uid", argv);
		_exit(1);
	}
	close(out[1]);
	got[read(out[0], got, GOT_MAX - 1)] = '\0';
	waitpid(pid, NULL, 0);
	unlink("/tmp/set-uid");
	(void)a;
}

static void raise_limit(const struct attempt *a, char got[static GOT_MAX])
{
	struct rlimit r;

	getrlimit((__rlimit_resource_t)a->number, &r);
	r.rlim_max = r.rlim_max == RLIM_INFINITY ? RLIM_INFINITY : r.rlim_max + 1;
	say_result(got, setrlimit((__rlimit_resource_t)a->number, &r));
}

static void be_nicer(const struct attempt *a, char got[static GOT_MAX])
{
	say_result(got, setpriority(PRIO_PROCESS, 0, (int)a->number));
}

static void lock_memory(const struct attempt *a, char got[static GOT_MAX])
{
	static char block[1 << 20];

	say_result(got, syscall(SYS_mlock, block, sizeof(block)));
	(void)a;
}

static void run_in_real_time(const struct attempt *a, char got[static GOT_MAX])
{
	int priority = 1;

	say_result(got, syscall(SYS_sched_setscheduler, 0, 1 /* FIFO */, &priority));
	(void)a;
}

static const struct attempt table[] = {
	{"find descriptors of the caller", "0 pipe, 1 pipe, 2 pipe", list_descriptors},
	{"write the file on standard input", "a pipe of its own|EACCES", reopen_input},
	{"enter the folder on standard input", "ENOTDIR", enter_input},
	{"find the caller's environment", "none", find_secret},
	{"learn the name of the host", "sandbox", see_host_name},
	{"learn its place in the control groups", "/", find_own_path},
	{"ignored signals of the caller", "0", see_status, "SigIgn:", 16},
	{"blocked signals of the caller", "0", see_status, "SigBlk:", 16},
	{"no_new_privs", "1", see_status, "NoNewPrivs:", 10},
	{"system call filter (2 is on)", "2", see_status, "Seccomp:", 10},
	{"bounding set", "no more than the ten", hold_capabilities, "CapBnd:"},
	{"effective capabilities", "no more than the ten", hold_capabilities,
		"CapEff:"},
	{"inheritable capabilities", "0", see_status, "CapInh:", 16},
	{"ambient capabilities", "0", see_status, "CapAmb:", 16},
	{"raise CAP_NET_ADMIN", "EPERM", raise_capability, NULL, CAP_NET_ADMIN},
	{"raise CAP_SYS_ADMIN", "EPERM", raise_capability, NULL, CAP_SYS_ADMIN},
	{"raise CAP_SYS_PTRACE", "EPERM", raise_capability, NULL, CAP_SYS_PTRACE},
	{"raise CAP_CHOWN as ambient", "EPERM", raise_ambient, NULL, CAP_CHOWN},
	{"undo no_new_privs", "EINVAL", gain_privileges},
	{"become user 70000, who is not mapped", "EINVAL", become_host_user, NULL,
		70000},
	{"gain from a set-user-ID file", "uid 1000|nobody else", run_set_uid},
	{"raise the limit of open files", "EPERM", raise_limit, NULL, RLIMIT_NOFILE},
	{"raise the limit of core files", "EPERM", raise_limit, NULL, RLIMIT_CORE},
	{"raise the limit of locked memory", "EPERM", raise_limit, NULL,
		RLIMIT_MEMLOCK},
	{"raise the limit of message queues", "EPERM", raise_limit, NULL,
		RLIMIT_MSGQUEUE},
	{"take more of the processor (nice -5)", "EACCES|EPERM", be_nicer, NULL, -5},
	{"run in real time", "EPERM", run_in_real_time},
	{"lock a megabyte of memory", "ENOMEM|EPERM", lock_memory},
};

int main(int argc, char **argv)
{
	if (argc == 1 && strcmp(argv[0], "euid") == 0)
		return printf("uid %u", geteuid()) < 0;
	return run_attempts("handed in", table, COUNT_OF(table));
}
