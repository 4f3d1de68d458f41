/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as JSON: parsed, asked everything, printed, and read again. */
#include <stdint.h>
#include <stdlib.h>

#include "base/json.h"

#define PRINTED_MAX (64u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void ask(struct json_object *doc, const char *key)
{
	struct json_object *child = NULL;
	struct sp_error err = {0};
	const char *text = NULL;
	int64_t number = 0;
	bool flag = false;

	sp_json_str(doc, key, &text, &err);
	sp_json_int(doc, key, &number, &err);
	sp_json_bool(doc, key, &flag, &err);
	sp_json_obj(doc, key, &child, &err);
	sp_json_arr(doc, key, &child, &err);
	sp_json_opt_str(doc, key, &text, NULL);
	sp_json_opt_int(doc, key, &number, NULL);
	sp_json_opt_bool(doc, key, &flag, NULL);
}

static void walk(struct json_object *doc)
{
	ask(doc, "a");
	if (json_object_is_type(doc, json_type_object)) {
		json_object_object_foreach(doc, key, value)
		{
			ask(doc, key);
			walk(value);
		}
	}
	if (json_object_is_type(doc, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(doc); i++)
			walk(json_object_array_get_idx(doc, i));
	}
}

/* What we print we must be able to read. */
static void print_and_read(struct json_object *doc)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(PRINTED_MAX);
	sp_autojson struct json_object *again = NULL;

	sp_json_print(&text, doc);
	if (sp_buf_ok(&text, NULL) < 0)
		return;
	if (sp_json_parse(sp_buf_str(&text), text.len, &again, NULL) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sp_autojson struct json_object *doc = NULL;
	struct sp_error err = {0};

	if (sp_json_parse((const char *)data, size, &doc, &err) < 0) {
		if (doc || err.code == SP_OK || !err.msg[0])
			abort();
		return 0;
	}
	walk(doc);
	print_and_read(doc);
	return 0;
}
