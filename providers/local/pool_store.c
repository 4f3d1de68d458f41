/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/io.h"
#include "providers/local/pool.h"

#define SPEC_FILE     "spec"
#define SETTINGS_FILE "settings"
#define LOCK_FILE     "lock"
#define READY_FOLDER  "ready"
#define SETTINGS_MAX  256
#define ENTRIES_MAX   (2 * POOL_SIZE_MAX)

void pool_close(struct pool *pool)
{
	sp_close_fd(&pool->fd);
}

static char *pools_path(const struct local *l)
{
	char *path = NULL;

	return asprintf(&path, "%s/" POOLS_FOLDER, l->state) < 0 ? NULL : path;
}

static int open_folder(int dirfd, const char *path)
{
	return openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* The folder of all pools; -1 with ENOENT where there never was one. */
static int open_pools(const struct local *l)
{
	sp_autofree char *path = pools_path(l);

	errno = ENOMEM;
	return path ? open_folder(AT_FDCWD, path) : -1;
}

int pool_open(
	const struct local *l, const char *name, struct pool *out, struct sp_error *err)
{
	sp_autoclose int pools = open_pools(l);

	errno = pools < 0 ? errno : ENOENT;
	out->fd = pools < 0 || !sp_name_ok(name) || strlen(name) >= sizeof(out->name)
		? -1
		: open_folder(pools, name);
	if (out->fd < 0 && errno == ENOENT)
		return sp_fail(err, SP_ERR_NOT_FOUND, "there is no pool %.64s", name);
	if (out->fd < 0)
		return sp_fail_errno(err, "open pool %.64s", name);
	memcpy(out->name, name, strlen(name) + 1);
	return 0;
}

static bool has_spec(const struct pool *pool, const struct sp_buf *text)
{
	struct sp_bytes stored = {0};
	sp_autofree char *owned = NULL;

	if (sp_read_file_at(pool->fd, SPEC_FILE, POOL_SPEC_MAX, &stored, NULL) < 0)
		return false;
	owned = stored.data;
	return stored.len == text->len && memcmp(owned, text->data, text->len) == 0;
}

int pool_find(const struct local *l, const struct sp_sandbox_spec *spec,
	struct pool *out, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(POOL_SPEC_MAX);
	char name[POOL_NAME_SIZE];
	int rc;

	out->fd = -1;
	if (pool_spec_print(&text, spec, NULL) < 0)
		return 0; /* none can be for it */
	pool_spec_name(name, &text);
	rc = pool_open(l, name, out, err);
	if (rc == 0 && !has_spec(out, &text))
		pool_close(out);
	return rc == SP_ERR_NOT_FOUND ? 0 : rc;
}

static int write_files(const struct pool *pool, const struct sp_buf *spec,
	const struct pool_settings *s, struct sp_error *err)
{
	char text[SETTINGS_MAX];
	int len = snprintf(text, sizeof(text), "%u %lld %lld\n", s->size,
		(long long)s->max_idle_ms, (long long)s->expires_ms);
	int rc = sp_write_file_at(
		pool->fd, SPEC_FILE, spec->data, spec->len, 0600, err);

	if (rc == 0)
		rc = sp_write_file_at(
			pool->fd, SETTINGS_FILE, text, (size_t)len, 0600, err);
	return rc;
}

int pool_make(const struct local *l, const struct sp_sandbox_spec *spec,
	const struct pool_settings *settings, struct pool *out, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(POOL_SPEC_MAX);
	sp_autofree char *folder = NULL;
	char name[POOL_NAME_SIZE];
	int rc = pool_spec_print(&text, spec, err);

	if (rc < 0)
		return rc;
	pool_spec_name(name, &text);
	if (asprintf(&folder, "%s/" POOLS_FOLDER "/%s/" READY_FOLDER, l->state, name) <
		0)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	rc = sp_mkdir_p(folder, 0700, err);
	if (rc == 0)
		rc = pool_open(l, name, out, err);
	if (rc == 0)
		rc = write_files(out, &text, settings, err);
	return rc;
}

static int read_settings(
	const struct pool *pool, struct pool_settings *s, struct sp_error *err)
{
	struct sp_bytes text = {0};
	sp_autofree char *owned = NULL;
	long long max_idle_ms, expires_ms;
	int rc = sp_read_file_at(pool->fd, SETTINGS_FILE, SETTINGS_MAX - 1, &text, err);

	if (rc < 0)
		return rc;
	owned = text.data;
	if (sscanf(owned, "%u %lld %lld", &s->size, &max_idle_ms, &expires_ms) != 3 ||
		s->size > POOL_SIZE_MAX)
		return sp_fail(err, SP_ERR_PROTOCOL, "settings of pool %s", pool->name);
	s->max_idle_ms = max_idle_ms;
	s->expires_ms = expires_ms;
	return 0;
}

int pool_read(const struct pool *pool, struct pool_settings *settings,
	struct pool_spec *spec, struct sp_error *err)
{
	struct sp_bytes text = {0};
	sp_autofree char *owned = NULL;
	sp_autobuf struct sp_buf again = SP_BUF_INIT(POOL_SPEC_MAX);
	int rc = read_settings(pool, settings, err);

	if (rc == 0)
		rc = sp_read_file_at(pool->fd, SPEC_FILE, POOL_SPEC_MAX, &text, err);
	if (rc < 0)
		return rc;
	owned = text.data;
	rc = pool_spec_parse(owned, text.len, spec, err);
	if (rc == 0)
		rc = pool_spec_print(&again, &spec->spec, err);
	if (rc < 0)
		return sp_wrap(err, rc, "specification of pool %s", pool->name);
	/* A profile that was changed since: nobody asks for what it was before. */
	if (again.len != text.len || memcmp(again.data, owned, again.len) != 0)
		return sp_fail(
			err, SP_ERR_NOT_FOUND, "pool %s is outdated", pool->name);
	return 0;
}

static int list_names(int fd, struct sp_strv *names, struct sp_error *err)
{
	struct dirent *entry;
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return errno == ENOENT ? 0 : sp_fail_errno(err, "list pools");
	}
	while ((entry = readdir(dir)) && names->count < ENTRIES_MAX)
		if (sp_name_ok(entry->d_name))
			sp_strv_add(names, entry->d_name);
	closedir(dir);
	return sp_strv_ok(names, err);
}

