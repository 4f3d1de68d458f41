/* SPDX-License-Identifier: Apache-2.0 */
/* snapshot, snapshots, fork and volume: copies of sandboxes, and what outlives them. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/json.h"
#include "cli/command.h"

#define SNAPSHOT_PREFIX "snap-"
#define SNAPSHOT_RANDOM 10
#define SIZE_TEXT_MAX   24

/* --- Printing ---------------------------------------------------------------------------- */

/* One line or one object with a name in it. */
static int print_name(const struct cli_args *args, const char *key, const char *name,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(SP_HANDLE_MAX + 2);
	struct json_object *doc;
	bool failed = false;

	if (!args->json) {
		sp_buf_addf(&text, "%s\n", name);
		return out_text(&text, err);
	}
	doc = json_object_new_object();
	sp_json_put_str(doc, key, name, &failed);
	if (!failed && doc)
		return out_json(doc, err);
	json_object_put(doc);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

/* "512", "3.4k", "1.0g". */
static void size_text(char text[static SIZE_TEXT_MAX], uint64_t bytes)
{
	static const char units[] = " kmgtpe";
	uint64_t tenths = bytes > UINT64_MAX / 10 ? UINT64_MAX : bytes * 10;
	size_t unit = 0;

	if (bytes == UINT64_MAX) {
		snprintf(text, SIZE_TEXT_MAX, "-");
		return;
	}
	for (; tenths >= 10240; unit++)
		tenths /= 1024;
	if (unit == 0)
		snprintf(text, SIZE_TEXT_MAX, "%llu", (unsigned long long)bytes);
	else
		snprintf(text, SIZE_TEXT_MAX, "%llu.%llu%c",
			(unsigned long long)tenths / 10,
			(unsigned long long)tenths % 10, units[unit]);
}

static struct json_object *stored_json(const struct sp_stored *item)
{
	struct json_object *o = json_object_new_object();
	bool failed = !o;

	sp_json_put_str(o, "name", item->name, &failed);
	if (item->image)
		sp_json_put_str(o, "image", item->image, &failed);
	sp_json_put_int(o, "created_ms", item->created_ms, &failed);
	if (item->bytes != UINT64_MAX)
		sp_json_put_int(o, "bytes", (int64_t)item->bytes, &failed);
	if (!failed)
		return o;
	json_object_put(o);
	return NULL;
}

static int print_json(const struct sp_stored_list *list, struct sp_error *err)
{
	sp_autojson struct json_object *array = json_object_new_array();
	int rc = 0;

	if (!array)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < list->count; i++)
		rc = out_json_add(array, stored_json(&list->items[i]), err);
	return rc < 0 ? rc : out_json(sp_take_ptr(array), err);
}

static int print_table(enum sp_stored_kind kind, const struct sp_stored_list *list,
	struct sp_error *err)
{
	const bool with_image = kind == SP_STORED_SNAPSHOT;
	SP_AUTO(out_table_clear)
	struct out_table table = {.columns = with_image ? 4 : 3};
	const int64_t now_ms = sp_clock_real_ms();

	out_cell(&table, with_image ? "SNAPSHOT" : "VOLUME");
	if (with_image)
		out_cell(&table, "IMAGE");
	out_cell(&table, "AGE");
	out_cell(&table, "SIZE");
	for (size_t i = 0; i < list->count; i++) {
		const struct sp_stored *item = &list->items[i];
		char age[24], size[SIZE_TEXT_MAX];

		cli_age(age, now_ms - item->created_ms);
		size_text(size, item->bytes);
		out_cell(&table, item->name);
		if (with_image)
			out_cell(&table, item->image ? item->image : "");
		out_cell(&table, age);
		out_cell(&table, size);
	}
	return out_table_print(&table, err);
}

/* --- Copies ------------------------------------------------------------------------------ */

int cmd_snapshot(struct cli_args *args, struct sp_error *err)
{
	char own_name[sizeof(SNAPSHOT_PREFIX) + SNAPSHOT_RANDOM] = SNAPSHOT_PREFIX;
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	const char *name = args->word_count > 1 ? args->words[1] : own_name;
	int rc;

	if (args->word_count < 1 || args->word_count > 2)
		return sp_fail(
			err, SP_ERR_INVALID, "give SANDBOX, and NAME if you like");
	rc = sp_random_name(own_name + strlen(SNAPSHOT_PREFIX), SNAPSHOT_RANDOM, err);
	if (rc == 0)
		rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = sp_sandbox_snapshot(client, args->words[0], name, err);
	progress_end(&progress);
	return rc < 0 ? rc : print_name(args, "snapshot", name, err);
}

