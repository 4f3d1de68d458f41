/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"

#include <string.h>

#include "base/enc.h"

/* json-c takes the length as an int, and nobody sends us a document of that size. */
#define TEXT_MAX_BYTES (256u << 20)

static inline void free_tokener(struct json_tokener **tok)
{
	if (*tok)
		json_tokener_free(*tok);
}

/* What json-c would let pass: a NUL ends its text early, its UTF-8 check is loose. */
static int check_text(const char *text, size_t len, struct sp_error *err)
{
	const char *nul = len ? memchr(text, 0, len) : NULL;

	if (len > TEXT_MAX_BYTES)
		return sp_fail(err, SP_ERR_LIMIT, "JSON of %zu bytes is over %u", len,
			TEXT_MAX_BYTES);
	if (nul)
		return sp_fail(err, SP_ERR_PROTOCOL, "JSON at byte %zu: NUL",
			(size_t)(nul - text));
	if (!sp_utf8_valid(text, len))
		return sp_fail(err, SP_ERR_PROTOCOL, "JSON is not valid UTF-8");
	return 0;
}

/* A number at the end of the text is complete only once something follows it. */
static struct json_object *finish(struct json_tokener *tok, struct json_object *doc)
{
	if (json_tokener_get_error(tok) != json_tokener_continue)
		return doc;
	return json_tokener_parse_ex(tok, " ", 1);
}

int sp_json_parse(
	const char *text, size_t len, struct json_object **out, struct sp_error *err)
{
	SP_AUTO(free_tokener) struct json_tokener *tok = NULL;
	sp_autojson struct json_object *doc = NULL;
	enum json_tokener_error why;
	size_t end;
	int rc;

	rc = check_text(text, len, err);
	if (rc < 0)
		return rc;

	tok = json_tokener_new_ex(SP_JSON_MAX_DEPTH);
	if (!tok)
		return sp_fail(err, SP_ERR_NOMEM, "JSON parser: out of memory");
	json_tokener_set_flags(tok, JSON_TOKENER_STRICT);

	doc = json_tokener_parse_ex(tok, len ? text : "", (int)len);
	end = json_tokener_get_parse_end(tok);
	doc = finish(tok, doc);
	why = json_tokener_get_error(tok);
	if (why == json_tokener_continue)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"JSON at byte %zu: ends in the middle of a value", len);
	if (why != json_tokener_success)
		return sp_fail(err, SP_ERR_PROTOCOL, "JSON at byte %zu: %s", end,
			json_tokener_error_desc(why));

	*out = sp_take_ptr(doc);
	return 0;
}

static const char *type_name(enum json_type type)
{
	static const char *const names[] = {
		[json_type_null] = "null",
		[json_type_boolean] = "a boolean",
		[json_type_double] = "a fraction",
		[json_type_int] = "a whole number",
		[json_type_object] = "an object",
		[json_type_array] = "an array",
		[json_type_string] = "a string",
	};

	return (size_t)type < SP_COUNT(names) ? names[type] : "unknown";
}

/* The member of that type, borrowed. */
static int get(struct json_object *doc, const char *key, enum json_type type,
	struct json_object **out, struct sp_error *err)
{
	struct json_object *member = NULL;

	if (!json_object_is_type(doc, json_type_object))
		return sp_fail(err, SP_ERR_PROTOCOL,
			"member \"%s\" of %s: expected an object", key,
			type_name(json_object_get_type(doc)));
	if (!json_object_object_get_ex(doc, key, &member) || !member)
		return sp_fail(err, SP_ERR_NOT_FOUND, "member \"%s\" is missing", key);
	if (!json_object_is_type(member, type))
		return sp_fail(err, SP_ERR_PROTOCOL, "member \"%s\" is %s, not %s", key,
			type_name(json_object_get_type(member)), type_name(type));
	*out = member;
	return 0;
}

