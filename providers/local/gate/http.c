/* SPDX-License-Identifier: Apache-2.0 */
/* Source: RFC 9110 and RFC 9112, without what they only tolerate. */
#include "providers/local/gate/http.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"

#define METHOD_MAX 24

size_t http_head_length(const char *data, size_t len)
{
	const char *end = memmem(data, len, "\r\n\r\n", 4);

	return end ? (size_t)(end - data) + 4 : 0;
}

static bool is_token_char(unsigned char c)
{
	return isalnum(c) || (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_token(const char *text)
{
	const char *at = text;

	while (is_token_char((unsigned char)*at))
		at++;
	return at > text && !*at;
}

/* Visible characters, spaces and tabs; bytes above ASCII belong to whoever reads them. */
static bool is_line(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

static bool parse_version(const char *text, int *minor)
{
	if (strncmp(text, "HTTP/1.", 7) != 0 || (text[7] != '0' && text[7] != '1') ||
		text[8])
		return false;
	*minor = text[7] - '0';
	return true;
}

/* "GET /path HTTP/1.1": two single spaces. */
static bool parse_request_line(char *line, struct http_head *out)
{
	char *target = strchr(line, ' ');
	char *version = target ? strchr(target + 1, ' ') : NULL;

	if (!version)
		return false;
	*target++ = '\0';
	*version++ = '\0';
	out->method = line;
	out->target = target;
	for (const char *at = target; *at; at++)
		if (*at <= 0x20)
			return false;
	return is_token(line) && strlen(line) <= METHOD_MAX && *target &&
		parse_version(version, &out->minor);
}

/* "HTTP/1.1 200 OK": the reason may be missing, with its space or without. */
static bool parse_status_line(char *line, struct http_head *out)
{
	char *status = strchr(line, ' ');

	if (!status)
		return false;
	*status++ = '\0';
	for (int i = 0; i < 3; i++)
		if (!isdigit((unsigned char)status[i]))
			return false;
	if (status[3] && status[3] != ' ')
		return false;
	out->status = (status[0] - '0') * 100 + (status[1] - '0') * 10 +
		(status[2] - '0');
	out->reason = status[3] ? status + 4 : "";
	return out->status >= 100 && parse_version(line, &out->minor);
}

static bool parse_field(char *line, struct http_head *out)
{
	char *colon = strchr(line, ':');
	char *value, *end;

	if (!colon || out->count == HTTP_FIELDS_MAX)
		return false;
	*colon = '\0';
	if (!is_token(line)) /* no space before the colon, no folded line */
		return false;
	value = colon + 1;
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	*end = '\0';
	out->fields[out->count++] = (struct http_field){.name = line, .value = value};
	return true;
}

bool http_parse(char *text, size_t len, bool is_response, struct http_head *out)
{
	bool is_first = true;

	*out = (struct http_head){.is_response = is_response};
	if (len < 4 || http_head_length(text, len) != len)
		return false;
	for (char *at = text; at < text + len - 2;) {
		/* There is one: the text ends with two of them. */
		char *end = memmem(at, (size_t)(text + len - at), "\r\n", 2);

		if (!is_line(at, (size_t)(end - at)))
			return false;
		*end = '\0';
		if (!(is_first ? (is_response ? parse_status_line(at, out)
					      : parse_request_line(at, out))
			       : parse_field(at, out)))
			return false;
		is_first = false;
		at = end + 2;
	}
	return !is_first;
}

const char *http_value(const struct http_head *head, const char *name, bool *twice)
{
	const char *value = NULL;

	*twice = false;
	for (size_t i = 0; i < head->count; i++) {
		if (strcasecmp(head->fields[i].name, name) != 0)
			continue;
		if (value)
			*twice = true;
		value = head->fields[i].value;
	}
	return value;
}

static bool list_has(const char *list, const char *word)
{
	const size_t len = strlen(word);

	for (const char *at = list; *at; at += *at == ',') {
		size_t n;

		at += strspn(at, " \t");
		n = strcspn(at, ", \t");
		if (n == len && strncasecmp(at, word, len) == 0)
			return true;
		at += strcspn(at, ",");
	}
	return false;
}

bool http_has_word(const struct http_head *head, const char *name, const char *word)
{
	for (size_t i = 0; i < head->count; i++)
		if (strcasecmp(head->fields[i].name, name) == 0 &&
			list_has(head->fields[i].value, word))
			return true;
	return false;
}

static bool parse_length(const char *text, uint64_t *out)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 18)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		n = n * 10 + (uint64_t)(*text - '0');
	}
	*out = n;
	return true;
}

/* What the head says of its body: one way or none, and said once. */
static bool read_framing(const struct http_head *head, struct http_body *out)
{
	bool lengths, codings;
	const char *length = http_value(head, "Content-Length", &lengths);
	const char *coding = http_value(head, "Transfer-Encoding", &codings);

	*out = (struct http_body){.kind = HTTP_NO_BODY};
	if (lengths || codings || (length && coding))
		return false;
	if (coding) {
		out->kind = HTTP_CHUNKED;
		return head->minor == 1 && strcasecmp(coding, "chunked") == 0;
	}
	if (!length)
		return true;
	out->kind = HTTP_LENGTH;
	return parse_length(length, &out->length);
}

bool http_request_body(const struct http_head *head, struct http_body *out)
{
	return read_framing(head, out);
}

bool http_response_body(
	const struct http_head *head, bool answers_head, struct http_body *out)
{
	const int s = head->status;

	if (!read_framing(head, out))
		return false;
	if (answers_head || s < 200 || s == 204 || s == 304)
		*out = (struct http_body){.kind = HTTP_NO_BODY};
	else if (out->kind == HTTP_NO_BODY)
		out->kind = HTTP_TO_END;
	return true;
}

bool http_chunk_size(const char *line, size_t len, uint64_t *size)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < len && isxdigit((unsigned char)line[i]); i++) {
		const char c = (char)tolower((unsigned char)line[i]);

		if (i == 15)
			return false;
		n = n * 16 + (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	/* Extensions are for the next hop only, and are left out. */
	if (i == 0 || (i < len && line[i] != ';' && line[i] != ' ') ||
		!is_line(line, len))
		return false;
	*size = n;
	return true;
}

bool http_absolute(const char *target, char host[static GATE_HOST_MAX], uint16_t *port,
	const char **path)
{
	const char *authority;
	size_t len;

	if (strncasecmp(target, "http://", 7) != 0)
		return false;
	authority = target + 7;
	len = strcspn(authority, "/?#");
	*path = authority[len] ? authority + len : "/";
	*port = 80;
	return **path == '/' && gate_host_port(authority, len, host, port);
}

bool http_is_hop_by_hop(const struct http_head *head, const char *name)
{
	static const char *const names[] = {"Connection", "Proxy-Connection",
		"Keep-Alive", "Proxy-Authorization", "Proxy-Authenticate", "TE",
		"Trailer", "Transfer-Encoding", "Upgrade", "HTTP2-Settings"};

	for (size_t i = 0; i < SP_COUNT(names); i++)
		if (strcasecmp(name, names[i]) == 0)
			return true;
	/* What frames the message is never left out because a sender says so. */
	return strcasecmp(name, "Content-Length") != 0 &&
		http_has_word(head, "Connection", name);
}
