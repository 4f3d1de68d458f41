/* SPDX-License-Identifier: Apache-2.0 */
#include "images/pack_links.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64

void sp_pack_links_clear(struct sp_pack_links *l)
{
	for (size_t i = 0; i < l->cap; i++)
		free(l->slots[i].name);
	free(l->slots);
	*l = (struct sp_pack_links){0};
}

/* Where the file is or would go; cap is a power of two and never full. */
static struct sp_pack_link *find(
	struct sp_pack_link *slots, size_t cap, dev_t dev, ino_t ino)
{
	size_t i = (size_t)((ino ^ dev << 7) * UINT64_C(0x9e3779b97f4a7c15) >> 20);

	for (i &= cap - 1; slots[i].name; i = (i + 1) & (cap - 1))
		if (slots[i].ino == ino && slots[i].dev == dev)
			break;
	return &slots[i];
}

static int grow(struct sp_pack_links *l, struct sp_error *err)
{
	size_t cap = l->cap ? l->cap * 2 : FIRST_SLOTS;
	struct sp_pack_link *slots = calloc(cap, sizeof(*slots));

	if (!slots)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < l->cap; i++) {
		const struct sp_pack_link *old = &l->slots[i];

		if (old->name)
			*find(slots, cap, old->dev, old->ino) = *old;
	}
	free(l->slots);
	l->slots = slots;
	l->cap = cap;
	return 0;
}

int sp_pack_links_seen(struct sp_pack_links *l, const struct stat *st, const char *name,
	const char **first, struct sp_error *err)
{
	struct sp_pack_link *slot;
	int rc = l->count * 2 < l->cap ? 0 : grow(l, err);

	if (rc < 0)
		return rc;
	slot = find(l->slots, l->cap, st->st_dev, st->st_ino);
	if (slot->name) {
		*first = slot->name;
		return 0;
	}
	slot->name = strdup(name);
	if (!slot->name)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	slot->dev = st->st_dev;
	slot->ino = st->st_ino;
	l->count++;
	return 0;
}
