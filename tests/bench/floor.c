/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The floor: what the kernel alone asks for a sandbox.  All namespaces, id maps, an
 * overlay on tmpfs as root, /usr read-only, proc, a minimal /dev, pivot_root, loopback,
 * exec, wait; no limits, no filter, no relay, no record.  Nothing that isolates as much
 * can be faster with these calls, so every other row of the benchmark is divided by it.
 *
 *   floor [-t] PROGRAM ARGS...        -t prints the steps and their times on stderr
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MARKS_MAX 32

/* A range of ids nobody uses, as a runtime started by root takes one. */
#define ROOT_MAP "0 100000 65536\n"

#define NAMESPACES \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | \
		CLONE_NEWUTS | CLONE_NEWCGROUP)

/* Shared with the child, so that its steps can be told from outside. */
struct marks {
	int count;
	struct mark {
		const char *name; /* a constant: the same address in both processes */
		int64_t at_ns;
	} list[MARKS_MAX];
};

static struct marks *marks;

static void mark(const char *name)
{
	struct timespec now;

	if (!marks || marks->count == MARKS_MAX)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	marks->list[marks->count].name = name;
	marks->list[marks->count++].at_ns = (int64_t)now.tv_sec * 1000000000 +
		now.tv_nsec;
}

static void __attribute__((noreturn)) die(const char *what)
{
	dprintf(STDERR_FILENO, "floor: %s: %s\n", what, strerror(errno));
	_exit(125);
}

static void must(long rc, const char *what)
{
	if (rc < 0)
		die(what);
}

/* --- Outside ------------------------------------------------------------------------ */

static void write_proc(pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd, path);
	must(write(fd, text, strlen(text)), path);
	close(fd);
}

static void write_maps(pid_t pid)
{
	char own_gid[32], own_uid[32];

	if (geteuid() == 0) {
		write_proc(pid, "gid_map", ROOT_MAP);
		write_proc(pid, "uid_map", ROOT_MAP);
		return;
	}
	snprintf(own_gid, sizeof(own_gid), "0 %d 1\n", (int)getegid());
	snprintf(own_uid, sizeof(own_uid), "0 %d 1\n", (int)geteuid());
	/* The kernel wants groups frozen before an ordinary user maps one. */
	write_proc(pid, "setgroups", "deny");
	write_proc(pid, "gid_map", own_gid);
	write_proc(pid, "uid_map", own_uid);
}

static void print_marks(void)
{
	int64_t start = marks->list[0].at_ns, before = start;
	int i;

	for (i = 1; i < marks->count; i++) {
		const struct mark *m = &marks->list[i];

		dprintf(STDERR_FILENO, "%-28s %8.1f us  at %8.1f us\n", m->name,
			(double)(m->at_ns - before) / 1e3,
			(double)(m->at_ns - start) / 1e3);
		before = m->at_ns;
	}
}

/* --- Inside ------------------------------------------------------------------------- */

static void await_release(int fd)
{
	char byte;

	if (read(fd, &byte, 1) != 1)
		_exit(125); /* the parent has said why */
	close(fd);
}

/* Only with a range is there another id to become. */
static void take_ids(bool ranged)
{
	if (ranged)
		must(syscall(SYS_setgroups, 0, NULL), "setgroups");
	must(syscall(SYS_setresgid, 0, 0, 0), "setresgid");
	must(syscall(SYS_setresuid, 0, 0, 0), "setresuid");
	mark("ids");
}

static void make_skeleton(void)
{
	static const char *const folders[] = {"lower", "upper", "work", "root",
		"lower/usr", "lower/proc", "lower/dev", "lower/tmp", "lower/etc",
		"lower/workspace"};
	static const char *const links[][2] = {{"usr/bin", "lower/bin"},
		{"usr/sbin", "lower/sbin"}, {"usr/lib", "lower/lib"},
		{"usr/lib64", "lower/lib64"}};
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		must(mkdir(folders[i], 0755), folders[i]);
	for (i = 0; i < sizeof(links) / sizeof(links[0]); i++)
		must(symlink(links[i][0], links[i][1]), links[i][1]);
}

