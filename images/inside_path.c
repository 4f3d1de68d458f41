/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/auto.h"
#include "images/inside.h"

/* As many as the kernel follows. */
#define LINKS_MAX   40
#define FOLDER_MODE 0755

/* openat() but for the magic links of /proc, which lead out of any root. */
static int open_at(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(unsigned int)(flags | O_CLOEXEC),
		.resolve = RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	do
		fd = syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
	while (fd < 0 && errno == EINTR);
	return (int)fd;
}

static int cannot_open(const char *path, struct sp_error *err)
{
	if (errno == ELOOP)
		return sp_fail(err, SP_ERR_INVALID,
			"%s: too many links, or one that /proc makes up", path);
	return sp_fail_errno(err, "%s", path);
}

int sp_inside_open(const char *path, int flags, struct sp_error *err)
{
	int fd = open_at(AT_FDCWD, path, flags);

	return fd < 0 ? cannot_open(path, err) : fd;
}

/* --- Folders ------------------------------------------------------------------------ */

/* Step down by one component, making it where it is missing. */
static int step(int *at, const char *name)
{
	const int flags = O_PATH | O_DIRECTORY;
	int next = open_at(*at, name, flags);

	if (next < 0 && errno == ENOENT) {
		if (mkdirat(*at, name, FOLDER_MODE) < 0 && errno != EEXIST)
			return -1;
		next = open_at(*at, name, flags);
	}
	if (next < 0)
		return -1;
	sp_close_fd(at);
	*at = next;
	return 0;
}

/* The folder path means, seen from dirfd; -1 with errno. */
static int open_folder(int dirfd, const char *path, bool make)
{
	int fd = open_at(dirfd, path, O_PATH | O_DIRECTORY);
	sp_autofree char *copy = NULL;
	sp_autoclose int at = -1;
	char *rest = NULL;

	if (fd >= 0 || errno != ENOENT || !make)
		return fd;
	copy = strdup(path);
	at = open_at(dirfd, path[0] == '/' ? "/" : ".", O_PATH | O_DIRECTORY);
	if (!copy || at < 0)
		return -1;
	for (char *name = strtok_r(copy, "/", &rest); name;
		name = strtok_r(NULL, "/", &rest))
		if (step(&at, name) < 0)
			return -1;
	return sp_take_fd(at);
}

int sp_inside_make(const char *path, struct sp_error *err)
{
	int fd = open_folder(AT_FDCWD, path, true);

	if (fd < 0 && errno == ENOTDIR)
		return sp_fail(err, SP_ERR_EXISTS,
			"%s: it or a part of it is there and is no folder", path);
	return fd < 0 ? cannot_open(path, err) : fd;
}

/* --- Names -------------------------------------------------------------------------- */

/* Split path, which is changed, into the folder and the name in it. */
static int split(char *path, const char **folder, const char **name)
{
	size_t len = strlen(path);
	char *slash;

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
	slash = strrchr(path, '/');
	*name = slash ? slash + 1 : path;
	if (!**name || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
		return -1;
	*folder = !slash ? "." : slash == path ? "/" : path;
	if (slash && slash != path)
		*slash = '\0';
	return 0;
}

/* Go to where text leads, seen from the place's folder, or from the root. */
static int go(struct sp_inside_place *p, const char *text, const char *path, bool make,
	struct sp_error *err)
{
	sp_autofree char *copy = strdup(text);
	const char *folder, *name;
	int fd;

	if (!copy)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	if (split(copy, &folder, &name) < 0)
		return sp_fail(err, SP_ERR_INVALID,
			"%s: its last part is not a name of its own", path);
	if (strlen(name) > NAME_MAX) {
		errno = ENAMETOOLONG;
		return cannot_open(path, err);
	}
	fd = open_folder(p->folder >= 0 ? p->folder : AT_FDCWD, folder, make);
	if (fd < 0)
		return cannot_open(path, err);
	sp_close_fd(&p->folder);
	p->folder = fd;
	memcpy(p->name, name, strlen(name) + 1);
	return 0;
}

int sp_inside_locate(const char *path, enum sp_inside_last last, bool make_parents,
	struct sp_inside_place *out, struct sp_error *err)
{
	char text[PATH_MAX];
	ssize_t len;
	int rc = go(out, path, path, make_parents, err);

	for (int i = 0; rc == 0 && last == SP_INSIDE_FOLLOW; i++) {
		len = readlinkat(out->folder, out->name, text, sizeof(text) - 1);
		if (len < 0) /* no link, or nothing: what is meant is found */
			break;
		text[len] = '\0';
		if (i == LINKS_MAX)
			return sp_fail(err, SP_ERR_INVALID, "%s: too many links", path);
		rc = go(out, text, path, make_parents, err);
	}
	return rc;
}
