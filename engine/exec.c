/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/exec.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/wire.h"

#define EXEC_BODY_BYTES (4u << 20)

/* Pauses between two questions whether it has ended. */
#define FIRST_PAUSE_MS 1
#define LAST_PAUSE_MS  64

/* An older engine would run it without: in the wrong place, with a wrong environment. */
static int check_version(struct sp_engine *engine,
	const struct sp_engine_exec_spec *spec, struct sp_error *err)
{
	int needs = spec->workdir ? 35 : spec->env && spec->env[0] ? 25 : 0;
	int rc = sp_engine_agree(engine, err);

	if (rc < 0)
		return rc;
	if (needs && !sp_engine_speaks(engine, needs))
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"%s of a command needs API 1.%d, which the engine on %s does "
			"not "
			"speak",
			spec->workdir ? "the working directory" : "the environment",
			needs, sp_engine_host(engine));
	return 0;
}

int sp_engine_exec_create(struct sp_engine *engine, const char *container,
	const struct sp_engine_exec_spec *spec, char id[static SP_ENGINE_ID_MAX],
	struct sp_error *err)
{
	sp_autobuf struct sp_buf body = SP_BUF_INIT(EXEC_BODY_BYTES);
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	struct sp_http_request req = {0};
	int rc = sp_engine_check_name(container, err);

	rc = rc < 0 ? rc : check_version(engine, spec, err);
	rc = rc < 0 ? rc : sp_wire_put_exec(&body, spec, err);
	if (rc < 0)
		return rc;
	req.body = body.data;
	req.body_len = body.len;
	rc = sp_engine_call(
		engine, "POST", &req, &reply, err, "/containers/%s/exec", container);
	if (rc < 0)
		return rc;
	return sp_wire_created(sp_buf_str(&reply.body), reply.body.len, id, NULL, err);
}

int sp_engine_exec_start(struct sp_engine *engine, const char *id,
	const struct sp_engine_exec_spec *spec, struct sp_duplex **out,
	struct sp_error *err)
{
	const char *body = spec->tty ? "{\"Detach\":false,\"Tty\":true}"
				     : "{\"Detach\":false,\"Tty\":false}";
	struct sp_http_request req = {.body = body, .body_len = strlen(body)};
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	return sp_engine_hijack(engine, &req, out, err, "/exec/%s/start", id);
}

int sp_engine_exec_start_detached(
	struct sp_engine *engine, const char *id, struct sp_error *err)
{
	static const char body[] = "{\"Detach\":true,\"Tty\":false}";
	struct sp_http_request req = {
		.body = body, .body_len = sizeof(body) - 1, .once = true};
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	return sp_engine_call(engine, "POST", &req, NULL, err, "/exec/%s/start", id);
}

int sp_engine_exec_inspect(struct sp_engine *engine, const char *id,
	struct sp_engine_exec_info *out, struct sp_error *err)
{
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	int rc = sp_engine_check_name(id, err);

	if (rc < 0)
		return rc;
	rc = sp_engine_call(engine, "GET", NULL, &reply, err, "/exec/%s/json", id);
	if (rc < 0)
		return rc;
	return sp_wire_exec(sp_buf_str(&reply.body), reply.body.len, out, err);
}

static void pause_ms(int64_t ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

int sp_engine_exec_exit_code(struct sp_engine *engine, const char *id,
	int64_t timeout_ms, int *exit_code, struct sp_error *err)
{
	int64_t deadline = sp_clock_ms() + timeout_ms;
	int64_t wait = FIRST_PAUSE_MS;
	struct sp_engine_exec_info info;
	int rc;

	for (;;) {
		rc = sp_engine_exec_inspect(engine, id, &info, err);
		if (rc < 0)
			return rc;
		if (!info.running && info.has_exit_code) {
			*exit_code = info.exit_code;
			return 0;
		}
		if (sp_clock_ms() + wait > deadline)
			return sp_fail(err, SP_ERR_TIMEOUT,
				"the engine does not tell how the command ended");
		pause_ms(wait);
		wait = wait * 2 < LAST_PAUSE_MS ? wait * 2 : LAST_PAUSE_MS;
	}
}
