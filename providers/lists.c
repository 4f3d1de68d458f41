/* SPDX-License-Identifier: Apache-2.0 */
/* Lists of what providers tell: each element owns its text. */
#include <string.h>

#include "providers/provider.h"

#define LIST_FIRST 8

/* Room for one more: items doubles when count is a power of two. */
static int grow(void **items, size_t count, size_t size, struct sp_error *err)
{
	size_t room = count < LIST_FIRST ? LIST_FIRST : count * 2;
	void *more;

	if (count && (count < LIST_FIRST || (count & (count - 1))))
		return 0;
	more = reallocarray(*items, room, size);
	if (!more)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	*items = more;
	return 0;
}

void sp_process_info_clear(struct sp_process_info *item)
{
	if (!item)
		return;
	free(item->command);
	*item = (struct sp_process_info){0};
}

void sp_process_list_clear(struct sp_process_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		sp_process_info_clear(&list->items[i]);
	free(list->items);
	*list = (struct sp_process_list){0};
}

int sp_process_list_add(struct sp_process_list *list, struct sp_process_info *item,
	struct sp_error *err)
{
	void *items = list->items;
	int rc = grow(&items, list->count, sizeof(*item), err);

	if (rc < 0)
		return rc;
	list->items = items;
	list->items[list->count++] = *item;
	*item = (struct sp_process_info){0};
	return 0;
}

static void clear_stored(struct sp_stored *item)
{
	if (!item)
		return;
	free(item->name);
	free(item->image);
	*item = (struct sp_stored){0};
}

void sp_stored_list_clear(struct sp_stored_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		clear_stored(&list->items[i]);
	free(list->items);
	*list = (struct sp_stored_list){0};
}

int sp_stored_list_add(
	struct sp_stored_list *list, struct sp_stored *item, struct sp_error *err)
{
	void *items = list->items;
	int rc = grow(&items, list->count, sizeof(*item), err);

	if (rc < 0)
		return rc;
	list->items = items;
	list->items[list->count++] = *item;
	*item = (struct sp_stored){0};
	return 0;
}

void sp_entry_clear(struct sp_entry *item)
{
	if (!item)
		return;
	free(item->path);
	free(item->link);
	*item = (struct sp_entry){0};
}

void sp_entry_list_clear(struct sp_entry_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		sp_entry_clear(&list->items[i]);
	free(list->items);
	*list = (struct sp_entry_list){0};
}

int sp_entry_list_add(
	struct sp_entry_list *list, struct sp_entry *item, struct sp_error *err)
{
	void *items = list->items;
	int rc = grow(&items, list->count, sizeof(*item), err);

	if (rc < 0)
		return rc;
	list->items = items;
	list->items[list->count++] = *item;
	*item = (struct sp_entry){0};
	return 0;
}

void sp_pool_info_clear(struct sp_pool_info *item)
{
	if (!item)
		return;
	free(item->image);
	*item = (struct sp_pool_info){0};
}

void sp_pool_list_clear(struct sp_pool_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		sp_pool_info_clear(&list->items[i]);
	free(list->items);
	*list = (struct sp_pool_list){0};
}

int sp_pool_list_add(
	struct sp_pool_list *list, struct sp_pool_info *item, struct sp_error *err)
{
	void *items = list->items;
	int rc = grow(&items, list->count, sizeof(*item), err);

	if (rc < 0)
		return rc;
	list->items = items;
	list->items[list->count++] = *item;
	*item = (struct sp_pool_info){0};
	return 0;
}
