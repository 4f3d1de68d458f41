/* SPDX-License-Identifier: Apache-2.0 */
/* list, inspect and destroy. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/command.h"
#include "providers/provider.h"

#define LABELS_SHOWN_MAX 4096

static int find(struct cli_args *args, struct sp_client *client,
	struct sp_sandbox_list *list, struct sp_error *err)
{
	sp_autofree struct sp_label *labels = NULL;
	int n = cli_args_labels(args, &labels, err);

	return n < 0 ? n : sp_sandbox_find(client, labels, (size_t)n, list, err);
}

static void add_row(
	struct out_table *table, const struct sp_sandbox_info *info, int64_t now_ms)
{
	sp_autobuf struct sp_buf labels = SP_BUF_INIT(LABELS_SHOWN_MAX);
	char handle[SP_HANDLE_MAX];
	char age[24], left[24] = "";

	snprintf(handle, sizeof(handle), "%s:%s", info->provider, info->id);
	cli_age(age, now_ms - info->created_ms);
	if (info->expires_ms)
		cli_age(left, info->expires_ms - now_ms);
	for (size_t i = 0; i < info->label_count; i++)
		sp_buf_addf(&labels, "%s%s=%s", i ? " " : "", info->labels[i].key,
			info->labels[i].value);
	out_cell(table, handle);
	out_cell(table, sp_sandbox_state_name(info->state));
	out_cell(table, info->image ? info->image : "");
	out_cell(table, age);
	out_cell(table, left);
	out_cell(table, sp_buf_str(&labels));
}

static int print_table(const struct sp_sandbox_list *list, struct sp_error *err)
{
	static const char *const heads[] = {
		"SANDBOX", "STATE", "IMAGE", "AGE", "EXPIRES", "LABELS"};
	SP_AUTO(out_table_clear)
	struct out_table table = {.columns = SP_COUNT(heads)};
	const int64_t now_ms = sp_clock_real_ms();

	for (size_t i = 0; i < SP_COUNT(heads); i++)
		out_cell(&table, heads[i]);
	for (size_t i = 0; i < list->count; i++)
		add_row(&table, &list->items[i], now_ms);
	return out_table_print(&table, err);
}

static int print_json(const struct sp_sandbox_list *list, struct sp_error *err)
{
	sp_autojson struct json_object *array = json_object_new_array();
	int rc = 0;

	if (!array)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < list->count; i++)
		rc = out_json_add(array, cli_info_json(&list->items[i]), err);
	return rc < 0 ? rc : out_json(sp_take_ptr(array), err);
}

int cmd_list(struct cli_args *args, struct sp_error *err)
{
	sp_autolist struct sp_sandbox_list list = {0};
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int rc;

	if (args->word_count)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is too much: list takes options only",
			args->words[0]);
	rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = find(args, client, &list, err);
	if (rc < 0)
		return rc;
	return args->json ? print_json(&list, err) : print_table(&list, err);
}

/* One object a line, so that one sandbox is one object and several are a stream. */
int cmd_inspect(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int rc;

	if (args->word_count == 0)
		return sp_fail(err, SP_ERR_INVALID, "there is no SANDBOX");
	rc = cli_open_client(args, &progress, &client, err);
	for (size_t i = 0; rc == 0 && i < args->word_count; i++) {
		sp_autobuf struct sp_buf line = SP_BUF_INIT(SIZE_MAX / 2);
		sp_autofree char *json = NULL;

		rc = sp_sandbox_inspect(client, args->words[i], &json, err);
		if (rc < 0)
			break;
		sp_buf_addf(&line, "%s\n", json);
		rc = out_text(&line, err);
	}
	return rc;
}

/* The first error is kept, and what can be destroyed still is. */
static void destroy_one(
	struct sp_client *client, const char *handle, int *first, struct sp_error *err)
{
	struct sp_error why = {0};
	int rc = sp_sandbox_destroy(client, handle, &why);

	if (rc < 0 && *first == 0) {
		*first = rc;
		*err = why;
	}
}

static int destroy_found(
	struct cli_args *args, struct sp_client *client, struct sp_error *err)
{
	sp_autolist struct sp_sandbox_list list = {0};
	int rc = find(args, client, &list, err);

	for (size_t i = 0; i < list.count; i++) {
		char handle[SP_HANDLE_MAX];

		snprintf(handle, sizeof(handle), "%s:%s", list.items[i].provider,
			list.items[i].id);
		destroy_one(client, handle, &rc, err);
	}
	return rc;
}

/* A whole handle of something gone is done; a mere name that nobody has is a mistake. */
static int destroy_named(
	struct cli_args *args, struct sp_client *client, struct sp_error *err)
{
	char(*handles)[SP_HANDLE_MAX] = calloc(args->word_count, sizeof(*handles));
	int rc = 0;

	if (!handles)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < args->word_count; i++) {
		const char *name = args->words[i];

		if (!strchr(name, ':'))
			rc = sp_sandbox_resolve(client, name, handles[i], err);
		else if (strlen(name) < SP_HANDLE_MAX)
			memcpy(handles[i], name, strlen(name) + 1);
		else
			rc = sp_fail(err, SP_ERR_INVALID,
				"\"%.64s...\" is longer than any handle", name);
	}
	for (size_t i = 0; rc == 0 && i < args->word_count; i++) {
		char provider[SP_PROVIDER_NAME_MAX], id[SP_SANDBOX_ID_MAX];

		rc = sp_handle_parse(handles[i], provider, id, err);
	}
	if (rc == 0)
		for (size_t i = 0; i < args->word_count; i++)
			destroy_one(client, handles[i], &rc, err);
	free(handles);
	return rc;
}

int cmd_destroy(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	const size_t ways = (args->word_count > 0) + (args->labels.count > 0) +
		(size_t)args->all;
	int rc;

	if (ways != 1)
		return sp_fail(err, SP_ERR_INVALID,
			"give SANDBOX..., or -l K=V, or --all, and only one of them");
	rc = cli_open_client(args, &progress, &client, err);
	if (rc < 0)
		return rc;
	return args->word_count ? destroy_named(args, client, err)
				: destroy_found(args, client, err);
}
