/* SPDX-License-Identifier: Apache-2.0 */
/* The store's folders: made under a temporary name, held by locks, removed when nobody has them. */
#include "providers/local/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/enc.h"
#include "base/io.h"
#include "providers/local/mounts.h"
#include "providers/local/work.h"

#define USES       "uses"
#define GONE       ".gone-"
#define RANDOM     12
#define RECORD_MAX (64 * 1024)

/* Of <linux/fs.h>, which older C libraries do not repeat. */
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#endif

static const char *const kind_folders[] = {
	[SP_STORED_SNAPSHOT] = "snapshots", [SP_STORED_VOLUME] = "volumes"};

static const char *kind_name(enum sp_stored_kind kind)
{
	return kind == SP_STORED_SNAPSHOT ? "snapshot" : "volume";
}

/* A user's name, or one of a fork: what can be under an image. */
bool store_name_ok(const char *name)
{
	const size_t fork = strlen(STORE_FORK);

	if (strncmp(name, STORE_FORK, fork) == 0)
		return strlen(name) < STORE_NAME_MAX && sp_name_ok(name + fork);
	return sp_name_ok(name);
}

/* --- Opening -------------------------------------------------------------------------- */

static int open_kind(struct store *s, int kind, struct sp_error *err)
{
	const char *name = kind_folders[kind];

	if (mkdirat(s->dir, name, 0700) < 0 && errno != EEXIST)
		return sp_fail_errno(err, "make folder %s of the store", name);
	s->kinds[kind] = openat(
		s->dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return s->kinds[kind] < 0
		? sp_fail_errno(err, "open folder %s of the store", name)
		: 0;
}

static int check_ours(int fd, const char *path, struct sp_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "look at store folder %s", path);
	if (st.st_uid != geteuid() || (st.st_mode & 077))
		return sp_fail(err, SP_ERR_DENIED,
			"store folder %s belongs or is open to others: chmod 700 it, "
			"or set SANDPIT_STORE_DIR to one of your own",
			path);
	return 0;
}

