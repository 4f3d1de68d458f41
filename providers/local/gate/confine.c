/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"

#define NOBODY 65534

/* All of ABI 1; later rights are about what is denied anyway by not being opened. */
#define FILE_RIGHTS ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)
#define READ_RIGHTS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* What resolving a name may read: its tables, and the libraries that do it. */
static const char *const readable[] = {"/etc", "/usr", "/lib", "/lib64",
	"/run/systemd/resolve", "/run/resolvconf", "/run/NetworkManager",
	"/dev/urandom"};

static int keep_capabilities(uint64_t keep)
{
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {
		{.effective = (uint32_t)keep, .permitted = (uint32_t)keep},
		{.effective = (uint32_t)(keep >> 32),
			.permitted = (uint32_t)(keep >> 32)}};

	return syscall(SYS_capset, &head, data) < 0 ? errno : 0;
}

int confine_porter(void)
{
	int error = keep_capabilities(1ull << CAP_NET_BIND_SERVICE);

	if (error)
		return error;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_DUMPABLE, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return errno;
	return 0;
}

static int become_nobody(struct sp_error *err)
{
	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
		setresuid(NOBODY, NOBODY, NOBODY) < 0)
		return sp_fail_errno(err, "gate: become nobody");
	return 0;
}

static int allow_reading(int ruleset, const char *path, struct sp_error *err)
{
	struct landlock_path_beneath_attr rule = {.allowed_access = READ_RIGHTS};
	sp_autoclose int fd = open(path, O_PATH | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0 : sp_fail_errno(err, "gate: open %s", path);
	rule.parent_fd = fd;
	if (strncmp(path, "/dev/", 5) == 0)
		rule.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
	if (syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule,
		    0) < 0)
		return sp_fail_errno(err, "gate: allow %s in Landlock", path);
	return 0;
}

/* Kernels without it leave the ids and the filter. */
static int restrict_files(struct sp_error *err)
{
	const struct landlock_ruleset_attr attr = {.handled_access_fs = FILE_RIGHTS};
	sp_autoclose int ruleset = -1;
	int rc = 0;

	if (syscall(SYS_landlock_create_ruleset, NULL, 0,
		    LANDLOCK_CREATE_RULESET_VERSION) < 1)
		return 0;
	ruleset = (int)syscall(
		SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (ruleset < 0)
		return sp_fail_errno(err, "gate: make a Landlock ruleset");
	for (size_t i = 0; rc == 0 && i < SP_COUNT(readable); i++)
		rc = allow_reading(ruleset, readable[i], err);
	if (rc == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		rc = sp_fail_errno(err, "gate: confine with Landlock");
	return rc;
}

/* Sockets, threads and reading are all it does; what escapes are made of is refused. */
static int install_filter(struct sp_error *err)
{
	static const int refused[] = {SCMP_SYS(execve), SCMP_SYS(execveat),
		SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace),
		SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
		SCMP_SYS(pidfd_getfd), SCMP_SYS(kcmp), SCMP_SYS(setns),
		SCMP_SYS(unshare), SCMP_SYS(mount), SCMP_SYS(umount2),
		SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(open_tree),
		SCMP_SYS(move_mount), SCMP_SYS(fsopen), SCMP_SYS(fsmount),
		SCMP_SYS(mount_setattr), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
		SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
		SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register), SCMP_SYS(keyctl),
		SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(init_module),
		SCMP_SYS(finit_module), SCMP_SYS(kexec_load),
		SCMP_SYS(open_by_handle_at), SCMP_SYS(personality), SCMP_SYS(unlink),
		SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat),
		SCMP_SYS(renameat2), SCMP_SYS(mknod), SCMP_SYS(mknodat)};
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int rc = filter ? 0 : -ENOMEM;

	for (size_t i = 0; rc == 0 && i < SP_COUNT(refused); i++)
		/* A number this machine's architecture does not have needs no rule. */
		if (refused[i] >= 0)
			rc = seccomp_rule_add(
				filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	if (rc == 0)
		return 0;
	errno = -rc;
	return sp_fail_errno(err, "gate: install the system call filter");
}

int confine_outer(bool is_privileged, struct sp_error *err)
{
	const struct rlimit no_core = {0, 0};
	int error, rc = is_privileged ? become_nobody(err) : 0;

	if (rc < 0)
		return rc;
	error = keep_capabilities(0);
	if (error) {
		errno = error;
		return sp_fail_errno(err, "gate: drop capabilities");
	}
	/* The change of ids undid what came before it. */
	if (setrlimit(RLIMIT_CORE, &no_core) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 ||
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return sp_fail_errno(err, "gate: give up privileges");
	rc = restrict_files(err);
	return rc < 0 ? rc : install_filter(err);
}
