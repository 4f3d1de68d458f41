/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/session.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"

#define ENCODED_MAX_BYTES (1u << 20)

/* The agent keeps the deadline; how long after it we believe that it does. */
#define AGENT_GRACE_MS 2000

int sp_docker_session_init(struct sp_docker_session *s, struct sp_docker *docker,
	const char *container, const struct sp_command *command, struct sp_error *err)
{
	memset(s, 0, sizeof(*s));
	for (size_t i = 0; command->env && command->env[i]; i++)
		if (!sp_utf8_valid(command->env[i], strlen(command->env[i])))
			return sp_fail(err, SP_ERR_INVALID,
				"environment: bytes that are not UTF-8, which the "
				"engine cannot take");
	s->docker = docker;
	s->container = container;
	s->command = command;
	s->start_us = sp_clock_us();
	return sp_random_name(s->token, SP_REPORT_TOKEN_LEN, err);
}

bool sp_docker_session_has_stdin(const struct sp_docker_session *s)
{
	return s->command->stdin_fd >= 0 || s->source;
}

void sp_docker_session_close(struct sp_docker_session *s)
{
	sp_duplex_close(s->duplex);
	s->duplex = NULL;
}

/* The API speaks JSON, and JSON text: other bytes would arrive as replacement marks. */
static bool is_text(const struct sp_command *c)
{
	if (c->workdir && !sp_utf8_valid(c->workdir, strlen(c->workdir)))
		return false;
	for (size_t i = 0; c->argv[i]; i++)
		if (!sp_utf8_valid(c->argv[i], strlen(c->argv[i])))
			return false;
	return true;
}

static void add_encoded(struct sp_strv *argv, const char *text)
{
	sp_autobuf struct sp_buf encoded = SP_BUF_INIT(ENCODED_MAX_BYTES);

	sp_enc_percent(&encoded, text);
	if (sp_buf_ok(&encoded, NULL) < 0)
		argv->failed = true;
	else
		sp_strv_add(argv, sp_buf_str(&encoded));
}

void sp_docker_session_argv(
	const struct sp_docker_session *s, int64_t timeout_ms, struct sp_strv *argv)
{
	const struct sp_command *c = s->command;
	bool encode = !is_text(c);
	void (*add)(struct sp_strv * v, const char *text) = encode ? add_encoded
								   : sp_strv_add;

	sp_strv_add(argv, "run");
	sp_strv_add(argv, s->token);
	sp_strv_addf(argv, "%" PRId64, timeout_ms);
	sp_strv_addf(argv, "-%s%s", sp_docker_session_has_stdin(s) ? "i" : "",
		encode ? "e" : "");
	add(argv, c->workdir ? c->workdir : "");
	sp_strv_add(argv, "--");
	for (size_t i = 0; c->argv[i]; i++)
		add(argv, c->argv[i]);
}

void sp_docker_session_mark(const struct sp_docker_session *s, const char *name)
{
	sp_timeline_mark(s->command->timeline, s->command->timeline_start_us, name);
}

/* The filter's refusal is the caller's own word; everything else is the stream's. */
static int pump_failed(const struct sp_docker_session *s, int rc, struct sp_error *err)
{
	if (!s->filter.refused)
		return rc;
	if (s->filter.refused < 0 && s->filter.refused >= SP_ERR_CANCELLED)
		rc = s->filter.refused;
	return sp_fail(err, (enum sp_code)rc, "the output was not wanted any more");
}

static int run_pump(struct sp_docker_session *s, bool *ended, struct sp_error *err)
{
	enum sp_pump_end end;
	int rc = sp_pump_run(&s->pump, &end, err);

	if (rc < 0)
		return pump_failed(s, rc, err);
	*ended = end == SP_PUMP_ENDED;
	s->cancelled = s->cancelled || end == SP_PUMP_CANCELLED;
	if (*ended)
		s->has_report = sp_report_filter_end(&s->filter, &s->report);
	/* What was held back may have been refused just now. */
	return s->filter.refused ? pump_failed(s, SP_ERR_CANCELLED, err) : 0;
}

int sp_docker_session_pump(struct sp_docker_session *s, int64_t timeout_ms, bool *ended,
	struct sp_error *err)
{
	const struct sp_command *c = s->command;
	int rc;

	sp_report_filter_init(&s->filter, s->token, c->on_output, c->on_output_ctx);
	sp_demux_init(&s->demux, SP_DEMUX_FRAMES, sp_report_filter_feed, &s->filter);
	sp_pump_init(&s->pump, s->duplex, &s->demux);
	s->pump.stdin_fd = c->stdin_fd;
	s->pump.source = s->source;
	s->pump.cancel_fd = c->cancel_fd;
	if (timeout_ms)
		s->pump.deadline_ms = sp_deadline_in(timeout_ms + AGENT_GRACE_MS);
	rc = run_pump(s, ended, err);
	s->timed_out = rc == 0 && !*ended && !s->cancelled;
	return rc;
}

int sp_docker_session_drain(struct sp_docker_session *s, int64_t timeout_ms,
	bool *ended, struct sp_error *err)
{
	s->pump.cancel_fd = -1;
	s->pump.stdin_fd = -1;
	s->pump.source = NULL;
	s->pump.deadline_ms = sp_deadline_in(timeout_ms);
	return run_pump(s, ended, err);
}

static int no_start(const struct sp_docker_session *s, struct sp_error *err)
{
	errno = s->report.sys_errno;
	if (s->report.stage == SP_REPORT_STAGE_WORKDIR)
		return sp_fail_errno(err, "working directory %s",
			s->command->workdir ? s->command->workdir : ".");
	/* EAGAIN is how the kernel says "too many processes". */
	if (s->report.sys_errno == EAGAIN)
		return sp_fail(err, SP_ERR_LIMIT,
			"start the command: the sandbox has as many processes as it "
			"may");
	return sp_fail_errno(err, "start the command");
}

/* In the words the local provider has for it, and like there on the command's stderr. */
static int say_not_executed(const struct sp_docker_session *s, struct sp_error *err)
{
	const struct sp_command *c = s->command;
	char line[512];
	int len = snprintf(line, sizeof(line), "sandpit: %.300s: %s\n", c->argv[0],
		s->report.exit_code == 127 ? "not found"
					   : strerrordesc_np(s->report.sys_errno));

	if (c->on_output(c->on_output_ctx, SP_STDERR, line, (size_t)len) != 0)
		return sp_fail(
			err, SP_ERR_CANCELLED, "the output was not wanted any more");
	return 0;
}

int sp_docker_session_outcome(
	struct sp_docker_session *s, struct sp_outcome *out, struct sp_error *err)
{
	const struct sp_report *r = &s->report;

	memset(out, 0, sizeof(*out));
	out->wall_us = sp_clock_us() - s->start_us;
	out->timed_out = s->timed_out;
	out->cancelled = s->cancelled;
	if (!s->has_report) {
		/* Nobody was left to tell: it ended the way everything around it did. */
		out->exit_code = 128 + SIGKILL;
		out->signal = SIGKILL;
		return 0;
	}
	if (r->stage == SP_REPORT_STAGE_WORKDIR || r->stage == SP_REPORT_STAGE_SETUP)
		return no_start(s, err);
	if (r->stage == SP_REPORT_STAGE_EXEC && r->sys_errno) {
		int rc = say_not_executed(s, err);

		if (rc < 0)
			return rc;
	}
	out->exit_code = r->exit_code;
	out->signal = r->signal;
	out->oom_killed = r->oom_killed;
	out->timed_out = r->timed_out || s->timed_out;
	return 0;
}
