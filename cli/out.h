/* SPDX-License-Identifier: Apache-2.0 */
/* What sandpit itself says: lines on stderr, JSON values and tables on stdout. */
#ifndef SP_CLI_OUT_H
#define SP_CLI_OUT_H

#include <json-c/json.h>

#include "cli/args.h"

#define CLI_EXIT_TIMEOUT 124
#define CLI_EXIT_FAILED  125

/* "sandpit: " and one line, with nothing in it that a terminal would obey. */
void out_say(const struct cli_args *args, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* An error of the command as a line, or as the JSON object that was asked for. */
void out_error(const struct cli_args *args, const struct sp_error *err);

/* A JSON value as one line on stdout; takes it. */
int out_json(struct json_object *value, struct sp_error *err);

/* Append one to an array, which owns it from here on; NOMEM, also where it is NULL. */
int out_json_add(
	struct json_object *array, struct json_object *one, struct sp_error *err);

/* Text on stdout. */
int out_text(const struct sp_buf *text, struct sp_error *err);

#define OUT_COLUMNS_MAX 8
#define OUT_TABLE_MAX   ((size_t)16 << 20)

/* Cells, row by row; printed with every column as wide as its widest. */
struct out_table {
	size_t columns;
	struct sp_strv cells;
};
void out_table_clear(struct out_table *t);
/* Text from outside is made harmless here. */
void out_cell(struct out_table *t, const char *text);
int out_table_print(struct out_table *t, struct sp_error *err);

#endif
