/* SPDX-License-Identifier: Apache-2.0 */
/* One entry of syscalls[]: whom it names, on which arguments, when it applies. */
#include <string.h>

#include "base/enc.h"
#include "seccomp/names.h"
#include "seccomp/reader.h"

/* The entry, before it is known whether it applies. */
struct draft {
	struct sp_profile_rule rule;
	struct sp_verdict verdict;
	bool has_name, has_names;
	bool applies;
};

/* Its includes or its excludes. */
struct condition {
	bool excludes;
	bool *applies;
};

/* Of a list: how many, and how many of them are true here. */
struct tally {
	size_t count, matched;
};

struct arg_draft {
	bool has_index, has_op;
	uint64_t index, value, value_two;
	enum scmp_compare op;
};

/* ----- includes and excludes ------------------------------------------------- */

static int read_cap(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct tally *tally = into;
	unsigned int cap;
	const char *word;
	int rc;

	rc = sp_read_word(r, place, value, &word);
	if (rc < 0)
		return rc;
	if (!sp_seccomp_cap(word, &cap))
		return sp_read_bad_word(r, place, "unknown capability", word);
	tally->count++;
	tally->matched += (r->host->granted_caps >> cap) & 1;
	return 0;
}

/* All of the included capabilities are needed; one of the excluded is enough. */
static int read_caps(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	const struct condition *condition = into;
	static const struct sp_list_kind kind = {
		SP_PROFILE_MAX_LIST, json_type_string, read_cap};
	struct tally tally = {0};
	int rc;

	rc = sp_read_list(r, place, value, &kind, &tally);
	if (rc < 0)
		return rc;
	if (condition->excludes ? tally.matched > 0 : tally.matched < tally.count)
		*condition->applies = false;
	return 0;
}

static int read_rule_arch(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct tally *tally = into;
	const char *word;
	uint32_t arch;
	int rc;

	rc = sp_read_word(r, place, value, &word);
	if (rc < 0)
		return rc;
	if (!sp_seccomp_rule_arch(word, &arch))
		return sp_read_bad_word(r, place, "unknown architecture", word);
	tally->count++;
	tally->matched += arch == r->host->arch;
	return 0;
}

static int read_rule_arches(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	const struct condition *condition = into;
	static const struct sp_list_kind kind = {
		SP_PROFILE_MAX_LIST, json_type_string, read_rule_arch};
	struct tally tally = {0};
	int rc;

	rc = sp_read_list(r, place, value, &kind, &tally);
	if (rc < 0)
		return rc;
	if (tally.count > 0 && (tally.matched > 0) == condition->excludes)
		*condition->applies = false;
	return 0;
}

/* "4.8": both numbers, nothing else. */
static int parse_kernel(struct sp_reader *r, const char *place, const char *word,
	unsigned int *version, unsigned int *major)
{
	char first[SP_PROFILE_MAX_NAME + 1];
	const char *dot = strchr(word, '.');
	int64_t v, m;

	if (!dot)
		return sp_read_bad_word(r, place, "not VERSION.MAJOR:", word);
	snprintf(first, sizeof(first), "%.*s", (int)(dot - word), word);
	if (sp_parse_int(first, 0, 255, &v, NULL) < 0 ||
		sp_parse_int(dot + 1, 0, 255, &m, NULL) < 0)
		return sp_read_bad_word(r, place, "not VERSION.MAJOR:", word);
	*version = (unsigned int)v;
	*major = (unsigned int)m;
	return 0;
}

static int read_min_kernel(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	const struct condition *condition = into;
	unsigned int version = 0, major = 0;
	const char *word;
	bool reached;
	int rc;

	rc = sp_read_word(r, place, value, &word);
	if (rc < 0 || !*word)
		return rc;
	rc = parse_kernel(r, place, word, &version, &major);
	if (rc < 0)
		return rc;
	reached = r->host->version > version ||
		(r->host->version == version && r->host->major >= major);
	if (reached == condition->excludes)
		*condition->applies = false;
	return 0;
}

static const struct sp_field condition_fields[] = {
	{"caps", json_type_array, read_caps},
	{"arches", json_type_array, read_rule_arches},
	{"minKernel", json_type_string, read_min_kernel},
};

static int read_includes(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct draft *draft = into;
	struct condition condition = {.applies = &draft->applies};

	return sp_read_object(r, place, value, condition_fields,
		SP_COUNT(condition_fields), &condition);
}

static int read_excludes(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct draft *draft = into;
	struct condition condition = {.excludes = true, .applies = &draft->applies};

	return sp_read_object(r, place, value, condition_fields,
		SP_COUNT(condition_fields), &condition);
}

/* ----- arguments ------------------------------------------------------------- */

static int read_index(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct arg_draft *arg = into;
	int rc;

	rc = sp_read_number(r, place, value, &arg->index);
	if (rc < 0)
		return rc;
	if (arg->index >= SP_PROFILE_MAX_ARGS)
		return sp_fail(r->err, SP_ERR_INVALID,
			"%s: a call has arguments 0 to 5", place);
	arg->has_index = true;
	return 0;
}

static int read_value(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct arg_draft *arg = into;

	return sp_read_number(r, place, value, &arg->value);
}

static int read_value_two(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct arg_draft *arg = into;

	return sp_read_number(r, place, value, &arg->value_two);
}

static int read_op(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct arg_draft *arg = into;
	const char *word;
	int rc;

	rc = sp_read_word(r, place, value, &word);
	if (rc < 0)
		return rc;
	if (!sp_seccomp_op(word, &arg->op))
		return sp_read_bad_word(r, place, "unknown operator", word);
	arg->has_op = true;
	return 0;
}

