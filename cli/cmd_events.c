/* SPDX-License-Identifier: Apache-2.0 */
/* events: what happened to kept sandboxes, and what happens. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/signals.h"

#define LINE_MAX_BYTES 8192
#define TIME_MAX       32

struct printer {
	bool json;
	struct sp_error *err;
};

/* In UTC, to the millisecond, as logs have it. */
static void time_text(char text[static TIME_MAX], int64_t at_ms)
{
	const time_t seconds = (time_t)(at_ms / 1000);
	struct tm tm = {0};
	size_t len;

	gmtime_r(&seconds, &tm);
	len = strftime(text, TIME_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text + len, TIME_MAX - len, ".%03dZ", (int)(at_ms % 1000));
}

static int print_line(const struct sp_event *e, struct sp_error *err)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(LINE_MAX_BYTES);
	char when[TIME_MAX];

	time_text(when, e->at_ms);
	sp_buf_addf(&line, "%s %s %s", when, e->handle, e->action);
	if (*e->details)
		sp_buf_addf(&line, " %s", e->details);
	sp_buf_addc(&line, '\n');
	return out_text(&line, err);
}

/* "key=value key=value" as an object of texts, decoded. */
static struct json_object *details_json(const char *details, bool *failed)
{
	struct json_object *o = json_object_new_object();

	for (const char *at = details; o && *at; at += strspn(at, " ")) {
		sp_autobuf struct sp_buf value = SP_BUF_INIT(LINE_MAX_BYTES);
		size_t len = strcspn(at, " ");
		size_t key = strcspn(at, "= ");
		char name[64];

		if (key < len && key < sizeof(name) &&
			sp_dec_percent(&value, at + key + 1, len - key - 1, NULL) ==
				0 &&
			sp_utf8_valid(sp_buf_str(&value), value.len)) {
			snprintf(name, sizeof(name), "%.*s", (int)key, at);
			sp_json_put_str(o, name, sp_buf_str(&value), failed);
		}
		at += len;
	}
	return o;
}

static int print_json(const struct sp_event *e, struct sp_error *err)
{
	struct json_object *o = json_object_new_object();
	bool failed = !o;

	sp_json_put_int(o, "at_ms", e->at_ms, &failed);
	sp_json_put_str(o, "sandbox", e->handle, &failed);
	sp_json_put_str(o, "action", e->action, &failed);
	sp_json_put(o, "details", details_json(e->details, &failed), &failed);
	if (!failed)
		return out_json(o, err);
	json_object_put(o);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int print_event(void *ctx, const struct sp_event *e)
{
	const struct printer *p = ctx;

	return p->json ? print_json(e, p->err) : print_line(e, p->err);
}

int cmd_events(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct printer printer = {.json = args->json, .err = err};
	struct progress progress = {0};
	struct sp_events_opts opts = {.follow = args->follow,
		.has_cancel = true,
		.on_event = print_event,
		.on_event_ctx = &printer};
	int rc;

	if (args->word_count > 1)
		return sp_fail(err, SP_ERR_INVALID, "give one SANDBOX, or none");
	if (args->since_ms)
		opts.since_ms = sp_clock_real_ms() - args->since_ms;
	opts.handle = args->words[0]; /* NULL when there is none */
	opts.cancel_fd = cli_signals_init(err);
	rc = opts.cancel_fd < 0 ? opts.cancel_fd
				: cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = sp_client_events(client, &opts, err);
	if (rc == 0 && cli_signals_caught())
		cli_signals_die(cli_signals_caught());
	return rc;
}
