/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine tells of containers. */
#include <string.h>

#include "engine/wire.h"

#define MAX_LABELS     4096
#define MAX_CONTAINERS 100000

static int parse(const char *text, size_t len, enum json_type type,
	struct json_object **out, struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	int rc = sp_json_parse(text, len, &doc, err);

	if (rc < 0)
		return sp_wrap(err, rc, "the engine's answer about a container");
	if (!json_object_is_type(doc, type))
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the engine's answer about a container is no %s",
			json_type_to_name(type));
	*out = sp_take_ptr(doc);
	return 0;
}

static int dup_member(
	struct json_object *doc, const char *key, char **out, struct sp_error *err)
{
	const char *s = NULL;
	int rc = sp_json_opt_str(doc, key, &s, err);

	if (rc < 0 || !s || !*s)
		return rc;
	*out = strdup(s);
	return *out ? 0 : sp_fail(err, SP_ERR_NOMEM, "read about a container");
}

static int take_id(
	struct json_object *doc, struct sp_container_info *v, struct sp_error *err)
{
	const char *id = NULL;
	int rc = sp_json_str(doc, "Id", &id, err);

	if (rc < 0)
		return sp_wrap(err, SP_ERR_PROTOCOL, "a container");
	if (!id[0] || strlen(id) >= sizeof(v->id) || id[strspn(id, "0123456789abcdef")])
		return sp_fail(err, SP_ERR_PROTOCOL, "a container without a valid Id");
	snprintf(v->id, sizeof(v->id), "%s", id);
	return 0;
}

static int take_name(
	const char *name, struct sp_container_info *v, struct sp_error *err)
{
	if (!name)
		return 0;
	v->name = strdup(name + (name[0] == '/'));
	return v->name ? 0 : sp_fail(err, SP_ERR_NOMEM, "read about a container");
}

static int take_state(
	const char *name, struct sp_container_info *v, struct sp_error *err)
{
	static const char *const names[] = {
		[SP_CONTAINER_CREATED] = "created",
		[SP_CONTAINER_RUNNING] = "running",
		[SP_CONTAINER_PAUSED] = "paused",
		[SP_CONTAINER_RESTARTING] = "restarting",
		[SP_CONTAINER_REMOVING] = "removing",
		[SP_CONTAINER_EXITED] = "exited",
		[SP_CONTAINER_DEAD] = "dead",
	};

	for (size_t i = 0; name && i < SP_COUNT(names); i++)
		if (!strcmp(names[i], name)) {
			v->state = (enum sp_container_state)i;
			return 0;
		}
	return sp_fail(err, SP_ERR_PROTOCOL,
		"a container in the unknown state \"%.32s\"", name ? name : "");
}

static int take_label(struct sp_container_info *v, const char *key,
	struct json_object *value, struct sp_error *err)
{
	struct sp_owned_label *label = &v->labels[v->label_count];

	if (!json_object_is_type(value, json_type_string))
		return sp_fail(err, SP_ERR_PROTOCOL, "a label that is no text");
	label->key = strdup(key);
	label->value = strdup(json_object_get_string(value));
	v->label_count++; /* now both are cleared along with *v */
	return label->key && label->value
		? 0
		: sp_fail(err, SP_ERR_NOMEM, "read about a container");
}

static int take_labels(
	struct json_object *doc, struct sp_container_info *v, struct sp_error *err)
{
	struct json_object *labels = NULL;
	size_t count;

