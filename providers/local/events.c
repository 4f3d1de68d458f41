/* SPDX-License-Identifier: Apache-2.0 */
/* Reading events: the file before, the file that is, and what comes. */
#include "providers/local/events.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "runtime/event.h"

#define READ_BYTES (64 * 1024)

struct reader {
	const struct sp_events_opts *opts;
	int state;         /* the folder */
	int fd;            /* the file that is read, or -1 */
	struct sp_buf buf; /* what of it is no whole line yet */
	bool is_skipping;  /* the rest of a line that is too long */
	int stop;          /* what on_event returned */
};

static void reader_clear(struct reader *r)
{
	sp_buf_clear(&r->buf);
	sp_close_fd(&r->fd);
	sp_close_fd(&r->state);
}

/* A line that is none, from a crash or another version, is passed over. */
static void take_line(struct reader *r, char *line, size_t len)
{
	struct sp_event_line e;
	char handle[SP_HANDLE_MAX];
	struct sp_event event = {.handle = handle};

	line[len] = '\0';
	if (sp_event_parse(line, len, &e, NULL) < 0 || e.at_ms < r->opts->since_ms ||
		(r->opts->handle && strcmp(r->opts->handle, e.id) != 0))
		return;
	snprintf(handle, sizeof(handle), "local:%s", e.id);
	event.at_ms = e.at_ms;
	event.action = e.action;
	event.details = e.details;
	r->stop = r->opts->on_event(r->opts->on_event_ctx, &event);
}

static void take_lines(struct reader *r)
{
	char *newline;

	while (r->stop == 0 && r->buf.len &&
		(newline = memchr(r->buf.data, '\n', r->buf.len))) {
		size_t len = (size_t)(newline - r->buf.data);

		if (!r->is_skipping)
			take_line(r, r->buf.data, len);
		r->is_skipping = false;
		sp_buf_drop(&r->buf, len + 1);
	}
	if (r->buf.len >= SP_EVENT_LINE_MAX) {
		r->is_skipping = true;
		sp_buf_drop(&r->buf, r->buf.len);
	}
}

/* To the end of the file, as it is now. */
static int read_on(struct reader *r, struct sp_error *err)
{
	while (r->fd >= 0 && r->stop == 0) {
		char *room = sp_buf_room(&r->buf, READ_BYTES);
		ssize_t n;

		if (!room)
			return sp_fail(err, SP_ERR_NOMEM, "out of memory");
		n = read(r->fd, room, READ_BYTES);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return sp_fail_errno(err, "read events");
		if (n == 0)
			return 0;
		sp_buf_grew(&r->buf, (size_t)n);
		take_lines(r);
	}
	return 0;
}

static int open_file(struct reader *r, const char *name, struct sp_error *err)
{
	sp_close_fd(&r->fd);
	sp_buf_drop(&r->buf, r->buf.len);
	r->is_skipping = false;
	r->fd = openat(r->state, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return r->fd < 0 && errno != ENOENT ? sp_fail_errno(err, "open events") : 0;
}

static bool is_current(const struct reader *r)
{
	struct stat open_one, named;

	return r->fd >= 0 && fstat(r->fd, &open_one) == 0 &&
		fstatat(r->state, SP_EVENT_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		open_one.st_ino == named.st_ino;
}

/* What was written meanwhile, over to the next file where this one was renamed. */
static int catch_up(struct reader *r, struct sp_error *err)
{
	int rc = read_on(r, err);

	if (rc < 0 || r->stop || is_current(r))
		return rc;
	rc = open_file(r, SP_EVENT_FILE, err);
	return rc < 0 ? rc : read_on(r, err);
}

static int read_kept(struct reader *r, struct sp_error *err)
{
	int rc = open_file(r, SP_EVENT_FILE_OLD, err);

	if (rc == 0)
		rc = read_on(r, err);
	if (rc == 0 && r->stop == 0)
		rc = open_file(r, SP_EVENT_FILE, err);
	return rc < 0 || r->stop ? rc : read_on(r, err);
}

/* 1: something may have been written; 0: it is time to stop. */
static int wait_for_more(const struct reader *r, int watch, struct sp_error *err)
{
	struct pollfd p[2] = {{.fd = watch, .events = POLLIN},
		{.fd = r->opts->has_cancel ? r->opts->cancel_fd : -1,
			.events = POLLIN}};
	char ignored[4096];

	while (poll(p, 2, -1) < 0)
		if (errno != EINTR)
			return sp_fail_errno(err, "wait for events");
	if (p[1].revents)
		return 0;
	/* That something happened to the folder is all that counts. */
	while (read(watch, ignored, sizeof(ignored)) > 0)
		;
	return 1;
}

static int follow(struct reader *r, int watch, struct sp_error *err)
{
	int rc = 0;

	while (rc == 0 && r->stop == 0) {
		int more = wait_for_more(r, watch, err);

		if (more <= 0)
			return more;
		rc = catch_up(r, err);
	}
	return rc;
}

static int open_watch(const char *folder, struct sp_error *err)
{
	sp_autoclose int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	if (fd < 0 || inotify_add_watch(fd, folder, IN_MODIFY | IN_CREATE) < 0)
		return sp_fail_errno(err, "watch %s", folder);
	return sp_take_fd(fd);
}

int local_events(
	struct sp_provider *p, const struct sp_events_opts *opts, struct sp_error *err)
{
	const struct local *l = local_of(p);
	SP_AUTO(reader_clear)
	struct reader r = {.opts = opts,
		.state = open(l->state, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.fd = -1,
		.buf = SP_BUF_INIT(READ_BYTES + SP_EVENT_LINE_MAX + 1)};
	sp_autoclose int watch = -1;
	int rc;

	if (r.state < 0)
		return sp_fail_errno(err, "open %s", l->state);
	/* Before the first look: what comes in between is seen twice by the kernel, once here. */
	if (opts->follow) {
		watch = open_watch(l->state, err);
		if (watch < 0)
			return watch;
	}
	rc = read_kept(&r, err);
	if (rc == 0 && r.stop == 0 && opts->follow)
		rc = follow(&r, watch, err);
	return rc < 0 ? rc : r.stop < 0 ? r.stop : 0;
}