int pool_names(const struct local *l, struct sp_strv *names, struct sp_error *err)
{
	return list_names(open_pools(l), names, err);
}

int pool_ready(const struct pool *pool, struct sp_strv *ids, struct sp_error *err)
{
	return list_names(open_folder(pool->fd, READY_FOLDER), ids, err);
}

static bool entry_path(char path[static SP_SANDBOX_ID_MAX + 8], const char *id)
{
	return sp_name_ok(id) &&
		snprintf(path, SP_SANDBOX_ID_MAX + 8, READY_FOLDER "/%s", id) > 0;
}

int pool_offer(const struct pool *pool, const char *id, struct sp_error *err)
{
	char path[SP_SANDBOX_ID_MAX + 8];
	sp_autoclose int fd = -1;

	if (entry_path(path, id))
		fd = openat(
			pool->fd, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	return fd < 0 ? sp_fail_errno(err, "offer %s in pool %s", id, pool->name) : 0;
}

/* Of all who try, the file is removed by one. */
bool pool_claim(const struct pool *pool, const char *id)
{
	char path[SP_SANDBOX_ID_MAX + 8];

	return entry_path(path, id) && unlinkat(pool->fd, path, 0) == 0;
}

bool pool_has(const struct local *l, const char *name, const char *id)
{
	autopool struct pool pool = {.fd = -1};
	char path[SP_SANDBOX_ID_MAX + 8];

	return pool_open(l, name, &pool, NULL) == 0 && entry_path(path, id) &&
		faccessat(pool.fd, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

void pool_count(const struct pool *pool, const char *counter)
{
	sp_autoclose int fd = openat(pool->fd, counter,
		O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);

	/* Only a number for people: a full disk is no reason to fail. */
	if (fd >= 0 && write(fd, "+", 1) < 0)
		return;
}

uint64_t pool_counted(const struct pool *pool, const char *counter)
{
	struct stat st;

	return fstatat(pool->fd, counter, &st, AT_SYMLINK_NOFOLLOW) == 0
		? (uint64_t)st.st_size
		: 0;
}

int pool_lock(const struct pool *pool, bool wait)
{
	sp_autoclose int fd = openat(
		pool->fd, LOCK_FILE, O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return -1;
	while (flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
		if (errno != EINTR)
			return -1;
	return sp_take_fd(fd);
}

/* Nobody fills it any more. */
void pool_unset(const struct pool *pool)
{
	(void)unlinkat(pool->fd, SETTINGS_FILE, 0);
}

/* Also what somebody who was killed was about to rename. */
static void remove_files(const struct pool *pool)
{
	int fd = open_folder(pool->fd, ".");
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_type == DT_REG)
			(void)unlinkat(pool->fd, entry->d_name, 0);
	if (dir)
		closedir(dir);
	else
		sp_close_fd(&fd);
}

void pool_remove(const struct local *l, const struct pool *pool)
{
	sp_autoclose int pools = open_pools(l);

	remove_files(pool);
	(void)unlinkat(pool->fd, READY_FOLDER, AT_REMOVEDIR);
	if (pools >= 0)
		(void)unlinkat(pools, pool->name, AT_REMOVEDIR);
}