static int open_rest(const char *path, struct store *s, struct sp_error *err)
{
	int rc = check_ours(s->dir, path, err);

	if (rc == 0)
		rc = open_kind(s, SP_STORED_SNAPSHOT, err);
	if (rc == 0)
		rc = open_kind(s, SP_STORED_VOLUME, err);
	if (rc < 0)
		return rc;
	s->uses = openat(s->dir, USES, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	return s->uses < 0 ? sp_fail_errno(err, "open %s/" USES, path) : 0;
}

static int open_dir(const char *path)
{
	return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int open_store(
	const struct local *l, bool make, struct store *s, struct sp_error *err)
{
	struct store opened = STORE_INIT;
	int rc = 0;

	opened.dir = open_dir(l->store);
	if (opened.dir < 0 && errno == ENOENT && make) {
		rc = sp_mkdir_p(l->store, 0700, err);
		if (rc < 0)
			return sp_wrap(err, rc, "make store folder %s", l->store);
		opened.dir = open_dir(l->store);
	}
	if (opened.dir < 0)
		return sp_fail_errno(err, "open store folder %s", l->store);
	rc = open_rest(l->store, &opened, err);
	if (rc < 0)
		store_close(&opened);
	else
		*s = opened;
	return rc;
}

int store_open(const struct local *l, struct store *s, struct sp_error *err)
{
	return open_store(l, true, s, err);
}

int store_open_there(const struct local *l, struct store *s, struct sp_error *err)
{
	return open_store(l, false, s, err);
}

void store_close(struct store *s)
{
	sp_close_fd(&s->kinds[SP_STORED_SNAPSHOT]);
	sp_close_fd(&s->kinds[SP_STORED_VOLUME]);
	sp_close_fd(&s->uses);
	sp_close_fd(&s->dir);
}

/* --- Holding -------------------------------------------------------------------------- */

/* Of the open file and not of the process: it goes wherever the descriptor goes. */
static bool lock_inode(const struct store *s, ino_t ino, short type)
{
	struct flock lock = {.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = (off_t)(ino & INT64_MAX),
		.l_len = 1};

	return fcntl(s->uses, F_OFD_SETLK, &lock) == 0;
}

int store_hold(const struct store *s, enum sp_stored_kind kind, const char *name,
	struct sp_error *err)
{
	struct stat before = {0}, after = {0};
	int dir = s->kinds[kind];

	if (!store_name_ok(name) ||
		fstatat(dir, name, &before, AT_SYMLINK_NOFOLLOW) < 0 ||
		!S_ISDIR(before.st_mode))
		return sp_fail(err, SP_ERR_NOT_FOUND, "there is no %s %.128s",
			kind_name(kind), name);
	/* Refused only while it is being removed; and after the lock it may be gone. */
	if (!lock_inode(s, before.st_ino, F_RDLCK) ||
		fstatat(dir, name, &after, AT_SYMLINK_NOFOLLOW) < 0 ||
		after.st_ino != before.st_ino)
		return sp_fail(err, SP_ERR_NOT_FOUND, "%s %.128s is being removed",
			kind_name(kind), name);
	return 0;
}

/* --- Making --------------------------------------------------------------------------- */

int store_begin(const struct store *s, enum sp_stored_kind kind, struct store_new *n,
	struct sp_error *err)
{
	int dir = s->kinds[kind];
	struct stat st;
	int rc;

	*n = (struct store_new){.kind = kind, .fd = -1};
	memcpy(n->name, STORE_NEW, sizeof(STORE_NEW));
	rc = sp_random_name(n->name + strlen(STORE_NEW), RANDOM, err);
	if (rc < 0)
		return rc;
	/* Who sweeps holds it alone: nothing is there without its lock. */
	if (flock(dir, LOCK_SH) < 0)
		return sp_fail_errno(err, "lock the store");
	if (mkdirat(dir, n->name, 0700) == 0)
		n->fd = openat(dir, n->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (n->fd < 0 || fstat(n->fd, &st) < 0 || !lock_inode(s, st.st_ino, F_RDLCK))
		rc = sp_fail_errno(err, "make %s in the store", n->name);
	(void)flock(dir, LOCK_UN);
	return rc;
}

int store_commit(const struct store *s, struct store_new *n, const char *name,
	const struct stored_record *r, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(RECORD_MAX);
	int dir = s->kinds[n->kind];
	int rc;

	stored_record_print(&text, r);
	rc = sp_buf_ok(&text, err);
	if (rc == 0)
		rc = sp_write_file_at(
			n->fd, STORE_RECORD, text.data, text.len, 0600, err);
	if (rc < 0)
		return rc;
	if (syscall(SYS_renameat2, dir, n->name, dir, name, RENAME_NOREPLACE) == 0) {
		sp_close_fd(&n->fd);
		return 0;
	}
	if (errno == EEXIST)
		return sp_fail(err, SP_ERR_EXISTS, "there is a %s %s already",
			kind_name(n->kind), name);
	return sp_fail_errno(err, "name the %s %s", kind_name(n->kind), name);
}

/* --- Removing ------------------------------------------------------------------------- */

/* By our worker: what is in there was put there by somebody inside. */
static int remove_tree(
	const struct local *l, int dir, const char *name, struct sp_error *err)
{
	const char *const argv[] = {
		"sandpit-worker", "guard", "--fd", "3", "--", name, NULL};
	const char *const mapped[] = {"sandpit-worker", "guard", "--fd", "3",
		"--userns", "4", "--", name, NULL};
	/* Of an ordinary user's sandboxes some of it may belong to ids granted to him. */
	sp_autoclose int ids = local_subids_namespace(l, NULL);
	const int fds[] = {-1, -1, dir, ids};
	struct work w = WORK_INIT;
	int rc = work_start(l, &w, ids < 0 ? argv : mapped, fds,
		SP_COUNT(fds) - (ids < 0 ? 1 : 0), err);

	return rc < 0 ? rc : work_end(&w, err);
}

/* Take it out of sight first: removing may take long, and may be cut short. */
static int rename_away(int dir, const char *name, char gone[static STORE_NAME_MAX],
	struct sp_error *err)
{
	int rc;

	memcpy(gone, GONE, sizeof(GONE));
	rc = sp_random_name(gone + strlen(GONE), RANDOM, err);
	if (rc < 0)
		return rc;
	if (renameat(dir, name, dir, gone) < 0)
		return sp_fail_errno(err, "remove %s", name);
	return 0;
}

void store_abandon(const struct local *l, const struct store *s, struct store_new *n)
{
	if (n->fd < 0)
		return;
	sp_close_fd(&n->fd);
	(void)remove_tree(l, s->kinds[n->kind], n->name, NULL);
}

int store_each(const struct store *s, enum sp_stored_kind kind, store_each_fn *each,
	void *ctx, struct sp_error *err)
{
	int fd = openat(s->kinds[kind], ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	int rc = 0;

	if (!dir) {
		rc = sp_fail_errno(err, "list the store");
		sp_close_fd(&fd);
		return rc;
	}
	while (rc == 0 && (e = readdir(dir)))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
			strlen(e->d_name) < STORE_NAME_MAX)
			rc = each(ctx, e->d_name, err);
	closedir(dir);
	return rc;
}

static bool has(const struct sp_strv *list, const char *name)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], name) == 0)
			return true;
	return false;
}

/* Looks for a snapshot that lies on another one. */
struct upper_search {
	const struct store *store;
	const char *below;
	char found[STORE_NAME_MAX];
};

static int look_below(void *ctx, const char *name, struct sp_error *err)
{
	struct upper_search *search = ctx;
	sp_autostored r = {0};

	(void)err;
	if (store_name_ok(name) &&
		store_read(search->store, SP_STORED_SNAPSHOT, name, &r, NULL) == 0 &&
		has(&r.below, search->below))
		memcpy(search->found, name, strlen(name) + 1);
	return 0;
}

