/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/io.h"
#include "providers/local/local.h"
#include "providers/local/probe.h"
#include "runtime/devices.h"

#define PROBE_MEMORY    (64ull << 20)
#define SCOPES_ABI      6
#define STATUS_TEXT_MAX (16 * 1024)

/* What is looked at once for all rows. */
struct examination {
	struct local_probe probe;
	struct local_subids subids;
	bool is_root;
};

typedef void check_fn(struct sp_doctor_row *row, const struct examination *e);

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

/* The first thing that is said is the one to begin with. */
static void mend(struct sp_doctor_row *row, const char *text)
{
	if (!row->mend[0])
		snprintf(row->mend, sizeof(row->mend), "%s", text);
}

/* On, or this state with the errno's name and text behind what was tried. */
static bool is_granted(struct sp_doctor_row *row, int error, enum sp_doctor_state state,
	const char *tried)
{
	if (error == 0)
		return true;
	if (error == ECANCELED) {
		set(row, state, "%s: not tried without a user namespace", tried);
		mend(row, "first the user namespace");
	} else {
		set(row, state, "%s: %s (%s)", tried, sp_errno_name(error),
			strerrordesc_np(error));
	}
	return false;
}

/* A small file of the kernel, "" when it is not there. */
static void read_kernel_text(const char *path, char *out, size_t size)
{
	sp_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);

	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

/* --- The kernel and its namespaces ---------------------------------------------------- */

static void check_kernel(struct sp_doctor_row *row, const struct examination *e)
{
	struct utsname host;
	unsigned int major = 0, minor = 0;

	(void)e;
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

/* Is a filter around us, as containers have it?  That one refuses before the kernel does. */
static bool is_filtered(void)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(STATUS_TEXT_MAX);
	sp_autoclose int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

	return fd >= 0 && sp_buf_read_fd(&text, fd, NULL) == 0 &&
		strstr(sp_buf_str(&text), "\nSeccomp:\t2\n");
}

