/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel watches single folders.  For a tree each folder in it gets a watch, a new
 * one when it appears; what was in that by then is told as created.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "images/inside.h"
#include "images/inside_tell.h"
#include "images/kernel_fs.h"
#include "images/records.h"

#define EVENTS_BYTES (64 * 1024)
#define WATCHES_MAX  8192
#define DEPTH_MAX    200
#define WATCHED \
	(IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | \
		IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK)

struct watched {
	int number;
	char *path;
};

struct watcher {
	struct sp_tell tell;
	int inotify;
	int root; /* number of the watch of the start */
	bool recursive, is_over;
	size_t count;
	struct watched items[WATCHES_MAX]; /* by number */
};

static void watcher_free(struct watcher **w)
{
	if (!*w)
		return;
	for (size_t i = 0; i < (*w)->count; i++)
		free((*w)->items[i].path);
	sp_close_fd(&(*w)->inotify);
	free(*w);
}

/* --- Watches ------------------------------------------------------------------------ */

/* Where the number is, or would be. */
static size_t find(const struct watcher *w, int number)
{
	size_t low = 0, high = w->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (w->items[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const char *path_of(const struct watcher *w, int number)
{
	size_t at = find(w, number);

	return at < w->count && w->items[at].number == number ? w->items[at].path
							      : NULL;
}

static void forget(struct watcher *w, size_t at)
{
	free(w->items[at].path);
	w->count--;
	memmove(&w->items[at], &w->items[at + 1],
		(w->count - at) * sizeof(w->items[0]));
}

/* A folder keeps its number when it is watched again under another name. */
static int remember(
	struct watcher *w, int number, const char *path, struct sp_error *err)
{
	size_t at = find(w, number);
	char *copy = strdup(path);

	if (!copy)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	if (at < w->count && w->items[at].number == number) {
		free(w->items[at].path);
		w->items[at].path = copy;
		return 0;
	}
	if (w->count == WATCHES_MAX) {
		free(copy);
		return sp_fail(err, SP_ERR_LIMIT, "there are more than %d folders",
			WATCHES_MAX);
	}
	memmove(&w->items[at + 1], &w->items[at],
		(w->count - at) * sizeof(w->items[0]));
	w->items[at] = (struct watched){number, copy};
	w->count++;
	return 0;
}

/* What was moved away, or will be watched under its new name. */
static void forget_below(struct watcher *w, const char *path)
{
	const size_t len = strlen(path);

	for (size_t i = w->count; i-- > 0;) {
		const char *p = w->items[i].path;

		if (strncmp(p, path, len) != 0 || (p[len] && p[len] != '/'))
			continue;
		inotify_rm_watch(w->inotify, w->items[i].number);
		forget(w, i);
	}
}

/* By the descriptor, so that what was judged is what is watched. */
static int watch_fd(struct watcher *w, int fd, const char *path, struct sp_error *err)
{
	char name[40];
	int number;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	number = inotify_add_watch(w->inotify, name, WATCHED);
	if (number < 0 && errno == ENOSPC)
		return sp_fail(err, SP_ERR_LIMIT,
			"%s: the kernel watches no more files for this user "
			"(fs.inotify.max_user_watches)",
			path);
	if (number < 0)
		return sp_fail_errno(err, "watch %s", path);
	return remember(w, number, path, err);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

/* One part of a tree that is being walked: what it is seen from, and its name. */
struct spot {
	int dirfd;
	const char *path;
	uint32_t depth;
	bool is_new; /* tell of what is in it */
};

static int watch_tree(struct watcher *w, const struct spot *at, const char *name,
	struct sp_error *err);

static int watch_children(
	struct watcher *w, const struct spot *at, int *fd, struct sp_error *err)
{
	SP_AUTO(close_dir) DIR *dir = fdopendir(*fd);
	char path[SP_RECORDS_PATH_MAX];
	const struct spot below = {*fd, path, at->depth + 1, at->is_new};
	int rc = 0;

	if (!dir)
		return sp_fail_errno(err, "%s", at->path);
	*fd = -1;
	while (rc == 0) {
		struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return errno ? sp_fail_errno(err, "%s", at->path) : 0;
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (snprintf(path, sizeof(path), "%s/%s", at->path, e->d_name) >=
			(int)sizeof(path))
			return sp_fail(err, SP_ERR_LIMIT, "%.64s... is nested too deep",
				at->path);
		if (at->is_new)
			rc = sp_tell_change(&w->tell, "created", path, err);
		if (rc == 0)
			rc = watch_tree(w, &below, e->d_name, err);
	}
	return rc;
}

/* The folder of that name and those in it; what is no folder, or gone, needs no watch. */
static int watch_tree(struct watcher *w, const struct spot *at, const char *name,
	struct sp_error *err)
{
	sp_autoclose int fd = openat(at->dirfd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	int rc;

	if (fd < 0 || sp_is_kernel_fs(fd))
		return 0;
	if (at->depth > DEPTH_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "%.64s... is over %d folders deep",
			at->path, DEPTH_MAX);
	/* Before it is read: nothing may appear unseen between the two. */
	rc = watch_fd(w, fd, at->path, err);
	return rc < 0 ? rc : watch_children(w, at, &fd, err);
}

/* --- Events ------------------------------------------------------------------------- */

static const struct action {
	uint32_t mask;
	const char *name;
} actions[] = {
	{IN_CREATE, "created"},
	{IN_MODIFY, "modified"},
	{IN_ATTRIB, "attributes"},
	{IN_DELETE, "removed"},
	{IN_MOVED_FROM, "moved_from"},
	{IN_MOVED_TO, "moved_to"},
};

static int new_folder(
	struct watcher *w, const char *path, bool is_new, struct sp_error *err)
{
	const struct spot at = {AT_FDCWD, path, 0, is_new};

	return watch_tree(w, &at, path, err);
}

static int tell_event(struct watcher *w, const struct inotify_event *e,
	const char *folder, struct sp_error *err)
{
	const bool is_folder = e->mask & IN_ISDIR;
	char path[SP_RECORDS_PATH_MAX];
	int rc = 0;

	if (snprintf(path, sizeof(path), "%s%s%s", folder, e->len ? "/" : "",
		    e->len ? e->name : "") >= (int)sizeof(path))
		return sp_fail(
			err, SP_ERR_LIMIT, "%.64s... is nested too deep", folder);
	for (size_t i = 0; rc == 0 && i < SP_COUNT(actions); i++)
		if (e->mask & actions[i].mask)
			rc = sp_tell_change(&w->tell, actions[i].name, path, err);
	if (rc < 0 || !w->recursive || !is_folder || !e->len)
		return rc;
	if (e->mask & IN_MOVED_FROM)
		forget_below(w, path);
	if (e->mask & (IN_CREATE | IN_MOVED_TO))
		rc = new_folder(w, path, e->mask & IN_CREATE, err);
	return rc;
}

static int take_event(
	struct watcher *w, const struct inotify_event *e, struct sp_error *err)
{
	const char *folder = path_of(w, e->wd);
	const bool is_root = e->wd == w->root;
	int rc = 0;

	if (e->mask & IN_Q_OVERFLOW)
		return sp_tell_change(&w->tell, "overflow", path_of(w, w->root), err);
	if (!folder)
		return 0;
	if (is_root && e->mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)) {
		w->is_over = true;
		return sp_tell_change(&w->tell, "removed", folder, err);
	}
	/* A folder in the tree says the same by itself that the one above says of it. */
	if (e->len || is_root)
		rc = tell_event(w, e, folder, err);
	if (e->mask & IN_IGNORED) {
		size_t at = find(w, e->wd);

		if (at < w->count && w->items[at].number == e->wd)
			forget(w, at);
	}
	return rc;
}

static int read_events(struct watcher *w, struct sp_error *err)
{
	static _Alignas(struct inotify_event) char data[EVENTS_BYTES];
	ssize_t n = read(w->inotify, data, sizeof(data));
	int rc = 0;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN
			? 0
			: sp_fail_errno(err, "read changes");
	for (char *at = data; rc == 0 && !w->is_over && at < data + n;) {
		const struct inotify_event *e = (const void *)at;

		rc = take_event(w, e, err);
		at += sizeof(*e) + e->len;
	}
	return rc;
}

static int follow(struct watcher *w, int in_fd, struct sp_error *err)
{
	struct pollfd p[] = {
		{.fd = w->inotify, .events = POLLIN}, {.fd = in_fd, .events = POLLIN}};
	int rc = sp_tell_flush(&w->tell, err);

	while (rc == 0 && !w->is_over) {
		if (poll(p, SP_COUNT(p), -1) < 0 && errno != EINTR)
			return sp_fail_errno(err, "wait for changes");
		if (p[1].revents) /* whoever asked is gone, or has enough */
			return 0;
		if (p[0].revents)
			rc = read_events(w, err);
		if (rc == 0)
			rc = sp_tell_flush(&w->tell, err);
	}
	return rc < 0 ? rc : sp_tell_end(&w->tell, err);
}

static int start(struct watcher *w, const char *path, struct sp_error *err)
{
	sp_autoclose int fd = sp_inside_open(path, O_PATH, err);
	sp_autofree char *shown = strdup(path);
	struct stat st;
	size_t len = strlen(path);
	int rc;

	if (fd < 0)
		return fd;
	if (!shown)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	while (len > 0 && shown[len - 1] == '/')
		shown[--len] = '\0';
	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "%s", path);
	rc = watch_fd(w, fd, shown, err);
	if (rc == 0)
		w->root = w->items[0].number;
	if (rc == 0 && w->recursive && S_ISDIR(st.st_mode)) {
		const struct spot at = {fd, shown, 0, false};

		rc = watch_tree(w, &at, ".", err);
	}
	return rc < 0 ? rc
		      : sp_tell_change(&w->tell, "watching", len ? shown : "/", err);
}

int sp_inside_watch(
	const char *path, bool recursive, int in_fd, int out_fd, struct sp_error *err)
{
	SP_AUTO(watcher_free) struct watcher *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	w->recursive = recursive;
	w->inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->inotify < 0)
		return sp_fail_errno(err, "watch %s", path);
	rc = sp_tell_begin(&w->tell, out_fd, err);
	if (rc == 0)
		rc = start(w, path, err);
	return rc < 0 ? rc : follow(w, in_fd, err);
}
