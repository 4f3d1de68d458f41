/* SPDX-License-Identifier: Apache-2.0 */
/* Which hosts may be reached: "HOST[:PORT]", "*.HOST[:PORT]", an address with or without. */
#ifndef SP_PROVIDERS_LOCAL_GATE_RULES_H
#define SP_PROVIDERS_LOCAL_GATE_RULES_H

#include <sys/socket.h>

#include "base/buf.h"

/* A name with its end; 253 is the longest that DNS has. */
#define GATE_HOST_MAX 256

struct gate_address {
	bool is_ipv6;
	uint8_t bytes[16]; /* the first four of IPv4 */
};

struct gate_rule {
	char *text;               /* as it was given */
	char host[GATE_HOST_MAX]; /* in lower case, without "*." */
	bool is_wildcard;         /* what is below host, not host itself */
	bool is_address;
	struct gate_address address;
	uint16_t port; /* 0: 80 and 443 */
};

struct gate_rules {
	struct gate_rule *items;
	size_t count;
};

void gate_rules_clear(struct gate_rules *rules);
int gate_rules_add(struct gate_rules *rules, const char *text, struct sp_error *err);

/*
 * A host as it is compared: lower case, no dot at its end, [] of IPv6 taken off; false
 * when it can be no host.
 */
bool gate_host_normal(const char *text, size_t len, char out[static GATE_HOST_MAX]);

/* "HOST:PORT" or "HOST", or "[IPV6]:PORT"; port stays as it is where none is given. */
bool gate_host_port(
	const char *text, size_t len, char host[static GATE_HOST_MAX], uint16_t *port);

/* Strictly an address: four decimal numbers, or IPv6. */
bool gate_address_parse(const char *host, struct gate_address *out);
void gate_address_of(const struct sockaddr *sa, struct gate_address *out);

/* May this host, already normal, be reached at this port? */
bool gate_rules_match(const struct gate_rules *rules, const char *host, uint16_t port);
/* Is it allowed at any port?  What a resolver needs to know. */
bool gate_rules_know(const struct gate_rules *rules, const char *host);
/* Each port at which a host may be reached.  Returns how many of at most max. */
size_t gate_rules_ports(
	const struct gate_rules *rules, const char *host, uint16_t *ports, size_t max);

/*
 * May a connection go to this address, to which host has resolved?  What is not of the
 * public network, this machine first of all, must have been named as an address itself;
 * "localhost" with a port says the same of the loopback addresses.
 */
bool gate_rules_admit(const struct gate_rules *rules, const char *host,
	const struct gate_address *address, uint16_t port);
bool gate_address_is_public(const struct gate_address *address);

/*
 * The hosts that are named, each once, counted from 0: not those below a wildcard, not
 * addresses, not localhost, which all get no address of their own.  NULL: no more.
 */
const char *gate_rules_name(const struct gate_rules *rules, size_t n);

#endif