int sp_json_str(struct json_object *doc, const char *key, const char **out,
	struct sp_error *err)
{
	struct json_object *member;
	const char *text;
	int rc;

	rc = get(doc, key, json_type_string, &member, err);
	if (rc < 0)
		return rc;
	text = json_object_get_string(member);
	if (strlen(text) != (size_t)json_object_get_string_len(member))
		return sp_fail(
			err, SP_ERR_PROTOCOL, "member \"%s\" has a NUL inside", key);
	*out = text;
	return 0;
}

int sp_json_int(
	struct json_object *doc, const char *key, int64_t *out, struct sp_error *err)
{
	struct json_object *member;
	int64_t value;
	int rc;

	rc = get(doc, key, json_type_int, &member, err);
	if (rc < 0)
		return rc;
	value = json_object_get_int64(member);
	/* json-c answers the nearest number it has, which may not be what was written. */
	if (value == INT64_MIN ||
		(value == INT64_MAX && json_object_get_uint64(member) > INT64_MAX))
		return sp_fail(err, SP_ERR_PROTOCOL,
			"member \"%s\" does not fit in 63 bits", key);
	*out = value;
	return 0;
}

int sp_json_bool(
	struct json_object *doc, const char *key, bool *out, struct sp_error *err)
{
	struct json_object *member;
	int rc;

	rc = get(doc, key, json_type_boolean, &member, err);
	if (rc < 0)
		return rc;
	*out = json_object_get_boolean(member);
	return 0;
}

int sp_json_obj(struct json_object *doc, const char *key, struct json_object **out,
	struct sp_error *err)
{
	return get(doc, key, json_type_object, out, err);
}

int sp_json_arr(struct json_object *doc, const char *key, struct json_object **out,
	struct sp_error *err)
{
	return get(doc, key, json_type_array, out, err);
}

/* Absence is an answer here; the caller's err must not keep what nobody will read. */
static bool is_absent(struct json_object *doc, const char *key)
{
	struct json_object *member = NULL;

	return json_object_is_type(doc, json_type_object) &&
		(!json_object_object_get_ex(doc, key, &member) || !member);
}

int sp_json_opt_str(struct json_object *doc, const char *key, const char **out,
	struct sp_error *err)
{
	return is_absent(doc, key) ? 0 : sp_json_str(doc, key, out, err);
}

int sp_json_opt_int(
	struct json_object *doc, const char *key, int64_t *out, struct sp_error *err)
{
	return is_absent(doc, key) ? 0 : sp_json_int(doc, key, out, err);
}

int sp_json_opt_bool(
	struct json_object *doc, const char *key, bool *out, struct sp_error *err)
{
	return is_absent(doc, key) ? 0 : sp_json_bool(doc, key, out, err);
}

void sp_json_put(struct json_object *doc, const char *key, struct json_object *value,
	bool *failed)
{
	if (doc && value && json_object_object_add(doc, key, value) == 0)
		return;
	json_object_put(value);
	*failed = true;
}

void sp_json_put_str(
	struct json_object *doc, const char *key, const char *value, bool *failed)
{
	if (value)
		sp_json_put(doc, key, json_object_new_string(value), failed);
}

void sp_json_put_int(
	struct json_object *doc, const char *key, int64_t value, bool *failed)
{
	sp_json_put(doc, key, json_object_new_int64(value), failed);
}

void sp_json_put_bool(
	struct json_object *doc, const char *key, bool value, bool *failed)
{
	sp_json_put(doc, key, json_object_new_boolean(value), failed);
}

void sp_json_print(struct sp_buf *out, struct json_object *doc)
{
	const int flags = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
	const char *text;
	size_t len;

	if (!doc) { /* json-c writes null as no object at all */
		sp_buf_adds(out, "null");
		return;
	}
	text = json_object_to_json_string_length(doc, flags, &len);
	if (text)
		sp_buf_add(out, text, len);
	else
		out->failed = true;
}
