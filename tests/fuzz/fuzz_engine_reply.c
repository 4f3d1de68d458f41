/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Everything an engine answers with.  The first byte chooses the reader; the rest is the
 * answer.  What fails must leave the output alone, what succeeds must be printable data
 * within its bounds, and the reader must not depend on a NUL after the end.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/wire.h"

static void check(bool claim)
{
	if (!claim)
		abort();
}

#define CHECK_TEXT(field) check(memchr(field, 0, sizeof(field)) != NULL)

static void read_error(const char *text, size_t len)
{
	char out[100];

	sp_wire_error(text, len, out, sizeof(out));
	CHECK_TEXT(out);
	check(!strpbrk(out, "\r\n\x1b\x7f"));
}

static void read_version(const char *text, size_t len)
{
	struct sp_engine_version v;
	int minor = -1;

	if (sp_wire_version(text, len, &v, NULL) < 0)
		return;
	CHECK_TEXT(v.version);
	CHECK_TEXT(v.api_version);
	if (sp_wire_api_minor(v.api_version, &minor, NULL) == 0)
		check(minor >= 0 && minor <= 9999);
}

static void read_info(const char *text, size_t len)
{
	struct sp_engine_info v;

	if (sp_wire_info(text, len, &v, NULL) == 0) {
		CHECK_TEXT(v.storage_driver);
		CHECK_TEXT(v.warning);
	}
}

static void read_created(const char *text, size_t len)
{
	sp_autostrv struct sp_strv warnings = {0};
	char id[SP_ENGINE_ID_MAX] = "";

	if (sp_wire_created(text, len, id, &warnings, NULL) == 0) {
		CHECK_TEXT(id);
		check(id[0] && !strpbrk(id, "/. %?\n"));
	}
}

static void check_container(const struct sp_container_info *v)
{
	CHECK_TEXT(v->id);
	check(v->id[0] && !v->id[strspn(v->id, "0123456789abcdef")]);
	check(v->state <= SP_CONTAINER_DEAD);
	for (size_t i = 0; i < v->label_count; i++)
		check(v->labels[i].key && v->labels[i].value);
}

static void read_container(const char *text, size_t len)
{
	struct sp_container_info v;

	if (sp_wire_container(text, len, &v, NULL) < 0)
		return;
	check_container(&v);
	sp_container_info_clear(&v);
}

static void read_list(const char *text, size_t len)
{
	struct sp_container_list list;

	if (sp_wire_container_list(text, len, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.count; i++)
		check_container(&list.items[i]);
	sp_container_list_clear(&list);
}

static void read_exec(const char *text, size_t len)
{
	struct sp_engine_exec_info v;

	if (sp_wire_exec(text, len, &v, NULL) == 0)
		check(v.exit_code >= 0 && v.exit_code <= 255);
}

static void read_exit_code(const char *text, size_t len)
{
	int code = 0;

	sp_wire_exit_code(text, len, &code, NULL);
}

static void read_image(const char *text, size_t len)
{
	sp_autostrv struct sp_strv tags = {0};
	struct sp_engine_image_info v;

	sp_wire_image_tags(text, len, &tags, NULL);
	if (sp_wire_image(text, len, &v, NULL) < 0)
		return;
	CHECK_TEXT(v.id);
	sp_engine_image_info_clear(&v);
}

static void read_path_stat(const char *text, size_t len)
{
	struct sp_engine_path_stat v;
	char *copy = strndup(text, len);

	if (copy && sp_wire_path_stat(copy, &v, NULL) == 0)
		sp_engine_path_stat_clear(&v);
	free(copy);
}

static void note(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	(void)ctx;
	(void)what;
	check(done <= 1ull << 60 && total <= 1ull << 60);
}

/* The same lines whole and in pieces of a size that the first of them chooses. */
static void read_progress(const char *text, size_t len)
{
	struct sp_wire_progress p;
	size_t step = len ? (unsigned char)text[0] + 1u : 1;
	char status[sizeof(p.last_status)];
	int whole, pieces = 0;

	sp_wire_progress_init(&p);
	p.on_progress = note;
	whole = sp_wire_progress_feed(&p, text, len, NULL);
	whole = whole < 0 ? whole : sp_wire_progress_finish(&p, NULL);
	memcpy(status, p.last_status, sizeof(status));
	sp_wire_progress_clear(&p);

	sp_wire_progress_init(&p);
	for (size_t at = 0; pieces == 0 && at < len; at += step)
		pieces = sp_wire_progress_feed(
			&p, text + at, len - at < step ? len - at : step, NULL);
	pieces = pieces < 0 ? pieces : sp_wire_progress_finish(&p, NULL);
	check(whole == pieces && !strcmp(status, p.last_status));
	check(p.layer_count <= SP_WIRE_MAX_LAYERS);
	sp_wire_progress_clear(&p);
}

static void read_time(const char *text, size_t len)
{
	char *copy = strndup(text, len);

	if (copy)
		sp_wire_time_ms(copy);
	free(copy);
}

static void (*const readers[])(const char *text, size_t len) = {read_error,
	read_version, read_info, read_created, read_container, read_list, read_exec,
	read_exit_code, read_image, read_path_stat, read_progress, read_time};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *exact;

	if (len < 1)
		return 0;
	exact = malloc(
		len > 1 ? len - 1 : 1); /* so that reading past the end is seen */
	if (!exact)
		return 0;
	memcpy(exact, data + 1, len - 1);
	readers[data[0] % SP_COUNT(readers)](exact, len - 1);
	free(exact);
	return 0;
}
