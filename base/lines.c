/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lines.h"

#include <errno.h>
#include <string.h>

#include "base/enc.h"

#define KEY_MAX 32
/* As long as a whole record: what is written is read. */
#define VALUE_MAX (2 * 1024 * 1024)
#define END       "end\n"

void sp_lines_add(struct sp_buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	sp_buf_adds(out, key);
	sp_buf_addc(out, '=');
	sp_enc_percent(out, value);
	sp_buf_addc(out, '\n');
}

void sp_lines_add_number(struct sp_buf *out, const char *key, uint64_t value)
{
	sp_buf_addf(out, "%s=%llu\n", key, (unsigned long long)value);
}

void sp_lines_end(struct sp_buf *out)
{
	sp_buf_adds(out, END);
}

/* One "KEY=VALUE" without its newline. */
static int parse_line(const char *line, size_t len, sp_line_fn *on_line, void *ctx,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf value = SP_BUF_INIT(VALUE_MAX);
	const char *equals = memchr(line, '=', len);
	size_t key_len = equals ? (size_t)(equals - line) : 0;
	char key[KEY_MAX];
	int rc;

	if (key_len == 0 || key_len >= sizeof(key) || memchr(line, '\0', key_len))
		return sp_fail(err, SP_ERR_PROTOCOL, "a line without a key");
	memcpy(key, line, key_len);
	key[key_len] = '\0';
	rc = sp_dec_percent(&value, equals + 1, len - key_len - 1, err);
	if (rc < 0)
		return rc;
	if (memchr(sp_buf_str(&value), '\0', value.len))
		return sp_fail(err, SP_ERR_PROTOCOL, "a zero byte in %s", key);
	return on_line(ctx, key, sp_buf_str(&value), err);
}

int sp_lines_parse(const char *text, size_t len, sp_line_fn *on_line, void *ctx,
	struct sp_error *err)
{
	const char *at = text;
	const char *end = text + len;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		int rc;

		if (!line_end)
			break;
		if ((size_t)(end - at) == strlen(END) &&
			memcmp(at, END, strlen(END)) == 0)
			return 0;
		rc = parse_line(at, (size_t)(line_end - at), on_line, ctx, err);
		if (rc < 0)
			return rc;
		at = line_end + 1;
	}
	return sp_fail(err, SP_ERR_PROTOCOL, "record ends early");
}

int sp_lines_number(const char *key, const char *text, uint64_t max, uint64_t *out,
	struct sp_error *err)
{
	uint64_t value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	/* Digits only: strtoull would take a sign and turn it round. */
	if (*text < '0' || *text > '9' || *end || errno || value > max)
		return sp_fail(err, SP_ERR_PROTOCOL, "%s is \"%.40s\"", key, text);
	*out = value;
	return 0;
}
