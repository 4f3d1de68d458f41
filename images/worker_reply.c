/* SPDX-License-Identifier: Apache-2.0 */
#include "images/worker_reply.h"

#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/log.h"

#define WARNING     "warning: "
#define PREFIX      "error: "
#define MESSAGE_MAX (4 * sizeof(((struct sp_error *)0)->msg))
#define CODE_MAX    24

/* The last line that is not empty, without its newline. */
static const char *last_line(const char *text, size_t *len)
{
	const char *newline;

	while (*len > 0 && text[*len - 1] == '\n')
		(*len)--;
	newline = *len ? memrchr(text, '\n', *len) : NULL;
	if (newline) {
		*len -= (size_t)(newline + 1 - text);
		text = newline + 1;
	}
	return text;
}

/* "unknown" is what the names end with. */
static enum sp_code code_of_name(const char *name, size_t len)
{
	for (int code = -1;; code--) {
		const char *known = sp_code_name((enum sp_code)code);

		if (strlen(known) == len && memcmp(known, name, len) == 0)
			return (enum sp_code)code;
		if (strcmp(known, "unknown") == 0)
			return SP_OK;
	}
}

static int fail_with(struct sp_error *err, enum sp_code code, const char *before,
	const char *text, size_t len)
{
	sp_autobuf struct sp_buf shown = SP_BUF_INIT(MESSAGE_MAX);

	sp_enc_printable(&shown, text, len < MESSAGE_MAX / 4 ? len : MESSAGE_MAX / 4);
	return sp_fail(err, code, "%s%s", before, sp_buf_str(&shown));
}

/* What was left out, while all in all it went well. */
static void log_warnings(const char *text, size_t len)
{
	while (len > 0) {
		const char *newline = memchr(text, '\n', len);
		size_t line = newline ? (size_t)(newline - text) : len;

		if (line > strlen(WARNING) &&
			memcmp(text, WARNING, strlen(WARNING)) == 0)
			sp_log(SP_LOG_WARN, "not all files", "why=\"%.*s\"",
				(int)(line - strlen(WARNING)), text + strlen(WARNING));
		len -= line + (newline != NULL);
		text += line + (newline != NULL);
	}
}

int sp_worker_reply(const char *text, size_t len, int exit_code, struct sp_error *err)
{
	const char *line, *space;
	enum sp_code code = SP_OK;
	size_t rest;

	if (exit_code == 0) {
		log_warnings(text, len);
		return 0;
	}
	line = last_line(text, &len);
	if (len < strlen(PREFIX) || memcmp(line, PREFIX, strlen(PREFIX)) != 0)
		return sp_fail(err, SP_ERR_SYSTEM,
			"the file worker ended with status %d and no message",
			exit_code);
	line += strlen(PREFIX);
	len -= strlen(PREFIX);
	space = memchr(line, ' ', len);
	if (space)
		code = code_of_name(line, (size_t)(space - line));
	if (code == SP_OK || strcmp(sp_code_name(code), "unknown") == 0)
		return fail_with(err, SP_ERR_SYSTEM, "file worker: ", line, len);
	rest = len - (size_t)(space + 1 - line);
	return fail_with(err, code, "", space + 1, rest);
}
