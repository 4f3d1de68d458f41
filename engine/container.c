/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/container.h"

#include <string.h>

#include "base/enc.h"
#include "engine/wire.h"

#define LIST_BYTES (64u << 20)
/* A stop waits for the container; this is what the answer itself may take on top. */
#define STOP_SLACK_MS 30000

/* Container names and ids in paths are checked, so they need no escape. */
static int post(struct sp_engine *engine, const char *id, const char *verb,
	const struct sp_http_request *req, struct sp_error *err)
{
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	return sp_engine_call(
		engine, "POST", req, NULL, err, "/containers/%s/%s", id, verb);
}

/* --- Create ------------------------------------------------------------------------------ */

/* An older engine ignores what it does not know, and with it the protection asked for. */
static int check_version(struct sp_engine *engine, const struct sp_container_spec *spec,
	struct sp_error *err)
{
	bool needs_125 = spec->nano_cpus || spec->init || spec->auto_remove ||
		spec->mount_count;
	int rc = sp_engine_agree(engine, err);

	if (rc < 0)
		return rc;
	if (needs_125 && !sp_engine_speaks(engine, 25))
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"CPU limit, mounts, init and removal at the end need API 1.25, "
			"which the engine on %s does not speak",
			sp_engine_host(engine));
	return 0;
}

int sp_engine_container_create(struct sp_engine *engine,
	const struct sp_container_spec *spec, char id[static SP_ENGINE_ID_MAX],
	struct sp_strv *warnings, struct sp_error *err)
{
	sp_autobuf struct sp_buf body = SP_BUF_INIT(SP_HTTP_MAX_BODY);
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	struct sp_http_request req = {.once = true};
	int rc = spec->name ? sp_engine_check_name(spec->name, err) : 0;

	rc = rc < 0 ? rc : check_version(engine, spec, err);
	rc = rc < 0 ? rc : sp_wire_put_container(&body, spec, err);
	if (rc < 0)
		return rc;
	req.body = body.data;
	req.body_len = body.len;
	rc = sp_engine_call(engine, "POST", &req, &reply, err, "/containers/create%s%s",
		spec->name ? "?name=" : "", spec->name ? spec->name : "");
	if (rc < 0)
		return rc;
	return sp_wire_created(
		sp_buf_str(&reply.body), reply.body.len, id, warnings, err);
}

/* --- Its life ---------------------------------------------------------------------------- */

int sp_engine_container_start(
	struct sp_engine *engine, const char *id, struct sp_error *err)
{
	return post(engine, id, "start", NULL, err);
}

int sp_engine_container_attach(struct sp_engine *engine, const char *id,
	unsigned int what, struct sp_duplex **out, struct sp_error *err)
{
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	return sp_engine_hijack(engine, NULL, out, err,
		"/containers/%s/attach?stream=1&stdin=%d&stdout=%d&stderr=%d&logs=%d",
		id, !!(what & SP_ATTACH_STDIN), !!(what & SP_ATTACH_STDOUT),
		!!(what & SP_ATTACH_STDERR), !!(what & SP_ATTACH_LOGS));
}

int sp_engine_container_wait(struct sp_engine *engine, const char *id,
	int64_t timeout_ms, int cancel_fd, int *exit_code, struct sp_error *err)
{
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	struct sp_http_request req = {
		.timeout_ms = timeout_ms > 0 ? timeout_ms : SP_HTTP_NO_LIMIT,
		.has_cancel = cancel_fd >= 0,
		.cancel_fd = cancel_fd,
	};
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	rc = sp_engine_call(
		engine, "POST", &req, &reply, err, "/containers/%s/wait", id);
	if (rc < 0)
		return rc;
	return sp_wire_exit_code(
		sp_buf_str(&reply.body), reply.body.len, exit_code, err);
}

int sp_engine_container_wait_removed(struct sp_engine *engine, const char *id,
	int64_t timeout_ms, struct sp_error *err)
{
	struct sp_http_request req = {
		.timeout_ms = timeout_ms > 0 ? timeout_ms : SP_HTTP_NO_LIMIT};
	int rc = sp_engine_check_name(id, err);

	rc = rc < 0 ? rc : sp_engine_agree(engine, err);
	if (rc == 0 && !sp_engine_speaks(engine, 30))
		rc = sp_fail(err, SP_ERR_UNSUPPORTED,
			"waiting for a removal needs API 1.30, which the engine on %s "
			"does "
			"not speak",
			sp_engine_host(engine));
	if (rc < 0)
		return rc;
	rc = sp_engine_call(engine, "POST", &req, NULL, err,
		"/containers/%s/wait?condition=removed", id);
	return rc == SP_ERR_NOT_FOUND ? 0 : rc;
}

