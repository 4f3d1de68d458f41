/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/image.h"

#include <string.h>

#include "base/enc.h"
#include "engine/wire.h"

#define MAX_REF 512
#define PULL_MS (60 * 60 * 1000)
#define IDLE_MS (10 * 60 * 1000)

/* In paths and queries as it is: no character of a reference needs an escape. */
static int check_ref(const char *ref, struct sp_error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:@";

	if (!ref || !ref[0] || strlen(ref) > MAX_REF || ref[strspn(ref, allowed)] ||
		strstr(ref, "..") || strchr("/.:@-", ref[0]))
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.100s\" is not the name of an image", ref ? ref : "");
	return 0;
}

int sp_engine_image_inspect(struct sp_engine *engine, const char *ref,
	struct sp_engine_image_info *out, struct sp_buf *json, struct sp_error *err)
{
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	int rc = check_ref(ref, err);

	if (rc < 0)
		return rc;
	rc = sp_engine_call(engine, "GET", NULL, &reply, err, "/images/%s/json", ref);
	if (rc < 0)
		return rc;
	if (json)
		sp_buf_add(json, sp_buf_str(&reply.body), reply.body.len);
	if (!out)
		return 0;
	return sp_wire_image(sp_buf_str(&reply.body), reply.body.len, out, err);
}

static int feed_progress(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	return sp_wire_progress_feed(ctx, data, len, err);
}

/* One request that is answered with progress. */
static int call_with_progress(struct sp_engine *engine, struct sp_http_request req,
	struct sp_wire_progress *progress, const char *path, struct sp_error *err)
{
	struct sp_sink sink = {.write = feed_progress, .ctx = progress};
	int rc;

	req.sink = &sink;
	rc = sp_engine_call(engine, "POST", &req, NULL, err, "%s", path);
	return rc < 0 ? rc : sp_wire_progress_finish(progress, err);
}

static void add_query(struct sp_buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	sp_buf_addf(out, "&%s=", key);
	sp_enc_percent(out, value);
}

/*
 * fromImage and tag: an engine that is given no tag pulls all there are.  A colon before
 * a slash is a port.
 */
static void add_reference(struct sp_buf *out, const char *ref)
{
	const char *at = strchr(ref, '@');
	const char *slash = strrchr(ref, '/');
	const char *colon = at ? NULL : strchr(slash ? slash : ref, ':');
	const char *cut = at ? at : colon;

	sp_buf_addf(out, "/images/create?fromImage=%.*s",
		(int)(cut ? (size_t)(cut - ref) : strlen(ref)), ref);
	add_query(out, "tag", cut ? cut + 1 : "latest");
}

static int check_auth(const char *auth, struct sp_error *err)
{
	for (; auth && *auth; auth++)
		if ((unsigned char)*auth <= ' ' || (unsigned char)*auth >= 0x7f)
			return sp_fail(err, SP_ERR_INVALID,
				"registry credentials are not in base64");
	return 0;
}

int sp_engine_image_pull(struct sp_engine *engine, const char *ref,
	const struct sp_engine_pull_opts *opts, struct sp_error *err)
{
	static const struct sp_engine_pull_opts nothing;
	const struct sp_engine_pull_opts *o = opts ? opts : &nothing;
	sp_autobuf struct sp_buf path = SP_BUF_INIT(4096);
	sp_autobuf struct sp_buf auth = SP_BUF_INIT(32768);
	SP_AUTO(sp_wire_progress_clear) struct sp_wire_progress progress;
	const char *headers[] = {NULL, NULL};
	struct sp_http_request req = {.headers = headers,
		.timeout_ms = o->timeout_ms ? o->timeout_ms : PULL_MS,
		.idle_timeout_ms = IDLE_MS,
		.has_cancel = o->has_cancel,
		.cancel_fd = o->cancel_fd};
	int rc;

	sp_wire_progress_init(&progress);
	progress.on_progress = o->on_progress;
	progress.progress_ctx = o->progress_ctx;
	progress.what = ref;
	rc = check_ref(ref, err);
	rc = rc < 0 ? rc : check_auth(o->auth_base64, err);
	if (rc < 0)
		return rc;
	add_reference(&path, ref);
	add_query(&path, "platform", o->platform);
	if (o->auth_base64) {
		sp_buf_addf(&auth, "X-Registry-Auth: %s", o->auth_base64);
		headers[0] = sp_buf_str(&auth);
	}
	rc = sp_buf_ok(&path, err);
	rc = rc < 0 ? rc : sp_buf_ok(&auth, err);
	if (rc < 0)
		return rc;
	return call_with_progress(engine, req, &progress, sp_buf_str(&path), err);
}