static void make_root(void)
{
	must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private /");
	mark("mounts private");
	must(mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755"),
		"tmpfs");
	must(chdir("/tmp"), "chdir");
	make_skeleton();
	mark("tmpfs, skeleton");
	must(mount("overlay", "root", "overlay", MS_NOSUID | MS_NODEV,
		     "lowerdir=lower,upperdir=upper,workdir=work,userxattr"),
		"overlay");
	must(chdir("root"), "chdir root");
	mark("overlay");
}

static void bind_usr(void)
{
	struct mount_attr ro = {
		.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV,
	};
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/usr",
		OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);

	must(fd, "open_tree /usr");
	must(syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | AT_RECURSIVE, &ro,
		     sizeof(ro)),
		"mount_setattr /usr");
	must(syscall(SYS_move_mount, fd, "", AT_FDCWD, "usr", MOVE_MOUNT_F_EMPTY_PATH),
		"move_mount usr");
	close(fd);
	mark("/usr");
}

static void bind_device(const char *from, const char *to)
{
	int fd = open(to, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);

	must(fd, to);
	close(fd);
	must(mount(from, to, NULL, MS_BIND, NULL), to);
}

static void make_dev(void)
{
	static const char *const devices[] = {
		"null", "zero", "full", "random", "urandom", "tty"};
	char from[32];
	size_t i;

	must(mount("tmpfs", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC,
		     "mode=0755,size=64k"),
		"dev");
	mark("/dev tmpfs");
	for (i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
		snprintf(from, sizeof(from), "/dev/%s", devices[i]);
		bind_device(from, from + 1);
	}
	mark("/dev six binds");
	must(mkdir("dev/pts", 0755), "dev/pts");
	must(mount("devpts", "dev/pts", "devpts", MS_NOSUID | MS_NOEXEC,
		     "newinstance,ptmxmode=0666,mode=0620"),
		"devpts");
	must(symlink("pts/ptmx", "dev/ptmx"), "dev/ptmx");
	mark("/dev/pts");
}

static void enter_root(void)
{
	must(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	mark("pivot_root");
	must(umount2(".", MNT_DETACH), "detach the old root");
	must(chdir("/"), "chdir /");
	mark("old root detached");
}

static void loopback_up(void)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	must(fd, "socket");
	must(ioctl(fd, SIOCSIFFLAGS, &req), "loopback");
	close(fd);
	mark("loopback");
}

static void __attribute__((noreturn)) child(int release_fd, bool ranged, char **argv)
{
	mark("clone, in the child");
	await_release(release_fd);
	mark("maps, released");
	take_ids(ranged);
	make_root();
	bind_usr();
	must(mount("proc", "proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL),
		"proc");
	mark("/proc");
	make_dev();
	enter_root();
	loopback_up();
	execv(argv[0], argv);
	die(argv[0]);
}

/* --- Both ------------------------------------------------------------------------------ */

static void mark_steps(void)
{
	marks = mmap(NULL, sizeof(*marks), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (marks == MAP_FAILED)
		die("mmap");
	mark("start");
}

int main(int argc, char **argv)
{
	struct clone_args args = {.flags = NAMESPACES, .exit_signal = SIGCHLD};
	bool ranged = geteuid() == 0; /* write_maps() gives it more than one id */
	int first = 1, release[2], status;
	pid_t pid;

	if (argc > 1 && !strcmp(argv[1], "-t")) {
		mark_steps();
		first = 2;
	}
	if (argc <= first) {
		dprintf(STDERR_FILENO, "usage: floor [-t] PROGRAM ARGS...\n");
		return 125;
	}
	must(pipe2(release, O_CLOEXEC), "pipe");
	pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	must(pid, "clone3");
	if (pid == 0) {
		close(release[1]);
		child(release[0], ranged, argv + first);
	}
	close(release[0]);
	write_maps(pid);
	must(write(release[1], "", 1), "release");
	must(waitpid(pid, &status, 0), "waitpid");
	if (marks) {
		mark("exec, run, exit, wait");
		print_marks();
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
