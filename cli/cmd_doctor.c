/* SPDX-License-Identifier: Apache-2.0 */
/* doctor: what this host grants, layer by layer, and how to get the rest. */
#include "base/json.h"
#include "cli/command.h"
#include "providers/local/doctor.h"

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
	sp_json_put_str(doc, "detail", row->detail, failed);
	sp_json_put_str(doc, "mend", row->mend, failed);
	return doc;
}

static int print_json(
	const struct sp_doctor_row *rows, size_t count, struct sp_error *err)
{
	sp_autojson struct json_object *array = json_object_new_array();
	bool failed = !array;

	for (size_t i = 0; !failed && i < count; i++) {
		struct json_object *one = row_json(&rows[i], &failed);

		if (!one || json_object_array_add(array, one) < 0)
			failed = true;
	}
	if (failed)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	return out_json(sp_take_ptr(array), err);
}

static int print_table(
	const struct sp_doctor_row *rows, size_t count, struct sp_error *err)
{
	SP_AUTO(out_table_clear) struct out_table table = {.columns = 4};

	out_cell(&table, "LAYER");
	out_cell(&table, "STATE");
	out_cell(&table, "FOUND");
	out_cell(&table, "TO MEND");
	for (size_t i = 0; i < count; i++) {
		out_cell(&table, rows[i].layer);
		out_cell(&table, sp_doctor_state_name(rows[i].state));
		out_cell(&table, rows[i].detail);
		out_cell(&table, rows[i].mend);
	}
	return out_table_print(&table, err);
}

int cmd_doctor(struct cli_args *args, struct sp_error *err)
{
	struct sp_doctor_row rows[SP_DOCTOR_ROWS_MAX];
	size_t count = sp_local_doctor(rows);
	int rc = args->json ? print_json(rows, count, err)
			    : print_table(rows, count, err);

	for (size_t i = 0; rc == 0 && i < count; i++)
		if (rows[i].is_vital && rows[i].state == SP_DOCTOR_OFF)
			return 1;
	return rc;
}
