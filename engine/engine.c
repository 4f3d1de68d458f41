/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "engine/wire.h"

/* The versions whose requests and answers we know. */
#define OLDEST_MINOR 24
#define NEWEST_MINOR 51

#define PING_BODY_BYTES 65536

struct sp_engine {
	struct sp_http *http;
	int minor; /* of API 1.x; 0: not agreed on yet */
	char api[16];
};

void sp_engine_opts_from_env(struct sp_engine_opts *opts)
{
	const char *host = getenv("DOCKER_HOST");
	const char *certs = getenv("DOCKER_CERT_PATH");
	const char *verify = getenv("DOCKER_TLS_VERIFY");

	/* A host given by name stands alone: the environment's keys are for its own host. */
	if (opts->host)
		return;
	opts->host = host && *host ? host : SP_ENGINE_DEFAULT_HOST;
	if (opts->cert_dir || !certs || !*certs || !strncmp(opts->host, "unix:", 5))
		return;
	opts->cert_dir = certs;
	opts->tls_no_verify = !verify || !*verify;
}

/* DIR/NAME, or NULL without a folder. */
static char *in_dir(const char *dir, const char *name)
{
	char *path = NULL;

	if (!dir || asprintf(&path, "%s/%s", dir, name) < 0)
		return NULL;
	return path;
}

static int open_http(
	struct sp_engine *engine, const struct sp_engine_opts *o, struct sp_error *err)
{
	sp_autofree char *ca = in_dir(o->cert_dir, "ca.pem");
	sp_autofree char *cert = in_dir(o->cert_dir, "cert.pem");
	sp_autofree char *key = in_dir(o->cert_dir, "key.pem");
	struct sp_http_opts http = {
		.url = o->host ? o->host : SP_ENGINE_DEFAULT_HOST,
		.use_tls = o->cert_dir || o->tls_no_verify,
		.tls_no_verify = o->tls_no_verify,
		.ca_file = ca,
		.cert_file = cert,
		.key_file = key,
		.connect_timeout_ms = o->connect_timeout_ms,
		.timeout_ms = o->timeout_ms,
	};

	if (o->cert_dir && (!ca || !cert || !key))
		return sp_fail(err, SP_ERR_NOMEM, "open the engine");
	return sp_http_open(&http, &engine->http, err);
}

int sp_engine_open(
	const struct sp_engine_opts *opts, struct sp_engine **out, struct sp_error *err)
{
	struct sp_engine *engine = calloc(1, sizeof(*engine));
	int rc;

	if (!engine)
		return sp_fail(err, SP_ERR_NOMEM, "open the engine");
	rc = open_http(engine, opts, err);
	if (rc < 0) {
		free(engine);
		return rc;
	}
	*out = engine;
	return 0;
}

void sp_engine_close(struct sp_engine *engine)
{
	if (!engine)
		return;
	sp_http_close(engine->http);
	free(engine);
}

const char *sp_engine_host(const struct sp_engine *engine)
{
	return sp_http_url(engine->http);
}

bool sp_engine_speaks(const struct sp_engine *engine, int minor)
{
	return engine->minor >= minor;
}

int sp_engine_check_name(const char *name, struct sp_error *err)
{
	if (!sp_name_ok(name))
		return sp_fail(
			err, SP_ERR_INVALID, "that is no container's name or id");
	return 0;
}

/* The engine's own words, where there are any. */
static int check_reply(const struct sp_http_reply *reply, struct sp_error *err)
{
	char words[400];
	int rc;

	if (reply->status == 304) /* already so */
		return 0;
	rc = sp_http_check(reply, err);
	if (rc == 0)
		return 0;
	sp_wire_error(sp_buf_str(&reply->body), reply->body.len, words, sizeof(words));
	if (words[0] && err)
		snprintf(err->msg, sizeof(err->msg), "%s", words);
	return rc;
}

/* --- Which version --------------------------------------------------------------------- */

static int agree(struct sp_engine *engine, const char *theirs, struct sp_error *err)
{
	int minor = 0;
	int rc = sp_wire_api_minor(theirs, &minor, err);

	if (rc < 0)
		return rc;
	if (minor < OLDEST_MINOR)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"the engine on %s speaks API 1.%d, and 1.%d is the oldest we "
			"know",
			sp_engine_host(engine), minor, OLDEST_MINOR);
	engine->minor = minor < NEWEST_MINOR ? minor : NEWEST_MINOR;
	snprintf(engine->api, sizeof(engine->api), "1.%d", engine->minor);
	return 0;
}

/* Its own words, where it says no: a TLS port names the mistake, for one. */
static int not_an_engine(const struct sp_engine *engine,
	const struct sp_http_reply *reply, struct sp_error *err)
{
	char words[200] = "";
	int rc;

	if (reply->status >= 400)
		sp_wire_error(sp_buf_str(&reply->body), reply->body.len, words,
			sizeof(words));
	rc = sp_fail(err, SP_ERR_PROTOCOL, "what answers on %s is no Docker engine%s%s",
		sp_engine_host(engine), words[0] ? ": " : "", words);
	if (err)
		err->http_status = reply->status;
	return rc;
}

