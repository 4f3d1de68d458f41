/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/enc.h"
#include "runtime/event.h"

static int malformed(struct sp_error *err)
{
	return sp_fail(err, SP_ERR_PROTOCOL, "malformed line of events");
}

/* The next word, ended by a blank, into a place of size bytes. */
static bool take_word(const char **at, const char *end, char *to, size_t size)
{
	const char *blank = memchr(*at, ' ', (size_t)(end - *at));
	size_t len = blank ? (size_t)(blank - *at) : 0;

	if (len == 0 || len >= size)
		return false;
	memcpy(to, *at, len);
	to[len] = '\0';
	*at = blank + 1;
	return true;
}

static bool is_word(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz-") == strlen(text);
}

/* All of it can be shown to a person as it is. */
static bool is_plain(const char *at, const char *end)
{
	for (; at < end; at++)
		if (*at < ' ' || *at > '~')
			return false;
	return true;
}

int sp_event_parse(
	const char *line, size_t len, struct sp_event_line *out, struct sp_error *err)
{
	struct sp_event_line e = {0};
	const char *at = line;
	const char *end = line + len;
	char number[24];

	if (len >= SP_EVENT_LINE_MAX || memchr(line, '\0', len) ||
		!take_word(&at, end, number, sizeof(number)) ||
		sp_parse_int(number, 0, INT64_MAX, &e.at_ms, NULL) < 0 ||
		!take_word(&at, end, e.id, sizeof(e.id)) || !sp_name_ok(e.id) ||
		!take_word(&at, end, e.action, sizeof(e.action)) ||
		!is_word(e.action) || !is_plain(at, end))
		return malformed(err);
	e.details = at;
	*out = e;
	return 0;
}
