/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver inside.  It asks nobody: a host that may be reached has an address of ours,
 * every other is said not to exist at once, so nothing can be told to the world by asking.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "providers/local/gate/dns.h"
#include "providers/local/gate/outer.h"

/* The address a host has inside, made on demand; 0 and a code when it has none. */
static uint32_t address_of(struct gate *g, const char *host, enum dns_code *code)
{
	uint32_t address = names_find(&g->names, host);
	struct gate_address literal;

	if (address)
		return address;
	if (strcmp(host, "localhost") == 0)
		return INADDR_LOOPBACK;
	if (!host[0] || gate_address_parse(host, &literal) ||
		!gate_rules_know(&g->plan.rules, host)) {
		*code = DNS_NO_NAME;
		return 0;
	}
	address = names_add(&g->names, host);
	if (address && outer_add_host(g, host, address, NULL) == 0)
		return address;
	*code = DNS_FAILED;
	return 0;
}

static size_t answer(struct gate *g, const uint8_t *asked, size_t len, uint8_t *out)
{
	struct dns_question question;
	enum dns_code code;
	uint32_t address = 0;

	if (!dns_parse(asked, len, &question, &code))
		return 0;
	if (code == DNS_OK)
		address = address_of(g, question.host, &code);
	if (code == DNS_NO_NAME)
		denied_note(&g->denied, "name", question.host, 0, "is not allowed");
	return dns_answer(asked, &question, code,
		address && question.type == DNS_TYPE_A, address, out);
}

void resolver_answer(struct gate *g, int fd)
{
	for (;;) {
		uint8_t asked[DNS_MESSAGE_MAX], out[DNS_MESSAGE_MAX];
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		ssize_t n = recvfrom(fd, asked, sizeof(asked), 0,
			(struct sockaddr *)&from, &from_len);
		size_t len;

		if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
			return;
		len = n > 0 ? answer(g, asked, (size_t)n, out) : 0;
		if (len)
			(void)sendto(fd, out, len, MSG_NOSIGNAL | MSG_DONTWAIT,
				(const struct sockaddr *)&from, from_len);
	}
}
