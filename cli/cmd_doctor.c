/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: every layer between the code and this machine, and what would mend it. */
#include <string.h>

#include "base/enc.h"
#include "base/json.h"
#include "cli/command.h"
#include "providers/local/doctor.h"

static bool is_fatal(const struct sp_doctor_row *row)
{
	return row->is_vital && row->state == SP_DOCTOR_OFF;
}

static void put_safe(
	struct json_object *doc, const char *key, const char *text, bool *failed)
{
	sp_autobuf struct sp_buf safe = SP_BUF_INIT(4096);

	sp_enc_printable(&safe, text, strlen(text));
	sp_json_put_str(doc, key, sp_buf_str(&safe), failed);
}

static struct json_object *row_json(const struct sp_doctor_row *row, bool *failed)
{
	struct json_object *doc = json_object_new_object();

	if (!doc) {
		*failed = true;
		return NULL;
	}
	sp_json_put_str(doc, "layer", row->layer, failed);
	sp_json_put_str(doc, "state", sp_doctor_state_name(row->state), failed);
	sp_json_put_bool(doc, "vital", row->is_vital, failed);
	put_safe(doc, "detail", row->detail, failed);
	put_safe(doc, "mend", row->mend, failed);
	return doc;
}

static int print_json(
	const struct sp_doctor_row *rows, size_t count, struct sp_error *err)
{
	sp_autojson struct json_object *array = json_object_new_array();
	bool failed = !array;

	for (size_t i = 0; !failed && i < count; i++) {
		struct json_object *doc = row_json(&rows[i], &failed);

		if (!doc || json_object_array_add(array, doc) < 0)
			failed = true;
	}
	if (failed)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	return out_json(sp_take_ptr(array), err);
}

static int print_table(
	const struct sp_doctor_row *rows, size_t count, struct sp_error *err)
{
	static const char *const heads[] = {"LAYER", "STATE", "DETAIL", "TO MEND IT"};
	SP_AUTO(out_table_clear)
	struct out_table table = {.columns = SP_COUNT(heads)};

	for (size_t i = 0; i < SP_COUNT(heads); i++)
		out_cell(&table, heads[i]);
	for (size_t i = 0; i < count; i++) {
		out_cell(&table, rows[i].layer);
		out_cell(&table, sp_doctor_state_name(rows[i].state));
		out_cell(&table, rows[i].detail);
		out_cell(&table, rows[i].mend);
	}
	return out_table_print(&table, err);
}

/* Fails where no sandbox could start; a layer that is weaker is only told. */
int cmd_doctor(struct cli_args *args, struct sp_error *err)
{
	struct sp_doctor_row rows[SP_DOCTOR_ROWS_MAX];
	size_t count;
	int rc;

	if (args->word_count)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is too much: doctor takes options only",
			args->words[0]);
	count = sp_local_doctor(rows);
	rc = args->json ? print_json(rows, count, err) : print_table(rows, count, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		if (is_fatal(&rows[i]))
			rc = CLI_EXIT_FAILED;
	return rc;
}
