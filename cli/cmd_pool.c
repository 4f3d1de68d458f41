/* SPDX-License-Identifier: Apache-2.0 */
/* pool: sandboxes prepared ahead. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/command.h"

#define SIZE_DEFAULT 4

static struct json_object *pool_json(const struct sp_pool_info *info)
{
	struct json_object *doc = json_object_new_object();
	bool failed = !doc;

	sp_json_put_str(doc, "name", info->name, &failed);
	sp_json_put_str(doc, "image", info->image, &failed);
	sp_json_put_int(doc, "size", info->size, &failed);
	sp_json_put_int(doc, "ready", info->ready, &failed);
	sp_json_put_int(doc, "taken", (int64_t)info->taken, &failed);
	sp_json_put_int(doc, "missed", (int64_t)info->missed, &failed);
	sp_json_put_int(doc, "expires_ms", info->expires_ms, &failed);
	if (failed) {
		json_object_put(doc);
		return NULL;
	}
	return doc;
}

static int print_one(const struct cli_args *args, const struct sp_pool_info *info,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(256);
	struct json_object *doc;

	if (!args->json) {
		sp_buf_addf(&line, "%s\n", info->name);
		return out_text(&line, err);
	}
	doc = pool_json(info);
	return doc ? out_json(doc, err) : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int fill(struct cli_args *args, struct sp_client *client, struct sp_error *err)
{
	SP_AUTO(cli_spec_clear) struct cli_spec spec = {.labels = NULL};
	SP_AUTO(sp_pool_info_clear) struct sp_pool_info info = {.image = NULL};
	const struct sp_pool_opts opts = {
		.size = args->pool_size ? args->pool_size : SIZE_DEFAULT,
		.max_idle_ms = args->max_idle_ms,
		.ttl_ms = args->ttl_ms > 0 ? args->ttl_ms : 0,
	};
	int rc = cli_args_spec(args, &spec, err);

	/* Zero stands for "not said" further in. */
	if (rc == 0 && args->ttl_ms == 0)
		rc = sp_fail(err, SP_ERR_INVALID, "--ttl: a pool has an end");
	spec.spec.ttl_ms = 0;
	if (rc == 0)
		rc = sp_pool_fill(client, &spec.spec, &opts, &info, err);
	return rc < 0 ? rc : print_one(args, &info, err);
}

static void add_row(
	struct out_table *table, const struct sp_pool_info *info, int64_t now_ms)
{
	char size[32], counts[64], left[24] = "over";

	snprintf(size, sizeof(size), "%u/%u", info->ready, info->size);
	snprintf(counts, sizeof(counts), "%llu/%llu", (unsigned long long)info->taken,
		(unsigned long long)info->missed);
	if (info->expires_ms > now_ms)
		cli_age(left, info->expires_ms - now_ms);
	out_cell(table, info->name);
	out_cell(table, info->image);
	out_cell(table, size);
	out_cell(table, counts);
	out_cell(table, left);
}

static int print_table(const struct sp_pool_list *list, struct sp_error *err)
{
	static const char *const heads[] = {
		"POOL", "IMAGE", "READY", "TAKEN/MISSED", "EXPIRES"};
	SP_AUTO(out_table_clear)
	struct out_table table = {.columns = SP_COUNT(heads)};
	const int64_t now_ms = sp_clock_real_ms();

	for (size_t i = 0; i < SP_COUNT(heads); i++)
		out_cell(&table, heads[i]);
	for (size_t i = 0; i < list->count; i++)
		add_row(&table, &list->items[i], now_ms);
	return out_table_print(&table, err);
}

static int print_json(const struct sp_pool_list *list, struct sp_error *err)
{
	sp_autojson struct json_object *array = json_object_new_array();
	int rc = 0;

	if (!array)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < list->count; i++)
		rc = out_json_add(array, pool_json(&list->items[i]), err);
	return rc < 0 ? rc : out_json(sp_take_ptr(array), err);
}

static int list(struct cli_args *args, struct sp_client *client, struct sp_error *err)
{
	SP_AUTO(sp_pool_list_clear) struct sp_pool_list pools = {.count = 0};
	int rc = sp_pool_list(client, &pools, err);

	if (rc < 0)
		return rc;
	return args->json ? print_json(&pools, err) : print_table(&pools, err);
}

static int drain(struct cli_args *args, struct sp_client *client, struct sp_error *err)
{
	int rc = 0;

	if (args->all == (args->word_count > 1))
		return sp_fail(err, SP_ERR_INVALID,
			"give POOL..., or --all, and only one of them");
	if (args->all)
		return sp_pool_drain(client, NULL, err);
	for (size_t i = 1; rc == 0 && i < args->word_count; i++)
		rc = sp_pool_drain(client, args->words[i], err);
	return rc;
}

int cmd_pool(struct cli_args *args, struct sp_error *err)
{
	static const struct {
		const char *word;
		int (*act)(struct cli_args *args, struct sp_client *client,
			struct sp_error *err);
		size_t words_max;
	} acts[] = {{"fill", fill, 1}, {"list", list, 1}, {"drain", drain, SIZE_MAX}};
	const char *word = args->word_count ? args->words[0] : "";
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int rc;

	for (size_t i = 0; i < SP_COUNT(acts); i++) {
		if (strcmp(acts[i].word, word) != 0)
			continue;
		if (args->word_count > acts[i].words_max)
			return sp_fail(err, SP_ERR_INVALID, "\"%.64s\" is too much",
				args->words[acts[i].words_max]);
		rc = cli_open_client(args, &progress, &client, err);
		return rc < 0 ? rc : acts[i].act(args, client, err);
	}
	return sp_fail(err, SP_ERR_INVALID, "pool is followed by fill, list or drain");
}