static const struct sp_field arg_fields[] = {
	{"index", json_type_int, read_index},
	{"value", json_type_int, read_value},
	{"valueTwo", json_type_int, read_value_two},
	{"op", json_type_string, read_op},
};

/*
 * Two conditions on one argument: the standard says both must hold, runc takes either.
 * Whichever the author meant, the other is a hole.
 */
static int check_arg(struct sp_reader *r, const char *place, const struct draft *draft,
	const struct arg_draft *arg)
{
	if (!arg->has_index || !arg->has_op)
		return sp_fail(r->err, SP_ERR_INVALID, "%s: needs index and op", place);
	if (arg->op == SCMP_CMP_MASKED_EQ && (arg->value_two & ~arg->value))
		return sp_fail(r->err, SP_ERR_INVALID,
			"%s: valueTwo has bits that the mask in value has not", place);
	for (size_t i = 0; i < draft->rule.arg_count; i++) {
		if (draft->rule.args[i].arg == arg->index)
			return sp_fail(r->err, SP_ERR_INVALID,
				"%s: argument %u was compared before; make it two "
				"rules",
				place, draft->rule.args[i].arg);
	}
	return 0;
}

static int read_arg(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct draft *draft = into;
	struct arg_draft arg = {0};
	int rc;

	rc = sp_read_object(r, place, value, arg_fields, SP_COUNT(arg_fields), &arg);
	if (rc < 0)
		return rc;
	rc = check_arg(r, place, draft, &arg);
	if (rc < 0)
		return rc;
	draft->rule.args[draft->rule.arg_count++] = (struct scmp_arg_cmp){
		.arg = (unsigned int)arg.index,
		.op = arg.op,
		.datum_a = arg.value,
		.datum_b = arg.value_two,
	};
	return 0;
}

static int read_args(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	static const struct sp_list_kind kind = {
		SP_PROFILE_MAX_ARGS, json_type_object, read_arg};

	return sp_read_list(r, place, value, &kind, into);
}

/* ----- rules ----------------------------------------------------------------- */

static int read_one_name(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct draft *draft = into;
	const char *word;
	int rc;

	rc = sp_read_word(r, place, value, &word);
	if (rc < 0)
		return rc;
	if (!*word)
		return sp_fail(r->err, SP_ERR_INVALID, "%s: is empty", place);
	if (++r->name_count > SP_PROFILE_MAX_NAMES)
		return sp_fail(r->err, SP_ERR_LIMIT, "%s: over %d names in the profile",
			place, SP_PROFILE_MAX_NAMES);
	sp_strv_add(&draft->rule.names, word);
	return 0;
}

static int read_name(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct draft *draft = into;

	/* Go writes a name that is not there as an empty one. */
	if (json_object_get_string_len(value) == 0)
		return 0;
	draft->has_name = true;
	return read_one_name(r, place, value, into);
}

static int read_names(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	static const struct sp_list_kind kind = {
		SP_PROFILE_MAX_NAMES, json_type_string, read_one_name};
	struct draft *draft = into;

	draft->has_names = json_object_array_length(value) > 0;
	return sp_read_list(r, place, value, &kind, into);
}

static int read_rule_action(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct draft *draft = into;

	return sp_read_action(r, place, value, &draft->verdict);
}

static int read_rule_ret(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct draft *draft = into;

	return sp_read_ret(r, place, value, &draft->verdict);
}

static int skip_text(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	(void)r;
	(void)place;
	(void)value;
	(void)into;
	return 0;
}

static const struct sp_field rule_fields[] = {
	{"names", json_type_array, read_names},
	{"name", json_type_string, read_name},
	{"action", json_type_string, read_rule_action},
	{"errnoRet", json_type_int, read_rule_ret},
	{"args", json_type_array, read_args},
	{"includes", json_type_object, read_includes},
	{"excludes", json_type_object, read_excludes},
	{"comment", json_type_string, skip_text},
};

static int check_draft(struct sp_reader *r, const char *place, struct draft *draft)
{
	if (draft->has_name && draft->has_names)
		return sp_fail(
			r->err, SP_ERR_INVALID, "%s: has both name and names", place);
	if (!draft->has_name && !draft->has_names)
		return sp_fail(r->err, SP_ERR_INVALID, "%s: names no call", place);
	if (sp_strv_ok(&draft->rule.names, r->err) < 0)
		return sp_wrap(r->err, SP_ERR_NOMEM, "%s", place);
	return sp_read_settle(r, place, &draft->verdict, &draft->rule.action);
}

static int read_rule(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	struct draft draft = {.applies = true};
	size_t *next = into;
	int rc;

	draft.rule.place = (*next)++;
	rc = sp_read_object(
		r, place, value, rule_fields, SP_COUNT(rule_fields), &draft);
	if (rc == 0)
		rc = check_draft(r, place, &draft);
	if (rc < 0 || !draft.applies) {
		sp_strv_clear(&draft.rule.names);
		return rc;
	}
	r->profile->rules[r->profile->rule_count++] = draft.rule;
	return 0;
}

int sp_read_rules(
	struct sp_reader *r, const char *place, struct json_object *value, void *into)
{
	static const struct sp_list_kind kind = {
		SP_PROFILE_MAX_RULES, json_type_object, read_rule};
	struct sp_profile_rule *rules;
	size_t next = 0;

	(void)into;
	rules = calloc(json_object_array_length(value) + 1, sizeof(*rules));
	if (!rules)
		return sp_fail(r->err, SP_ERR_NOMEM, "%s: out of memory", place);
	r->profile->rules = rules;
	return sp_read_list(r, place, value, &kind, &next);
}
