/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "providers/local/gate/dns.h"

static void check(bool claim)
{
	if (!claim)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t out[DNS_MESSAGE_MAX];
	struct dns_question question;
	enum dns_code code = DNS_OK;
	uint8_t *exact = malloc(len ? len : 1);

	if (!exact)
		return 0;
	memcpy(exact, data, len);
	if (dns_parse(exact, len, &question, &code)) {
		check(question.end <= len && strlen(question.host) < GATE_HOST_MAX);
		check(dns_answer(exact, &question, code, code == DNS_OK, 1, out) <=
			sizeof(out));
	}
	free(exact);
	return 0;
}
