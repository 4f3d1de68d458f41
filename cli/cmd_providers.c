/* SPDX-License-Identifier: Apache-2.0 */
/* providers: what there is, what each can do, how it does now. */
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "cli/command.h"

#define CAPABILITY_BITS 32

/* A provider that cannot even be asked is a report, too. */
static void ask(
	struct sp_client *client, const char *name, struct sp_provider_report *report)
{
	struct sp_error err = {0};

	*report = (struct sp_provider_report){.ok = false};
	if (sp_client_report(client, name, report, &err) == 0)
		return;
	snprintf(report->name, sizeof(report->name), "%s", name);
	snprintf(report->detail, sizeof(report->detail), "%.*s",
		(int)sizeof(report->detail) - 1, err.msg);
}

static struct json_object *capabilities_json(uint32_t bits, bool *failed)
{
	struct json_object *array = json_object_new_array();

	for (unsigned int bit = 0; array && bit < CAPABILITY_BITS; bit++) {
		const char *name = sp_capability_name(bit);

		if (!(bits & 1u << bit) || !name)
			continue;
		if (json_object_array_add(array, json_object_new_string(name)) < 0)
			*failed = true;
	}
	return array;
}

static struct json_object *report_json(const struct sp_provider_report *r, bool *failed)
{
	struct json_object *doc = json_object_new_object();
	sp_autobuf struct sp_buf detail = SP_BUF_INIT(2048);

	if (!doc) {
		*failed = true;
		return NULL;
	}
	sp_enc_printable(&detail, r->detail, strlen(r->detail));
	sp_json_put_str(doc, "provider", r->name, failed);
	sp_json_put_bool(doc, "ok", r->ok, failed);
	sp_json_put_str(doc, "version", r->version, failed);
	sp_json_put_str(doc, "detail", sp_buf_str(&detail), failed);
	sp_json_put_int(doc, "latency_us", r->latency_us, failed);
	sp_json_put(doc, "capabilities", capabilities_json(r->capabilities, failed),
		failed);
	return doc;
}

static int print_json(
	const struct sp_provider_report *reports, size_t count, struct sp_error *err)
{
	sp_autojson struct json_object *array = json_object_new_array();
	bool failed = !array;

	for (size_t i = 0; !failed && i < count; i++) {
		struct json_object *one = report_json(&reports[i], &failed);

		if (!one || json_object_array_add(array, one) < 0)
			failed = true;
	}
	if (failed)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	return out_json(sp_take_ptr(array), err);
}

static int print_table(
	const struct sp_provider_report *reports, size_t count, struct sp_error *err)
{
	static const char *const heads[] = {
		"PROVIDER", "STATE", "VERSION", "ANSWERED IN", "DETAIL"};
	SP_AUTO(out_table_clear)
	struct out_table table = {.columns = SP_COUNT(heads)};

	for (size_t i = 0; i < SP_COUNT(heads); i++)
		out_cell(&table, heads[i]);
	for (size_t i = 0; i < count; i++) {
		const struct sp_provider_report *r = &reports[i];
		char took[32] = "";

		if (r->ok)
			snprintf(took, sizeof(took), "%.1f ms",
				(double)r->latency_us / 1000);
		out_cell(&table, r->name);
		out_cell(&table, r->ok ? "ok" : "unavailable");
		out_cell(&table, r->version);
		out_cell(&table, took);
		out_cell(&table, r->detail);
	}
	return out_table_print(&table, err);
}

/* One row for each thing that any of them can do. */
static int print_capabilities(
	const struct sp_provider_report *reports, size_t count, struct sp_error *err)
{
	SP_AUTO(out_table_clear) struct out_table table = {.columns = count + 1};

	out_cell(&table, "CAPABILITY");
	for (size_t i = 0; i < count; i++)
		out_cell(&table, reports[i].name);
	for (unsigned int bit = 0; bit < CAPABILITY_BITS; bit++) {
		const char *name = sp_capability_name(bit);

		if (!name)
			continue;
		out_cell(&table, name);
		for (size_t i = 0; i < count; i++)
			out_cell(&table,
				reports[i].capabilities & 1u << bit ? "yes" : "");
	}
	return out_table_print(&table, err);
}

int cmd_providers(struct cli_args *args, struct sp_error *err)
{
	struct sp_provider_report reports[OUT_COLUMNS_MAX - 1];
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	size_t count = 0;
	int rc;

	if (args->word_count)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is too much: providers takes options only",
			args->words[0]);
	rc = cli_open_client(args, &progress, &client, err);
	if (rc < 0)
		return rc;
	for (const char *const *name = sp_client_provider_names();
		*name && count < SP_COUNT(reports); name++)
		if (!args->provider || strcmp(args->provider, *name) == 0)
			ask(client, *name, &reports[count++]);
	if (args->json)
		return print_json(reports, count, err);
	return args->capabilities ? print_capabilities(reports, count, err)
				  : print_table(reports, count, err);
}
