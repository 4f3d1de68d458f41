/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/run.h"

#include <string.h>

#include "providers/docker/place.h"
#include "providers/docker/session.h"

#define TERM_MS    5000  /* for the agent to end things in good order */
#define REMOVED_MS 15000 /* for the engine to clear away */

/* The command's deadline or the sandbox's, whichever is first; 0 is none. */
static int64_t deadline_of(
	const struct sp_sandbox_spec *spec, const struct sp_command *command)
{
	int64_t ttl = spec->ttl_ms, timeout = command->timeout_ms;

	if (!ttl || !timeout)
		return ttl ? ttl : timeout;
	return ttl < timeout ? ttl : timeout;
}

/* The container's own command is the agent with ours. */
static int set_command(struct sp_docker_place *place, struct sp_docker_session *s,
	int64_t timeout_ms, struct sp_strv *env, struct sp_error *err)
{
	struct sp_container_spec *c = &place->plan.container;
	const struct sp_command *command = s->command;
	int rc;

	for (size_t i = 0; c->env && c->env[i]; i++)
		sp_strv_set_env(env, c->env[i]);
	for (size_t i = 0; command->env && command->env[i]; i++)
		sp_strv_set_env(env, command->env[i]);
	sp_strv_clear(&place->plan.cmd);
	sp_docker_session_argv(s, timeout_ms, &place->plan.cmd);
	rc = sp_strv_ok(&place->plan.cmd, err);
	if (rc == 0)
		rc = sp_strv_ok(env, err);
	c->env = sp_strv_list(env);
	c->cmd = sp_strv_list(&place->plan.cmd);
	if (command->user)
		c->user = command->user;
	c->attach_stdout = c->attach_stderr = true;
	c->attach_stdin = c->open_stdin = c->stdin_once = command->stdin_fd >= 0;
	/* Even if we are killed meanwhile: when its command ends, it goes. */
	c->auto_remove = true;
	return rc;
}

static int attach(struct sp_docker_session *s, struct sp_error *err)
{
	unsigned int what = SP_ATTACH_STDOUT | SP_ATTACH_STDERR;

	if (s->command->stdin_fd >= 0)
		what |= SP_ATTACH_STDIN;
	return sp_engine_container_attach(
		s->docker->engine, s->container, what, &s->duplex, err);
}

/* It has to end now: in good order for the sake of its output, then for good. */
static void stop(struct sp_docker_session *s)
{
	struct sp_engine *engine = s->docker->engine;
	struct sp_error ignored;
	bool ended;

	if (!s->filter.refused &&
		sp_engine_container_kill(engine, s->container, "TERM", &ignored) == 0)
		sp_docker_session_drain(s, TERM_MS, &ended, &ignored);
	/* Unread output would hold up what the engine has to notice next. */
	sp_docker_session_close(s);
}

/* Nothing of it may be left: the engine removes what has ended, we what has not. */
static int remove_all(struct sp_docker_session *s, bool ended, struct sp_error *err)
{
	struct sp_engine *engine = s->docker->engine;
	struct sp_error first;
	int rc = SP_ERR_TIMEOUT;

	if (ended)
		rc = sp_engine_container_wait_removed(
			engine, s->container, REMOVED_MS, &first);
	if (rc == 0)
		return 0;
	rc = sp_engine_container_remove(engine, s->container, &first);
	if (rc == SP_ERR_EXISTS) /* the engine is about it */
		rc = sp_engine_container_wait_removed(
			engine, s->container, REMOVED_MS, &first);
	if (rc == 0 || rc == SP_ERR_NOT_FOUND)
		return 0;
	*err = first;
	return sp_wrap(err, rc, "remove container %s", s->container);
}

static int run_attached(struct sp_docker_session *s, int64_t timeout_ms, bool *ended,
	struct sp_error *err)
{
	int rc = sp_docker_session_pump(s, timeout_ms, ended, err);

	sp_docker_session_mark(s, SP_MARK_ENDED);
	if (rc < 0 || !*ended)
		stop(s);
	if (rc == 0 && *ended && !s->has_report)
		return sp_fail(err, SP_ERR_UNAVAILABLE,
			"the sandbox was ended from outside before its command did");
	return rc;
}

static int run(struct sp_docker_place *place, struct sp_docker_session *s,
	int64_t timeout_ms, struct sp_outcome *out, struct sp_error *err)
{
	struct sp_outcome outcome = {0};
	struct sp_error left;
	bool ended = false;
	int rc = attach(s, err);

	if (rc == 0)
		rc = sp_docker_place_start(place, err);
	if (rc < 0) {
		sp_docker_place_undo(place);
		return rc;
	}
	sp_docker_session_mark(s, SP_MARK_STARTED);
	rc = run_attached(s, timeout_ms, &ended, err);
	if (rc == 0)
		rc = sp_docker_session_outcome(s, &outcome, err);
	if (remove_all(s, ended, &left) < 0 && rc == 0) {
		*err = left;
		return left.code;
	}
	sp_docker_session_mark(s, "removed");
	if (rc == 0)
		*out = outcome;
	return rc;
}

int sp_docker_run(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	int64_t timeout_ms = deadline_of(spec, command);
	sp_autoplace struct sp_docker_place place;
	sp_autosession struct sp_docker_session s = {0};
	sp_autostrv struct sp_strv env = {0};
	int rc = sp_docker_place_plan(&place, d, spec, err);

	if (rc == 0)
		rc = sp_docker_session_init(&s, d, place.plan.name, command, err);
	if (rc == 0)
		rc = set_command(&place, &s, timeout_ms, &env, err);
	if (rc < 0)
		return rc;
	memcpy(id, place.plan.id, sizeof(place.plan.id));
	rc = sp_docker_place_create(&place, err);
	if (rc == 0) {
		sp_docker_session_mark(&s, "created");
		rc = run(&place, &s, timeout_ms, out, err);
	}
	return sp_docker_explain(d, rc, err);
}
