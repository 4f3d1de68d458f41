/* SPDX-License-Identifier: Apache-2.0 */
/* What every command gets last, whether it starts a sandbox or joins one. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "runtime/runner.h"

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define PATH_BYTES   4096

int reset_process(struct sp_error *err)
{
	const unsigned long dfl[8] = {0}; /* the kernel's struct: SIG_DFL, no flags */
	struct itimerval off = {0};
	sigset_t none;

	umask(022);
	/* By the system call, for sigaction() refuses libc's own; KILL and STOP do too. */
	for (int s = 1; s < NSIG; s++)
		(void)syscall(SYS_rt_sigaction, s, dfl, NULL, (size_t)(NSIG / 8));
	sigemptyset(&none);
	if (sigprocmask(SIG_SETMASK, &none, NULL) < 0)
		return sp_fail_errno(err, "reset signals");
	(void)setitimer(ITIMER_REAL, &off, NULL);
	if (personality(PER_LINUX) < 0)
		return sp_fail_errno(err, "reset personality");
	return 0;
}

int tie_to_parent(const struct runner *r, struct sp_error *err)
{
	struct pollfd parent = {.fd = r->release[1], .events = POLLIN};

	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return sp_fail_errno(err, "tie to the supervisor");
	if (poll(&parent, 1, 0) < 0 || (parent.revents & POLLHUP))
		_exit(125);
	return 0;
}

int prepare_process(const struct runner *r, struct sp_error *err)
{
	int rc = set_limits(r, err);

	if (rc == 0)
		rc = reset_process(err);
	if (rc == 0)
		rc = drop_capabilities(r->spec->capabilities, err);
	if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = sp_fail_errno(err, "set no_new_privs");
	if (rc == 0)
		rc = restrict_landlock(r, err);
	return rc;
}

int install_filter(struct sp_error *err)
{
	struct sock_fprog program;
	struct stat st;
	void *code;
	long rc;

	if (fstat(SP_RFD_FILTER, &st) < 0 || st.st_size <= 0 ||
		(size_t)st.st_size % sizeof(struct sock_filter) != 0 ||
		(size_t)st.st_size / sizeof(struct sock_filter) > BPF_MAXINSNS)
		return sp_fail(err, SP_ERR_INVALID, "runner: no system call filter");
	code = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, SP_RFD_FILTER, 0);
	if (code == MAP_FAILED)
		return sp_fail_errno(err, "map system call filter");
	program.len = (unsigned short)((size_t)st.st_size / sizeof(struct sock_filter));
	program.filter = code;
	rc = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	return rc < 0 ? sp_fail_errno(err, "install system call filter") : 0;
}

static const char *env_value(const struct runner *r, const char *key)
{
	size_t len = strlen(key);

	for (char **e = r->env; *e; e++)
		if (strncmp(*e, key, len) == 0 && (*e)[len] == '=')
			return *e + len + 1;
	return NULL;
}

static int take_identity(
	const struct runner *r, const struct identity *who, struct sp_error *err)
{
	/* One mapped id has no groups to set, and the kernel refuses the call. */
	if (r->spec->id_count > 1 && setgroups(who->group_count, who->groups) < 0)
		return sp_fail_errno(err, "set groups");
	/* Refused without CAP_CHOWN: then /dev/stderr is not opened by name, no more. */
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if ((who->uid || who->gid) &&
			fchown(fd, who->uid,
				r->spec->flags & SP_RF_TTY ? (gid_t)-1 : who->gid) < 0)
			break; /* a terminal stays one of the group tty */
	if (setresgid(who->gid, who->gid, who->gid) < 0)
		return sp_fail_errno(err, "become group %u", who->gid);
	if (setresuid(who->uid, who->uid, who->uid) < 0)
		return sp_fail_errno(err, "become user %u", who->uid);
	return 0;
}

static int become_user(struct runner *r, struct sp_error *err)
{
	static char home[sizeof("HOME=") + 256];
	struct identity who;
	int rc = find_identity(r, &who, err);

	if (rc == 0 && !r->is_settled)
		rc = take_identity(r, &who, err);
	else if (rc == 0 && (who.uid || who.gid || who.group_count))
		rc = sp_fail(err, SP_ERR_INVALID, "runner: a place for root only");
	if (rc < 0)
		return rc;
	if (!env_value(r, "HOME")) {
		snprintf(home, sizeof(home), "HOME=%s", who.home);
		r->env[r->env_count++] = home;
		r->env[r->env_count] = NULL;
	}
	return 0;
}