static int import_path(struct sp_buf *path, const char *repo, const char *tag,
	const struct sp_engine_import_opts *o, struct sp_error *err)
{
	int rc;

	sp_buf_adds(path, "/images/create?fromSrc=-");
	add_query(path, "repo", repo);
	add_query(path, "tag", tag);
	add_query(path, "message", o->message);
	add_query(path, "platform", o->platform);
	for (const char *const *c = o->changes; c && *c; c++)
		add_query(path, "changes", *c);
	rc = sp_buf_ok(path, err);
	return rc < 0 ? sp_wrap(err, rc, "what the image is to be") : 0;
}

int sp_engine_image_import(struct sp_engine *engine, const char *repo, const char *tag,
	const struct sp_source *tar, const struct sp_engine_import_opts *opts,
	char id[static SP_ENGINE_ID_MAX], struct sp_error *err)
{
	static const struct sp_engine_import_opts nothing;
	sp_autobuf struct sp_buf path = SP_BUF_INIT(16000);
	SP_AUTO(sp_wire_progress_clear) struct sp_wire_progress progress;
	struct sp_http_request req = {.source = tar,
		.content_type = "application/x-tar",
		.timeout_ms = SP_HTTP_NO_LIMIT,
		.idle_timeout_ms = IDLE_MS};
	int rc;

	sp_wire_progress_init(&progress);
	rc = check_ref(repo, err);
	rc = rc < 0 ? rc : import_path(&path, repo, tag, opts ? opts : &nothing, err);
	if (rc < 0)
		return rc;
	rc = call_with_progress(engine, req, &progress, sp_buf_str(&path), err);
	if (rc < 0)
		return rc;
	if (strncmp(progress.last_status, "sha256:", 7) != 0 ||
		strlen(progress.last_status) >= SP_ENGINE_ID_MAX)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the engine does not name what it imported");
	memcpy(id, progress.last_status, strlen(progress.last_status) + 1);
	return 0;
}

int sp_engine_image_tags(struct sp_engine *engine, const char *repo,
	struct sp_strv *out, struct sp_error *err)
{
	sp_autobuf struct sp_buf filter = SP_BUF_INIT(4096);
	sp_autobuf struct sp_buf query = SP_BUF_INIT(8192);
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	int rc = check_ref(repo, err);

	if (rc < 0)
		return rc;
	/* No character of a checked name needs an escape in JSON. */
	sp_buf_addf(&filter, "{\"reference\":[\"%s\"]}", repo);
	sp_enc_percent(&query, sp_buf_str(&filter));
	rc = sp_buf_ok(&query, err);
	if (rc < 0)
		return rc;
	rc = sp_engine_call(engine, "GET", NULL, &reply, err, "/images/json?filters=%s",
		sp_buf_str(&query));
	if (rc < 0)
		return rc;
	return sp_wire_image_tags(sp_buf_str(&reply.body), reply.body.len, out, err);
}

int sp_engine_image_in_registry(struct sp_engine *engine, const char *ref,
	int64_t timeout_ms, struct sp_error *err)
{
	struct sp_http_request req = {.timeout_ms = timeout_ms};
	int rc = check_ref(ref, err);

	rc = rc < 0 ? rc : sp_engine_agree(engine, err);
	if (rc == 0 && !sp_engine_speaks(engine, 30))
		rc = sp_fail(err, SP_ERR_UNSUPPORTED,
			"asking a registry needs API 1.30, which the engine on %s does "
			"not "
			"speak",
			sp_engine_host(engine));
	if (rc < 0)
		return rc;
	return sp_engine_call(
		engine, "GET", &req, NULL, err, "/distribution/%s/json", ref);
}

int sp_engine_image_tag(struct sp_engine *engine, const char *ref, const char *repo,
	const char *tag, struct sp_error *err)
{
	int rc = check_ref(ref, err);

	rc = rc < 0 ? rc : check_ref(repo, err);
	rc = rc < 0 ? rc : check_ref(tag, err);
	if (rc < 0)
		return rc;
	return sp_engine_call(engine, "POST", NULL, NULL, err,
		"/images/%s/tag?repo=%s&tag=%s", ref, repo, tag);
}

int sp_engine_image_remove(struct sp_engine *engine, const char *ref,
	enum sp_image_remove how, struct sp_error *err)
{
	int rc = check_ref(ref, err);

	if (rc < 0)
		return rc;
	return sp_engine_call(engine, "DELETE", NULL, NULL, err, "/images/%s?force=%d",
		ref, how == SP_IMAGE_REMOVE_FORCED);
}
