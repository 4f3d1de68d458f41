/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine cannot kill what it has executed, so a command's end is made sure of in
 * steps, each for when the one before was not enough:
 *
 *   1. its agent ends the whole tree at the deadline, and reports;
 *   2. a second agent, as root, ends the tree when asked from here, or instead of the
 *      first one if that was stopped;
 *   3. where the first agent was killed, which a command running as root can do, its
 *      orphans are swept up, and with them what earlier commands left in the background;
 *   4. where even that fails, the container is killed, and the error says so.
 */
#include "providers/docker/command.h"

#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "engine/exec.h"
#include "providers/docker/agent/report.h"
#include "providers/docker/session.h"

#define HELPER_MS    15000
#define DRAIN_MS     5000
#define ASK_TIMES    20
#define ASK_AGAIN_MS 250
#define EXIT_CODE_MS 2000
#define ENDING_MS    300

static int discard(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)ctx;
	(void)stream;
	(void)data;
	(void)len;
	return 0;
}

/* A second agent, as root, with a verb. */
struct helper {
	char id[SP_ENGINE_ID_MAX];
	struct sp_duplex *duplex;
};

static int start_helper(struct sp_docker_session *s, const char *verb, struct helper *h,
	struct sp_error *err)
{
	const char *const argv[] = {SP_AGENT_PATH, verb, s->token, NULL};
	const struct sp_engine_exec_spec spec = {.argv = argv, .user = "0"};
	struct sp_engine *engine = s->docker->engine;
	int rc = sp_engine_exec_create(engine, s->container, &spec, h->id, err);

	h->duplex = NULL;
	return rc < 0 ? rc
		      : sp_engine_exec_start(engine, h->id, &spec, &h->duplex, err);
}

/* Wait for it, at most HELPER_MS.  Gives its exit code. */
static int wait_helper(
	struct sp_docker_session *s, struct helper *h, struct sp_error *err)
{
	enum sp_pump_end end = SP_PUMP_ENDED;
	struct sp_demux demux;
	struct sp_pump pump;
	int code = 0;
	int rc;

	sp_demux_init(&demux, SP_DEMUX_FRAMES, discard, NULL);
	sp_pump_init(&pump, h->duplex, &demux);
	pump.deadline_ms = sp_deadline_in(HELPER_MS);
	rc = sp_pump_run(&pump, &end, err);
	sp_duplex_close(h->duplex);
	if (rc == 0 && end != SP_PUMP_ENDED)
		rc = sp_fail(err, SP_ERR_TIMEOUT, "the agent that ends commands");
	if (rc == 0)
		rc = sp_engine_exec_exit_code(
			s->docker->engine, h->id, EXIT_CODE_MS, &code, err);
	return rc < 0 ? rc : code;
}

static int sandbox_ended(bool out_of_memory, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_NOT_FOUND,
		"the sandbox ended while the command ran%s",
		out_of_memory ? " (out of memory)" : "");
}

/* The last step: a sandbox in which something goes on against our will has to end. */
static int kill_sandbox(struct sp_docker_session *s, struct sp_error *err)
{
	struct sp_error why;
	int rc = sp_engine_container_kill(
		s->docker->engine, s->container, "KILL", &why);

	if (rc == SP_ERR_NOT_FOUND || rc == SP_ERR_EXISTS) /* gone, or not running */
		return sandbox_ended(false, err);
	if (rc < 0)
		return sp_fail(err, SP_ERR_UNAVAILABLE,
			"the command's processes could not be ended, nor the sandbox: "
			"%s",
			why.msg);
	return sp_fail(err, SP_ERR_UNAVAILABLE,
		"the command's processes could not be ended, so the whole sandbox was");
}

/*
 * Has the sandbox ended, or is it about to?  Streams end a moment before the engine
 * knows of the container.
 */
static bool has_ended(struct sp_docker_session *s, bool *out_of_memory)
{
	struct sp_container_info info = {0};
	struct sp_error err;
	int code;
	int rc = sp_engine_container_wait(
		s->docker->engine, s->container, ENDING_MS, -1, &code, &err);

	if (rc == 0)
		sp_engine_container_inspect(
			s->docker->engine, s->container, &info, NULL, &err);
	*out_of_memory = info.oom_killed;
	sp_container_info_clear(&info);
	return rc == 0 || rc == SP_ERR_NOT_FOUND;
}

/* Whatever the lost agent's command left behind. */
static int sweep(struct sp_docker_session *s, struct sp_error *err)
{
	struct helper h;
	int rc = start_helper(s, "sweep", &h, err);

	if (rc == 0)
		rc = wait_helper(s, &h, err);
	return rc == SP_AGENT_DONE ? 0 : kill_sandbox(s, err);
}

/*
 * Ask once.  The command's output is taken meanwhile: unread, it would keep its agent
 * from ending, and the engine from noticing that anything else in the container did.
 */
static int ask_to_end(struct sp_docker_session *s, bool *ended, struct sp_error *err)
{
	struct sp_error ignored;
	struct helper h;
	int rc = start_helper(s, "kill", &h, err);

	if (rc < 0)
		return rc;
	if (s->duplex && !*ended &&
		sp_docker_session_drain(s, DRAIN_MS, ended, &ignored) < 0)
		sp_docker_session_close(s);
	return wait_helper(s, &h, err);
}

