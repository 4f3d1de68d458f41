/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "providers/local/gate/socks.h"

static void check(bool claim)
{
	if (!claim)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Read as the gate reads: never more than the message says it needs. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char host[GATE_HOST_MAX];
	uint16_t port = 0;
	size_t have = 0, whole;
	uint8_t *exact;

	whole = socks_hello_length(data, len < 2 ? len : 2);
	if (whole && whole <= len)
		(void)socks_hello_ok(data, whole);
	while ((whole = socks_request_length(data, have)) > have && whole <= len) {
		check(whole <= SOCKS_MESSAGE_MAX);
		have = whole;
	}
	if (whole != have || !have)
		return 0;
	exact = malloc(have);
	if (!exact)
		return 0;
	memcpy(exact, data, have);
	if (socks_parse(exact, have, host, &port) == SOCKS_OK)
		check(port && host[0] && !strpbrk(host, " /@\r\n"));
	free(exact);
	return 0;
}
