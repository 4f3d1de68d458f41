/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/socks.h"

#include <arpa/inet.h>
#include <string.h>

enum { COMMAND_CONNECT = 1 };
enum { TYPE_IPV4 = 1, TYPE_NAME = 3, TYPE_IPV6 = 4 };

#define HEAD_BYTES 4 /* version, command, reserved, type */

size_t socks_hello_length(const uint8_t *data, size_t len)
{
	if (len > 0 && data[0] != SOCKS_VERSION)
		return 0;
	return len < 2 ? 2 : 2 + (size_t)data[1];
}

bool socks_hello_ok(const uint8_t *data, size_t len)
{
	return len > 2 && memchr(data + 2, 0, len - 2);
}

size_t socks_request_length(const uint8_t *data, size_t len)
{
	if (len > 0 && data[0] != SOCKS_VERSION)
		return 0;
	if (len < HEAD_BYTES + 1)
		return HEAD_BYTES + 1;
	switch (data[3]) {
	case TYPE_IPV4:
		return HEAD_BYTES + 4 + 2;
	case TYPE_IPV6:
		return HEAD_BYTES + 16 + 2;
	case TYPE_NAME:
		return HEAD_BYTES + 1 + (size_t)data[4] + 2;
	default:
		return HEAD_BYTES + 1; /* enough to say that it is unknown */
	}
}

static bool read_host(const uint8_t *data, char host[static GATE_HOST_MAX])
{
	char text[INET6_ADDRSTRLEN];

	if (data[3] == TYPE_NAME)
		return gate_host_normal((const char *)data + 5, data[4], host);
	return inet_ntop(data[3] == TYPE_IPV4 ? AF_INET : AF_INET6, data + HEAD_BYTES,
		       text, sizeof(text)) &&
		gate_host_normal(text, strlen(text), host);
}

enum socks_reply socks_parse(const uint8_t *data, size_t len,
	char host[static GATE_HOST_MAX], uint16_t *port)
{
	const bool is_known = data[3] == TYPE_IPV4 || data[3] == TYPE_NAME ||
		data[3] == TYPE_IPV6;

	if (!is_known)
		return SOCKS_NO_ADDRESS_TYPE;
	if (data[1] != COMMAND_CONNECT)
		return SOCKS_NO_COMMAND;
	*port = (uint16_t)(data[len - 2] << 8 | data[len - 1]);
	return *port && read_host(data, host) ? SOCKS_OK : SOCKS_FAILED;
}
