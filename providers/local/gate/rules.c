/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/rules.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/enc.h"

#define LABEL_MAX 63
#define RULES_MAX 256

static const uint16_t default_ports[] = {443, 80};

void gate_rules_clear(struct gate_rules *rules)
{
	for (size_t i = 0; i < rules->count; i++)
		free(rules->items[i].text);
	free(rules->items);
	*rules = (struct gate_rules){0};
}

bool gate_address_parse(const char *host, struct gate_address *out)
{
	struct gate_address a = {0};

	if (inet_pton(AF_INET, host, a.bytes) == 1) {
		*out = a;
		return true;
	}
	a.is_ipv6 = true;
	if (inet_pton(AF_INET6, host, a.bytes) != 1)
		return false;
	*out = a;
	return true;
}

void gate_address_of(const struct sockaddr *sa, struct gate_address *out)
{
	*out = (struct gate_address){.is_ipv6 = sa->sa_family == AF_INET6};
	if (out->is_ipv6)
		memcpy(out->bytes, &((const struct sockaddr_in6 *)sa)->sin6_addr, 16);
	else
		memcpy(out->bytes, &((const struct sockaddr_in *)sa)->sin_addr, 4);
}

/* Labels of letters, digits, "-" and "_", none empty, none too long. */
static bool is_name(const char *host)
{
	size_t label = 0;

	for (const char *at = host; *at; at++) {
		if (*at == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if ((!isalnum((unsigned char)*at) && *at != '-' && *at != '_') ||
			++label > LABEL_MAX) {
			return false;
		}
	}
	return label > 0;
}

bool gate_host_normal(const char *text, size_t len, char out[static GATE_HOST_MAX])
{
	struct gate_address address;
	const bool is_bracketed = len > 2 && text[0] == '[' && text[len - 1] == ']';

	if (is_bracketed) {
		text++;
		len -= 2;
	}
	if (len > 1 && text[len - 1] == '.')
		len--;
	if (len == 0 || len >= GATE_HOST_MAX - 2 || memchr(text, '\0', len))
		return false;
	for (size_t i = 0; i < len; i++)
		out[i] = (char)tolower((unsigned char)text[i]);
	out[len] = '\0';
	if (gate_address_parse(out, &address))
		return is_bracketed == address.is_ipv6 || address.is_ipv6;
	return !is_bracketed && is_name(out);
}

bool gate_host_port(
	const char *text, size_t len, char host[static GATE_HOST_MAX], uint16_t *port)
{
	const char *bracket = len && text[0] == '[' ? memchr(text, ']', len) : NULL;
	size_t host_len = bracket ? (size_t)(bracket - text) + 1 : 0;
	const char *colon = memchr(text + host_len, ':', len - host_len);
	char digits[6];
	size_t digit_count;
	int64_t n;

	if (len && text[0] == '[' && !bracket)
		return false;
	if (!colon)
		return (!bracket || host_len == len) &&
			gate_host_normal(text, len, host);
	digit_count = len - (size_t)(colon - text) - 1;
	if ((bracket && colon != text + host_len) || digit_count == 0 ||
		digit_count >= sizeof(digits))
		return false;
	memcpy(digits, colon + 1, digit_count);
	digits[digit_count] = '\0';
	if (sp_parse_int(digits, 1, 65535, &n, NULL) < 0 ||
		!gate_host_normal(text, (size_t)(colon - text), host))
		return false;
	*port = (uint16_t)n;
	return true;
}

int gate_rules_add(struct gate_rules *rules, const char *text, struct sp_error *err)
{
	struct gate_rule rule = {.is_wildcard = strncmp(text, "*.", 2) == 0};
	const char *host = rule.is_wildcard ? text + 2 : text;
	struct gate_rule *items;

	if (!gate_host_port(host, strlen(host), rule.host, &rule.port))
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is not HOST[:PORT] or *.HOST[:PORT]", text);
	rule.is_address = gate_address_parse(rule.host, &rule.address);
	if (rule.is_wildcard && rule.is_address)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\": there is nothing below an address", text);
	if (rules->count == RULES_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "more than %d hosts", RULES_MAX);
	items = reallocarray(rules->items, rules->count + 1, sizeof(*items));
	rule.text = strdup(text);
	if (items)
		rules->items = items;
	if (!items || !rule.text) {
		free(rule.text);
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	items[rules->count++] = rule;
	return 0;
}

static bool same_address(const struct gate_address *a, const struct gate_address *b)
{
	return a->is_ipv6 == b->is_ipv6 &&
		memcmp(a->bytes, b->bytes, a->is_ipv6 ? 16 : 4) == 0;
}

static bool port_matches(const struct gate_rule *rule, uint16_t port)
{
	return rule->port ? rule->port == port : port == 80 || port == 443;
}

static bool host_matches(const struct gate_rule *rule, const char *host)
{
	size_t len = strlen(host), below = strlen(rule->host);
	struct gate_address address;

	if (rule->is_address)
		return gate_address_parse(host, &address) &&
			same_address(&address, &rule->address);
	if (!rule->is_wildcard)
		return strcmp(rule->host, host) == 0;
	return len > below + 1 && host[len - below - 1] == '.' &&
		strcmp(host + len - below, rule->host) == 0;
}

bool gate_rules_match(const struct gate_rules *rules, const char *host, uint16_t port)
{
	for (size_t i = 0; i < rules->count; i++)
		if (port_matches(&rules->items[i], port) &&
			host_matches(&rules->items[i], host))
			return true;
	return false;
}

bool gate_rules_know(const struct gate_rules *rules, const char *host)
{
	for (size_t i = 0; i < rules->count; i++)
		if (host_matches(&rules->items[i], host))
			return true;
	return false;
}

static size_t add_port(uint16_t *ports, size_t count, size_t max, uint16_t port)
{
	for (size_t i = 0; i < count; i++)
		if (ports[i] == port)
			return count;
	if (count < max)
		ports[count++] = port;
	return count;
}

size_t gate_rules_ports(
	const struct gate_rules *rules, const char *host, uint16_t *ports, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct gate_rule *rule = &rules->items[i];

		if (!host_matches(rule, host))
			continue;
		if (rule->port)
			count = add_port(ports, count, max, rule->port);
		for (size_t k = 0; !rule->port && k < SP_COUNT(default_ports); k++)
			count = add_port(ports, count, max, default_ports[k]);
	}
	return count;
}