/* Engines older than 1.24's last releases, and proxies that drop headers. */
static int agree_by_version(
	struct sp_engine *engine, int64_t timeout_ms, struct sp_error *err)
{
	struct sp_http_request req = {
		.timeout_ms = timeout_ms, .max_body = PING_BODY_BYTES};
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	struct sp_engine_version version;
	int rc = sp_http_call(engine->http, "GET", &req, &reply, err, "/version");

	if (rc < 0)
		return rc;
	if (sp_wire_version(sp_buf_str(&reply.body), reply.body.len, &version, NULL) <
		0)
		return not_an_engine(engine, &reply, err);
	return agree(engine, version.api_version, err);
}

int sp_engine_ping(struct sp_engine *engine, int64_t timeout_ms, const char **api,
	struct sp_error *err)
{
	struct sp_http_request req = {
		.timeout_ms = timeout_ms, .max_body = PING_BODY_BYTES};
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	char theirs[32];
	int rc = sp_http_call(engine->http, "GET", &req, &reply, err, "/_ping");

	if (rc < 0)
		return rc;
	if (sp_http_header(&reply, "Api-Version", theirs, sizeof(theirs))) {
		rc = check_reply(&reply, err);
		rc = rc < 0 ? rc : agree(engine, theirs, err);
	} else if (reply.status >= 500) {
		rc = check_reply(&reply, err);
	} else {
		rc = agree_by_version(engine, timeout_ms, err);
	}
	if (rc == 0 && api)
		*api = engine->api;
	return rc;
}

int sp_engine_agree(struct sp_engine *engine, struct sp_error *err)
{
	return engine->minor ? 0 : sp_engine_ping(engine, 0, NULL, err);
}

/* --- Calls ----------------------------------------------------------------------------- */

int sp_engine_call(struct sp_engine *engine, const char *method,
	const struct sp_http_request *req, struct sp_http_reply *reply,
	struct sp_error *err, const char *path, ...)
{
	sp_autobuf struct sp_buf where = SP_BUF_INIT(16384);
	sp_autoreply struct sp_http_reply own = SP_HTTP_REPLY_INIT;
	struct sp_http_reply *to = reply ? reply : &own;
	va_list ap;
	int rc;

	va_start(ap, path);
	sp_buf_vaddf(&where, path, ap);
	va_end(ap);
	rc = sp_buf_ok(&where, err);
	if (rc < 0)
		return sp_wrap(err, rc, "the request's path");
	rc = sp_engine_agree(engine, err);
	if (rc < 0)
		return rc;
	rc = sp_http_call(engine->http, method, req, to, err, "/v1.%d%s", engine->minor,
		sp_buf_str(&where));
	return rc < 0 ? rc : check_reply(to, err);
}

int sp_engine_hijack(struct sp_engine *engine, const struct sp_http_request *req,
	struct sp_duplex **out, struct sp_error *err, const char *path, ...)
{
	sp_autobuf struct sp_buf where = SP_BUF_INIT(16384);
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	va_list ap;
	int rc;

	va_start(ap, path);
	sp_buf_vaddf(&where, path, ap);
	va_end(ap);
	rc = sp_buf_ok(&where, err);
	if (rc < 0)
		return sp_wrap(err, rc, "the request's path");
	rc = sp_engine_agree(engine, err);
	if (rc < 0)
		return rc;
	rc = sp_http_hijack(engine->http, "POST", req, out, &reply, err, "/v1.%d%s",
		engine->minor, sp_buf_str(&where));
	if (rc < 0 || reply.status == 101 || reply.status == 200)
		return rc;
	return check_reply(&reply, err);
}

int sp_engine_version(struct sp_engine *engine, int64_t timeout_ms,
	struct sp_engine_version *out, struct sp_error *err)
{
	struct sp_http_request req = {.timeout_ms = timeout_ms};
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	int rc = sp_engine_call(engine, "GET", &req, &reply, err, "/version");

	if (rc < 0)
		return rc;
	return sp_wire_version(sp_buf_str(&reply.body), reply.body.len, out, err);
}

int sp_engine_info(struct sp_engine *engine, int64_t timeout_ms,
	struct sp_engine_info *out, struct sp_buf *json, struct sp_error *err)
{
	struct sp_http_request req = {.timeout_ms = timeout_ms};
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	int rc = sp_engine_call(engine, "GET", &req, &reply, err, "/info");

	if (rc < 0)
		return rc;
	if (json)
		sp_buf_add(json, sp_buf_str(&reply.body), reply.body.len);
	return sp_wire_info(sp_buf_str(&reply.body), reply.body.len, out, err);
}
