/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/enc.h"
#include "base/io.h"
#include "base/proc.h"

#define RECORD_MAX (2 * 1024 * 1024)
#define IDS_MAX    100000

int sp_state_open(const char *path, struct sp_error *err)
{
	sp_autoclose int fd = -1;
	struct stat st;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT) {
		int rc = sp_mkdir_p(path, 0700, err);

		if (rc < 0)
			return sp_wrap(err, rc, "state folder");
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	}
	if (fd < 0)
		return sp_fail_errno(err, "open state folder %s", path);
	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "look at state folder %s", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022))
		return sp_fail(err, SP_ERR_DENIED,
			"state folder %s belongs to, or can be written by, someone "
			"else",
			path);
	return sp_take_fd(fd);
}

int sp_state_folder(int base_fd, const char *id, struct sp_error *err)
{
	int fd = -1;

	errno = ENOENT; /* a name that is no id, "..", names no sandbox */
	if (sp_name_ok(id))
		fd = openat(
			base_fd, id, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return sp_fail(err, SP_ERR_NOT_FOUND, "no sandbox %s", id);
	return fd < 0 ? sp_fail_errno(err, "open state of %s", id) : fd;
}

static int write_record(
	int folder, const char *name, const struct sp_record *r, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(RECORD_MAX);
	sp_autoclose int fd = -1;
	int rc;

	sp_record_print(&text, r);
	rc = sp_buf_ok(&text, err);
	if (rc < 0)
		return rc;
	/* In one write; whoever reads less than "end" sees a sandbox that is starting. */
	fd = openat(folder, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return sp_fail_errno(err, "write record");
	return sp_write_all(fd, text.data, text.len, err);
}

static int make_locked(int base_fd, const struct sp_record *r, struct sp_error *err)
{
	sp_autoclose int folder = -1, lock = -1;
	int rc;

	if (mkdirat(base_fd, r->id, 0700) < 0)
		return sp_fail_errno(err, "make state of %s", r->id);
	folder = sp_state_folder(base_fd, r->id, err);
	if (folder < 0)
		return folder;
	lock = openat(
		folder, SP_STATE_LOCK, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
	/* Waits for no more than somebody looking at it just now: is_locked(). */
	if (lock < 0 || flock(lock, LOCK_EX) < 0)
		rc = sp_fail_errno(err, "lock state of %s", r->id);
	else
		rc = write_record(folder, SP_STATE_RECORD, r, err);
	if (rc == 0)
		return sp_take_fd(lock);
	(void)unlinkat(folder, SP_STATE_RECORD, 0);
	(void)unlinkat(folder, SP_STATE_LOCK, 0);
	(void)unlinkat(base_fd, r->id, AT_REMOVEDIR);
	return rc;
}

int sp_state_begin(int base_fd, const struct sp_record *r, struct sp_error *err)
{
	int lock;

	if (flock(base_fd, LOCK_SH) < 0)
		return sp_fail_errno(err, "lock state folder");
	lock = make_locked(base_fd, r, err);
	(void)flock(base_fd, LOCK_UN);
	return lock;
}

int sp_state_update(int base_fd, const struct sp_record *r, struct sp_error *err)
{
	sp_autoclose int folder = sp_state_folder(base_fd, r->id, err);
	int rc;

	if (folder < 0)
		return folder;
	/* Only the maker writes; what a crash leaves has a name sp_remove_state() knows. */
	(void)unlinkat(folder, SP_STATE_NEW, 0);
	rc = write_record(folder, SP_STATE_NEW, r, err);
	if (rc == 0 && renameat(folder, SP_STATE_NEW, folder, SP_STATE_RECORD) < 0)
		rc = sp_fail_errno(err, "replace record");
	if (rc < 0)
		(void)unlinkat(folder, SP_STATE_NEW, 0);
	return rc;
}

int sp_state_note_supervisor(int base_fd, const char *id, const struct sp_supervisor *s,
	struct sp_error *err)
{
	sp_autoclose int folder = sp_state_folder(base_fd, id, err);
	sp_autoclose int fd = -1;
	char text[96];
	int len;

	if (folder < 0)
		return folder;
	len = snprintf(text, sizeof(text), "%d %llu %d\n", s->pid,
		(unsigned long long)s->start_ticks, s->init_pid);
	fd = openat(
		folder, SP_STATE_INIT, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return sp_fail_errno(err, "note supervisor");
	return sp_write_all(fd, text, (size_t)len, err);
}

int sp_state_read(
	int base_fd, const char *id, struct sp_record *out, struct sp_error *err)
{
	sp_autoclose int folder = sp_state_folder(base_fd, id, err);
	sp_autofree char *text = NULL;
	struct sp_bytes bytes = {0};
	int rc;

	if (folder < 0)
		return folder;
	rc = sp_read_file_at(folder, SP_STATE_RECORD, RECORD_MAX, &bytes, err);
	if (rc < 0)
		return sp_wrap(err, rc, "record of %s", id);
	text = bytes.data;
	rc = sp_record_parse(text, bytes.len, out, err);
	if (rc < 0)
		return sp_wrap(err, rc, "record of %s", id);
	if (strcmp(out->id, id) == 0)
		return 0;
	sp_record_clear(out);
	return sp_fail(err, SP_ERR_PROTOCOL, "record of %s is another's", id);
}

static bool read_supervisor(int folder, struct sp_supervisor *s)
{
	struct sp_bytes text = {0};
	sp_autofree char *owned = NULL;
	unsigned long long ticks;

	if (sp_read_file_at(folder, SP_STATE_INIT, 95, &text, NULL) < 0)
		return false;
	owned = text.data;
	if (sscanf(owned, "%d %llu %d", &s->pid, &ticks, &s->init_pid) != 3 ||
		s->pid <= 1)
		return false;
	s->start_ticks = ticks;
	return true;
}

/* A lock that can be taken has no supervisor behind it. */
static bool is_locked(int folder)
{
	sp_autoclose int lock = openat(
		folder, SP_STATE_LOCK, O_RDWR | O_CLOEXEC | O_NOFOLLOW);

	return lock >= 0 && flock(lock, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/*
 * Unlocked may also mean that it is being made: its maker holds the base folder until
 * the lock is taken, so one look with that excluded is certain.
 */
static bool is_dead(int base_fd, int folder)
{
	bool locked;

	if (is_locked(folder))
		return false;
	if (flock(base_fd, LOCK_EX) < 0)
		return false;
	locked = is_locked(folder);
	(void)flock(base_fd, LOCK_UN);
	return !locked;
}

int sp_state_life(int base_fd, const char *id, enum sp_liveness *life,
	struct sp_supervisor *s, struct sp_error *err)
{
	sp_autoclose int folder = sp_state_folder(base_fd, id, err);
	struct sp_supervisor found = {0};

	if (folder < 0)
		return folder;
	if (is_dead(base_fd, folder)) {
		*life = SP_LIFE_DEAD;
		return 0;
	}
	*life = SP_LIFE_STARTING;
	if (read_supervisor(folder, &found)) {
		*life = SP_LIFE_RUNNING;
		if (s)
			*s = found;
	}
	return 0;
}

int sp_state_ids(int base_fd, struct sp_strv *ids, struct sp_error *err)
{
	struct dirent *entry;
	DIR *dir;
	int fd = openat(base_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir) {
		int rc = sp_fail_errno(err, "list sandboxes");

		if (fd >= 0)
			close(fd);
		return rc;
	}
	while ((entry = readdir(dir)) && ids->count < IDS_MAX)
		if (sp_name_ok(entry->d_name))
			sp_strv_add(ids, entry->d_name);
	closedir(dir);
	return sp_strv_ok(ids, err);
}

/*
 * Take the lock if nobody holds it for good.  No maker can be at work now, so whoever
 * shares it only looks, and lets go at once.
 */
static int take_unheld(int folder, int *lock_fd, struct sp_error *err)
{
	sp_autoclose int lock = openat(
		folder, SP_STATE_LOCK, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (lock < 0)
		return errno == ENOENT ? 0 : sp_fail_errno(err, "open lock");
	if (flock(lock, LOCK_SH | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? 0 : sp_fail_errno(err, "take lock");
	if (flock(lock, LOCK_EX) < 0)
		return sp_fail_errno(err, "take lock");
	*lock_fd = sp_take_fd(lock);
	return 0;
}

int sp_state_lock_dead(int base_fd, const char *id, int *lock_fd, struct sp_error *err)
{
	sp_autoclose int folder = -1;
	int rc;

	*lock_fd = -1;
	/* Nobody is between making a folder and locking it while this is held. */
	if (flock(base_fd, LOCK_EX) < 0)
		return sp_fail_errno(err, "lock state folder");
	folder = sp_state_folder(base_fd, id, err);
	if (folder < 0)
		rc = folder == SP_ERR_NOT_FOUND ? 0 : folder;
	else
		rc = take_unheld(folder, lock_fd, err);
	(void)flock(base_fd, LOCK_UN);
	return rc < 0 ? sp_wrap(err, rc, "state of %s", id) : 0;
}