/* A path that does not begin with "/" is outside the root (CVE-2024-21626). */
static int enter_workdir(const struct runner *r, struct sp_error *err)
{
	const char *dir = spec_text(r, r->spec->workdir);
	char real[PATH_BYTES];

	if (chdir(dir) < 0)
		return sp_fail_errno(err, "working directory %s", dir);
	if (syscall(SYS_getcwd, real, sizeof(real)) < 0 || real[0] != '/')
		return sp_fail(
			err, SP_ERR_DENIED, "working directory %s leads outside", dir);
	return 0;
}

/* The shell's rule: a file without a known format is a script of sh. */
static void execute(char *const *argv, char **env, const char *path)
{
	execve(path, argv, env);
	if (errno == ENOEXEC) {
		char *const script[] = {
			(char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t)path, NULL};

		if (!argv[1])
			execve(script[0], script, env);
		errno = ENOEXEC;
	}
}

/* Try each folder of PATH; a file that may not be executed is remembered over none. */
static void search_and_execute(const struct runner *r)
{
	const char *path = env_value(r, "PATH");
	const char *name = r->argv[0];
	char full[PATH_BYTES];
	int worst = ENOENT;

	if (strchr(name, '/')) {
		execute(r->argv, r->env, name);
		return;
	}
	for (const char *p = path ? path : DEFAULT_PATH; *p;) {
		size_t len = strcspn(p, ":");

		if (snprintf(full, sizeof(full), "%.*s/%s", (int)len, p, name) <
			(int)sizeof(full))
			execute(r->argv, r->env, full);
		if (errno != ENOENT && errno != ENOTDIR)
			worst = errno;
		p += len + (p[len] == ':');
	}
	errno = worst;
}

/* Statuses and wording of POSIX shells; the line is part of the command's own stderr. */
static _Noreturn void report_exec_failure(const char *name, int sys_errno)
{
	bool is_missing = sys_errno == ENOENT || sys_errno == ENOTDIR;
	char line[512];
	int len = snprintf(line, sizeof(line), "sandpit: %.300s: %s\n", name,
		is_missing ? "not found" : strerror(sys_errno));

	if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
		_exit(126);
	_exit(is_missing ? 127 : 126);
}

static int last_steps(struct runner *r, struct sp_error *err)
{
	int rc = r->spec->flags & SP_RF_TTY ? open_terminal(r, err) : 0;

	if (rc == 0)
		rc = become_user(r, err);
	if (rc == 0 && !r->is_settled)
		rc = keep_capabilities(r->spec->capabilities, err);
	if (rc == 0)
		rc = enter_workdir(r, err);
	if (!r->is_settled)
		runner_mark(r, "before filter");
	/* One that is settled has it since before the command was known. */
	if (rc == 0 && !r->is_settled)
		rc = install_filter(err);
	return rc;
}

/* The keeper takes hold of this very process before anything of the sandbox's runs in it. */
static void announce(const struct runner *r)
{
	char byte = 'S';

	if (write(r->request[1], &byte, 1) != 1 || read(r->request[1], &byte, 1) != 1)
		_exit(125);
}

/* Without its reaper nobody could end it any more. */
static void tie_to_reaper(void)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() == 1)
		_exit(125);
}

_Noreturn void run_command(struct runner *r)
{
	struct sp_error err = {0};
	char end;

	if (last_steps(r, &err) < 0) {
		(void)runner_send_status(r, STATUS_ERROR, 0, &err);
		_exit(125);
	}
	/* Process 1 lets go when its own filter holds. */
	if (r->release[0] >= 0)
		while (read(r->release[0], &end, 1) < 0 && errno == EINTR)
			;
	if (r->spec->flags & SP_RF_BACKGROUND)
		announce(r);
	if (r->spec->mode == SP_RUNNER_ENTER)
		tie_to_reaper();
	runner_mark(r, "exec");
	/* Everything of ours is close-on-exec; this is for what a mistake left open. */
	if (r->spec->flags & SP_RF_HAS_EXE) {
		if (dup2(SP_RFD_EXE, 3) == 3)
			(void)fcntl(3, F_SETFD, FD_CLOEXEC);
		syscall(SYS_close_range, 4, ~0U, 0);
		syscall(SYS_execveat, 3, "", r->argv, r->env, AT_EMPTY_PATH);
	} else {
		syscall(SYS_close_range, 3, ~0U, 0);
		search_and_execute(r);
	}
	report_exec_failure(r->argv[0], errno);
}
