/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel watches single folders.  For a tree each folder in it gets a watch, a new
 * one when it is seen first; what was in that by then is told as created.  Between a
 * change and its telling anything may happen: the name may be another folder's by then.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "images/inside.h"
#include "images/inside_tell.h"
#include "images/kernel_fs.h"
#include "images/records.h"

#define EVENTS_BYTES (64 * 1024)
#define WATCHES_MAX  8192
#define DEPTH_MAX    200
#define TOLD_MAX     8192
#define WATCHED \
	(IN_CREATE | IN_DELETE | IN_MODIFY | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | \
		IN_DELETE_SELF | IN_MOVE_SELF | IN_EXCL_UNLINK)

struct watched {
	int number;
	char *path;
};

/* Found in a new folder and told, before the kernel's own word of it was read. */
struct told {
	int number; /* of the folder's watch: the kernel gives none twice */
	char *name;
};

struct watcher {
	struct sp_tell tell;
	int inotify;
	int root; /* number of the watch of the start */
	bool recursive, is_started, is_over;
	uint32_t move; /* cookie of the last folder that was moved away ... */
	char moved[SP_RECORDS_PATH_MAX]; /* ... from here, "" once it came to its end */
	size_t count, told_count;
	struct watched items[WATCHES_MAX]; /* by number */
	struct told told[TOLD_MAX];
};

static void forget_told(struct watcher *w)
{
	while (w->told_count > 0)
		free(w->told[--w->told_count].name);
}

static void watcher_free(struct watcher **w)
{
	if (!*w)
		return;
	forget_told(*w);
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

static bool is_below(const char *path, const char *top)
{
	const size_t len = strlen(top);

	return strncmp(path, top, len) == 0 && (!path[len] || path[len] == '/');
}

/* What left the tree. */
static void forget_below(struct watcher *w, const char *path)
{
	for (size_t i = w->count; i-- > 0;) {
		if (!is_below(w->items[i].path, path))
			continue;
		inotify_rm_watch(w->inotify, w->items[i].number);
		forget(w, i);
	}
}

/* What has another name, and under that is not to be found any more. */
static int rename_below(
	struct watcher *w, const char *from, const char *to, struct sp_error *err)
{
	char path[SP_RECORDS_PATH_MAX];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < w->count; i++) {
		const char *p = w->items[i].path;

		if (!is_below(p, from))
			continue;
		if (snprintf(path, sizeof(path), "%s%s", to, p + strlen(from)) >=
			(int)sizeof(path))
			return sp_fail(
				err, SP_ERR_LIMIT, "%.64s... is nested too deep", to);
		rc = remember(w, w->items[i].number, path, err);
	}
	return rc;
}

/* With too many at once the kernel's word is told as well: twice is better than never. */
static int remember_told(
	struct watcher *w, int number, const char *name, struct sp_error *err)
{
	char *copy;

	if (w->told_count == TOLD_MAX)
		return 0;
	copy = strdup(name);
	if (!copy)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	w->told[w->told_count++] = (struct told){number, copy};
	return 0;
}

/* Was that name told when its folder was found?  Its next creation is another one. */
static bool take_told(struct watcher *w, int number, const char *name)
{
	for (size_t i = 0; i < w->told_count; i++) {
		if (w->told[i].number != number || strcmp(w->told[i].name, name) != 0)
			continue;
		free(w->told[i].name);
		w->told[i] = w->told[--w->told_count];
		return true;
	}
	return false;
}

/* By the descriptor, so that what was judged is what is watched. */
static int watch_fd(struct watcher *w, int fd, const char *path, struct sp_error *err)
{
	char name[40];
	int number, rc;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	number = inotify_add_watch(w->inotify, name, WATCHED);
	if (number < 0 && errno == ENOSPC)
		return sp_fail(err, SP_ERR_LIMIT,
			"%s: the kernel watches no more files for this user "
			"(fs.inotify.max_user_watches)",
			path);
	if (number < 0)
		return sp_fail_errno(err, "watch %s", path);
	rc = remember(w, number, path, err);
	return rc < 0 ? rc : number;
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
};

static int watch_tree(struct watcher *w, const struct spot *at, const char *name,
	struct sp_error *err);

static int tell_found(struct watcher *w, int number, const char *name, const char *path,
	struct sp_error *err)
{
	int rc = remember_told(w, number, name, err);

	return rc < 0 ? rc : sp_tell_change(&w->tell, "created", path, err);
}

