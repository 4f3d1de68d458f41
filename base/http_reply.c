/* SPDX-License-Identifier: Apache-2.0 */
/* Replies: their headers, and what their status means. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/enc.h"
#include "base/http_internal.h"

#define MESSAGE_BYTES 240 /* of a body, in an error */

void sp_http_reply_clear(struct sp_http_reply *reply)
{
	if (!reply)
		return;
	sp_buf_clear(&reply->headers);
	sp_buf_clear(&reply->body);
	reply->status = 0;
	reply->retry_after_ms = 0;
}

int sp_http_check_headers(const char *const *headers, struct sp_error *err)
{
	for (; headers && *headers; headers++) {
		const char *colon = strchr(*headers, ':');

		if (!colon || colon == *headers || strpbrk(*headers, "\r\n"))
			return sp_fail(err, SP_ERR_INVALID,
				"a request header without name, or of two lines");
	}
	return 0;
}

int sp_http_take_header(struct sp_http_reply *reply, size_t *count, const char *line,
	size_t len, struct sp_error *err)
{
	if (!memchr(line, ':', len))
		return 0;
	if (++*count > SP_HTTP_MAX_HEADERS)
		return sp_fail(err, SP_ERR_LIMIT, "over %d headers in the answer",
			SP_HTTP_MAX_HEADERS);
	while (line[len - 1] == ' ' || line[len - 1] == '\t')
		len--;
	sp_buf_add(&reply->headers, line, len);
	sp_buf_addc(&reply->headers, '\n');
	if (sp_buf_ok(&reply->headers, err) < 0)
		return sp_fail(err, SP_ERR_LIMIT,
			"over %u bytes of headers in the answer",
			SP_HTTP_MAX_HEAD_BYTES);
	return 0;
}

static int take_status(
	struct sp_http_reply *reply, const char *line, size_t len, struct sp_error *err)
{
	const char *d = line + 9;

	if (len < 12 || memcmp(line, "HTTP/1.", 7) != 0 || line[8] != ' ' ||
		!isdigit((unsigned char)d[0]) || !isdigit((unsigned char)d[1]) ||
		!isdigit((unsigned char)d[2]) || (len > 12 && d[3] != ' '))
		return sp_fail(
			err, SP_ERR_PROTOCOL, "what answers does not speak HTTP");
	reply->status = (d[0] - '0') * 100 + (d[1] - '0') * 10 + (d[2] - '0');
	return 0;
}

int sp_http_take_head(
	struct sp_http_reply *reply, const char *head, size_t len, struct sp_error *err)
{
	const char *line = head, *end = head + len;
	size_t count = 0;
	int rc = 0;

	sp_buf_clear(&reply->headers);
	for (bool first = true; rc == 0 && line < end; first = false) {
		const char *stop = memmem(line, (size_t)(end - line), "\r\n", 2);
		size_t line_len = (size_t)((stop ? stop : end) - line);

		rc = first ? take_status(reply, line, line_len, err)
			   : sp_http_take_header(reply, &count, line, line_len, err);
		line += line_len + (stop ? 2 : 0);
	}
	return rc;
}

bool sp_http_header(
	const struct sp_http_reply *reply, const char *name, char *out, size_t size)
{
	const char *line = sp_buf_str(&reply->headers);
	size_t name_len = strlen(name);

	out[0] = '\0';
	while (*line) {
		size_t len = strcspn(line, "\n");

		if (len > name_len && line[name_len] == ':' &&
			!strncasecmp(line, name, name_len)) {
			const char *value = line + name_len + 1;
			size_t value_len = len - name_len - 1;

			while (value_len && (*value == ' ' || *value == '\t'))
				value++, value_len--;
			snprintf(out, size, "%.*s", (int)value_len, value);
			return true;
		}
		line += len + (line[len] == '\n');
	}
	return false;
}

enum sp_code sp_http_code(int status)
{
	static const struct {
		int status;
		enum sp_code code;
	} known[] = {
		{400, SP_ERR_INVALID},
		{401, SP_ERR_DENIED},
		{403, SP_ERR_DENIED},
		{404, SP_ERR_NOT_FOUND},
		{405, SP_ERR_UNSUPPORTED},
		{408, SP_ERR_TIMEOUT},
		{409, SP_ERR_EXISTS},
		{410, SP_ERR_NOT_FOUND},
		{413, SP_ERR_LIMIT},
		{422, SP_ERR_INVALID},
		{429, SP_ERR_LIMIT},
		{501, SP_ERR_UNSUPPORTED},
		{504, SP_ERR_TIMEOUT},
		{507, SP_ERR_LIMIT},
	};

	for (size_t i = 0; i < SP_COUNT(known); i++)
		if (known[i].status == status)
			return known[i].code;
	if (status >= 500 && status < 600)
		return SP_ERR_UNAVAILABLE;
	if (status >= 400 && status < 500)
		return SP_ERR_INVALID;
	return status >= 100 && status < 400 ? SP_OK : SP_ERR_PROTOCOL;
}

/* What a body begins with, as one line fit for a terminal. */
static void first_words(struct sp_buf *out, const struct sp_buf *body)
{
	const char *text = sp_buf_str(body);
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strcspn(text, "\r\n");
	sp_enc_printable(out, text, len < MESSAGE_BYTES ? len : MESSAGE_BYTES);
}

int sp_http_check(const struct sp_http_reply *reply, struct sp_error *err)
{
	sp_autobuf struct sp_buf words = SP_BUF_INIT(MESSAGE_BYTES * 4);
	enum sp_code code = sp_http_code(reply->status);
	int rc;

	if (reply->status >= 200 && reply->status < 300)
		return 0;
	if (code == SP_OK)
		rc = sp_fail(err, SP_ERR_PROTOCOL,
			"answered %d, which we do not follow", reply->status);
	else {
		first_words(&words, &reply->body);
		rc = sp_fail(err, code, "answered %d%s%s", reply->status,
			words.len ? ": " : "", sp_buf_str(&words));
	}
	if (err) {
		err->http_status = reply->status;
		err->retry_after_ms = reply->retry_after_ms;
	}
	return rc;
}
