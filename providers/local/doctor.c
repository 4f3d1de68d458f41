/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/io.h"
#include "providers/local/local.h"
#include "runtime/sys.h"

#define PROBE_MEMORY    (64ull << 20)
#define SCOPES_ABI      6
#define KERNEL_TEXT_MAX 4096

typedef void check_fn(struct sp_doctor_row *row);

static void set(struct sp_doctor_row *row, enum sp_doctor_state state, const char *fmt,
	...) __attribute__((format(printf, 3, 4)));

static void set(
	struct sp_doctor_row *row, enum sp_doctor_state state, const char *fmt, ...)
{
	va_list ap;

	row->state = state;
	va_start(ap, fmt);
	vsnprintf(row->detail, sizeof(row->detail), fmt, ap);
	va_end(ap);
}

static void mend(struct sp_doctor_row *row, const char *text)
{
	snprintf(row->mend, sizeof(row->mend), "%s", text);
}

/* A small file of the kernel, "" when it is not there. */
static void read_kernel_text(const char *path, char *out, size_t size)
{
	sp_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

static void check_kernel(struct sp_doctor_row *row)
{
	struct utsname host;
	unsigned int major = 0, minor = 0;

	if (uname(&host) < 0 || sscanf(host.release, "%u.%u", &major, &minor) != 2) {
		set(row, SP_DOCTOR_OFF, "cannot tell the version");
		return;
	}
	if (major < 5 || (major == 5 && minor < 12)) {
		set(row, SP_DOCTOR_OFF, "Linux %.60s", host.release);
		mend(row,
			"Linux 5.12 or newer has the mount interface the launch is "
			"built on");
		return;
	}
	set(row, SP_DOCTOR_ON, "Linux %.60s %.20s", host.release, host.machine);
}

/* Make the namespaces in a child that does nothing else. */
static int try_namespaces(int flags)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, rest[6];
	} args = {.flags = (uint64_t)(unsigned int)flags, .exit_signal = SIGCHLD};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (pid == 0)
		_exit(0);
	if (pid < 0)
		return errno;
	while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* The knobs that are known to forbid user namespaces, in the order of likelihood. */
static void name_userns_knob(struct sp_doctor_row *row)
{
	static const struct {
		const char *path, *bad, *text;
	} knobs[] = {
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
			"sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an "
			"AppArmor "
			"profile with \"userns\" for sandpit-runner"},
		{"/proc/sys/kernel/unprivileged_userns_clone", "0",
			"sysctl kernel.unprivileged_userns_clone=1"},
		{"/proc/sys/user/max_user_namespaces", "0",
			"sysctl user.max_user_namespaces=10000"},
	};
	char text[32];

	for (size_t i = 0; i < SP_COUNT(knobs); i++) {
		read_kernel_text(knobs[i].path, text, sizeof(text));
		if (strcmp(text, knobs[i].bad) == 0) {
			mend(row, knobs[i].text);
			return;
		}
	}
	mend(row,
		"inside a container: allow clone3 and unshare in its system call "
		"filter");
}

static void check_user_namespace(struct sp_doctor_row *row)
{
	int error = try_namespaces(CLONE_NEWUSER);

	if (error == 0) {
		set(row, SP_DOCTOR_ON, "can be created");
		return;
	}
	set(row, SP_DOCTOR_OFF, "%s", strerrordesc_np(error));
	name_userns_knob(row);
}

static void check_other_namespaces(struct sp_doctor_row *row)
{
	int error = try_namespaces(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
		CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP);

	if (error)
		set(row, SP_DOCTOR_OFF, "%s", strerrordesc_np(error));
	else
		set(row, SP_DOCTOR_ON, "mount, pid, net, ipc, uts, cgroup");
}

static void check_ids(struct sp_doctor_row *row)
{
	if (geteuid() == 0) {
		set(row, SP_DOCTOR_ON, "65536 ids of its own for each sandbox");
		return;
	}
	set(row, SP_DOCTOR_DEGRADED, "one id: yours, as user 0 inside");
	mend(row, "start as root: each sandbox then gets a range of its own");
}

static void check_groups(struct sp_doctor_row *row)
{
	if (!geteuid() == 0) {
		set(row, SP_DOCTOR_ON, "none of the caller's groups apply inside");
		return;
	}
	set(row, SP_DOCTOR_DEGRADED, "your supplementary groups cannot be dropped");
	mend(row,
		"start as root, or as a user without further groups; until then -v is "
		"refused");
}

static void check_mounts(struct sp_doctor_row *row)
{
	int fd = sys_fsopen("tmpfs");

	/* Without privilege EPERM is the answer of a kernel that has it. */
	if (fd < 0 && errno == ENOSYS) {
		set(row, SP_DOCTOR_OFF, "fsopen is not there");
		return;
	}
	if (fd >= 0)
		close(fd);
	set(row, SP_DOCTOR_ON, "fsopen, open_tree, move_mount, mount_setattr");
}

