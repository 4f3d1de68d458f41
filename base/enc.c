/* SPDX-License-Identifier: Apache-2.0 */
#include "base/enc.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#define NAME_LEN_MAX 128

static const char base64_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void sp_enc_base64(struct sp_buf *out, const void *data, size_t len)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)p[i] << 16 |
			(n > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
			(n > 2 ? (uint32_t)p[i + 2] : 0);
		char four[4] = {base64_digits[v >> 18], base64_digits[v >> 12 & 63],
			n > 1 ? base64_digits[v >> 6 & 63] : '=',
			n > 2 ? base64_digits[v & 63] : '='};

		sp_buf_add(out, four, sizeof(four));
	}
}

static int base64_value(char c)
{
	const char *at = c ? strchr(base64_digits, c) : NULL;

	return at ? (int)(at - base64_digits) : -1;
}

int sp_dec_base64(
	struct sp_buf *out, const char *text, size_t len, struct sp_error *err)
{
	for (int pad = 0; pad < 2 && len && text[len - 1] == '='; pad++)
		len--;
	for (size_t i = 0; i < len; i += 4) {
		size_t n = len - i < 4 ? len - i : 4;
		uint32_t v = 0;
		char three[3];

		if (n == 1)
			return sp_fail(
				err, SP_ERR_PROTOCOL, "base64 ends in the middle");
		for (size_t k = 0; k < 4; k++) {
			int digit = k < n ? base64_value(text[i + k]) : 0;

			if (digit < 0)
				return sp_fail(err, SP_ERR_PROTOCOL,
					"not base64 at byte %zu", i + k);
			v = v << 6 | (uint32_t)digit;
		}
		three[0] = (char)(v >> 16);
		three[1] = (char)(v >> 8);
		three[2] = (char)v;
		sp_buf_add(out, three, n - 1);
	}
	return sp_buf_ok(out, err);
}

void sp_enc_percent(struct sp_buf *out, const char *s)
{
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c < 0x80 && isalnum(c)) || strchr("-._~", c))
			sp_buf_addc(out, *s);
		else
			sp_buf_addf(out, "%%%02X", c);
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int sp_dec_percent(
	struct sp_buf *out, const char *text, size_t len, struct sp_error *err)
{
	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (text[i] != '%') {
			sp_buf_addc(out, text[i]);
			continue;
		}
		high = len - i > 2 ? hex_value(text[i + 1]) : -1;
		low = len - i > 2 ? hex_value(text[i + 2]) : -1;
		if (high < 0 || low < 0)
			return sp_fail(
				err, SP_ERR_PROTOCOL, "bad %% escape at byte %zu", i);
		sp_buf_addc(out, (char)(high << 4 | low));
		i += 2;
	}
	return sp_buf_ok(out, err);
}

/* Length of the UTF-8 sequence at p, its code point in *cp; 0 when it is not one. */
static size_t utf8_next(const unsigned char *p, size_t len, uint32_t *cp)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = p[0] < 0x80    ? 1
		: p[0] >> 5 == 6  ? 2
		: p[0] >> 4 == 14 ? 3
		: p[0] >> 3 == 30 ? 4
				  : 0;

	if (n == 0 || n > len)
		return 0;
	*cp = n == 1 ? p[0] : p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		*cp = *cp << 6 | (p[i] & 0x3f);
	}
	if (*cp < least[n] || *cp > 0x10ffff || (*cp >= 0xd800 && *cp <= 0xdfff))
		return 0;
	return n;
}

bool sp_utf8_valid(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	uint32_t cp;

	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_next(p + i, len - i, &cp);
		if (n == 0)
			return false;
	}
	return true;
}

/* What changes a terminal's state or the order of what is read. */
static bool is_unsafe(uint32_t cp)
{
	return cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) || cp == 0x200e ||
		cp == 0x200f || cp == 0x061c || (cp >= 0x2028 && cp <= 0x202e) ||
		(cp >= 0x2066 && cp <= 0x2069);
}

void sp_enc_printable(struct sp_buf *out, const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;

	for (size_t i = 0; i < len;) {
		uint32_t cp = 0;
		size_t n = utf8_next(p + i, len - i, &cp);

		if (n && !is_unsafe(cp)) {
			sp_buf_add(out, p + i, n);
			i += n;
			continue;
		}
		for (size_t k = 0; k < (n ? n : 1); k++)
			sp_buf_addf(out, "\\x%02x", p[i + k]);
		i += n ? n : 1;
	}
}

int sp_random_name(char *out, size_t len, struct sp_error *err)
{
	static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";

	for (size_t done = 0; done < len;) {
		ssize_t n = getrandom(out + done, len - done, 0);

		if (n < 0 && errno != EINTR)
			return sp_fail_errno(err, "get random bytes");
		if (n > 0)
			done += (size_t)n;
	}
	for (size_t i = 0; i < len; i++)
		out[i] = digits[(unsigned char)out[i] % 32];
	out[len] = '\0';
	return 0;
}

bool sp_name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_LEN_MAX || !isalnum((unsigned char)name[0]))
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i];

		if (c >= 0x80 || !(isalnum(c) || strchr("_.-", c)))
			return false;
	}
	return true;
}

int sp_parse_size(const char *text, uint64_t *bytes, struct sp_error *err)
{
	static const char units[] = "kmgt";
	unsigned long long n = 0;
	const char *unit;
	char *end;
	unsigned int shift = 0;

	errno = 0;
	if (isdigit((unsigned char)*text))
		n = strtoull(text, &end, 10);
	else
		return sp_fail(
			err, SP_ERR_INVALID, "\"%s\" is not a size like 512m", text);
	unit = *end ? strchr(units, tolower((unsigned char)*end)) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
	}
	if ((*end == 'b' || *end == 'B') && end > text)
		end++;
	if (*end)
		return sp_fail(
			err, SP_ERR_INVALID, "\"%s\" is not a size like 512m", text);
	if (errno == ERANGE || (shift && n > UINT64_MAX >> shift))
		return sp_fail(err, SP_ERR_INVALID, "\"%s\" is too large", text);
	*bytes = (uint64_t)n << shift;
	return 0;
}

int sp_parse_int(
	const char *text, int64_t min, int64_t max, int64_t *out, struct sp_error *err)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, 10);
	if (end == text || *end || isspace((unsigned char)*text))
		return sp_fail(err, SP_ERR_INVALID, "\"%s\" is not a number", text);
	if (errno == ERANGE || n < min || n > max)
		return sp_fail(err, SP_ERR_INVALID, "%s is not between %lld and %lld",
			text, (long long)min, (long long)max);
	*out = n;
	return 0;
}
