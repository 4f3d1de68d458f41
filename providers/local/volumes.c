/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes: folders of the store that sandboxes share and that outlive them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "providers/local/stored.h"

/* Anybody inside may use it, as the /workspace of a sandbox; the store lets nobody in. */
#define DATA_MODE 01777

static int make_volume(const struct local *l, const struct store *s, const char *name,
	struct sp_error *err)
{
	const struct stored_record r = {.created_ms = sp_clock_real_ms()};
	struct store_new n;
	int rc = store_begin(s, SP_STORED_VOLUME, &n, err);

	if (rc == 0 &&
		(mkdirat(n.fd, STORE_DATA, 0700) < 0 ||
			fchmodat(n.fd, STORE_DATA, DATA_MODE, 0) < 0))
		rc = sp_fail_errno(err, "make volume %s", name);
	if (rc == 0)
		rc = store_commit(s, &n, name, &r, err);
	store_abandon(l, s, &n);
	return rc;
}

int local_volume_create(struct sp_provider *p, const char *name, struct sp_error *err)
{
	sp_autostore s = STORE_INIT;
	int rc = store_open(local_of(p), &s, err);

	return rc < 0 ? rc : make_volume(local_of(p), &s, name, err);
}

/* Two who need it at once make it once. */
static int hold_volume(const struct local *l, const struct store *s, const char *name,
	struct sp_error *err)
{
	int rc = store_hold(s, SP_STORED_VOLUME, name, err);

	if (rc != SP_ERR_NOT_FOUND)
		return rc;
	rc = make_volume(l, s, name, err);
	if (rc < 0 && rc != SP_ERR_EXISTS)
		return rc;
	return store_hold(s, SP_STORED_VOLUME, name, err);
}

/* The name of a volume in "STORE/volumes/NAME/data". */
static int hold_mount(const struct local *l, const struct store *s,
	const struct sp_mount *m, struct sp_error *err)
{
	const char *name = m->source + strlen(l->store) + strlen("/volumes/");
	sp_autofree char *copy = strndup(name, strcspn(name, "/"));

	if (!copy)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	return hold_volume(l, s, copy, err);
}

static bool uses_store(const struct local_plan *plan)
{
	for (size_t i = 0; i < plan->mount_count; i++)
		if (plan->mounts[i].is_volume)
			return true;
	return plan->image.snapshots.count > 0;
}

int local_use_store(
	const struct local *l, struct local_plan *plan, struct sp_error *err)
{
	const struct sp_strv *snapshots = &plan->image.snapshots;
	sp_autostore s = STORE_INIT;
	int rc;

	if (!uses_store(plan))
		return 0;
	rc = store_open(l, &s, err);
	for (size_t i = 0; rc == 0 && i < snapshots->count; i++)
		rc = store_hold(&s, SP_STORED_SNAPSHOT, snapshots->items[i], err);
	for (size_t i = 0; rc == 0 && i < plan->mount_count; i++)
		if (plan->mounts[i].is_volume)
			rc = hold_mount(l, &s, &plan->mounts[i], err);
	if (rc == 0)
		plan->store_fd = sp_take_fd(s.uses);
	return rc;
}

/* --- What is there -------------------------------------------------------------------- */

struct listing {
	const struct store *store;
	enum sp_stored_kind kind;
	struct sp_stored_list list;
};

static uint64_t size_of(const struct listing *to, const char *name, uint64_t noted)
{
	sp_autoclose int folder = -1, data = -1;

	if (to->kind == SP_STORED_SNAPSHOT)
		return noted;
	folder = openat(to->store->kinds[to->kind], name,
		O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder >= 0)
		data = openat(folder, STORE_DATA,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return data < 0 ? UINT64_MAX : store_usage(data);
}

static int list_one(void *ctx, const char *name, struct sp_error *err)
{
	struct listing *to = ctx;
	sp_autostored r = {0};
	struct sp_stored item = {0};
	int rc;

	/* What begins with a dot is the store's own business. */
	if (name[0] == '.' || store_read(to->store, to->kind, name, &r, NULL) < 0)
		return 0;
	item.name = strdup(name);
	item.created_ms = r.created_ms;
	item.bytes = size_of(to, name, r.bytes);
	item.image = sp_take_ptr(r.image);
	rc = item.name ? sp_stored_list_add(&to->list, &item, err)
		       : sp_fail(err, SP_ERR_NOMEM, "out of memory");
	free(item.name); /* NULL when the list has it */
	free(item.image);
	return rc;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct sp_stored *)a)->name,
		((const struct sp_stored *)b)->name);
}

int local_stored(struct sp_provider *p, enum sp_stored_kind kind,
	struct sp_stored_list *out, struct sp_error *err)
{
	struct local *l = local_of(p);
	sp_autostore s = STORE_INIT;
	struct listing to = {.store = &s, .kind = kind};
	int rc = store_open_there(l, &s, err);

	if (rc == SP_ERR_NOT_FOUND) {
		*err = (struct sp_error){0};
		return 0; /* nothing was ever kept */
	}
	if (rc < 0)
		return rc;
	store_sweep(l);
	rc = store_each(&s, kind, list_one, &to, err);
	if (rc < 0) {
		sp_stored_list_clear(&to.list);
		return rc;
	}
	if (to.list.count > 1)
		qsort(to.list.items, to.list.count, sizeof(*to.list.items), by_name);
	*out = to.list;
	return 0;
}

int local_stored_remove(struct sp_provider *p, enum sp_stored_kind kind,
	const char *name, struct sp_error *err)
{
	struct local *l = local_of(p);
	sp_autostore s = STORE_INIT;
	int rc = store_open_there(l, &s, err);

	if (rc == SP_ERR_NOT_FOUND)
		return sp_fail(err, rc, "there is no %s %s",
			kind == SP_STORED_SNAPSHOT ? "snapshot" : "volume", name);
	if (rc < 0)
		return rc;
	/* What a fork that is gone kept, and what only this one kept. */
	store_sweep(l);
	rc = store_remove(l, &s, kind, name, err);
	store_sweep(l);
	return rc;
}
