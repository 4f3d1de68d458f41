/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/dns.h"

#include <string.h>

#define HEADER_BYTES 12
#define LABEL_MAX    63
#define NAME_MAX_LEN 255
#define TTL_SECONDS  60
#define CLASS_IN     1

/* Bits of the second 16. */
#define FLAG_RESPONSE  0x8000
#define FLAG_OPCODE    0x7800
#define FLAG_RECURSION 0x0100
#define FLAG_AVAILABLE 0x0080

static unsigned int get16(const uint8_t *at)
{
	return (unsigned int)at[0] << 8 | at[1];
}

static size_t put16(uint8_t *out, size_t at, unsigned int value)
{
	out[at] = (uint8_t)(value >> 8);
	out[at + 1] = (uint8_t)value;
	return at + 2;
}

static size_t put32(uint8_t *out, size_t at, uint32_t value)
{
	return put16(out, put16(out, at, value >> 16), value & 0xffff);
}

/* A name without compression, as questions have it; the place behind it, or 0. */
static size_t read_name(const uint8_t *data, size_t len, size_t at, char *host)
{
	char text[NAME_MAX_LEN + 1];
	size_t used = 0;

	while (at < len && data[at]) {
		size_t label = data[at++];

		if (label > LABEL_MAX || at + label >= len ||
			used + label + 1 > NAME_MAX_LEN)
			return 0;
		memcpy(text + used, data + at, label);
		used += label;
		text[used++] = '.';
		at += label;
	}
	if (at >= len)
		return 0;
	/* Dots within a label would make another name of it. */
	if (used == 0 || !gate_host_normal(text, used, host))
		host[0] = '\0';
	return at + 1;
}

static bool labels_hold_dots(const uint8_t *data, size_t at)
{
	for (; data[at]; at += (size_t)data[at] + 1)
		if (memchr(data + at + 1, '.', data[at]))
			return true;
	return false;
}

bool dns_parse(
	const uint8_t *data, size_t len, struct dns_question *out, enum dns_code *code)
{
	unsigned int flags;

	*out = (struct dns_question){.end = HEADER_BYTES};
	if (len < HEADER_BYTES || len > DNS_MESSAGE_MAX)
		return false;
	flags = get16(data + 2);
	if (flags & FLAG_RESPONSE)
		return false; /* or two resolvers could be set to talk for ever */
	*code = DNS_OK;
	if (flags & FLAG_OPCODE) {
		*code = DNS_NOT_SUPPORTED;
	} else {
		size_t end = get16(data + 4) == 1
			? read_name(data, len, HEADER_BYTES, out->host)
			: 0;

		if (end == 0 || end + 4 > len) {
			out->host[0] = '\0';
			*code = DNS_FORMAT;
			return true;
		}
		if (labels_hold_dots(data, HEADER_BYTES))
			out->host[0] = '\0';
		out->type = (uint16_t)get16(data + end);
		if (get16(data + end + 2) != CLASS_IN)
			*code = DNS_NOT_SUPPORTED;
		out->end = end + 4;
	}
	return true;
}

size_t dns_answer(const uint8_t *asked, const struct dns_question *question,
	enum dns_code code, bool has_address, uint32_t address, uint8_t *out)
{
	const bool has_question = question->end > HEADER_BYTES;
	size_t at;

	memcpy(out, asked, question->end);
	put16(out, 2,
		FLAG_RESPONSE | FLAG_AVAILABLE |
			(get16(asked + 2) & (FLAG_OPCODE | FLAG_RECURSION)) |
			(unsigned int)code);
	put16(out, 4, has_question);
	put16(out, 6, has_address);
	put32(out, 8, 0);
	at = question->end;
	if (!has_address)
		return at;
	at = put16(out, at, 0xc000 | HEADER_BYTES); /* the question's name */
	at = put16(out, at, DNS_TYPE_A);
	at = put16(out, at, CLASS_IN);
	at = put32(out, at, TTL_SECONDS);
	at = put16(out, at, 4);
	return put32(out, at, address);
}
