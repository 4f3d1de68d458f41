/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The root of a sandbox: the host's own programs seen read-only in a fresh tmpfs, or an
 * image folder and layers under an overlay.  Everything written goes to one tmpfs of
 * limited size.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "runtime/runner.h"
#include "runtime/sys.h"

#define OLD_ROOTS_MAX 2
#define HOST_VIEW     (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV)

static const struct folder {
	const char *path;
	mode_t mode;
} folders[] = {
	{"proc", 0555},
	{"dev", 0755},
	{"etc", 0755},
	{"run", 0755},
	{"tmp", 01777},
	{"home", 0755},
	{"mnt", 0755},
	{"opt", 0755},
	{"root", 0700},
	{"srv", 0755},
	{"var", 0755},
	{"var/tmp", 01777},
	{"workspace", 01777},
};

/* Folders of /usr that a merged system shows at the top; where not merged, of their own. */
static const char *const system_entries[] = {
	"bin", "sbin", "lib", "lib32", "lib64", "libx32"};

/*
 * Seen of the host's /etc: tables of links and keys that every package installs, without
 * which its programs do not start.  No passwords, no names of people, hosts or networks.
 */
static const struct {
	const char *path;
	bool folder;
} host_etc[] = {
	{"alternatives", true},
	{"ssl/certs", true},
	{"ld.so.cache", false},
};

static const struct {
	const char *name, *text; /* in /etc */
} generated[] = {
	{"passwd",
		"root:x:0:0:root:/root:/bin/sh\n"
		"user:x:1000:1000:user:/home/user:/bin/sh\n"
		"nobody:x:65534:65534:nobody:/:/usr/sbin/nologin\n"},
	{"group", "root:x:0:\ntty:x:5:\nuser:x:1000:\nnogroup:x:65534:\n"},
	{"hosts", "127.0.0.1 localhost sandbox\n::1 localhost\n"},
	{"hostname", "sandbox\n"},
	{"resolv.conf", "# no network\n"},
	{"nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"},
};

/* The folder that path's last component is in, reached without following any link. */
static int open_parent(
	int root_fd, const char *path, const char **name, struct sp_error *err)
{
	const char *slash = strrchr(path, '/');
	char parent[64] = "";

	*name = slash ? slash + 1 : path;
	if (slash)
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
	return open_target(root_fd, parent, true, true, err);
}

static int make_folder(int root_fd, const struct folder *f, struct sp_error *err)
{
	const char *name = f->path;
	bool is_top = !strchr(f->path, '/');
	int parent = is_top ? root_fd : open_parent(root_fd, f->path, &name, err);
	int rc;

	if (parent < 0)
		return parent;
	rc = mkdirat(parent, name, f->mode);
	/* The mask takes the right of others to write; nothing else. */
	if (rc == 0 && (f->mode & 022))
		rc = fchmodat(parent, name, f->mode, 0);
	else if (rc < 0 && errno == EEXIST)
		rc = 0;
	if (rc < 0)
		rc = sp_fail_errno(err, "make /%s", f->path);
	if (!is_top)
		close(parent);
	return rc;
}

static int make_folders(int root_fd, struct sp_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(folders) / sizeof(folders[0]); i++)
		rc = make_folder(root_fd, &folders[i], err);
	return rc;
}

/* What the image has stays; what it lacks is made. */
static int generate_file(
	int etc_fd, const char *name, const char *text, struct sp_error *err)
{
	int fd = openat(etc_fd, name,
		O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0644);
	ssize_t n;

	if (fd < 0)
		return errno == EEXIST ? 0 : sp_fail_errno(err, "make /etc/%s", name);
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0
					  : sp_fail_errno(err, "write /etc/%s", name);
}

/* One of the host's at the same path below one of ours, which is a descriptor of it. */
static int bind_read_only(
	int dirfd, const char *dir, const char *path, bool folder, struct sp_error *err)
{
	char host_path[64];
	int target, fd, rc;

	snprintf(host_path, sizeof(host_path), "%s/%s", dir, path);
	if (access(host_path, F_OK) < 0)
		return errno == ENOENT ? 0
				       : sp_fail_errno(err, "look at %s", host_path);
	target = open_target(dirfd, path, folder, true, err);
	if (target < 0)
		return target;
	fd = clone_tree(AT_FDCWD, host_path, HOST_VIEW, true, err);
	rc = fd < 0 ? fd : attach(fd, target, "", err);
	if (fd >= 0)
		close(fd);
	close(target);
	return rc;
}

/* Of the host's what may be seen, where that is wanted; then what is made for all. */
static int fill_etc(int root_fd, bool of_host, struct sp_error *err)
{
	int etc = open_target(root_fd, "etc", true, true, err);
	int rc = etc < 0 ? etc : 0;

	for (size_t i = 0;
		of_host && rc == 0 && i < sizeof(host_etc) / sizeof(host_etc[0]); i++)
		rc = bind_read_only(
			etc, "/etc", host_etc[i].path, host_etc[i].folder, err);
	for (size_t i = 0; rc == 0 && i < sizeof(generated) / sizeof(generated[0]); i++)
		rc = generate_file(etc, generated[i].name, generated[i].text, err);
	if (etc >= 0)
		close(etc);
	return rc;
}

