/* SPDX-License-Identifier: Apache-2.0 */
/* Connections from inside: what they ask for, in which language, and where it leads. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "providers/local/gate/outer.h"
#include "providers/local/gate/socks.h"
#include "providers/local/gate/tls.h"

#define TLS_HANDSHAKE 0x16

/* How a client is told what became of its wish to be connected. */
typedef void reply_fn(
	struct stream *client, const char *host, uint16_t port, const struct dial *d);

static void reply_nothing(
	struct stream *client, const char *host, uint16_t port, const struct dial *d)
{
	(void)client;
	(void)host;
	(void)port;
	(void)d;
}

/* An address of ours stands for a host; whoever asks for it means that. */
static void name_of_address(struct gate *g, char host[static GATE_HOST_MAX])
{
	struct in_addr address;

	if (inet_pton(AF_INET, host, &address) == 1)
		(void)names_host(&g->names, ntohl(address.s_addr), host);
}

/* With a credential for it the requests are read, or there would be nowhere to add it. */
static void serve_requests(
	struct gate *g, struct stream *client, const char *host, uint16_t port)
{
	uint8_t first;

	if (client->len > client->at || recv(client->fd, &first, 1, MSG_PEEK) != 1)
		return;
	if (first != TLS_HANDSHAKE) {
		exchange_host(g, client, host, port, false);
	} else if (tls_accept(g->tls, client, host)) {
		exchange_host(g, client, host, port, true);
	}
}

static void pass_through(struct gate *g, struct stream *client, const char *how,
	const char *host, uint16_t port, reply_fn *reply)
{
	struct stream *server = malloc(sizeof(*server));
	struct dial d = {.result = DIAL_FAILED, .why = "out of memory"};
	int fd = server ? dial_host(g, how, host, port, &d) : -1;

	reply(client, host, port, &d);
	if (fd >= 0) {
		stream_open(server, fd);
		tunnel(client, server);
		stream_close(server);
	}
	free(server);
}

static void serve_target(struct gate *g, struct stream *client, const char *how,
	const char *host, uint16_t port, reply_fn *reply)
{
	struct dial d = {0};

	if (!gate_plan_find(&g->plan, host)) {
		pass_through(g, client, how, host, port, reply);
		return;
	}
	if (dial_allowed(g, how, host, port, &d)) {
		reply(client, host, port, &d);
		serve_requests(g, client, host, port);
	} else {
		reply(client, host, port, &d);
	}
}

void host_serve(struct gate *g, struct stream *client, const char *host, uint16_t port)
{
	serve_target(g, client, "connect", host, port, reply_nothing);
}

/* --- HTTP ------------------------------------------------------------------------------------ */

static void reply_http(
	struct stream *client, const char *host, uint16_t port, const struct dial *d)
{
	static const char done[] = "HTTP/1.1 200 Connection established\r\n\r\n";
	char text[700], out[1024];
	int len;

	if (d->result == DIAL_OK) {
		(void)stream_write(client, done, sizeof(done) - 1);
		return;
	}
	snprintf(text, sizeof(text),
		d->result == DIAL_NOT_ALLOWED
			? GATE_BLOCKED ": %s:%u %s; do not retry by other means\n"
			: "sandpit: %s:%u cannot be reached: %s\n",
		host, port, d->why);
	len = snprintf(out, sizeof(out),
		"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
		"X-Sandpit: refused\r\nConnection: close\r\n\r\n%s",
		d->result == DIAL_NOT_ALLOWED ? "403 Forbidden" : "502 Bad Gateway",
		strlen(text), text);
	(void)stream_write(client, out, (size_t)len);
}

static void serve_connect(struct gate *g, struct stream *client, size_t head_len)
{
	static const char broken[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n"
				     "Connection: close\r\n\r\n";
	char host[GATE_HOST_MAX];
	uint16_t port = 0;
	struct http_head head;
	char *text = malloc(head_len + 1);
	bool ok = text && stream_read_all(client, text, head_len) &&
		http_parse(text, head_len, false, &head) &&
		gate_host_port(head.target, strlen(head.target), host, &port) && port;

	free(text);
	if (!ok) {
		denied_note(
			&g->denied, "connect", "-", 0, "no target that can be read");
		(void)stream_write(client, broken, sizeof(broken) - 1);
		return;
	}
	name_of_address(g, host);
	serve_target(g, client, "connect", host, port, reply_http);
}

/* --- SOCKS ------------------------------------------------------------------------------------- */

static void reply_socks(
	struct stream *client, const char *host, uint16_t port, const struct dial *d)
{
	static const uint8_t codes[] = {[DIAL_OK] = SOCKS_OK,
		[DIAL_NOT_ALLOWED] = SOCKS_NOT_ALLOWED,
		[DIAL_NO_NAME] = SOCKS_UNREACHABLE,
		[DIAL_FAILED] = SOCKS_REFUSED};
	const uint8_t out[10] = {SOCKS_VERSION, codes[d->result], 0, 1};

	(void)host;
	(void)port;
	(void)stream_write(client, out, sizeof(out));
}

/* A message whose length shows as it is read; its length, or 0. */
static size_t read_message(struct stream *client, uint8_t *data,
	size_t (*length)(const uint8_t *data, size_t len))
{
	size_t len = 0, whole;

	while ((whole = length(data, len)) > len)
		if (whole > SOCKS_MESSAGE_MAX ||
			!stream_read_all(client, data + len, whole - len))
			return 0;
		else
			len = whole;
	return whole ? len : 0;
}

static void serve_socks(struct gate *g, struct stream *client)
{
	uint8_t data[SOCKS_MESSAGE_MAX], out[10] = {SOCKS_VERSION, 0, 0, 1};
	char host[GATE_HOST_MAX];
	uint16_t port = 0;
	size_t len = read_message(client, data, socks_hello_length);

	if (len == 0)
		return;
	out[1] = socks_hello_ok(data, len) ? 0 : 0xff;
	if (!stream_write(client, out, 2) || out[1])
		return;
	len = read_message(client, data, socks_request_length);
	if (len == 0)
		return;
	out[1] = (uint8_t)socks_parse(data, len, host, &port);
	if (out[1] != SOCKS_OK) {
		(void)stream_write(client, out, sizeof(out));
		return;
	}
	name_of_address(g, host);
	serve_target(g, client, "socks", host, port, reply_socks);
}

void proxy_serve(struct gate *g, struct stream *client)
{
	static const char connect[] = "CONNECT ";
	ssize_t head_len;

	if (stream_fill(client) <= 0)
		return;
	if ((uint8_t)client->buffer[0] == SOCKS_VERSION) {
		serve_socks(g, client);
		return;
	}
	head_len = stream_head(client);
	if (head_len > 0 && (size_t)head_len > sizeof(connect) &&
		memcmp(client->buffer, connect, sizeof(connect) - 1) == 0)
		serve_connect(g, client, (size_t)head_len);
	else
		exchange_proxy(g, client);
}
