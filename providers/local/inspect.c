/* SPDX-License-Identifier: Apache-2.0 */
/* Everything known of a sandbox, as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "providers/local/local.h"

/* "KEY<separator>VALUE" strings as an object. */
static struct json_object *object_of(const struct sp_strv *list, bool *failed)
{
	struct json_object *o = json_object_new_object();

	for (size_t i = 0; o && i < list->count; i++) {
		char *equals = strchr(list->items[i], '=');

		if (!equals)
			continue;
		*equals = '\0';
		sp_json_put_str(o, list->items[i], equals + 1, failed);
		*equals = '=';
	}
	return o;
}

/* Names only: values may be secrets. */
static struct json_object *env_names(const struct sp_strv *env, bool *failed)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; a && i < env->count; i++) {
		int len = (int)strcspn(env->items[i], "=");

		if (json_object_array_add(
			    a, json_object_new_string_len(env->items[i], len)) < 0)
			*failed = true;
	}
	return a;
}

static struct json_object *limits_of(const struct sp_limits *l, bool *failed)
{
	struct json_object *o = json_object_new_object();

	sp_json_put_int(o, "memory_bytes", (int64_t)l->memory_bytes, failed);
	sp_json_put_int(o, "disk_bytes", (int64_t)l->disk_bytes, failed);
	sp_json_put_int(o, "cpu_millis", l->cpu_millis, failed);
	sp_json_put_int(o, "pids", l->pids, failed);
	sp_json_put_int(o, "nofile", l->nofile, failed);
	if (l->file_bytes)
		sp_json_put_int(o, "file_bytes", (int64_t)l->file_bytes, failed);
	if (l->cpu_time_ms)
		sp_json_put_int(o, "cpu_time_ms", l->cpu_time_ms, failed);
	return o;
}

static struct json_object *ids_of(const struct sp_record *r, bool *failed)
{
	struct json_object *o = json_object_new_object();

	sp_json_put_int(o, "outer_uid", r->outer_uid, failed);
	sp_json_put_int(o, "outer_gid", r->outer_gid, failed);
	sp_json_put_int(o, "count", r->id_count, failed);
	return o;
}

static struct json_object *cgroups_of(const struct sp_record *r, bool *failed)
{
	struct json_object *a = json_object_new_array();

	for (size_t i = 0; a && i < r->cgroups.count; i++)
		if (json_object_array_add(
			    a, json_object_new_string(r->cgroups.items[i].path)) < 0)
			*failed = true;
	return a;
}

static void put_record(struct json_object *doc, const struct sp_record *r, bool *failed)
{
	static const char *const networks[] = {"none", "none", "nat", "host", "allow"};

	sp_json_put_str(doc, "image", r->image, failed);
	sp_json_put_int(doc, "created_ms", r->created_ms, failed);
	if (r->expires_ms)
		sp_json_put_int(doc, "expires_ms", r->expires_ms, failed);
	sp_json_put_bool(doc, "kept", r->is_kept, failed);
	if (r->pool)
		sp_json_put_str(doc, "pool", r->pool, failed);
	sp_json_put_str(doc, "workdir", r->workdir, failed);
	sp_json_put_str(doc, "user", r->user, failed);
	sp_json_put_str(doc, "seccomp", r->seccomp, failed);
	sp_json_put_str(doc, "network",
		networks[r->network <= SP_NETWORK_ALLOW ? r->network : 0], failed);
	sp_json_put(doc, "labels", object_of(&r->labels, failed), failed);
	sp_json_put(doc, "env_names", env_names(&r->env, failed), failed);
	sp_json_put(doc, "limits", limits_of(&r->limits, failed), failed);
	sp_json_put(doc, "ids", ids_of(r, failed), failed);
	sp_json_put(doc, "cgroups", cgroups_of(r, failed), failed);
	sp_json_put(doc, "layers", object_of(&r->layers, failed), failed);
	if (r->cgroups.holds[SP_CGROUP_MEMORY])
		sp_json_put_int(doc, "memory_used_bytes",
			(int64_t)sp_cgroup_memory_now(&r->cgroups), failed);
}

int local_inspect(struct sp_provider *p, const char *id, struct sp_buf *json,
	struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(local_of(p)->sandboxes, err);
	sp_autorecord struct sp_record record = {0};
	sp_autojson struct json_object *doc = NULL;
	struct sp_supervisor s = {0};
	sp_autoinfo struct sp_sandbox_info info = {0};
	enum sp_liveness life;
	bool failed = false;
	int rc = base < 0 ? base : sp_state_life(base, id, &life, &s, err);

	if (rc == 0)
		rc = local_get(p, id, &info, err);
	if (rc == 0)
		rc = sp_state_read(base, id, &record, err);
	if (rc < 0)
		return rc;
	doc = json_object_new_object();
	sp_json_put_str(doc, "provider", "local", &failed);
	sp_json_put_str(doc, "id", id, &failed);
	sp_json_put_str(doc, "state", sp_sandbox_state_name(info.state), &failed);
	put_record(doc, &record, &failed);
	local_network_show(doc, base, &record, life == SP_LIFE_RUNNING, &failed);
	if (s.pid)
		sp_json_put_int(doc, "supervisor_pid", s.pid, &failed);
	if (s.init_pid)
		sp_json_put_int(doc, "init_pid", s.init_pid, &failed);
	if (failed || !doc)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	sp_json_print(json, doc);
	return sp_buf_ok(json, err);
}
