/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/archive.h"

#include <string.h>

#include "base/enc.h"
#include "engine/wire.h"

#define IDLE_MS        (5 * 60 * 1000)
#define PATH_STAT_NAME "X-Docker-Container-Path-Stat"

/* "/containers/ID/archive?path=…" */
static int archive_path(struct sp_buf *out, const char *container, const char *path,
	struct sp_error *err)
{
	int rc = sp_engine_check_name(container, err);

	if (rc < 0)
		return rc;
	if (!path[0])
		return sp_fail(err, SP_ERR_INVALID, "an empty path");
	sp_buf_addf(out, "/containers/%s/archive?path=", container);
	sp_enc_percent(out, path);
	rc = sp_buf_ok(out, err);
	return rc < 0 ? sp_wrap(err, rc, "a path inside the container") : 0;
}

int sp_engine_archive_get(struct sp_engine *engine, const char *container,
	const char *path, const struct sp_sink *sink, struct sp_error *err)
{
	sp_autobuf struct sp_buf where = SP_BUF_INIT(16384);
	struct sp_http_request req = {.sink = sink,
		.timeout_ms = SP_HTTP_NO_LIMIT,
		.idle_timeout_ms = IDLE_MS};
	int rc = archive_path(&where, container, path, err);

	if (rc < 0)
		return rc;
	return sp_engine_call(engine, "GET", &req, NULL, err, "%s", sp_buf_str(&where));
}

int sp_engine_archive_put(struct sp_engine *engine, const char *container,
	const char *path, unsigned int flags, const struct sp_source *tar,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf where = SP_BUF_INIT(16384);
	struct sp_http_request req = {.source = tar,
		.content_type = "application/x-tar",
		.timeout_ms = SP_HTTP_NO_LIMIT,
		.idle_timeout_ms = IDLE_MS};
	int rc = archive_path(&where, container, path, err);

	if (rc < 0)
		return rc;
	return sp_engine_call(engine, "PUT", &req, NULL, err, "%s%s%s",
		sp_buf_str(&where),
		flags & SP_ARCHIVE_KEEP_TYPES ? "&noOverwriteDirNonDir=1" : "",
		flags & SP_ARCHIVE_KEEP_OWNERS ? "&copyUIDGID=1" : "");
}

void sp_engine_path_stat_clear(struct sp_engine_path_stat *stat)
{
	if (!stat)
		return;
	free(stat->name);
	free(stat->link_target);
	memset(stat, 0, sizeof(*stat));
}

int sp_engine_archive_stat(struct sp_engine *engine, const char *container,
	const char *path, struct sp_engine_path_stat *out, struct sp_error *err)
{
	sp_autobuf struct sp_buf where = SP_BUF_INIT(16384);
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	char text[16384]; /* base64 of a name, a link and three numbers */
	int rc = archive_path(&where, container, path, err);

	if (rc < 0)
		return rc;
	rc = sp_engine_call(
		engine, "HEAD", NULL, &reply, err, "%s", sp_buf_str(&where));
	/* A reply to HEAD has no body, and so no words of the engine's. */
	if (rc == SP_ERR_NOT_FOUND)
		return sp_fail(
			err, rc, "no container %s, or no %s in it", container, path);
	if (rc < 0)
		return rc;
	if (!sp_http_header(&reply, PATH_STAT_NAME, text, sizeof(text)))
		return sp_fail(
			err, SP_ERR_PROTOCOL, "the answer says nothing of %s", path);
	return sp_wire_path_stat(text, out, err);
}
