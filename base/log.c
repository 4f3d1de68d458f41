/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/enc.h"

#define LINE_MAX_BYTES 4096

static struct sp_log_sink the_sink = {.fd = -1};

void sp_log_set(const struct sp_log_sink *sink)
{
	the_sink = *sink;
}

const struct sp_log_sink *sp_log_get(void)
{
	return &the_sink;
}

static const char *level_name(enum sp_log_level level)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};

	return names[level];
}

static void add_json_text(struct sp_buf *line, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			sp_buf_addc(line, '\\');
		sp_buf_addc(line, *s);
	}
}

static void add_line(struct sp_buf *line, enum sp_log_level level, const char *phrase,
	const char *fields)
{
	if (!the_sink.json) {
		sp_buf_addf(line, "sandpit: %s: %s%s%s\n", level_name(level), phrase,
			*fields ? " " : "", fields);
		return;
	}
	sp_buf_addf(line, "{\"time_ms\":%lld,\"level\":\"%s\",\"msg\":\"",
		(long long)sp_clock_real_ms(), level_name(level));
	add_json_text(line, phrase);
	sp_buf_adds(line, "\",\"fields\":\"");
	add_json_text(line, fields);
	sp_buf_adds(line, "\"}\n");
}

void sp_log(enum sp_log_level level, const char *phrase, const char *fmt, ...)
{
	char raw[LINE_MAX_BYTES] = ""; /* longer ones are cut, not lost */
	sp_autobuf struct sp_buf fields = SP_BUF_INIT(4 * LINE_MAX_BYTES);
	sp_autobuf struct sp_buf line = SP_BUF_INIT(8 * LINE_MAX_BYTES);
	va_list ap;

	if (the_sink.fd < 0 || level > the_sink.level)
		return;
	va_start(ap, fmt);
	vsnprintf(raw, sizeof(raw), fmt, ap);
	va_end(ap);
	sp_enc_printable(&fields, raw, strlen(raw));
	add_line(&line, level, phrase, sp_buf_str(&fields));
	/* A log that cannot be written has nowhere to be reported. */
	if (line.len && write(the_sink.fd, line.data, line.len) < 0)
		return;
}
