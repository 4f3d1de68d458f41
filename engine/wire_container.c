/* SPDX-License-Identifier: Apache-2.0 */
/* Containers and commands: what we ask for, and what the engine tells of them. */
#include <string.h>

#include "engine/wire.h"

#define MAX_LABELS     4096
#define MAX_CONTAINERS 100000

/* --- Asking ------------------------------------------------------------------------------- */

void sp_wire_put_list(
	struct json_object *doc, const char *key, const char *const *list, bool *failed)
{
	struct json_object *array;

	if (!list)
		return;
	array = json_object_new_array();
	for (; array && *list; list++) {
		struct json_object *item = json_object_new_string(*list);

		if (!item || json_object_array_add(array, item) < 0) {
			json_object_put(item);
			*failed = true;
		}
	}
	sp_json_put(doc, key, array, failed);
}

/* A child object; NULL sets *failed. */
static struct json_object *put_object(
	struct json_object *doc, const char *key, bool *failed)
{
	struct json_object *child = json_object_new_object();

	sp_json_put(doc, key, child, failed);
	return *failed ? NULL : child;
}

/* An element that is a new object at the end of an array; NULL sets *failed. */
static struct json_object *add_object(struct json_object *array, bool *failed)
{
	struct json_object *item = json_object_new_object();

	if (item && json_object_array_add(array, item) == 0)
		return item;
	json_object_put(item);
	*failed = true;
	return NULL;
}

static struct json_object *put_array(
	struct json_object *doc, const char *key, bool *failed)
{
	struct json_object *array = json_object_new_array();

	sp_json_put(doc, key, array, failed);
	return *failed ? NULL : array;
}

/* Zero is "not asked for", and an engine takes a zero for "no limit". */
static void put_limit(
	struct json_object *doc, const char *key, uint64_t value, bool *failed)
{
	if (value)
		sp_json_put_int(doc, key,
			value > INT64_MAX ? INT64_MAX : (int64_t)value, failed);
}

static void put_flag(struct json_object *doc, const char *key, bool value, bool *failed)
{
	if (value)
		sp_json_put_bool(doc, key, true, failed);
}

static void put_labels(
	struct json_object *doc, const struct sp_container_spec *s, bool *failed)
{
	struct json_object *labels;

	if (!s->label_count)
		return;
	labels = put_object(doc, "Labels", failed);
	for (size_t i = 0; labels && i < s->label_count; i++)
		sp_json_put_str(labels, s->labels[i].key,
			s->labels[i].value ? s->labels[i].value : "", failed);
}

static void put_ulimits(
	struct json_object *host, const struct sp_container_spec *s, bool *failed)
{
	struct json_object *array;

	if (!s->ulimit_count)
		return;
	array = put_array(host, "Ulimits", failed);
	for (size_t i = 0; array && i < s->ulimit_count; i++) {
		struct json_object *item = add_object(array, failed);

		if (!item)
			return;
		sp_json_put_str(item, "Name", s->ulimits[i].name, failed);
		sp_json_put_int(item, "Soft", s->ulimits[i].soft, failed);
		sp_json_put_int(item, "Hard", s->ulimits[i].hard, failed);
	}
}

static void put_bind(struct json_object *array, const struct sp_mount *m, bool *failed)
{
	struct json_object *item = add_object(array, failed);

	if (!item)
		return;
	sp_json_put_str(item, "Type", "bind", failed);
	sp_json_put_str(item, "Source", m->source, failed);
	sp_json_put_str(item, "Target", m->target, failed);
	sp_json_put_bool(item, "ReadOnly", !m->writable, failed);
}

static void put_volume(
	struct json_object *array, const struct sp_engine_volume *v, bool *failed)
{
	struct json_object *item = add_object(array, failed);
	struct json_object *options, *labels;

	if (!item)
		return;
	sp_json_put_str(item, "Type", "volume", failed);
	sp_json_put_str(item, "Source", v->name, failed);
	sp_json_put_str(item, "Target", v->target, failed);
	sp_json_put_bool(item, "ReadOnly", v->read_only, failed);
	options = put_object(item, "VolumeOptions", failed);
	if (!options)
		return;
	sp_json_put_bool(options, "NoCopy", true, failed);
	labels = v->label ? put_object(options, "Labels", failed) : NULL;
	if (labels)
		sp_json_put_str(labels, v->label, "", failed);
}

/* "Mounts" and not "Binds": with those the engine makes a missing source, as root. */
static void put_mounts(
	struct json_object *host, const struct sp_container_spec *s, bool *failed)
{
	struct json_object *array;

	if (!s->mount_count && !s->volume_count)
		return;
	array = put_array(host, "Mounts", failed);
	for (size_t i = 0; array && i < s->mount_count; i++)
		put_bind(array, &s->mounts[i], failed);
	for (size_t i = 0; array && i < s->volume_count; i++)
		put_volume(array, &s->volumes[i], failed);
}

static void put_tmpfs(
	struct json_object *host, const struct sp_container_spec *s, bool *failed)
{
	struct json_object *map;

	if (!s->tmpfs_count)
		return;
	map = put_object(host, "Tmpfs", failed);
	for (size_t i = 0; map && i < s->tmpfs_count; i++)
		sp_json_put_str(map, s->tmpfs[i].target,
			s->tmpfs[i].options ? s->tmpfs[i].options : "", failed);
}

static void put_disk(
	struct json_object *host, const struct sp_container_spec *s, bool *failed)
{
	struct json_object *map = s->disk_size ? put_object(host, "StorageOpt", failed)
					       : NULL;

	if (map)
		sp_json_put_str(map, "size", s->disk_size, failed);
}

