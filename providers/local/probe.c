/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/io.h"
#include "runtime/sys.h"

#define JOIN_SESSION_KEYRING 1

/* With its own pid, as fork() has it; glibc's clone() would want a stack. */
static pid_t clone_child(int flags)
{
	struct clone_args args = {
		.flags = (uint64_t)(unsigned int)flags, .exit_signal = SIGCHLD};

	return (pid_t)sys_clone(&args);
}

static void bury(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int local_try_namespaces(int flags)
{
	pid_t pid = clone_child(flags);

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	bury(pid);
	return 0;
}

/* --- In the child ------------------------------------------------------------------------ */

static int errno_of(int rc)
{
	return rc < 0 ? errno : 0;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));
	int error = n < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

static int write_maps(unsigned int uid, unsigned int gid)
{
	char map[32];
	int error;

	(void)write_file("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1\n", uid);
	error = write_file("/proc/self/uid_map", map);
	snprintf(map, sizeof(map), "0 %u 1\n", gid);
	return error ? error : write_file("/proc/self/gid_map", map);
}

/* A new file system as a descriptor, or -1 with errno. */
static int try_fs(const char *type, const char *const *options)
{
	int fs = sys_fsopen(type);
	int fd = -1;

	for (; fs >= 0 && options && *options; options += 2)
		if (sys_fsconfig_set(fs, options[0], options[1]) < 0)
			return -1;
	if (fs >= 0 && sys_fsconfig_create(fs) == 0)
		fd = sys_fsmount(fs, 0);
	return fd;
}

/* Layers beside each other on a tmpfs over the root, as step_root.c has them. */
static int try_overlay(int tmpfs)
{
	static const char *const options[] = {"lowerdir", "lower", "upperdir", "up",
		"workdir", "work", "userxattr", NULL, NULL};

	if (sys_make_private() < 0 || sys_move_mount(tmpfs, AT_FDCWD, "/") < 0 ||
		fchdir(tmpfs) < 0 || mkdir("lower", 0755) < 0 ||
		mkdir("up", 0755) < 0 || mkdir("work", 0755) < 0)
		return errno;
	return errno_of(try_fs("overlay", options));
}

static int try_filter(void)
{
	struct sock_filter allow = {.code = BPF_RET | BPF_K, .k = SECCOMP_RET_ALLOW};
	struct sock_fprog program = {.len = 1, .filter = &allow};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return errno;
	return errno_of(
		(int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

/* What is there already may be higher, and then stays. */
static int try_oom_score(void)
{
	char text[16] = "";
	int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		return errno;
	close(fd);
	return write_file("/proc/self/oom_score_adj", "500");
}

/* /proc is the last of its file systems to be hidden, by the overlay's tmpfs. */
static void try_all(struct local_probe *p, unsigned int uid, unsigned int gid)
{
	int tmpfs;

	p->oom = try_oom_score();
	p->maps = write_maps(uid, gid);
	p->keyring = errno_of((int)syscall(SYS_keyctl, JOIN_SESSION_KEYRING, NULL));
	p->proc = errno_of(try_fs("proc", NULL));
	tmpfs = try_fs("tmpfs", NULL);
	p->tmpfs = errno_of(tmpfs);
	p->overlay = tmpfs < 0 ? ECANCELED : try_overlay(tmpfs);
	p->filter = try_filter();
}

void local_probe(struct local_probe *out)
{
	struct local_probe found = {0, ECANCELED, ECANCELED, ECANCELED, ECANCELED,
		ECANCELED, ECANCELED, ECANCELED};
	sp_autoclose int from = -1;
	sp_autoclose int to = -1;
	unsigned int uid = geteuid(), gid = getegid();
	pid_t pid;

	*out = found;
	if (sp_pipe(&from, &to, 0, NULL) < 0) {
		out->namespaces = errno;
		return;
	}
	pid = clone_child(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID);
	if (pid == 0) {
		try_all(&found, uid, gid);
		_exit(write(to, &found, sizeof(found)) != sizeof(found));
	}
	if (pid < 0) {
		out->namespaces = errno;
		return;
	}
	sp_close_fd(&to);
	if (sp_read_exact(from, &found, sizeof(found), NULL) == 0)
		*out = found;
	bury(pid);
}
