/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/out.h"

#include <stdarg.h>
#include <string.h>

#include "base/enc.h"
#include "base/io.h"
#include "base/json.h"
#include "base/log.h"

#define LINE_MAX_BYTES 8192

static void say_line(const struct cli_args *args, const struct sp_buf *raw)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(4 * LINE_MAX_BYTES);

	if (args->log_json) {
		sp_log(SP_LOG_ERROR, args->command ? args->command : "sandpit", "%s",
			sp_buf_str(raw));
		return;
	}
	sp_buf_adds(&line, "sandpit: ");
	sp_enc_printable(&line, sp_buf_str(raw), raw->len);
	sp_buf_addc(&line, '\n');
	/* Where this cannot be written there is no place left to say so. */
	(void)sp_write_all(STDERR_FILENO, line.data, line.len, NULL);
}

void out_say(const struct cli_args *args, const char *fmt, ...)
{
	sp_autobuf struct sp_buf raw = SP_BUF_INIT(LINE_MAX_BYTES);
	va_list ap;

	va_start(ap, fmt);
	sp_buf_vaddf(&raw, fmt, ap);
	va_end(ap);
	say_line(args, &raw);
}

static bool is_retryable(const struct sp_error *err)
{
	return err->not_sent || err->code == SP_ERR_UNAVAILABLE ||
		err->code == SP_ERR_TIMEOUT;
}

static int print_json_error(const struct cli_args *args, const struct sp_error *err)
{
	struct json_object *doc = json_object_new_object();
	struct json_object *inner = json_object_new_object();
	sp_autobuf struct sp_buf msg = SP_BUF_INIT(LINE_MAX_BYTES);
	bool failed = !doc || !inner;

	/* Half a character at the end of a cut message would not be JSON. */
	sp_enc_printable(&msg, err->msg, strlen(err->msg));
	sp_json_put_str(inner, "code", sp_code_name(err->code), &failed);
	sp_json_put_str(inner, "message", sp_buf_str(&msg), &failed);
	if (args->provider)
		sp_json_put_str(inner, "provider", args->provider, &failed);
	else
		json_object_object_add(inner, "provider", NULL);
	sp_json_put_bool(inner, "retryable", is_retryable(err), &failed);
	sp_json_put(doc, "error", inner, &failed);
	if (failed) {
		json_object_put(doc);
		return SP_ERR_NOMEM;
	}
	return out_json(doc, NULL);
}

void out_error(const struct cli_args *args, const struct sp_error *err)
{
	if (args->json && print_json_error(args, err) == 0)
		return;
	if (args->command)
		out_say(args, "%s: %s", args->command, err->msg);
	else
		out_say(args, "%s", err->msg);
}

int out_text(const struct sp_buf *text, struct sp_error *err)
{
	int rc = sp_buf_ok(text, err);

	if (rc == 0)
		rc = sp_write_all(STDOUT_FILENO, sp_buf_str(text), text->len, err);
	return rc < 0 ? sp_wrap(err, rc, "print the result") : 0;
}

int out_json(struct json_object *value, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(SIZE_MAX / 2);
	sp_autojson struct json_object *doc = value;

	sp_json_print(&text, doc);
	sp_buf_addc(&text, '\n');
	return out_text(&text, err);
}

void out_table_clear(struct out_table *t)
{
	sp_strv_clear(&t->cells);
}

void out_cell(struct out_table *t, const char *text)
{
	sp_autobuf struct sp_buf safe = SP_BUF_INIT(LINE_MAX_BYTES * 4);

	sp_enc_printable(&safe, text, strlen(text));
	sp_strv_add(&t->cells, *sp_buf_str(&safe) ? sp_buf_str(&safe) : "-");
}

/* Characters, not bytes; all that is left of them is printable. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

int out_table_print(struct out_table *t, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(OUT_TABLE_MAX);
	size_t widths[OUT_COLUMNS_MAX] = {0};
	int rc = sp_strv_ok(&t->cells, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < t->cells.count; i++) {
		size_t width = width_of(t->cells.items[i]);

		if (width > widths[i % t->columns])
			widths[i % t->columns] = width;
	}
	for (size_t i = 0; i < t->cells.count; i++) {
		const char *cell = t->cells.items[i];
		const bool is_last = i % t->columns == t->columns - 1;

		sp_buf_adds(&text, cell);
		if (is_last)
			sp_buf_addc(&text, '\n');
		else
			sp_buf_addf(&text, "%*s",
				(int)(widths[i % t->columns] - width_of(cell) + 2), "");
	}
	return out_text(&text, err);
}

int out_json_add(
	struct json_object *array, struct json_object *one, struct sp_error *err)
{
	if (one && json_object_array_add(array, one) == 0)
		return 0;
	json_object_put(one);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}