static void put_security(
	struct json_object *host, const struct sp_container_spec *s, bool *failed)
{
	sp_autostrv struct sp_strv options = {0};

	if (s->no_new_privileges)
		sp_strv_add(&options, "no-new-privileges");
	if (s->seccomp_json)
		sp_strv_addf(&options, "seccomp=%s", s->seccomp_json);
	sp_strv_add_all(&options, s->security_opt);
	if (sp_strv_ok(&options, NULL) < 0)
		*failed = true;
	else if (options.count)
		sp_wire_put_list(host, "SecurityOpt", sp_strv_list(&options), failed);
}

static void put_host(
	struct json_object *doc, const struct sp_container_spec *s, bool *failed)
{
	struct json_object *host = put_object(doc, "HostConfig", failed);

	if (!host)
		return;
	sp_json_put_str(host, "NetworkMode", s->network_mode, failed);
	sp_json_put_str(host, "Runtime", s->runtime, failed);
	put_limit(host, "Memory", s->memory_bytes, failed);
	put_limit(host, "MemorySwap", s->memory_swap_bytes, failed);
	put_limit(host, "NanoCpus", s->nano_cpus, failed);
	put_limit(host, "ShmSize", s->shm_bytes, failed);
	if (s->pids_limit)
		sp_json_put_int(host, "PidsLimit", s->pids_limit, failed);
	if (s->oom_score_adj)
		sp_json_put_int(host, "OomScoreAdj", s->oom_score_adj, failed);
	put_disk(host, s, failed);
	put_ulimits(host, s, failed);
	sp_wire_put_list(host, "CapDrop", s->cap_drop, failed);
	sp_wire_put_list(host, "CapAdd", s->cap_add, failed);
	put_security(host, s, failed);
	put_mounts(host, s, failed);
	put_tmpfs(host, s, failed);
	put_flag(host, "ReadonlyRootfs", s->readonly_rootfs, failed);
	put_flag(host, "Init", s->init, failed);
	put_flag(host, "AutoRemove", s->auto_remove, failed);
}

static int print(
	struct sp_buf *out, struct json_object *doc, bool failed, struct sp_error *err)
{
	if (failed || !doc)
		return sp_fail(err, SP_ERR_NOMEM, "make a request for the engine");
	sp_json_print(out, doc);
	return sp_buf_ok(out, err) < 0 ? sp_wrap(err, SP_ERR_LIMIT,
						 "a request for the "
						 "engine")
				       : 0;
}

int sp_wire_put_container(
	struct sp_buf *out, const struct sp_container_spec *s, struct sp_error *err)
{
	sp_autojson struct json_object *doc = json_object_new_object();
	bool failed = !doc;

	if (failed)
		return print(out, doc, failed, err);
	sp_json_put_str(doc, "Image", s->image, &failed);
	sp_wire_put_list(doc, "Cmd", s->cmd, &failed);
	sp_wire_put_list(doc, "Entrypoint", s->entrypoint, &failed);
	sp_wire_put_list(doc, "Env", s->env, &failed);
	put_labels(doc, s, &failed);
	sp_json_put_str(doc, "User", s->user, &failed);
	sp_json_put_str(doc, "WorkingDir", s->workdir, &failed);
	sp_json_put_str(doc, "Hostname", s->hostname, &failed);
	sp_json_put_str(doc, "StopSignal", s->stop_signal, &failed);
	put_flag(doc, "OpenStdin", s->open_stdin, &failed);
	put_flag(doc, "StdinOnce", s->stdin_once, &failed);
	put_flag(doc, "Tty", s->tty, &failed);
	put_flag(doc, "AttachStdin", s->attach_stdin, &failed);
	put_flag(doc, "AttachStdout", s->attach_stdout, &failed);
	put_flag(doc, "AttachStderr", s->attach_stderr, &failed);
	put_host(doc, s, &failed);
	return print(out, doc, failed, err);
}

int sp_wire_put_exec(
	struct sp_buf *out, const struct sp_engine_exec_spec *s, struct sp_error *err)
{
	sp_autojson struct json_object *doc = json_object_new_object();
	bool failed = !doc;

	if (failed)
		return print(out, doc, failed, err);
	sp_wire_put_list(doc, "Cmd", s->argv, &failed);
	sp_wire_put_list(doc, "Env", s->env, &failed);
	sp_json_put_str(doc, "WorkingDir", s->workdir, &failed);
	sp_json_put_str(doc, "User", s->user, &failed);
	put_flag(doc, "Tty", s->tty, &failed);
	put_flag(doc, "Privileged", s->privileged, &failed);
	put_flag(doc, "AttachStdin", s->attach_stdin, &failed);
	sp_json_put_bool(doc, "AttachStdout", !s->detached, &failed);
	sp_json_put_bool(doc, "AttachStderr", !s->detached, &failed);
	return print(out, doc, failed, err);
}

int sp_wire_put_label_filter(struct sp_buf *out, const struct sp_label *labels,
	size_t count, struct sp_error *err)
{
	sp_autojson struct json_object *doc = json_object_new_object();
	sp_autostrv struct sp_strv list = {0};
	bool failed = !doc;

	for (size_t i = 0; i < count; i++)
		if (labels[i].value)
			sp_strv_addf(&list, "%s=%s", labels[i].key, labels[i].value);
		else
			sp_strv_add(&list, labels[i].key);
	failed |= sp_strv_ok(&list, NULL) < 0;
	if (!failed && list.count)
		sp_wire_put_list(doc, "label", sp_strv_list(&list), &failed);
	return print(out, doc, failed, err);
}

/* --- Being told ------------------------------------------------------------------------------ */

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
