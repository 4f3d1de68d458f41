/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Host ids behind the ids of a sandbox.  As root each sandbox gets a range of its own, far
 * above what user databases hand out, claimed by a link named after it.  An ordinary user
 * gets one of the ranges granted in /etc/subuid, or, where there are none, has one id: the
 * caller's own.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/enc.h"
#include "base/io.h"
#include "providers/local/local.h"

/* 0x70000000 up to 0x7fffffff: above what systemd-nspawn takes, below the sign bit. */
#define RANGE_FIRST   0x70000000u
#define RANGE_IDS     65536u
#define RANGES        4096u
#define GROUPS_MAX    1024
#define MAP_MAX_BYTES 32768
/* Source: PROC_USER_INIT_INO of Linux */
#define FIRST_USER_NS 0xEFFFFFFDu

static uint32_t hash(const char *text)
{
	uint32_t h = 2166136261u;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 16777619u;
	return h;
}

/* A claim whose sandbox has no folder any more was left by a crash. */
static bool is_stale(const struct local *l, const char *claim)
{
	sp_autofree char *folder = NULL;
	char id[SP_SANDBOX_ID_MAX];
	ssize_t n = readlink(claim, id, sizeof(id) - 1);

	if (n <= 0)
		return false;
	id[n] = '\0';
	if (!sp_name_ok(id) || asprintf(&folder, "%s/%s", l->sandboxes, id) < 0)
		return false;
	return access(folder, F_OK) < 0 && errno == ENOENT;
}

void local_drop_stale_claims(const struct local *l, int base)
{
	struct dirent *entry;
	DIR *dir;

	/* Whoever claims holds it shared until its folder is there: see prepare(). */
	if (flock(base, LOCK_EX | LOCK_NB) < 0)
		return;
	dir = opendir(l->ids);
	while (dir && (entry = readdir(dir))) {
		sp_autofree char *claim = NULL;

		if (asprintf(&claim, "%s/%s", l->ids, entry->d_name) >= 0 &&
			is_stale(l, claim))
			(void)unlink(claim);
	}
	if (dir)
		closedir(dir);
	(void)flock(base, LOCK_UN);
}

/* A fresh claim precedes its sandbox's folder; only one that has aged may be stale. */
static bool has_aged(const char *claim)
{
	struct stat st;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return lstat(claim, &st) == 0 && now.tv_sec - st.st_mtim.tv_sec > 60;
}

/*
 * Take over a claim nobody holds any more; EEXIST when it is held after all.  One at a
 * time: of two that found the same one stale, the second would take off the first's.
 */
static int replace_stale(const struct local *l, const char *id, const char *claim)
{
	sp_autoclose int ids = -1;
	int rc = -1;

	if (!has_aged(claim))
		goto held;
	ids = open(l->ids, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ids < 0 || flock(ids, LOCK_EX) < 0)
		return -1;
	if (has_aged(claim) && is_stale(l, claim) && unlink(claim) == 0)
		rc = symlink(id, claim);
	if (rc == 0)
		return 0;
held:
	errno = EEXIST;
	return -1;
}

static int try_claim(const struct local *l, const char *id, const char *claim)
{
	if (symlink(id, claim) == 0)
		return 0;
	if (errno == ENOENT && sp_mkdir_p(l->ids, 0700, NULL) == 0)
		return symlink(id, claim);
	return errno == EEXIST ? replace_stale(l, id, claim) : -1;
}

/* A slot from first on, below count, that is this sandbox's alone; -1 when all are taken. */
static int claim_slot(const struct local *l, struct sp_record *r, uint32_t first,
	uint32_t count, struct sp_error *err)
{
	uint32_t start = hash(r->id);

	for (uint32_t i = 0; i < count - first; i++) {
		uint32_t slot = first + (start % (count - first) + i) % (count - first);
		sp_autofree char *claim = NULL;

		if (asprintf(&claim, "%s/%u", l->ids, slot) < 0)
			return sp_fail(err, SP_ERR_NOMEM, "out of memory");
		if (try_claim(l, r->id, claim) == 0) {
			r->claim = sp_take_ptr(claim);
			return (int)slot;
		}
		if (errno != EEXIST)
			return sp_fail_errno(err, "claim id range %s", claim);
	}
	return sp_fail(err, SP_ERR_LIMIT, "all %u id ranges are in use", count - first);
}