/* The knobs that are known to forbid user namespaces, in the order of likelihood. */
static void name_userns_knob(struct sp_doctor_row *row)
{
	static const struct {
		const char *path, *bad, *text;
	} knobs[] = {
		{"/proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1",
			"sysctl kernel.apparmor_restrict_unprivileged_userns=0, or an "
			"AppArmor profile with \"userns,\" for sandpit-runner"},
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
	if (is_filtered())
		mend(row,
			"a system call filter is around us: start the container with "
			"--security-opt seccomp=unconfined, or a profile that allows "
			"clone, clone3, unshare, mount and the like");
	else
		mend(row,
			"sysctl user.max_user_namespaces (its limit may be reached); "
			"not from inside a chroot");
}

static void check_user_ns(struct sp_doctor_row *row, const struct examination *e)
{
	int error = e->probe.namespaces ? e->probe.namespaces : e->probe.maps;

	if (is_granted(row, error, SP_DOCTOR_OFF,
		    e->probe.namespaces ? "create a user namespace"
					: "map ids in a user namespace"))
		set(row, SP_DOCTOR_ON, "can be created");
	else
		name_userns_knob(row);
}

static void check_namespace(struct sp_doctor_row *row, int flag, const char *what)
{
	if (is_granted(row, local_try_namespaces(CLONE_NEWUSER | flag), SP_DOCTOR_OFF,
		    "create it"))
		set(row, SP_DOCTOR_ON, "%s", what);
	else
		name_userns_knob(row);
}

static void check_mount_ns(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_namespace(row, CLONE_NEWNS, "a file tree of its own");
}

static void check_pid_ns(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_namespace(row, CLONE_NEWPID, "sees its own processes");
}

static void check_net_ns(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_namespace(row, CLONE_NEWNET, "a network of its own");
}

static void check_ipc_ns(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_namespace(row, CLONE_NEWIPC, "queues and shared memory of its own");
}

static void check_uts_ns(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_namespace(row, CLONE_NEWUTS, "its host name is \"sandbox\"");
}

static void check_cgroup_ns(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_namespace(row, CLONE_NEWCGROUP, "does not see its place in the host's");
}

/* --- Files ------------------------------------------------------------------------------ */

static void check_mounts(struct sp_doctor_row *row, const struct examination *e)
{
	if (is_granted(row, e->probe.tmpfs, SP_DOCTOR_OFF,
		    "mount a tmpfs in a user namespace"))
		set(row, SP_DOCTOR_ON, "fsopen, open_tree, move_mount, mount_setattr");
	else if (e->probe.tmpfs == ENOSYS)
		mend(row, "Linux 5.12 or newer, and a container that lets it through");
	else
		name_userns_knob(row);
}

static void check_masks(struct sp_doctor_row *row, const struct examination *e)
{
	if (is_granted(row, e->probe.proc, SP_DOCTOR_OFF, "mount a new /proc")) {
		set(row, SP_DOCTOR_ON, "a /proc of its own, with 17 paths covered");
		return;
	}
	mend(row,
		"parts of /proc are covered by the container around us, and the kernel "
		"then grants no new one: docker run --security-opt "
		"systempaths=unconfined, podman run --security-opt unmask=ALL");
}

static void check_overlay(struct sp_doctor_row *row, const struct examination *e)
{
	if (is_granted(row, e->probe.overlay, SP_DOCTOR_DEGRADED,
		    "only the image \"host\" works: mount an overlay in a user "
		    "namespace"))
		set(row, SP_DOCTOR_ON, "folders can be images");
	else if (e->probe.overlay == ENODEV)
		mend(row, "modprobe overlay");
	else
		mend(row, "Linux 5.11 or newer mounts overlays in user namespaces");
}

static void check_mount_owners(struct sp_doctor_row *row, const struct examination *e)
{
	if (e->is_root)
		set(row, SP_DOCTOR_ON,
			"owners are mapped where the file system can, else they are "
			"nobody");
	else
		set(row, SP_DOCTOR_ON,
			"what is mounted of yours is user 0's inside, of others "
			"nobody's");
}

static void check_disk(struct sp_doctor_row *row, const struct examination *e)
{
	if (is_granted(row, e->probe.tmpfs, SP_DOCTOR_OFF, "mount a tmpfs"))
		set(row, SP_DOCTOR_ON,
			"one tmpfs of that size for everything that is written");
}

/* The page cache of the host's own programs is shared with the default image. */
static void check_host_view(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	set(row, SP_DOCTOR_ON,
		"/usr is seen read-only; a page cache bug of the kernel would reach "
		"it, so AF_ALG is shut in every profile");
}

/* --- Ids and privileges ----------------------------------------------------------------- */

static void check_ids(struct sp_doctor_row *row, const struct examination *e)
{
	if (e->is_root) {
		set(row, SP_DOCTOR_ON, "65536 ids of its own for each sandbox");
	} else if (e->subids.count > 1) {
		set(row, SP_DOCTOR_ON,
			"%zu ranges of 65536 ids in /etc/subuid and /etc/subgid, and "
			"one to share when all are in use",
			e->subids.count - 1);
	} else if (e->subids.count == 1) {
		set(row, SP_DOCTOR_DEGRADED,
			"one range of 65536 ids, which your sandboxes share");
		mend(row,
			"grant more: usermod --add-subuids FIRST-LAST --add-subgids "
			"FIRST-LAST USER, or start as root");
	} else {
		set(row, SP_DOCTOR_DEGRADED, "one id, yours, as user 0 inside: %.180s",
			e->subids.why_not);
		mend(row, e->subids.mend);
	}
}

static void check_groups(struct sp_doctor_row *row, const struct examination *e)
{
	const struct local l = {.subids = (struct local_subids *)(uintptr_t)&e->subids};

	if (!local_keeps_groups(&l)) {
		set(row, SP_DOCTOR_ON, "none of the caller's groups apply inside");
		return;
	}
	set(row, SP_DOCTOR_DEGRADED,
		"your supplementary groups cannot be dropped; -v is refused");
	mend(row,
		"ids of your own in /etc/subuid and /etc/subgid, or a user without "
		"further groups, or root");
}

static void check_capabilities(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	set(row, SP_DOCTOR_ON, "ten at most, none in strict, all bounded to these");
}

static void check_privs(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	set(row, SP_DOCTOR_ON, "set-user-ID files give nothing");
}

static void check_filter(struct sp_doctor_row *row, const struct examination *e)
{
	if (is_granted(row, e->probe.filter, SP_DOCTOR_OFF, "install a filter"))
		set(row, SP_DOCTOR_ON, "seccomp with BPF programs");
	else
		mend(row, "a kernel with CONFIG_SECCOMP_FILTER");
}

static void check_landlock(struct sp_doctor_row *row, const struct examination *e)
{
	long abi = local_landlock_abi();
	int error = abi < 0 ? errno : 0;

	(void)e;
	if (!is_granted(row, error, SP_DOCTOR_OFF,
		    "network host is refused; ask for Landlock")) {
		mend(row,
			error == EOPNOTSUPP ? "boot with \"landlock\" in the lsm= list"
				: error == ENOSYS
				? "a kernel with CONFIG_SECURITY_LANDLOCK (Linux "
				  "5.13)"
				: "a container that lets landlock_create_ruleset "
				  "through");
	} else if (abi < SCOPES_ABI) {
		set(row, SP_DOCTOR_DEGRADED, "ABI %ld%s: network host is refused", abi,
			abi < LOCAL_LANDLOCK_FILES ? ", with fewer rights of files"
						   : "");
		mend(row, "Linux 6.12 keeps abstract sockets out of reach (ABI 6)");
	} else {
		set(row, SP_DOCTOR_ON, "ABI %ld", abi);
	}
}

static void check_devices(struct sp_doctor_row *row, const struct examination *e)
{
	struct sp_error err = {0};
	char path[256];

	if (!e->is_root) {
		set(row, SP_DOCTOR_DEGRADED,
			"the user namespace makes no devices; a second layer is "
			"root's");
		mend(row, "start as root");
	} else if (sp_devices_path(path, sizeof(path), &err) == 0) {
		set(row, SP_DOCTOR_ON, "cgroup v1: six devices and terminals");
	} else if (access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0) {
		set(row, SP_DOCTOR_ON,
			"cgroup v2: a BPF program, tried at each launch");
	} else {
		set(row, SP_DOCTOR_DEGRADED,
			"the user namespace makes no devices; no second layer: "
			"%.150s",
			err.msg);
		mend(row, "mount the cgroup controller devices, or cgroup v2");
	}
}

static void check_keyring(struct sp_doctor_row *row, const struct examination *e)
{
	if (e->probe.keyring == ENOSYS)
		set(row, SP_DOCTOR_ON, "the kernel has no keyrings");
	else if (is_granted(row, e->probe.keyring, SP_DOCTOR_DEGRADED,
			 "the caller's stays; join an empty one"))
		set(row, SP_DOCTOR_ON, "an empty one of its own");
	else
		mend(row, "allow keyctl in the container's system call filter");
}

static void check_yama(struct sp_doctor_row *row, const struct examination *e)
{
	char text[16];

	(void)e;
	read_kernel_text("/proc/sys/kernel/yama/ptrace_scope", text, sizeof(text));
	if (text[0])
		set(row, SP_DOCTOR_ON, "ptrace_scope %.4s", text);
	else
		set(row, SP_DOCTOR_ON,
			"not in this kernel; sandboxes do not depend on it");
}

/* --- Limits --------------------------------------------------------------------------------- */

static void check_limit(
	struct sp_doctor_row *row, enum sp_cgroup_kind kind, const char *until_then)
{
	const struct sp_cgroup_limits limits = {.memory_bytes = PROBE_MEMORY,
		.pids = 64,
		.cpu_millis = 1000,
		.usage = true,
		.freeze = true};
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
	snprintf(row->mend, sizeof(row->mend),
		"start as root, or in a delegated group: systemd-run --user --scope -p "
		"Delegate=yes sandpit ...; until then %s",
		until_then);
}

static void check_memory(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_limit(row, SP_CGROUP_MEMORY, "each process is limited by itself");
}

static void check_swap(struct sp_doctor_row *row, const struct examination *e)
{
	check_memory(row, e);
	if (row->state == SP_DOCTOR_ON)
		set(row, SP_DOCTOR_ON, "none is given beside the memory limit");
}

static void check_pids(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_limit(row, SP_CGROUP_PIDS, "processes are counted by user id");
}

static void check_cpu(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_limit(row, SP_CGROUP_CPU, "--cpus is refused");
}

static void check_oom(struct sp_doctor_row *row, const struct examination *e)
{
	if (is_granted(row, e->probe.oom, SP_DOCTOR_DEGRADED, "set it to 500"))
		set(row, SP_DOCTOR_ON, "sandboxes go before the host's programs");
	else
		mend(row, "it is higher already: start from a process with less");
}

static void check_cpu_time(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_limit(row, SP_CGROUP_USAGE, "each process is limited by itself");
}

static void check_file_size(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	set(row, SP_DOCTOR_ON, "of each process");
}

static void check_pause(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	check_limit(row, SP_CGROUP_FREEZE, "sandboxes are paused by signals");
}

static void check_image_base(struct sp_doctor_row *row, const struct examination *e)
{
	(void)e;
	set(row, SP_DOCTOR_ON, "a snapshot knows the folder it was made on");
}

static void check_nat(struct sp_doctor_row *row, const struct examination *e)
{
	SP_AUTO(local_network_clear) struct local_network n = {0};
	struct sp_error err = {0};
	int rc = local_network_plan_nat(&n, &err);

	(void)e;
	if (rc == 0) {
		set(row, SP_DOCTOR_ON, "by %s", n.nat_path);
		return;
	}
	set(row, SP_DOCTOR_OFF, "%.220s", err.msg);
	mend(row,
		rc == SP_ERR_UNSUPPORTED
			? "apt install passt"
			: "modprobe tun, and /dev/net/tun with mode 0666");
}

/* Those that are no layers of a sandbox come first, without a number. */
#define NO_LAYER (-1)
static const struct {
	int layer;
	const char *name;
	check_fn *check;
	bool is_vital;
} checks[] = {
	{NO_LAYER, "kernel", check_kernel, true},
	{NO_LAYER, "mount interface", check_mounts, true},
	{NO_LAYER, "overlay", check_overlay, false},
	{NO_LAYER, "default image", check_host_view, false},
	{NO_LAYER, "Yama", check_yama, false},
	{NO_LAYER, "network nat", check_nat, false},
	{LAYER_USER_NS, NULL, check_user_ns, true},
	{LAYER_MOUNT_NS, NULL, check_mount_ns, true},
	{LAYER_PID_NS, NULL, check_pid_ns, true},
	{LAYER_NET_NS, NULL, check_net_ns, true},
	{LAYER_IPC_NS, NULL, check_ipc_ns, true},
	{LAYER_UTS_NS, NULL, check_uts_ns, true},
	{LAYER_CGROUP_NS, NULL, check_cgroup_ns, true},
	{LAYER_ID_RANGE, NULL, check_ids, false},
	{LAYER_GROUPS, NULL, check_groups, false},
	{LAYER_CAPABILITIES, NULL, check_capabilities, false},
	{LAYER_NO_NEW_PRIVS, NULL, check_privs, false},
	{LAYER_FILTER, NULL, check_filter, true},
	{LAYER_LANDLOCK, NULL, check_landlock, false},
	{LAYER_MASKS, NULL, check_masks, true},
	{LAYER_DEVICES, NULL, check_devices, false},
	{LAYER_KEYRING, NULL, check_keyring, false},
	{LAYER_MOUNT_OWNERS, NULL, check_mount_owners, false},
	{LAYER_MEMORY, NULL, check_memory, false},
	{LAYER_SWAP, NULL, check_swap, false},
	{LAYER_PROCESSES, NULL, check_pids, false},
	{LAYER_CPU, NULL, check_cpu, false},
	{LAYER_DISK, NULL, check_disk, false},
	{LAYER_OOM, NULL, check_oom, false},
	{LAYER_CPU_TIME, NULL, check_cpu_time, false},
	{LAYER_FILE_SIZE, NULL, check_file_size, false},
	{LAYER_PAUSE, NULL, check_pause, false},
	{LAYER_IMAGE_BASE, NULL, check_image_base, false},
};
_Static_assert(SP_COUNT(checks) <= SP_DOCTOR_ROWS_MAX, "room for every row");
_Static_assert(SP_COUNT(checks) == LOCAL_LAYERS + 6, "a row for every layer");

static void examine(struct examination *e)
{
	e->is_root = local_is_root();
	local_probe(&e->probe);
	if (!e->is_root)
		local_subids_try(&e->subids);
}

static void fill_row(size_t i, struct sp_doctor_row *row, const struct examination *e)
{
	int layer = checks[i].layer;

	*row = (struct sp_doctor_row){.layer = layer == NO_LAYER
			? checks[i].name
			: local_layer_name((enum local_layer)layer),
		.is_vital = checks[i].is_vital};
	checks[i].check(row, e);
}

size_t sp_local_doctor(struct sp_doctor_row rows[SP_DOCTOR_ROWS_MAX])
{
	struct examination e = {.is_root = false};

	examine(&e);
	for (size_t i = 0; i < SP_COUNT(checks); i++)
		fill_row(i, &rows[i], &e);
	return SP_COUNT(checks);
}

void local_layer_mend(int layer, char *out, size_t size)
{
	struct examination e = {.is_root = false};
	struct sp_doctor_row row;

	out[0] = '\0';
	examine(&e);
	for (size_t i = 0; i < SP_COUNT(checks); i++) {
		if (checks[i].layer != layer)
			continue;
		fill_row(i, &row, &e);
		snprintf(out, size, "%s", row.mend);
	}
}

const char *sp_doctor_state_name(enum sp_doctor_state state)
{
	static const char *const names[] = {"on", "degraded", "off"};

	return names[state];
}
