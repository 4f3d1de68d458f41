/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked for: containers, commands, lists by label. */
#include "engine/wire.h"

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

static void put_log(
	struct json_object *host, const struct sp_container_spec *s, bool *failed)
{
	struct json_object *log;

	if (!s->log_driver)
		return;
	log = put_object(host, "LogConfig", failed);
	if (log)
		sp_json_put_str(log, "Type", s->log_driver, failed);
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
	put_log(host, s, failed);
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