	if (sp_json_obj(doc, "Labels", &labels, NULL) < 0)
		return 0;
	count = (size_t)json_object_object_length(labels);
	if (count > MAX_LABELS)
		return sp_fail(err, SP_ERR_LIMIT, "a container with over %d labels",
			MAX_LABELS);
	v->labels = calloc(count ? count : 1, sizeof(*v->labels));
	if (!v->labels)
		return sp_fail(err, SP_ERR_NOMEM, "read about a container");
	json_object_object_foreach(labels, key, value)
	{
		int rc = take_label(v, key, value, err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static int take_run(
	struct json_object *state, struct sp_container_info *v, struct sp_error *err)
{
	const char *name = NULL, *started = NULL, *finished = NULL;
	int64_t code = 0;
	int rc = sp_json_opt_str(state, "Status", &name, err);

	rc = rc < 0 ? rc : take_state(name, v, err);
	rc = rc < 0 ? rc : sp_json_opt_int(state, "Pid", &v->pid, err);
	rc = rc < 0 ? rc : sp_json_opt_int(state, "ExitCode", &code, err);
	rc = rc < 0 ? rc : sp_json_opt_bool(state, "OOMKilled", &v->oom_killed, err);
	rc = rc < 0 ? rc : sp_json_opt_str(state, "StartedAt", &started, err);
	rc = rc < 0 ? rc : sp_json_opt_str(state, "FinishedAt", &finished, err);
	rc = rc < 0 ? rc : dup_member(state, "Error", &v->error, err);
	if (rc < 0)
		return rc;
	v->exit_code = (int)code;
	v->started_ms = sp_wire_time_ms(started);
	v->finished_ms = sp_wire_time_ms(finished);
	return 0;
}

static int take_inspected(
	struct json_object *doc, struct sp_container_info *v, struct sp_error *err)
{
	struct json_object *state = NULL, *config = NULL;
	const char *name = NULL, *created = NULL;
	int rc = take_id(doc, v, err);

	rc = rc < 0 ? rc : sp_json_opt_str(doc, "Name", &name, err);
	rc = rc < 0 ? rc : sp_json_opt_str(doc, "Created", &created, err);
	rc = rc < 0 ? rc : take_name(name, v, err);
	rc = rc < 0 ? rc : sp_json_obj(doc, "State", &state, err);
	rc = rc < 0 ? rc : take_run(state, v, err);
	rc = rc < 0 ? rc : sp_json_obj(doc, "Config", &config, err);
	rc = rc < 0 ? rc : dup_member(config, "Image", &v->image, err);
	rc = rc < 0 ? rc : sp_json_opt_bool(config, "Tty", &v->tty, err);
	rc = rc < 0 ? rc : take_labels(config, v, err);
	v->created_ms = sp_wire_time_ms(created);
	/* What is missing is the engine's fault, not the container's. */
	return rc == SP_ERR_NOT_FOUND ? sp_wrap(err, SP_ERR_PROTOCOL, "a container")
				      : rc;
}

static const char *first_name(struct json_object *doc)
{
	struct json_object *names = NULL, *first;

	if (sp_json_arr(doc, "Names", &names, NULL) < 0)
		return NULL;
	first = json_object_array_get_idx(names, 0);
	return json_object_is_type(first, json_type_string)
		? json_object_get_string(first)
		: NULL;
}

static int take_listed(
	struct json_object *doc, struct sp_container_info *v, struct sp_error *err)
{
	const char *state = NULL;
	int64_t created = 0;
	int rc = take_id(doc, v, err);

	rc = rc < 0 ? rc : take_name(first_name(doc), v, err);
	rc = rc < 0 ? rc : dup_member(doc, "Image", &v->image, err);
	rc = rc < 0 ? rc : sp_json_opt_str(doc, "State", &state, err);
	rc = rc < 0 ? rc : take_state(state, v, err);
	rc = rc < 0 ? rc : sp_json_opt_int(doc, "Created", &created, err);
	rc = rc < 0 ? rc : take_labels(doc, v, err);
	if (created > 0 && created < INT64_MAX / 1000)
		v->created_ms = created * 1000;
	return rc;
}

int sp_wire_container(const char *text, size_t len, struct sp_container_info *out,
	struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	struct sp_container_info v = {0};
	int rc = parse(text, len, json_type_object, &doc, err);

	rc = rc < 0 ? rc : take_inspected(doc, &v, err);
	if (rc < 0) {
		sp_container_info_clear(&v);
		return rc;
	}
	*out = v;
	return 0;
}

int sp_wire_container_list(const char *text, size_t len, struct sp_container_list *out,
	struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	struct sp_container_list list = {0};
	size_t count;
	int rc = parse(text, len, json_type_array, &doc, err);

	if (rc < 0)
		return rc;
	count = json_object_array_length(doc);
	if (count > MAX_CONTAINERS)
		return sp_fail(err, SP_ERR_LIMIT, "over %d containers", MAX_CONTAINERS);
	list.items = calloc(count ? count : 1, sizeof(*list.items));
	if (!list.items)
		return sp_fail(err, SP_ERR_NOMEM, "read the list of containers");
	for (; rc == 0 && list.count < count; list.count++)
		rc = take_listed(json_object_array_get_idx(doc, list.count),
			&list.items[list.count], err);
	if (rc < 0) {
		sp_container_list_clear(&list);
		return rc;
	}
	*out = list;
	return 0;
}

int sp_wire_exit_code(
	const char *text, size_t len, int *exit_code, struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	struct json_object *error = NULL;
	const char *message = NULL;
	int64_t code = 0;
	int rc = parse(text, len, json_type_object, &doc, err);

	rc = rc < 0 ? rc : sp_json_int(doc, "StatusCode", &code, err);
	if (rc < 0)
		return sp_wrap(err, SP_ERR_PROTOCOL, "how the container ended");
	if (sp_json_obj(doc, "Error", &error, NULL) == 0 &&
		sp_json_opt_str(error, "Message", &message, NULL) == 0 && message &&
		*message)
		return sp_fail(err, SP_ERR_UNAVAILABLE,
			"wait for the container: %.300s", message);
	*exit_code = (int)code;
	return 0;
}
