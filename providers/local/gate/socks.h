/* SPDX-License-Identifier: Apache-2.0 */
/* SOCKS 5, as far as clients use it: no sign-on, CONNECT only.  Source: RFC 1928. */
#ifndef SP_PROVIDERS_LOCAL_GATE_SOCKS_H
#define SP_PROVIDERS_LOCAL_GATE_SOCKS_H

#include "providers/local/gate/rules.h"

#define SOCKS_VERSION     5
#define SOCKS_MESSAGE_MAX 262 /* the longest request: a name of 255 */

enum socks_reply {
	SOCKS_OK = 0,
	SOCKS_FAILED = 1,
	SOCKS_NOT_ALLOWED = 2,
	SOCKS_UNREACHABLE = 4,
	SOCKS_REFUSED = 5,
	SOCKS_NO_COMMAND = 7,
	SOCKS_NO_ADDRESS_TYPE = 8,
};

/*
 * Bytes that the first, and the second, message takes as far as can be told from what is
 * there: at least one more than len while it is not whole; 0 when it is broken.
 */
size_t socks_hello_length(const uint8_t *data, size_t len);
size_t socks_request_length(const uint8_t *data, size_t len);

/* Does a whole hello offer to go on without signing on? */
bool socks_hello_ok(const uint8_t *data, size_t len);

/* Take a whole request apart; what to answer when it cannot be served, else SOCKS_OK. */
enum socks_reply socks_parse(const uint8_t *data, size_t len,
	char host[static GATE_HOST_MAX], uint16_t *port);

#endif