int cmd_fork(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	char fork[SP_HANDLE_MAX];
	int rc;

	if (args->word_count != 1)
		return sp_fail(err, SP_ERR_INVALID, "give one SANDBOX");
	rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = sp_sandbox_fork(client, args->words[0], fork, err);
	progress_end(&progress);
	return rc < 0 ? rc : print_name(args, "sandbox", fork, err);
}

/* --- What outlives sandboxes --------------------------------------------------------------- */

static int list_all(struct cli_args *args, struct sp_client *client,
	enum sp_stored_kind kind, struct sp_error *err)
{
	SP_AUTO(sp_stored_list_clear) struct sp_stored_list list = {0};
	int rc = sp_stored_list(client, args->provider, kind, &list, err);

	if (rc < 0)
		return rc;
	return args->json ? print_json(&list, err) : print_table(kind, &list, err);
}

/* The first error is kept, and what can be removed still is. */
static int remove_named(struct cli_args *args, struct sp_client *client,
	enum sp_stored_kind kind, struct sp_error *err)
{
	int first = 0;

	for (size_t i = 1; i < args->word_count; i++) {
		struct sp_error why = {0};
		int rc = sp_stored_remove(
			client, args->provider, kind, args->words[i], &why);

		if (rc < 0 && first == 0) {
			first = rc;
			*err = why;
		}
	}
	return first;
}

static int need_names(const struct cli_args *args, struct sp_error *err)
{
	if (args->word_count > 1)
		return 0;
	return sp_fail(err, SP_ERR_INVALID, "give a NAME after \"%s\"", args->words[0]);
}

/* list or rm NAME...; how many words they take.  1: it was neither. */
static int run_common(struct cli_args *args, struct sp_client *client,
	enum sp_stored_kind kind, struct sp_error *err)
{
	const char *verb = args->word_count ? args->words[0] : "list";
	int rc;

	if (strcmp(verb, "list") == 0 || strcmp(verb, "ls") == 0)
		return args->word_count > 1
			? sp_fail(err, SP_ERR_INVALID, "\"%.64s\" is too much",
				  args->words[1])
			: list_all(args, client, kind, err);
	if (strcmp(verb, "rm") != 0)
		return 1;
	rc = need_names(args, err);
	return rc < 0 ? rc : remove_named(args, client, kind, err);
}

int cmd_snapshots(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int rc = cli_open_client(args, &progress, &client, err);

	if (rc == 0)
		rc = run_common(args, client, SP_STORED_SNAPSHOT, err);
	return rc <= 0
		? rc
		: sp_fail(err, SP_ERR_INVALID,
			  "\"%.64s\" is not one of list, rm NAME...", args->words[0]);
}

static int create_named(
	struct cli_args *args, struct sp_client *client, struct sp_error *err)
{
	int rc = need_names(args, err);

	for (size_t i = 1; rc == 0 && i < args->word_count; i++) {
		rc = sp_volume_create(client, args->provider, args->words[i], err);
		if (rc == 0)
			rc = print_name(args, "volume", args->words[i], err);
	}
	return rc;
}

static int print_one(
	const struct sp_stored_list *list, const char *name, struct sp_error *err)
{
	for (size_t i = 0; i < list->count; i++) {
		struct json_object *one;

		if (strcmp(list->items[i].name, name) != 0)
			continue;
		one = stored_json(&list->items[i]);
		return one ? out_json(one, err)
			   : sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	return sp_fail(err, SP_ERR_NOT_FOUND, "there is no volume %.128s", name);
}

/* One object a line, as inspect of sandboxes. */
static int inspect_named(
	struct cli_args *args, struct sp_client *client, struct sp_error *err)
{
	SP_AUTO(sp_stored_list_clear) struct sp_stored_list list = {0};
	int rc = need_names(args, err);

	if (rc == 0)
		rc = sp_stored_list(
			client, args->provider, SP_STORED_VOLUME, &list, err);
	for (size_t i = 1; rc == 0 && i < args->word_count; i++)
		rc = print_one(&list, args->words[i], err);
	return rc;
}

int cmd_volume(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int rc = cli_open_client(args, &progress, &client, err);

	if (rc == 0)
		rc = run_common(args, client, SP_STORED_VOLUME, err);
	if (rc <= 0)
		return rc;
	if (strcmp(args->words[0], "create") == 0)
		return create_named(args, client, err);
	if (strcmp(args->words[0], "inspect") == 0)
		return inspect_named(args, client, err);
	return sp_fail(err, SP_ERR_INVALID,
		"\"%.64s\" is not one of create NAME..., list, inspect NAME..., rm "
		"NAME...",
		args->words[0]);
}
