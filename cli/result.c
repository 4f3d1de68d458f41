/* SPDX-License-Identifier: Apache-2.0 */
/* Results as JSON objects, as docs/sandpit.1 describes them. */
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "cli/command.h"

#define TEXT_UNLIMITED (SIZE_MAX / 2)

/* Bytes that are no text go under another name, so that nobody takes them for it. */
void cli_json_bytes(struct json_object *doc, const char *name,
	const struct sp_bytes *bytes, bool *failed)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_UNLIMITED);
	const char *data = bytes->data ? bytes->data : "";
	char key[32];

	if (sp_utf8_valid(data, bytes->len) && bytes->len <= INT32_MAX) {
		sp_json_put(doc, name,
			json_object_new_string_len(data, (int)bytes->len), failed);
		return;
	}
	snprintf(key, sizeof(key), "%s_base64", name);
	sp_enc_base64(&text, data, bytes->len);
	if (sp_buf_ok(&text, NULL) < 0 || text.len > INT32_MAX)
		*failed = true;
	else
		sp_json_put(doc, key,
			json_object_new_string_len(text.data, (int)text.len), failed);
}

static void put_ms(struct json_object *doc, const char *name, int64_t us, bool *failed)
{
	char text[32];

	snprintf(text, sizeof(text), "%.3f", (double)us / 1000);
	sp_json_put(
		doc, name, json_object_new_double_s((double)us / 1000, text), failed);
}

static void put_handle(struct json_object *doc, const char *handle, bool *failed)
{
	const char *colon = strchr(handle, ':');
	int len = colon ? (int)(colon - handle) : 0;

	sp_json_put_str(doc, "sandbox", handle, failed);
	sp_json_put(doc, "provider", json_object_new_string_len(handle, len), failed);
}

static struct json_object *unless(bool failed, struct json_object *doc)
{
	if (!failed)
		return doc;
	json_object_put(doc);
	return NULL;
}

struct json_object *cli_result_json(const struct sp_exec_result *result)
{
	struct json_object *doc = json_object_new_object();
	bool failed = !doc;

	if (!doc)
		return NULL;
	put_handle(doc, result->handle, &failed);
	sp_json_put_int(doc, "exit_code", result->exit_code, &failed);
	sp_json_put_int(doc, "signal", result->signal, &failed);
	sp_json_put_bool(doc, "timed_out", result->timed_out, &failed);
	sp_json_put_bool(doc, "oom_killed", result->oom_killed, &failed);
	sp_json_put_bool(doc, "disk_full", result->disk_full, &failed);
	sp_json_put_bool(doc, "pids_exceeded", result->pids_exceeded, &failed);
	sp_json_put_bool(doc, "cpu_time_exceeded", result->cpu_time_exceeded, &failed);
	cli_json_bytes(doc, "stdout", &result->out, &failed);
	cli_json_bytes(doc, "stderr", &result->err, &failed);
	sp_json_put_bool(doc, "stdout_truncated", result->out_truncated, &failed);
	sp_json_put_bool(doc, "stderr_truncated", result->err_truncated, &failed);
	put_ms(doc, "create_ms", result->create_us, &failed);
	put_ms(doc, "run_ms", result->wall_us, &failed);
	put_ms(doc, "destroy_ms", result->destroy_us, &failed);
	return unless(failed, doc);
}

struct json_object *cli_info_json(const struct sp_sandbox_info *info)
{
	struct json_object *doc = json_object_new_object();
	struct json_object *labels = json_object_new_object();
	char handle[SP_HANDLE_MAX];
	bool failed = !doc || !labels;

	if (failed) {
		json_object_put(doc);
		json_object_put(labels);
		return NULL;
	}
	snprintf(handle, sizeof(handle), "%s:%s", info->provider, info->id);
	put_handle(doc, handle, &failed);
	sp_json_put_str(doc, "id", info->id, &failed);
	sp_json_put_str(doc, "state", sp_sandbox_state_name(info->state), &failed);
	sp_json_put_str(doc, "image", info->image, &failed);
	sp_json_put_int(doc, "created_ms", info->created_ms, &failed);
	sp_json_put_int(doc, "expires_ms", info->expires_ms, &failed);
	for (size_t i = 0; i < info->label_count; i++)
		sp_json_put_str(
			labels, info->labels[i].key, info->labels[i].value, &failed);
	sp_json_put(doc, "labels", labels, &failed);
	return unless(failed, doc);
}

void cli_age(char text[static 24], int64_t ms)
{
	static const struct {
		int64_t ms;
		char unit;
	} units[] = {{86400000, 'd'}, {3600000, 'h'}, {60000, 'm'}, {1000, 's'}};
	size_t i = 0;

	if (ms < 0)
		ms = 0;
	while (i + 1 < SP_COUNT(units) && ms < 2 * units[i].ms)
		i++;
	snprintf(text, 24, "%lld%c", (long long)(ms / units[i].ms), units[i].unit);
}
