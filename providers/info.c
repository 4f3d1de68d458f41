/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of sandboxes: records that own their text, lists, names of bits. */
#include <string.h>

#include "providers/provider.h"

int sp_sandbox_info_label(struct sp_sandbox_info *info, const char *key,
	const char *value, struct sp_error *err)
{
	sp_autofree char *k = strdup(key);
	sp_autofree char *v = strdup(value);
	struct sp_owned_label *labels;

	if (!k || !v)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	labels = reallocarray(info->labels, info->label_count + 1, sizeof(*labels));
	if (!labels)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	info->labels = labels;
	labels[info->label_count++] = (struct sp_owned_label){
		.key = sp_take_ptr(k),
		.value = sp_take_ptr(v),
	};
	return 0;
}

int sp_sandbox_list_add(struct sp_sandbox_list *list, struct sp_sandbox_info *info,
	struct sp_error *err)
{
	struct sp_sandbox_info *items;

	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	list->items = items;
	items[list->count++] = *info;
	*info = (struct sp_sandbox_info){0};
	return 0;
}

void sp_sandbox_info_clear(struct sp_sandbox_info *info)
{
	if (!info)
		return;
	for (size_t i = 0; i < info->label_count; i++) {
		free(info->labels[i].key);
		free(info->labels[i].value);
	}
	free(info->labels);
	free(info->image);
	*info = (struct sp_sandbox_info){0};
}

void sp_sandbox_list_clear(struct sp_sandbox_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		sp_sandbox_info_clear(&list->items[i]);
	free(list->items);
	*list = (struct sp_sandbox_list){0};
}

static bool has_label(const struct sp_sandbox_info *info, const struct sp_label *wanted)
{
	for (size_t i = 0; i < info->label_count; i++)
		if (strcmp(info->labels[i].key, wanted->key) == 0)
			return strcmp(info->labels[i].value, wanted->value) == 0;
	return false;
}

bool sp_labels_match(const struct sp_sandbox_info *info, const struct sp_label *labels,
	size_t label_count)
{
	for (size_t i = 0; i < label_count; i++)
		if (!has_label(info, &labels[i]))
			return false;
	return true;
}

const char *sp_capability_name(unsigned int bit)
{
	static const char *const names[] = {"stdin", "separate-stderr", "user", "files",
		"labels", "list", "ttl", "mounts", "limits", "disk-limit",
		"seccomp-profile", "network-none", "network-nat", "network-host",
		"images", "root-dir", "offline", "network-allow", "ports", "tty",
		"background", "pause", "timeout", "stats", "snapshot", "fork",
		"volumes", "events", "file-ops", "pool", "cpu-time", "require"};

	return bit < SP_COUNT(names) ? names[bit] : NULL;
}

const char *sp_sandbox_state_name(enum sp_sandbox_state state)
{
	static const char *const names[] = {"starting", "running", "paused", "dead"};
	unsigned int i = state;

	return i < SP_COUNT(names) ? names[i] : "unknown";
}