static int claim_range(const struct local *l, struct sp_record *r, struct sp_error *err)
{
	int slot = claim_slot(l, r, 0, RANGES, err);

	if (slot < 0)
		return slot;
	r->outer_uid = r->outer_gid = RANGE_FIRST + (uint32_t)slot * RANGE_IDS;
	r->id_count = RANGE_IDS;
	return 0;
}

/* Does this namespace know them all, at the same numbers or others? */
static bool maps_ranges(const char *path)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(MAP_MAX_BYTES);
	sp_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint64_t inside, outside, count;
	int used;

	if (fd < 0 || sp_buf_read_fd(&text, fd, NULL) < 0)
		return false;
	for (const char *at = sp_buf_str(&text);
		sscanf(at, "%" SCNu64 " %" SCNu64 " %" SCNu64 "%n", &inside, &outside,
			&count, &used) == 3;
		at += used)
		if (inside <= RANGE_FIRST &&
			inside + count >= RANGE_FIRST + (uint64_t)RANGES * RANGE_IDS)
			return true;
	return false;
}

bool local_is_root(void)
{
	struct stat st;

	if (geteuid() != 0)
		return false;
	if (stat("/proc/self/ns/user", &st) == 0 && st.st_ino == FIRST_USER_NS)
		return true;
	return maps_ranges("/proc/self/uid_map") && maps_ranges("/proc/self/gid_map");
}

static bool has_foreign_groups(void)
{
	gid_t groups[GROUPS_MAX];
	int n = getgroups(GROUPS_MAX, groups);

	if (n < 0)
		return true;
	for (int i = 0; i < n; i++)
		if (groups[i] != getegid())
			return true;
	return false;
}

bool local_keeps_groups(const struct local *l)
{
	return !local_is_root() && local_subids(l)->count == 0 && has_foreign_groups();
}

static void take_own_id(
	const struct local_subids *subids, struct local_ids *ids, struct sp_record *r)
{
	r->outer_uid = geteuid();
	r->outer_gid = getegid();
	r->id_count = 1;
	snprintf(ids->why, sizeof(ids->why), "one id, the caller's own: %s",
		subids->why_not[0] ? subids->why_not : "no ids were granted");
}

/*
 * The first block is for those who find no other: it is shared, and each of them says so.
 * With mounts user 0 inside is the caller, or what is written there would belong to an id
 * that the caller cannot even remove files of.
 */
static int take_granted(const struct local *l, const struct local_subids *subids,
	struct local_ids *ids, struct sp_record *r, struct sp_error *err)
{
	int slot = subids->count > 1 ? claim_slot(l, r, 1, (uint32_t)subids->count, err)
				     : SP_ERR_LIMIT;

	if (slot == SP_ERR_LIMIT) {
		slot = 0;
		snprintf(ids->why, sizeof(ids->why),
			"shared with your other sandboxes: %s%zu ranges of 65536 ids "
			"in /etc/subuid and /etc/subgid",
			subids->count > 1 ? "all others are in use of " : "there are ",
			subids->count);
	}
	if (slot < 0)
		return slot;
	r->outer_uid = r->range_uid = subids->uids[slot];
	r->outer_gid = r->range_gid = subids->gids[slot];
	r->id_count = LOCAL_BLOCK_IDS;
	if (ids->has_mounts) {
		r->outer_uid = geteuid();
		r->outer_gid = getegid();
		snprintf(ids->why, sizeof(ids->why),
			"user 0 inside is you, because of the mounts");
	}
	return 0;
}

int local_claim_ids(const struct local *l, struct local_ids *ids, struct sp_record *r,
	struct sp_error *err)
{
	const struct local_subids *subids;

	r->is_privileged = local_is_root();
	if (r->is_privileged)
		return claim_range(l, r, err);
	subids = local_subids(l);
	if (subids->count)
		return take_granted(l, subids, ids, r, err);
	take_own_id(subids, ids, r);
	return 0;
}
