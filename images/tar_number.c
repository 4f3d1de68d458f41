/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>

#include "images/tar_layout.h"

/* GNU: big-endian two's complement, announced by the top bit. */
static bool base256(const unsigned char *f, size_t size, int64_t *out)
{
	bool negative = f[0] == 0xff;
	int64_t value = negative ? -1 : f[0] & 0x7f;

	if (!negative && f[0] != 0x80 && size > 8)
		return false;
	for (size_t i = 1; i < size; i++) {
		if (value > INT64_MAX >> 8 || value < INT64_MIN >> 8)
			return false;
		value = value * 256 + f[i];
	}
	*out = value;
	return true;
}

static bool octal(const char *f, size_t size, int64_t *out)
{
	int64_t value = 0;
	size_t i = 0;

	while (i < size && f[i] == ' ')
		i++;
	for (; i < size && f[i] >= '0' && f[i] <= '7'; i++)
		value = value * 8 + (f[i] - '0');
	for (; i < size; i++)
		if (f[i] != ' ' && f[i] != '\0')
			return false;
	*out = value;
	return true;
}

bool sp_tar_number(const char *f, size_t size, int64_t *out)
{
	if ((unsigned char)f[0] & 0x80)
		return base256((const unsigned char *)f, size, out);
	return octal(f, size, out);
}

bool sp_tar_decimal(const char *text, size_t len, uint64_t *out)
{
	uint64_t value = 0;

	if (len == 0 || len > 18)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*out = value;
	return true;
}