static bool find_upper(const struct store *s, struct upper_search *search)
{
	search->store = s;
	if (store_each(s, SP_STORED_SNAPSHOT, look_below, search, NULL) < 0)
		return true; /* who cannot be asked may use it */
	return search->found[0];
}

/* Which sandbox of ours it is that uses it; other state folders are not known here. */
static void find_user(const struct local *l, enum sp_stored_kind kind, const char *name,
	char user[static SP_SANDBOX_ID_MAX])
{
	sp_autoclose int base = sp_state_open(l->sandboxes, NULL);
	sp_autostrv struct sp_strv ids = {0};

	*user = '\0';
	if (base < 0 || sp_state_ids(base, &ids, NULL) < 0)
		return;
	for (size_t i = 0; i < ids.count; i++) {
		sp_autorecord struct sp_record r = {0};

		if (sp_state_read(base, ids.items[i], &r, NULL) < 0)
			continue;
		if (kind == SP_STORED_SNAPSHOT ? has(&r.snapshots, name)
					       : mounts_have_volume(&r.mounts, name)) {
			memcpy(user, r.id, sizeof(r.id));
			return;
		}
	}
}

static int in_use(const struct local *l, enum sp_stored_kind kind, const char *name,
	struct sp_error *err)
{
	char user[SP_SANDBOX_ID_MAX];

	find_user(l, kind, name, user);
	return sp_fail(err, SP_ERR_LIMIT, "%s %s is in use by %s%s", kind_name(kind),
		name, *user ? "sandbox local:" : "another process", user);
}

int store_remove(const struct local *l, const struct store *s, enum sp_stored_kind kind,
	const char *name, struct sp_error *err)
{
	struct upper_search search = {.below = name};
	char gone[STORE_NAME_MAX];
	int dir = s->kinds[kind];
	struct stat st;
	int rc;

	if (!sp_name_ok(name) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return sp_fail(err, SP_ERR_NOT_FOUND, "there is no %s %.128s",
			kind_name(kind), name);
	if (!lock_inode(s, st.st_ino, F_WRLCK))
		return in_use(l, kind, name, err);
	if (kind == SP_STORED_SNAPSHOT && find_upper(s, &search))
		return sp_fail(err, SP_ERR_LIMIT,
			"snapshot %s is what %s lies on: remove that first", name,
			strncmp(search.found, STORE_FORK, strlen(STORE_FORK)) == 0
				? "a fork"
				: search.found);
	rc = rename_away(dir, name, gone, err);
	return rc < 0 ? rc : remove_tree(l, dir, gone, err);
}

/* --- Sweeping ------------------------------------------------------------------------- */

struct sweep {
	const struct store *store;
	enum sp_stored_kind kind;
	struct sp_strv gone;
};

static bool begins(const char *name, const char *with)
{
	return strncmp(name, with, strlen(with)) == 0;
}

/* Rename what nobody has any more, while nobody can be making anything. */
static int sweep_one(void *ctx, const char *name, struct sp_error *err)
{
	struct sweep *w = ctx;
	int dir = w->store->kinds[w->kind];
	struct upper_search search = {.below = name};
	char gone[STORE_NAME_MAX];
	struct stat st;

	(void)err;
	if ((!begins(name, STORE_NEW) && !begins(name, GONE) &&
		    !begins(name, STORE_FORK)) ||
		has(&w->gone, name) ||
		fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		!lock_inode(w->store, st.st_ino, F_WRLCK))
		return 0;
	if (begins(name, STORE_FORK) && find_upper(w->store, &search))
		return 0;
	if (rename_away(dir, name, gone, NULL) == 0)
		sp_strv_add(&w->gone, gone);
	return 0;
}

static void sweep_kind(
	const struct local *l, const struct store *s, enum sp_stored_kind kind)
{
	struct sweep w = {.store = s, .kind = kind};
	int dir = s->kinds[kind];
	size_t before;

	if (flock(dir, LOCK_EX | LOCK_NB) < 0)
		return;
	/* One that goes may be all that kept another. */
	do {
		before = w.gone.count;
		(void)store_each(s, kind, sweep_one, &w, NULL);
	} while (w.gone.count > before);
	(void)flock(dir, LOCK_UN);
	for (size_t i = 0; i < w.gone.count; i++)
		(void)remove_tree(l, dir, w.gone.items[i], NULL);
	sp_strv_clear(&w.gone);
}

/* With locks of its own: those of *s, which somebody else may have a copy of, stay. */
void store_sweep(const struct local *l)
{
	sp_autostore s = STORE_INIT;

	if (store_open_there(l, &s, NULL) < 0)
		return;
	sweep_kind(l, &s, SP_STORED_SNAPSHOT);
	sweep_kind(l, &s, SP_STORED_VOLUME);
}