int sp_engine_container_kill(struct sp_engine *engine, const char *id,
	const char *signal, struct sp_error *err)
{
	int rc = sp_engine_check_name(id, err);

	rc = rc < 0 ? rc : sp_engine_check_name(signal, err);
	if (rc < 0)
		return rc;
	return sp_engine_call(engine, "POST", NULL, NULL, err,
		"/containers/%s/kill?signal=%s", id, signal);
}

int sp_engine_container_stop(
	struct sp_engine *engine, const char *id, int seconds, struct sp_error *err)
{
	struct sp_http_request req = {
		.timeout_ms = (int64_t)seconds * 1000 + STOP_SLACK_MS};
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	return sp_engine_call(engine, "POST", &req, NULL, err,
		"/containers/%s/stop?t=%d", id, seconds);
}

int sp_engine_container_pause(
	struct sp_engine *engine, const char *id, struct sp_error *err)
{
	return post(engine, id, "pause", NULL, err);
}

int sp_engine_container_resume(
	struct sp_engine *engine, const char *id, struct sp_error *err)
{
	return post(engine, id, "unpause", NULL, err);
}

int sp_engine_container_remove(
	struct sp_engine *engine, const char *id, struct sp_error *err)
{
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	return sp_engine_call(
		engine, "DELETE", NULL, NULL, err, "/containers/%s?force=1&v=1", id);
}

/* --- Looking at it ------------------------------------------------------------------------ */

void sp_container_info_clear(struct sp_container_info *info)
{
	if (!info)
		return;
	for (size_t i = 0; i < info->label_count; i++) {
		free(info->labels[i].key);
		free(info->labels[i].value);
	}
	free(info->labels);
	free(info->name);
	free(info->image);
	free(info->error);
	memset(info, 0, sizeof(*info));
}

void sp_container_list_clear(struct sp_container_list *list)
{
	if (!list)
		return;
	for (size_t i = 0; i < list->count; i++)
		sp_container_info_clear(&list->items[i]);
	free(list->items);
	memset(list, 0, sizeof(*list));
}

const char *sp_container_label(const struct sp_container_info *info, const char *key)
{
	for (size_t i = 0; i < info->label_count; i++)
		if (!strcmp(info->labels[i].key, key))
			return info->labels[i].value;
	return NULL;
}

int sp_engine_container_inspect(struct sp_engine *engine, const char *id,
	struct sp_container_info *out, struct sp_buf *json, struct sp_error *err)
{
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	rc = sp_engine_call(
		engine, "GET", NULL, &reply, err, "/containers/%s/json", id);
	if (rc < 0)
		return rc;
	if (json)
		sp_buf_add(json, sp_buf_str(&reply.body), reply.body.len);
	if (!out)
		return 0;
	return sp_wire_container(sp_buf_str(&reply.body), reply.body.len, out, err);
}

int sp_engine_container_list(struct sp_engine *engine, const struct sp_label *labels,
	size_t label_count, struct sp_container_list *out, struct sp_error *err)
{
	sp_autobuf struct sp_buf filter = SP_BUF_INIT(16384);
	sp_autobuf struct sp_buf query = SP_BUF_INIT(65536);
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	struct sp_http_request req = {.max_body = LIST_BYTES};
	int rc = sp_wire_put_label_filter(&filter, labels, label_count, err);

	if (rc < 0)
		return rc;
	sp_enc_percent(&query, sp_buf_str(&filter));
	rc = sp_buf_ok(&query, err);
	if (rc < 0)
		return sp_wrap(err, rc, "labels to look for");
	rc = sp_engine_call(engine, "GET", &req, &reply, err,
		"/containers/json?all=1&filters=%s", sp_buf_str(&query));
	if (rc < 0)
		return rc;
	return sp_wire_container_list(
		sp_buf_str(&reply.body), reply.body.len, out, err);
}
