/* SPDX-License-Identifier: Apache-2.0 */
/* json-c with limits on the way in and one line for each thing asked of it. */
#ifndef SP_BASE_JSON_H
#define SP_BASE_JSON_H

#include <json-c/json.h>

#include "base/buf.h"

#define SP_JSON_MAX_DEPTH 64

static inline void sp_json_free_(struct json_object **doc)
{
	json_object_put(*doc);
}
#define sp_autojson SP_AUTO(sp_json_free_)

/*
 * Parse one whole document: nothing but white space may follow, the text is valid
 * UTF-8, nesting is at most SP_JSON_MAX_DEPTH.  PROTOCOL with the byte offset otherwise.
 * The caller owns *out (sp_autojson).
 */
int sp_json_parse(
	const char *text, size_t len, struct json_object **out, struct sp_error *err);

/*
 * Getters of one member.  A missing or null member leaves *out as it is and returns
 * NOT_FOUND, filling err; a member of another type is PROTOCOL.  Strings and children
 * are borrowed from doc.  A string with a NUL inside is PROTOCOL.
 */
int sp_json_str(struct json_object *doc, const char *key, const char **out,
	struct sp_error *err);
int sp_json_int(
	struct json_object *doc, const char *key, int64_t *out, struct sp_error *err);
int sp_json_bool(
	struct json_object *doc, const char *key, bool *out, struct sp_error *err);
int sp_json_obj(struct json_object *doc, const char *key, struct json_object **out,
	struct sp_error *err);
int sp_json_arr(struct json_object *doc, const char *key, struct json_object **out,
	struct sp_error *err);

/* Optional members: absent or null is 0 with *out untouched, a wrong type still an error. */
int sp_json_opt_str(struct json_object *doc, const char *key, const char **out,
	struct sp_error *err);
int sp_json_opt_int(
	struct json_object *doc, const char *key, int64_t *out, struct sp_error *err);
int sp_json_opt_bool(
	struct json_object *doc, const char *key, bool *out, struct sp_error *err);

/* Build: add a member and keep going; NULL strings are left out.  Out of memory sets *failed. */
void sp_json_put(struct json_object *doc, const char *key, struct json_object *value,
	bool *failed);
void sp_json_put_str(
	struct json_object *doc, const char *key, const char *value, bool *failed);
void sp_json_put_int(
	struct json_object *doc, const char *key, int64_t value, bool *failed);
void sp_json_put_bool(
	struct json_object *doc, const char *key, bool value, bool *failed);

/* The document as text at the end of out, without spaces. */
void sp_json_print(struct sp_buf *out, struct json_object *doc);

#endif
