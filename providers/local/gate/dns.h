/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a resolver and their answers, nothing else of DNS.  Source: RFC 1035. */
#ifndef SP_PROVIDERS_LOCAL_GATE_DNS_H
#define SP_PROVIDERS_LOCAL_GATE_DNS_H

#include "providers/local/gate/rules.h"

#define DNS_MESSAGE_MAX 1232 /* what fits everywhere; ours are far smaller */

enum dns_code {
	DNS_OK = 0,
	DNS_FORMAT = 1,
	DNS_FAILED = 2,
	DNS_NO_NAME = 3,
	DNS_NOT_SUPPORTED = 4,
};

enum { DNS_TYPE_A = 1 };

struct dns_question {
	char host[GATE_HOST_MAX]; /* "" when its name is no host's */
	uint16_t type;
	size_t end; /* of the question in the message */
};

/* False when it is nothing to be answered at all; *code is what is wrong otherwise. */
bool dns_parse(
	const uint8_t *data, size_t len, struct dns_question *out, enum dns_code *code);

/*
 * The answer to the message that was parsed: code, and with has_address one address.
 * Returns its length; out has room for DNS_MESSAGE_MAX.
 */
size_t dns_answer(const uint8_t *asked, const struct dns_question *question,
	enum dns_code code, bool has_address, uint32_t address, uint8_t *out);

#endif
