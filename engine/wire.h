/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON of the Docker Engine API, both ways: the only files of this group that know it.
 * Readers take the bytes of an answer, which may be anything, and fill *out only when
 * they succeed; what the API leaves open stays zero.
 */
#ifndef SP_ENGINE_WIRE_H
#define SP_ENGINE_WIRE_H

#include "base/json.h"
#include "engine/archive.h"
#include "engine/container.h"
#include "engine/exec.h"
#include "engine/image.h"

/*
 * The engine's message out of the body of an error: {"message":…}, else its first line.
 * One printable line, empty when there is nothing.
 */
void sp_wire_error(const char *text, size_t len, char *out, size_t size);

int sp_wire_version(const char *text, size_t len, struct sp_engine_version *out,
	struct sp_error *err);
int sp_wire_info(
	const char *text, size_t len, struct sp_engine_info *out, struct sp_error *err);

/* "1.41": the 41.  PROTOCOL for anything else. */
int sp_wire_api_minor(const char *text, int *minor, struct sp_error *err);

/* The "Id" of something made, and its "Warnings" (may be NULL). */
int sp_wire_created(const char *text, size_t len, char id[static SP_ENGINE_ID_MAX],
	struct sp_strv *warnings, struct sp_error *err);
int sp_wire_container(const char *text, size_t len, struct sp_container_info *out,
	struct sp_error *err);
int sp_wire_container_list(const char *text, size_t len, struct sp_container_list *out,
	struct sp_error *err);
int sp_wire_exit_code(
	const char *text, size_t len, int *exit_code, struct sp_error *err);
int sp_wire_exec(const char *text, size_t len, struct sp_engine_exec_info *out,
	struct sp_error *err);
int sp_wire_image(const char *text, size_t len, struct sp_engine_image_info *out,
	struct sp_error *err);
/* Every tag of a list of images, added to out. */
int sp_wire_image_tags(
	const char *text, size_t len, struct sp_strv *out, struct sp_error *err);

/* X-Docker-Container-Path-Stat: base64 of JSON, with Go's file mode bits. */
int sp_wire_path_stat(
	const char *text, struct sp_engine_path_stat *out, struct sp_error *err);

/* "2023-01-31T12:00:00.123456789+01:00" since 1970; 0 for none, year 1 and nonsense. */
int64_t sp_wire_time_ms(const char *text);

/* Bodies. */
int sp_wire_put_container(
	struct sp_buf *out, const struct sp_container_spec *spec, struct sp_error *err);
int sp_wire_put_exec(struct sp_buf *out, const struct sp_engine_exec_spec *spec,
	struct sp_error *err);
int sp_wire_put_label_filter(struct sp_buf *out, const struct sp_label *labels,
	size_t count, struct sp_error *err);

/* A child array of the strings of a NULL-terminated list; nothing for NULL. */
void sp_wire_put_list(struct json_object *doc, const char *key, const char *const *list,
	bool *failed);

/*
 * The stream of lines that pull and import answer with.  Fed as it comes; every line is
 * one JSON object; layers beyond the limit count as none.
 */
#define SP_WIRE_MAX_LINE   65536
#define SP_WIRE_MAX_LAYERS 256
struct sp_wire_progress {
	struct sp_buf line;
	struct sp_wire_layer {
		char id[24];
		uint64_t done, total;
	} layers[SP_WIRE_MAX_LAYERS];
	size_t layer_count;
	char last_status[160];
	sp_engine_progress_fn *on_progress; /* or NULL */
	void *progress_ctx;
	const char *what;
};
void sp_wire_progress_init(struct sp_wire_progress *p);
void sp_wire_progress_clear(struct sp_wire_progress *p);
int sp_wire_progress_feed(
	struct sp_wire_progress *p, const char *data, size_t len, struct sp_error *err);
/* The stream has ended: take what may be left without a newline. */
int sp_wire_progress_finish(struct sp_wire_progress *p, struct sp_error *err);

#endif
