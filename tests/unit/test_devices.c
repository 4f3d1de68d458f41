/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/devices.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define CGROUP2_MAGIC 0x63677270
#define DEVICE_FOLDER "/tmp/sandpit-devices.XXXXXX"

/* A group of the test's own below path, with a name that no other run has. */
static bool own_group(const char *parent, char *out, size_t size)
{
	struct sp_error err = {0};

	if (geteuid() != 0)
		return false;
	if (!parent && sp_devices_path(out, size, &err) == 0) {
		snprintf(out + strlen(out), size - strlen(out), "-test-%d", getpid());
		return true;
	}
	if (!parent)
		return false;
	snprintf(out, size, "%s/sandpit-test-%d", parent, getpid());
	return mkdir(out, 0755) == 0;
}

static void enter(const char *group)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", group);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "0", 1) != 1)
		_exit(10);
	close(fd);
}

static int open_errno(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* In the group: what a sandbox has opens, what it has not does not, and none is made. */
static void try_devices(const char *group, const char *kmsg)
{
	char made[80];

	enter(group);
	if (open_errno("/dev/null") != 0 || open_errno("/dev/zero") != 0)
		_exit(11);
	if (open_errno("/dev/ptmx") != 0)
		_exit(12);
	if (open_errno(kmsg) != EPERM)
		_exit(13);
	snprintf(made, sizeof(made), "%s.made", kmsg);
	if (mknod(made, S_IFCHR | 0600, makedev(1, 3)) == 0 || errno != EPERM)
		_exit(14);
	_exit(0);
}

static void assert_guarded(const char *group)
{
	char folder[] = DEVICE_FOLDER, kmsg[64];
	int status = -1;
	pid_t pid;

	assert_non_null(mkdtemp(folder));
	snprintf(kmsg, sizeof(kmsg), "%s/kmsg", folder);
	assert_int_equal(mknod(kmsg, S_IFCHR | 0600, makedev(1, 11)), 0);
	pid = fork();
	if (pid == 0)
		try_devices(group, kmsg);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	(void)unlink(kmsg);
	(void)rmdir(folder);
	assert_int_equal(status, 0);
}

static void in_version_1_only_the_devices_of_a_sandbox_open(void **state)
{
	char group[280];
	struct sp_error err = {0};
	int fd;

	(void)state;
	if (!own_group(NULL, group, sizeof(group)))
		skip();
	fd = sp_devices_hold(group, &err);
	if (fd < 0)
		fail_msg("%s", err.msg);
	assert_guarded(group);
	sp_devices_release(fd, group);
	assert_int_equal(access(group, F_OK), -1);
}

static void the_last_one_removes_the_group(void **state)
{
	char group[280];
	int first, second;

	(void)state;
	if (!own_group(NULL, group, sizeof(group)))
		skip();
	first = sp_devices_hold(group, NULL);
	second = sp_devices_hold(group, NULL);
	assert_true(first >= 0 && second >= 0);
	sp_devices_release(first, group);
	assert_int_equal(access(group, F_OK), 0);
	sp_devices_release(second, group);
	assert_int_equal(access(group, F_OK), -1);
}

/* Whoever holds it finds it there and complete, however many come and go. */
static void many_at_once_find_it_complete(void **state)
{
	enum { PROCESSES = 6, ROUNDS = 40 };
	char group[280], list[300];
	pid_t pids[PROCESSES];

	(void)state;
	if (!own_group(NULL, group, sizeof(group)))
		skip();
	snprintf(list, sizeof(list), "%s/devices.list", group);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		for (int k = 0; pids[i] == 0 && k < ROUNDS; k++) {
			struct stat st;
			char text[512];
			int fd = sp_devices_hold(group, NULL);
			int rules = open(list, O_RDONLY | O_CLOEXEC);

			if (fd < 0 || rules < 0 || fstat(rules, &st) < 0 ||
				read(rules, text, sizeof(text)) < 60 || text[0] != 'c')
				_exit(1);
			close(rules);
			sp_devices_release(fd, group);
		}
		if (pids[i] == 0)
			_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(access(group, F_OK), -1);
}

static void in_version_2_only_the_devices_of_a_sandbox_open(void **state)
{
	static const char *const mounts[] = {
		"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};
	char group[280];
	struct sp_error err = {0};
	struct statfs fs;
	size_t i = 0;
	int rc;

	(void)state;
	while (i < 2 && (statfs(mounts[i], &fs) < 0 || fs.f_type != CGROUP2_MAGIC))
		i++;
	if (i == 2 || !own_group(mounts[i], group, sizeof(group)))
		skip();
	rc = sp_devices_guard(group, &err);
	if (rc == 0)
		rc = sp_devices_guard(group, &err); /* once more costs nothing */
	if (rc == 0)
		assert_guarded(group);
	(void)rmdir(group);
	if (rc < 0)
		fail_msg("%s", err.msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_version_1_only_the_devices_of_a_sandbox_open),
		cmocka_unit_test(the_last_one_removes_the_group),
		cmocka_unit_test(many_at_once_find_it_complete),
		cmocka_unit_test(in_version_2_only_the_devices_of_a_sandbox_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
