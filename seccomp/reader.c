/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/reader.h"

#include <errno.h>
#include <string.h>

#include "base/enc.h"
#include "seccomp/names.h"

#define ERRNO_MAX     4095 /* the kernel cuts larger ones down to this */
#define TRACE_RET_MAX 0xffff

static const struct sp_field *find_field(
	const struct sp_field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	}
	return NULL;
}

/* The file is somebody's: its words go into a message only in printable form. */
static int quote(struct sp_reader *r, const char *place, const char *what,
	const char *word, size_t len)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(8 * SP_PROFILE_MAX_NAME);

	sp_enc_printable(
		&text, word, len < SP_PROFILE_MAX_NAME ? len : SP_PROFILE_MAX_NAME);
	return sp_fail(r->err, SP_ERR_INVALID, "%s: %s \"%s\"", place, what,
		sp_buf_str(&text));
}

int sp_read_bad_word(
	struct sp_reader *r, const char *place, const char *what, const char *word)
{
	return quote(r, place, what, word, strlen(word));
}

static int check_type(struct sp_reader *r, const char *place, struct json_object *value,
	enum json_type type)
{
	if (json_object_is_type(value, type))
		return 0;
	return sp_fail(r->err, SP_ERR_INVALID, "%s: expected %s, not %s",
		*place ? place : "profile", json_type_to_name(type),
		json_type_to_name(json_object_get_type(value)));
}

int sp_read_object(struct sp_reader *r, const char *place, struct json_object *object,
	const struct sp_field *fields, size_t count, void *into)
{
	char inner[SP_PLACE_MAX];
	int rc;

	rc = check_type(r, place, object, json_type_object);
	if (rc < 0)
		return rc;
	json_object_object_foreach(object, name, value)
	{
		const struct sp_field *field = find_field(fields, count, name);

		if (!field)
			return sp_read_bad_word(
				r, *place ? place : "profile", "unknown field", name);
		if (!value)
			continue;
		snprintf(
			inner, sizeof(inner), "%s%s%s", place, *place ? "." : "", name);
		rc = check_type(r, inner, value, field->type);
		if (rc == 0)
			rc = field->read(r, inner, value, into);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int sp_read_list(struct sp_reader *r, const char *place, struct json_object *list,
	const struct sp_list_kind *kind, void *into)
{
	size_t count = json_object_array_length(list);
	char inner[SP_PLACE_MAX];
	int rc;

	if (count > kind->max)
		return sp_fail(r->err, SP_ERR_LIMIT,
			"%s: %zu entries, the limit is %zu", place, count, kind->max);
	for (size_t i = 0; i < count; i++) {
		struct json_object *value = json_object_array_get_idx(list, i);

		snprintf(inner, sizeof(inner), "%s[%zu]", place, i);
		rc = check_type(r, inner, value, kind->type);
		if (rc == 0)
			rc = kind->read(r, inner, value, into);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int sp_read_word(struct sp_reader *r, const char *place, struct json_object *value,
	const char **out)
{
	const char *text = json_object_get_string(value);
	size_t len = (size_t)json_object_get_string_len(value);

	if (len > SP_PROFILE_MAX_NAME)
		return sp_fail(r->err, SP_ERR_LIMIT, "%s: over %d characters", place,
			SP_PROFILE_MAX_NAME);
	if (strlen(text) != len)
		return quote(r, place, "not a name:", text, len);
	*out = text;
	return 0;
}

int sp_read_number(struct sp_reader *r, const char *place, struct json_object *value,
	uint64_t *out)
{
	if (json_object_get_int64(value) < 0)
		return sp_fail(
			r->err, SP_ERR_INVALID, "%s: must not be negative", place);
	*out = json_object_get_uint64(value);
	return 0;
}

int sp_read_action(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct sp_verdict *v = into;
	const char *word;
	int rc;

	rc = sp_read_word(r, place, value, &word);
	if (rc < 0)
		return rc;
	if (!sp_seccomp_action(word, &v->action))
		return sp_read_bad_word(r, place, "unknown action", word);
	if (v->action == SCMP_ACT_NOTIFY)
		return sp_fail(r->err, SP_ERR_UNSUPPORTED,
			"%s: SCMP_ACT_NOTIFY needs a supervisor, of which a sandbox "
			"has none",
			place);
	v->has_action = true;
	return 0;
}

int sp_read_ret(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct sp_verdict *v = into;

	v->has_ret = true;
	return sp_read_number(r, place, value, &v->ret);
}

int sp_read_settle(struct sp_reader *r, const char *place, const struct sp_verdict *v,
	uint32_t *out)
{
	bool is_errno = v->action == SCMP_ACT_ERRNO(0);
	bool is_trace = v->action == SCMP_ACT_TRACE(0);
	uint64_t max = is_errno ? ERRNO_MAX : TRACE_RET_MAX;
	const char *dot = *place ? ": " : "";

	if (!v->has_action)
		return sp_fail(r->err, SP_ERR_INVALID, "%s%sno action", place, dot);
	if (v->has_ret && !is_errno && !is_trace)
		return sp_fail(r->err, SP_ERR_INVALID,
			"%s%sonly SCMP_ACT_ERRNO and SCMP_ACT_TRACE take an errno",
			place, dot);
	if (v->has_ret && v->ret > max)
		return sp_fail(r->err, SP_ERR_INVALID, "%s%serrno over %u", place, dot,
			(unsigned int)max);
	*out = v->action;
	if (is_errno || is_trace)
		*out |= v->has_ret ? (uint32_t)v->ret : EPERM;
	return 0;
}