/* Its agent is gone: did that end in good order, or was it killed? */
static int without_agent(struct sp_docker_session *s, struct sp_error *err)
{
	struct sp_error ignored;
	int code = 0;

	if (s->has_report)
		return 0;
	if (!s->duplex &&
		sp_engine_exec_exit_code(s->docker->engine, s->exec_id, EXIT_CODE_MS,
			&code, &ignored) == 0 &&
		code != 128 + SIGKILL)
		return 0; /* nobody reads its report any more */
	return sweep(s, err);
}

/* It goes on, and must not: step 2 and what follows. */
static int force_end(struct sp_docker_session *s, struct sp_error *err)
{
	struct sp_error ignored;
	bool ended = false;

	for (int i = 0; i < ASK_TIMES; i++) {
		int code = ask_to_end(s, &ended, err);

		sp_docker_session_mark(s, "asked to end");
		if (code == SP_AGENT_DONE)
			return 0;
		if (code != SP_AGENT_NO_SUCH)
			break;
		if (ended || !s->duplex)
			return without_agent(s, err);
		/* Not there yet: the engine is still about starting it. */
		sp_docker_session_drain(s, ASK_AGAIN_MS, &ended, &ignored);
	}
	return kill_sandbox(s, err);
}

/* The engine could not start even the agent; its words are all the output there is. */
static int no_agent(struct sp_docker_session *s, struct sp_error *err)
{
	char *text = s->filter.early;

	text[s->filter.early_len] = '\0';
	text[strcspn(text, "\r\n")] = '\0';
	if (strstr(text, "unable to find user") || strstr(text, "unable to find group"))
		return sp_fail(err, SP_ERR_NOT_FOUND, "%s", text);
	return sp_fail(err, SP_ERR_SYSTEM, "start the command: %s",
		*text ? text : "the engine does not say why it could not");
}

/* The streams have ended without a report.  Why? */
static int without_report(struct sp_docker_session *s, struct sp_error *err)
{
	bool out_of_memory;

	if (has_ended(s, &out_of_memory))
		return sandbox_ended(out_of_memory, err);
	if (!s->filter.greeted)
		return no_agent(s, err);
	return sweep(s, err);
}

static int start(struct sp_docker_session *s, struct sp_error *err)
{
	const struct sp_command *c = s->command;
	struct sp_engine_exec_spec spec = {.env = c->env,
		.user = c->user,
		.attach_stdin = sp_docker_session_has_stdin(s)};
	sp_autostrv struct sp_strv argv = {0};
	int rc;

	sp_strv_add(&argv, SP_AGENT_PATH);
	sp_docker_session_argv(s, c->timeout_ms, &argv);
	rc = sp_strv_ok(&argv, err);
	if (rc < 0)
		return rc;
	spec.argv = sp_strv_list(&argv);
	rc = sp_engine_exec_create(
		s->docker->engine, s->container, &spec, s->exec_id, err);
	if (rc == SP_ERR_EXISTS && strstr(err->msg, "paused"))
		return sp_fail(err, SP_ERR_UNAVAILABLE,
			"the sandbox is paused: resume it first");
	if (rc == SP_ERR_EXISTS) /* the engine's "conflict" */
		return sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox is not running");
	if (rc < 0)
		return rc;
	sp_docker_session_mark(s, "exec made");
	rc = sp_engine_exec_start(
		s->docker->engine, s->exec_id, &spec, &s->duplex, err);
	if (rc == 0)
		sp_docker_session_mark(s, "exec started");
	return rc;
}

static int finish(
	struct sp_docker_session *s, struct sp_outcome *out, struct sp_error *err)
{
	struct sp_outcome outcome;
	int rc;

	if (s->has_report && s->report.survivors)
		return kill_sandbox(s, err);
	rc = sp_docker_session_outcome(s, &outcome, err);
	if (rc == 0)
		*out = outcome;
	return rc;
}

static int exec(
	struct sp_docker_session *s, struct sp_outcome *out, struct sp_error *err)
{
	bool ended = false;
	struct sp_error failed;
	int rc = start(s, err);

	if (rc < 0)
		return rc;
	rc = sp_docker_session_pump(s, s->command->timeout_ms, &ended, err);
	sp_docker_session_mark(s, "output ended");
	if (rc < 0) {
		/* Ended all the same, but the first error is the one to tell. */
		sp_docker_session_close(s);
		force_end(s, &failed);
		return rc;
	}
	if (!ended)
		rc = force_end(s, err);
	else if (!s->has_report)
		rc = without_report(s, err);
	return rc < 0 ? rc : finish(s, out, err);
}

int sp_docker_exec_fed(struct sp_provider *p, const char *id,
	const struct sp_command *command, const struct sp_source *source,
	struct sp_outcome *out, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	sp_autosession struct sp_docker_session s;
	char name[SP_DOCKER_NAME_MAX];
	int rc;

	sp_docker_name(name, id);
	rc = sp_docker_session_init(&s, d, name, command, err);
	s.source = source;
	if (rc == 0)
		rc = exec(&s, out, err);
	return sp_docker_explain(d, rc, err);
}

int sp_docker_exec(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err)
{
	return sp_docker_exec_fed(p, id, command, NULL, out, err);
}
