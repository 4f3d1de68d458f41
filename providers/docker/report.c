/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/report.h"

#include <string.h>

void sp_report_filter_init(struct sp_report_filter *f, const char *token,
	sp_output_fn *on_output, void *ctx)
{
	memset(f, 0, sizeof(*f));
	f->on_output = on_output;
	f->ctx = ctx;
	memcpy(f->head, SP_REPORT_MAGIC, 2);
	memcpy(f->head + 2, token, SP_REPORT_TOKEN_LEN);
}

static void emit(
	struct sp_report_filter *f, enum sp_stream stream, const char *data, size_t len)
{
	if (len > 0 && !f->refused)
		f->refused = f->on_output(f->ctx, stream, data, len);
}

/* The agent runs: what came before it said so is the command's. */
static void greet(struct sp_report_filter *f)
{
	f->greeted = true;
	emit(f, SP_STDOUT, f->early, f->early_len);
	f->early_len = 0;
}

static void emit_stdout(struct sp_report_filter *f, const char *data, size_t len)
{
	if (!f->greeted && len <= SP_REPORT_EARLY_MAX - f->early_len) {
		memcpy(f->early + f->early_len, data, len);
		f->early_len += len;
		return;
	}
	/* More than the engine ever says. */
	if (!f->greeted)
		greet(f);
	emit(f, SP_STDOUT, data, len);
}

static void release(struct sp_report_filter *f)
{
	emit(f, SP_STDERR, f->held, f->held_len);
	f->held_len = 0;
}

/* Nothing is held: pass on up to the next byte that may begin a report; bytes taken. */
static size_t pass_on(struct sp_report_filter *f, const char *data, size_t len)
{
	const char *at = memchr(data, f->head[0], len);
	size_t clear = at ? (size_t)(at - data) : len;

	emit(f, SP_STDERR, data, clear);
	return clear;
}

/* Does c go on with the report that is held so far? */
static bool fits(const struct sp_report_filter *f, char c)
{
	if (f->held_len == SP_REPORT_LEN)
		return false;
	return f->held_len >= SP_REPORT_HEAD_LEN || c == f->head[f->held_len];
}

static bool read_number(const char *at, int *out)
{
	*out = 0;
	for (int i = 0; i < 3; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		*out = *out * 10 + at[i] - '0';
	}
	return at[3] == ' ';
}

static bool is_stage(char c)
{
	return c == SP_REPORT_STAGE_HELLO || c == SP_REPORT_STAGE_RAN ||
		c == SP_REPORT_STAGE_EXEC || c == SP_REPORT_STAGE_WORKDIR ||
		c == SP_REPORT_STAGE_SETUP;
}

/* See SP_REPORT_FORMAT: "137 009 000 rt--" and a newline. */
static bool read_line(const char *line, struct sp_report *out)
{
	const char *letters = line + 12;
	struct sp_report r;

	if (!read_number(line, &r.exit_code) || !read_number(line + 4, &r.signal) ||
		!read_number(line + 8, &r.sys_errno))
		return false;
	if (!is_stage(letters[0]) || letters[4] != '\n' || r.exit_code > 255 ||
		r.signal > 64)
		return false;
	r.stage = (enum sp_report_letter)letters[0];
	r.timed_out = letters[1] == SP_REPORT_TIMED_OUT;
	r.stopped = letters[1] == SP_REPORT_STOPPED;
	r.oom_killed = letters[2] == SP_REPORT_OOM;
	r.survivors = letters[3] == SP_REPORT_SURVIVORS;
	*out = r;
	return true;
}

/* The hello is never output, also where the command was quicker than it. */
static void take_hello(struct sp_report_filter *f)
{
	struct sp_report hello;

	if (f->held_len < SP_REPORT_LEN ||
		!read_line(f->held + SP_REPORT_HEAD_LEN, &hello) ||
		hello.stage != SP_REPORT_STAGE_HELLO)
		return;
	f->held_len = 0;
	if (!f->greeted)
		greet(f);
}

int sp_report_filter_feed(
	void *filter, enum sp_stream stream, const char *data, size_t len)
{
	struct sp_report_filter *f = filter;
	size_t at = 0;

	if (stream != SP_STDERR) {
		emit_stdout(f, data, len);
		return f->refused;
	}
	while (at < len) {
		if (f->held_len == 0)
			at += pass_on(f, data + at, len - at);
		if (at == len)
			break;
		/* The head begins with a byte it has nowhere else: no going back further. */
		if (!fits(f, data[at]))
			release(f);
		else
			f->held[f->held_len++] = data[at++];
		take_hello(f);
	}
	return f->refused;
}

bool sp_report_filter_end(struct sp_report_filter *f, struct sp_report *out)
{
	if (f->held_len == SP_REPORT_LEN &&
		read_line(f->held + SP_REPORT_HEAD_LEN, out)) {
		f->held_len = 0;
		if (!f->greeted)
			greet(f);
		return true;
	}
	release(f);
	return false;
}