static void check_overlay(struct sp_doctor_row *row)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(KERNEL_TEXT_MAX);
	sp_autoclose int fd = open("/proc/filesystems", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && sp_buf_read_fd(&text, fd, NULL) == 0 &&
		strstr(sp_buf_str(&text), "\toverlay\n")) {
		set(row, SP_DOCTOR_ON, "folders can be images");
		return;
	}
	set(row, SP_DOCTOR_OFF,
		"no overlay file system: only the image \"host\" works");
	mend(row, "modprobe overlay");
}

static void check_filter(struct sp_doctor_row *row)
{
	if (prctl(PR_GET_SECCOMP) < 0 && errno == EINVAL) {
		set(row, SP_DOCTOR_OFF, "the kernel has no seccomp");
		return;
	}
	set(row, SP_DOCTOR_ON, "seccomp with BPF programs");
}

static void check_landlock(struct sp_doctor_row *row)
{
	long abi = syscall(
		SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 0) {
		set(row, SP_DOCTOR_OFF, "%s: network host is refused",
			strerrordesc_np(errno));
		mend(row, "boot with \"landlock\" in the lsm= list");
	} else if (abi < SCOPES_ABI) {
		set(row, SP_DOCTOR_DEGRADED, "ABI %ld: network host is refused", abi);
		mend(row, "Linux 6.12 keeps abstract sockets out of reach (ABI 6)");
	} else {
		set(row, SP_DOCTOR_ON, "ABI %ld", abi);
	}
}

static void check_limit(struct sp_doctor_row *row, enum sp_cgroup_kind kind)
{
	const struct sp_cgroup_limits limits = {
		.memory_bytes = PROBE_MEMORY, .pids = 64, .cpu_millis = 1000};
	struct sp_cgroup_set set_of;
	struct sp_error err = {0};

	if (sp_cgroup_plan("sb-doctor", &limits, &set_of, &err) < 0) {
		set(row, SP_DOCTOR_DEGRADED, "%.190s", err.msg);
		return;
	}
	if (set_of.holds[kind]) {
		for (size_t i = 0; i < set_of.count; i++)
			if (set_of.items[i].kinds >> kind & 1)
				set(row, SP_DOCTOR_ON, "cgroup v%d",
					set_of.items[i].is_v2 ? 2 : 1);
		return;
	}
	set(row, SP_DOCTOR_DEGRADED, "%.190s", set_of.why_not[kind]);
	mend(row, "start as root; until then each process is limited by itself");
}

static void check_memory(struct sp_doctor_row *row)
{
	check_limit(row, SP_CGROUP_MEMORY);
}

static void check_pids(struct sp_doctor_row *row)
{
	check_limit(row, SP_CGROUP_PIDS);
}

static void check_cpu(struct sp_doctor_row *row)
{
	check_limit(row, SP_CGROUP_CPU);
	if (row->state != SP_DOCTOR_ON)
		mend(row, "start as root; until then --cpus is refused");
}

/* The page cache of the host's own programs is shared with the default image. */
static void check_host_view(struct sp_doctor_row *row)
{
	set(row, SP_DOCTOR_ON,
		"/usr is seen read-only; a page cache bug of the kernel would reach "
		"it, so "
		"AF_ALG is shut in every profile");
}

static const struct {
	const char *layer;
	check_fn *check;
	bool is_vital;
} checks[] = {
	{"kernel", check_kernel, true},
	{"user namespace", check_user_namespace, true},
	{"other namespaces", check_other_namespaces, true},
	{"mount interface", check_mounts, true},
	{"system call filter", check_filter, true},
	{"overlay", check_overlay, false},
	{"id range", check_ids, false},
	{"groups", check_groups, false},
	{"memory limit", check_memory, false},
	{"process limit", check_pids, false},
	{"CPU limit", check_cpu, false},
	{"Landlock", check_landlock, false},
	{"default image", check_host_view, false},
};
_Static_assert(SP_COUNT(checks) <= SP_DOCTOR_ROWS_MAX, "room for every row");

size_t sp_local_doctor(struct sp_doctor_row rows[SP_DOCTOR_ROWS_MAX])
{
	for (size_t i = 0; i < SP_COUNT(checks); i++) {
		rows[i] = (struct sp_doctor_row){
			.layer = checks[i].layer, .is_vital = checks[i].is_vital};
		checks[i].check(&rows[i]);
	}
	return SP_COUNT(checks);
}

const char *sp_doctor_state_name(enum sp_doctor_state state)
{
	static const char *const names[] = {"on", "degraded", "off"};

	return names[state];
}