/* Networks that are not everybody's, as prefix and length.  Source: IANA's registries of
 * special-purpose addresses, RFC 6890 and its successors. */
static const struct {
	uint8_t prefix[4];
	int bits;
} special4[] = {
	{{0, 0, 0, 0}, 8},      /* "this network"; Linux takes it for loopback */
	{{10, 0, 0, 0}, 8},     /* private */
	{{100, 64, 0, 0}, 10},  /* carriers' own */
	{{127, 0, 0, 0}, 8},    /* loopback */
	{{169, 254, 0, 0}, 16}, /* link-local, and the clouds' metadata */
	{{172, 16, 0, 0}, 12},  /* private */
	{{192, 0, 0, 0}, 24},   /* protocol assignments */
	{{192, 88, 99, 0}, 24}, /* relays of 6to4 */
	{{192, 168, 0, 0}, 16}, /* private */
	{{198, 18, 0, 0}, 15},  /* benchmarks */
	{{224, 0, 0, 0}, 3},    /* multicast, reserved, broadcast */
};

static bool has_prefix(const uint8_t *bytes, const uint8_t *prefix, int bits)
{
	for (; bits >= 8; bits -= 8)
		if (*bytes++ != *prefix++)
			return false;
	return bits == 0 || ((*bytes ^ *prefix) >> (8 - bits)) == 0;
}

static bool is_public4(const uint8_t *bytes)
{
	for (size_t i = 0; i < SP_COUNT(special4); i++)
		if (has_prefix(bytes, special4[i].prefix, special4[i].bits))
			return false;
	return true;
}

/*
 * Of IPv6 only 2000::/3 is everybody's, and in it not the tunnels that carry an IPv4
 * address: 2001::/23 (Teredo among others) and 2002::/16.  The mapped forms are judged by
 * what they mean.
 */
static bool is_public6(const uint8_t *bytes)
{
	static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const uint8_t nat64[12] = {0, 0x64, 0xff, 0x9b};
	static const uint8_t everybody[] = {0x20}, teredo[] = {0x20, 0x01, 0},
			     sixto4[] = {0x20, 0x02};

	if (memcmp(bytes, mapped, 12) == 0 || memcmp(bytes, nat64, 12) == 0)
		return is_public4(bytes + 12);
	return has_prefix(bytes, everybody, 3) && !has_prefix(bytes, teredo, 23) &&
		!has_prefix(bytes, sixto4, 16);
}

bool gate_address_is_public(const struct gate_address *address)
{
	return address->is_ipv6 ? is_public6(address->bytes)
				: is_public4(address->bytes);
}

static bool is_loopback(const struct gate_address *a)
{
	static const struct gate_address one6 = {.is_ipv6 = true, .bytes[15] = 1};

	return a->is_ipv6 ? same_address(a, &one6)
			  : a->bytes[0] == 127 && a->bytes[3] == 1;
}

bool gate_rules_admit(const struct gate_rules *rules, const char *host,
	const struct gate_address *address, uint16_t port)
{
	if (gate_address_is_public(address))
		return true;
	for (size_t i = 0; i < rules->count; i++) {
		const struct gate_rule *rule = &rules->items[i];

		if (!port_matches(rule, port))
			continue;
		if (rule->is_address && same_address(&rule->address, address))
			return true;
		if (rule->port && strcmp(rule->host, "localhost") == 0 &&
			strcmp(host, "localhost") == 0 && is_loopback(address))
			return true;
	}
	return false;
}

static bool has_own_address(const struct gate_rules *rules, size_t i)
{
	const struct gate_rule *rule = &rules->items[i];

	if (rule->is_wildcard || rule->is_address ||
		strcmp(rule->host, "localhost") == 0)
		return false;
	for (size_t k = 0; k < i; k++)
		if (!rules->items[k].is_wildcard &&
			strcmp(rules->items[k].host, rule->host) == 0)
			return false;
	return true;
}

const char *gate_rules_name(const struct gate_rules *rules, size_t n)
{
	for (size_t i = 0; i < rules->count; i++)
		if (has_own_address(rules, i) && n-- == 0)
			return rules->items[i].host;
	return NULL;
}