/* What is in the folder is told of if that is new, which has a number then. */
static int watch_children(struct watcher *w, const struct spot *at, int *fd, int number,
	struct sp_error *err)
{
	SP_AUTO(close_dir) DIR *dir = fdopendir(*fd);
	char path[SP_RECORDS_PATH_MAX];
	const struct spot below = {*fd, path, at->depth + 1};
	int rc = 0;

	if (!dir)
		return sp_fail_errno(err, "%s", at->path);
	*fd = -1;
	while (rc >= 0) {
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
		rc = number >= 0 ? tell_found(w, number, e->d_name, path, err) : 0;
		if (rc == 0)
			rc = watch_tree(w, &below, e->d_name, err);
	}
	return rc;
}

/*
 * The folder of that name and those in it.  1 if there is none by now, or it needs no
 * watch.
 */
static int watch_tree(struct watcher *w, const struct spot *at, const char *name,
	struct sp_error *err)
{
	sp_autoclose int fd = openat(at->dirfd, name,
		O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const size_t known = w->count;
	int number;

	if (fd < 0 || sp_is_kernel_fs(fd))
		return 1;
	if (at->depth > DEPTH_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "%.64s... is over %d folders deep",
			at->path, DEPTH_MAX);
	/* Before it is read: nothing may appear unseen between the two. */
	number = watch_fd(w, fd, at->path, err);
	if (number < 0)
		return number;
	if (!w->is_started || w->count == known)
		number = -1;
	return watch_children(w, at, &fd, number, err);
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

/*
 * A folder that was moved is known by its number, wherever it is.  Only when it cannot be
 * found, as it was moved again, its new name is taken from what the kernel says.
 */
static int find_folder(struct watcher *w, const struct inotify_event *e,
	const char *path, struct sp_error *err)
{
	const struct spot at = {AT_FDCWD, path, 0};
	const bool was_ours = e->mask & IN_MOVED_TO && w->moved[0] &&
		e->cookie == w->move;
	int rc = watch_tree(w, &at, path, err);

	if (rc > 0)
		rc = was_ours ? rename_below(w, w->moved, path, err) : 0;
	if (was_ours)
		w->moved[0] = '\0';
	return rc;
}

static int tell_actions(struct watcher *w, const struct inotify_event *e,
	const char *path, struct sp_error *err)
{
	uint32_t mask = e->mask;
	int rc = 0;

	if (e->len && mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM) &&
		take_told(w, e->wd, e->name))
		mask &= ~(uint32_t)IN_CREATE;
	for (size_t i = 0; rc == 0 && i < SP_COUNT(actions); i++)
		if (mask & actions[i].mask)
			rc = sp_tell_change(&w->tell, actions[i].name, path, err);
	return rc;
}

static int tell_event(struct watcher *w, const struct inotify_event *e,
	const char *folder, struct sp_error *err)
{
	const bool is_folder = e->mask & IN_ISDIR;
	char path[SP_RECORDS_PATH_MAX];
	int rc;

	if (snprintf(path, sizeof(path), "%s%s%s", folder, e->len ? "/" : "",
		    e->len ? e->name : "") >= (int)sizeof(path))
		return sp_fail(
			err, SP_ERR_LIMIT, "%.64s... is nested too deep", folder);
	rc = tell_actions(w, e, path, err);
	if (rc < 0 || !w->recursive || !is_folder || !e->len)
		return rc;
	if (e->mask & IN_MOVED_FROM) {
		w->move = e->cookie;
		memcpy(w->moved, path, strlen(path) + 1);
	}
	if (e->mask & (IN_CREATE | IN_MOVED_TO))
		rc = find_folder(w, e, path, err);
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
	/* It says so itself after both names were told; without a new one it is outside. */
	if (e->mask & IN_MOVE_SELF && w->moved[0] && strcmp(folder, w->moved) == 0) {
		forget_below(w, w->moved);
		w->moved[0] = '\0';
		return 0;
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
	int rc = 0, left = 0;

	if (n < 0)
		return errno == EINTR || errno == EAGAIN
			? 0
			: sp_fail_errno(err, "read changes");
	for (char *at = data; rc == 0 && !w->is_over && at < data + n;) {
		const struct inotify_event *e = (const void *)at;

		rc = take_event(w, e, err);
		at += sizeof(*e) + e->len;
	}
	/* The kernel has a creation in its queue before anybody can find what is made. */
	if (ioctl(w->inotify, FIONREAD, &left) == 0 && left == 0)
		forget_told(w);
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
	w->root = rc = watch_fd(w, fd, shown, err);
	if (rc >= 0 && w->recursive && S_ISDIR(st.st_mode)) {
		const struct spot at = {fd, shown, 0};

		rc = watch_tree(w, &at, ".", err);
	}
	w->is_started = true;
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
