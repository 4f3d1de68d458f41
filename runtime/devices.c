/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define TRIES 16

/* What step_dev.c puts there, and terminals; nobody makes any ("m"). */
static const char *const allowed[] = {"c 1:3 rw", "c 1:5 rw", "c 1:7 rw", "c 1:8 rw",
	"c 1:9 rw", "c 5:0 rw", "c 5:2 rw", "c 136:* rw"};

static int write_rule(int folder, const char *file, const char *rule)
{
	int fd = openat(folder, file, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : write(fd, rule, strlen(rule));

	if (fd >= 0)
		close(fd);
	return n < 0 ? -1 : 0;
}

/* By result: every line that holds is one of ours, and all of ours are there. */
static int check_rules(int folder)
{
	char text[512], wanted[512] = "";
	int fd = openat(folder, "devices.list", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	size_t len = 0;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -1;
	text[n] = '\0';
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		len += (size_t)snprintf(
			wanted + len, sizeof(wanted) - len, "%s\n", allowed[i]);
	errno = EPROTO;
	return strcmp(text, wanted) == 0 ? 0 : -1;
}

static int fill(int folder)
{
	int rc = write_rule(folder, "devices.deny", "a");

	for (size_t i = 0; rc == 0 && i < sizeof(allowed) / sizeof(allowed[0]); i++)
		rc = write_rule(folder, "devices.allow", allowed[i]);
	return rc < 0 ? rc : check_rules(folder);
}

/* Made under another name: whoever finds it under its own finds it complete. */
static int make(const char *path, struct sp_error *err)
{
	char name[320];
	int folder = -1;
	int rc = -1;

	snprintf(name, sizeof(name), "%.280s-new-%d", path, getpid());
	(void)rmdir(name); /* of a crash, under this very number */
	if (mkdir(name, 0755) == 0)
		folder = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder >= 0)
		rc = fill(folder);
	if (rc == 0)
		rc = rename(name, path);
	if (rc < 0)
		rc = errno == EEXIST || errno == ENOTEMPTY
			? 0
			: sp_fail_errno(err, "make the device cgroup %s", path);
	(void)rmdir(name);
	if (folder >= 0)
		close(folder);
	return rc;
}

/* Locked, and still what the path names? */
static bool hold(int fd, const char *path)
{
	struct stat held, named;

	return flock(fd, LOCK_SH) == 0 && fstat(fd, &held) == 0 &&
		stat(path, &named) == 0 && held.st_dev == named.st_dev &&
		held.st_ino == named.st_ino;
}

int sp_devices_hold(const char *path, struct sp_error *err)
{
	for (int i = 0; i < TRIES; i++) {
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
		int rc;

		if (fd >= 0 && hold(fd, path))
			return fd;
		if (fd >= 0)
			close(fd);
		else if (errno != ENOENT)
			return sp_fail_errno(err, "open the device cgroup %s", path);
		rc = make(path, err);
		if (rc < 0)
			return rc;
	}
	return sp_fail(
		err, SP_ERR_UNAVAILABLE, "the device cgroup %s comes and goes", path);
}

void sp_devices_drop(const char *path)
{
	sp_devices_release(
		open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW), path);
}

void sp_devices_release(int fd, const char *path)
{
	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		(void)rmdir(path);
	close(fd);
}