/* /bin and its like: the same link as on the host, or the folder itself. */
static int show_system_entry(int root_fd, const char *name, struct sp_error *err)
{
	char host_path[16], to[64];
	ssize_t n;

	snprintf(host_path, sizeof(host_path), "/%s", name);
	n = readlink(host_path, to, sizeof(to) - 1);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0)
		return bind_read_only(root_fd, "", name, true, err);
	to[n] = '\0';
	/* Below a snapshot of this view there is one, or what took its place inside. */
	if (symlinkat(to, root_fd, name) < 0 && errno != EEXIST)
		return sp_fail_errno(err, "make %s", host_path);
	return 0;
}

static int show_host(int root_fd, struct sp_error *err)
{
	int rc = make_folders(root_fd, err);

	if (rc == 0)
		rc = bind_read_only(root_fd, "", "usr", true, err);
	for (size_t i = 0;
		rc == 0 && i < sizeof(system_entries) / sizeof(system_entries[0]); i++)
		rc = show_system_entry(root_fd, system_entries[i], err);
	return rc < 0 ? rc : fill_etc(root_fd, true, err);
}

static int show_image(struct runner *r, const struct sources *s, struct sp_error *err)
{
	int root_fd = mount_overlay(r, s, err);
	int rc;

	if (root_fd < 0)
		return root_fd;
	if (r->spec->flags & SP_RF_HOST_VIEW) {
		rc = show_host(root_fd, err);
	} else {
		rc = make_folders(root_fd, err);
		if (rc == 0)
			rc = fill_etc(root_fd, false, err);
	}
	if (rc == 0)
		return root_fd;
	close(root_fd);
	return rc;
}

static int show_host_root(struct runner *r, struct sp_error *err)
{
	int root_fd = new_writable(r, err);
	int rc;

	if (root_fd < 0)
		return root_fd;
	/* Over the old root: paths still begin below, descriptors in the new one. */
	rc = attach(root_fd, AT_FDCWD, "/", err);
	if (rc == 0)
		rc = show_host(root_fd, err);
	r->layer_fd = rc < 0 ? -1 : fcntl(root_fd, F_DUPFD_CLOEXEC, 0);
	if (rc == 0 && r->layer_fd < 0)
		rc = sp_fail_errno(err, "keep the writable layer");
	if (rc == 0)
		return root_fd;
	close(root_fd);
	return rc;
}

static int mount_source(const struct runner *r, int root_fd, size_t i,
	const struct sources *s, struct sp_error *err)
{
	const struct sp_runner_mount *m = &r->spec->mounts[i];
	const char *path = spec_text(r, m->target);
	struct stat meant, found;
	int fd = clone_source(r, SOURCE_MOUNT, i, s, err);
	int target, rc;

	if (fd < 0)
		return fd;
	target = open_target(root_fd, path, m->is_folder, true, err);
	rc = target < 0 ? target : attach(fd, target, "", err);
	if (target >= 0)
		close(target);
	/* What shows there now must be what was meant. */
	target = rc < 0 ? -1 : open_target(root_fd, path, m->is_folder, false, err);
	if (rc == 0 &&
		(target < 0 || fstat(target, &found) < 0 || fstat(fd, &meant) < 0 ||
			found.st_dev != meant.st_dev || found.st_ino != meant.st_ino))
		rc = sp_fail(err, SP_ERR_SYSTEM, "mount on %s does not hold", path);
	if (target >= 0)
		close(target);
	close(fd);
	return rc;
}

/* Is it the new root that "/" shows, with nothing lying on it?  ".." climbs that stack. */
static bool root_is_bare(int root_fd)
{
	struct stat meant, found;

	return fstat(root_fd, &meant) == 0 && stat("/..", &found) == 0 &&
		meant.st_dev == found.st_dev && meant.st_ino == found.st_ino;
}

static int pivot(int root_fd, struct sp_error *err)
{
	if (fchdir(root_fd) < 0)
		return sp_fail_errno(err, "enter the new root");
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return sp_fail_errno(err, "pivot to the new root");
	/*
	 * The old root lies on the new one now, and the staging tmpfs, where there is one,
	 * on that: each is taken off until the new root shows.
	 */
	for (int i = 0; i < OLD_ROOTS_MAX && !root_is_bare(root_fd); i++)
		if (sys_detach_cwd() < 0)
			return sp_fail_errno(err, "detach the host's root");
	if (!root_is_bare(root_fd))
		return sp_fail(err, SP_ERR_SYSTEM, "the host's root is still there");
	if (chdir("/") < 0)
		return sp_fail_errno(err, "enter /");
	return 0;
}

int build_root(struct runner *r, const struct sources *s, struct sp_error *err)
{
	int root_fd, rc;

	/* Before the first mount: nothing may propagate in either direction. */
	if (sys_make_private() < 0)
		return sp_fail_errno(err, "make mounts private");
	root_fd = r->spec->root || r->spec->layer_count ? show_image(r, s, err)
							: show_host_root(r, err);
	if (root_fd < 0)
		return root_fd;
	rc = name_hosts(r, root_fd, err);
	runner_mark(r, "root");
	/* While the host's procfs is visible: the kernel grants a new one only then. */
	if (rc == 0)
		rc = mount_proc(root_fd, err);
	runner_mark(r, "proc");
	if (rc == 0)
		rc = mount_dev(r, root_fd, err);
	runner_mark(r, "dev");
	for (size_t i = 0; rc == 0 && i < r->spec->mount_count; i++)
		rc = mount_source(r, root_fd, i, s, err);
	if (rc == 0)
		rc = pivot(root_fd, err);
	close(root_fd);
	return rc;
}
