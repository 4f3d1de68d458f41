/* SPDX-License-Identifier: Apache-2.0 */
/* The lines an engine answers with while it pulls or imports. */
#include <string.h>

#include "base/enc.h"
#include "engine/wire.h"

/* Bytes of one layer: above any that exists, and their sum still fits. */
#define MAX_LAYER_BYTES (1ll << 50)

void sp_wire_progress_init(struct sp_wire_progress *p)
{
	memset(p, 0, sizeof(*p));
	p->line.max = SP_WIRE_MAX_LINE;
}

void sp_wire_progress_clear(struct sp_wire_progress *p)
{
	if (p)
		sp_buf_clear(&p->line);
}

/* The code that fits what a registry said through the engine. */
static enum sp_code code_of(const char *message)
{
	static const struct {
		const char *words;
		enum sp_code code;
	} known[] = {
		{"not found", SP_ERR_NOT_FOUND},
		{"manifest unknown", SP_ERR_NOT_FOUND},
		{"does not exist", SP_ERR_NOT_FOUND},
		{"no matching manifest", SP_ERR_NOT_FOUND},
		{"denied", SP_ERR_DENIED},
		{"unauthorized", SP_ERR_DENIED},
		{"toomanyrequests", SP_ERR_LIMIT},
		{"no space left", SP_ERR_LIMIT},
	};

	for (size_t i = 0; i < SP_COUNT(known); i++)
		if (strcasestr(message, known[i].words))
			return known[i].code;
	return SP_ERR_UNAVAILABLE;
}

static int take_error(struct json_object *doc, struct sp_error *err)
{
	sp_autobuf struct sp_buf words = SP_BUF_INIT(2000);
	struct json_object *detail = NULL;
	const char *message = NULL;

	if (sp_json_obj(doc, "errorDetail", &detail, NULL) == 0)
		sp_json_opt_str(detail, "message", &message, NULL);
	if (!message)
		sp_json_opt_str(doc, "error", &message, NULL);
	if (!message && !detail)
		return 0;
	if (!message)
		message = "the engine gives no reason";
	sp_enc_printable(&words, message, strnlen(message, 400));
	return sp_fail(err, code_of(message), "%s", sp_buf_str(&words));
}

static struct sp_wire_layer *layer_of(struct sp_wire_progress *p, const char *id)
{
	struct sp_wire_layer *layer;

	for (size_t i = 0; i < p->layer_count; i++)
		if (!strncmp(p->layers[i].id, id, sizeof(p->layers[i].id) - 1))
			return &p->layers[i];
	if (p->layer_count == SP_WIRE_MAX_LAYERS)
		return NULL;
	layer = &p->layers[p->layer_count++];
	snprintf(layer->id, sizeof(layer->id), "%s", id);
	return layer;
}

static uint64_t clamp(int64_t bytes)
{
	return bytes < 0
		? 0
		: (uint64_t)(bytes > MAX_LAYER_BYTES ? MAX_LAYER_BYTES : bytes);
}

/* Downloading is what takes the time; unpacking repeats the same bytes. */
static void note_layer(
	struct sp_wire_layer *layer, const char *status, struct json_object *doc)
{
	struct json_object *detail = NULL;
	int64_t current = 0, total = 0;

	if (!strcmp(status, "Downloading") &&
		sp_json_obj(doc, "progressDetail", &detail, NULL) == 0) {
		sp_json_opt_int(detail, "current", &current, NULL);
		sp_json_opt_int(detail, "total", &total, NULL);
		layer->done = clamp(current);
		layer->total = clamp(total);
	} else if (!strcmp(status, "Download complete") ||
		!strcmp(status, "Pull complete")) {
		layer->done = layer->total;
	}
}

static void report(const struct sp_wire_progress *p)
{
	uint64_t done = 0, total = 0;

	if (!p->on_progress)
		return;
	for (size_t i = 0; i < p->layer_count; i++) {
		done += p->layers[i].done;
		total += p->layers[i].total;
	}
	p->on_progress(p->progress_ctx, p->what, done, total);
}

static int take_line(
	struct sp_wire_progress *p, const char *text, size_t len, struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	const char *status = NULL, *id = NULL;
	struct sp_wire_layer *layer;
	int rc;

	while (len && strchr(" \t\r\n", text[len - 1]))
		len--;
	if (!len)
		return 0;
	rc = sp_json_parse(text, len, &doc, err);
	if (rc < 0)
		return sp_wrap(err, rc, "the engine's progress");
	if (!json_object_is_type(doc, json_type_object))
		return sp_fail(
			err, SP_ERR_PROTOCOL, "the engine's progress is no object");
	rc = take_error(doc, err);
	if (rc < 0)
		return rc;
	sp_json_opt_str(doc, "status", &status, NULL);
	sp_json_opt_str(doc, "id", &id, NULL);
	if (!status)
		return 0;
	snprintf(p->last_status, sizeof(p->last_status), "%s", status);
	layer = id ? layer_of(p, id) : NULL;
	if (layer)
		note_layer(layer, status, doc);
	report(p);
	return 0;
}

int sp_wire_progress_feed(
	struct sp_wire_progress *p, const char *data, size_t len, struct sp_error *err)
{
	while (len > 0) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) + 1 : len;
		int rc;

		if (n > p->line.max - p->line.len)
			return sp_fail(err, SP_ERR_LIMIT,
				"a line of the engine's progress is over %zu bytes",
				p->line.max);
		sp_buf_add(&p->line, data, n);
		rc = sp_buf_ok(&p->line, err);
		if (rc == 0 && end) {
			rc = take_line(p, p->line.data, p->line.len, err);
			sp_buf_drop(&p->line, p->line.len);
		}
		if (rc < 0)
			return rc;
		data += n;
		len -= n;
	}
	return 0;
}

int sp_wire_progress_finish(struct sp_wire_progress *p, struct sp_error *err)
{
	return take_line(p, sp_buf_str(&p->line), p->line.len, err);
}
