/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the world: a name is resolved here, and exactly what was checked is used. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/io.h"
#include "providers/local/gate/outer.h"

#define CONNECT_MS    10000
#define ADDRESS_TRIES 4

static void refuse(struct dial *out, enum dial_result result, const char *why)
{
	out->result = result;
	snprintf(out->why, sizeof(out->why), "%s", why);
}

bool dial_allowed(struct gate *g, const char *how, const char *host, uint16_t port,
	struct dial *out)
{
	if (gate_rules_match(&g->plan.rules, host, port))
		return true;
	refuse(out, DIAL_NOT_ALLOWED, "is not allowed");
	denied_note(&g->denied, how, host, port, "is not allowed");
	return false;
}

/* Wait until a connection that was begun is there; the descriptor then blocks. */
static bool wait_connected(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int64_t deadline = sp_deadline_in(CONNECT_MS);
	socklen_t len = sizeof(int);
	int error = 0, n;

	do
		n = poll(&p, 1, sp_deadline_poll_ms(deadline));
	while (n < 0 && errno == EINTR);
	if (n <= 0) {
		errno = ETIMEDOUT;
		return false;
	}
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error) {
		errno = error ? error : errno;
		return false;
	}
	return sp_set_nonblock(fd, false, NULL) == 0;
}

static void set_socket(int fd)
{
	const int on = 1;

	/* What comes in small pieces goes out at once; a peer that is gone is noticed. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

static int connect_address(const struct addrinfo *a)
{
	sp_autoclose int fd = socket(
		a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -1;
	set_socket(fd);
	if (connect(fd, a->ai_addr, a->ai_addrlen) < 0 && errno != EINPROGRESS)
		return -1;
	return wait_connected(fd) ? sp_take_fd(fd) : -1;
}

static void note_private(struct gate *g, const char *how, const char *host,
	uint16_t port, const struct addrinfo *a, struct dial *out)
{
	char text[INET6_ADDRSTRLEN] = "?";

	(void)getnameinfo(
		a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
	out->result = DIAL_NOT_ALLOWED;
	snprintf(out->why, sizeof(out->why),
		"leads to %s, which is not public and must be allowed itself", text);
	denied_note(&g->denied, how, host, port, out->why);
}

/* The first address that may be used and answers. */
static int connect_first(struct gate *g, const char *how, const char *host,
	uint16_t port, const struct addrinfo *list, struct dial *out)
{
	int tries = 0;

	for (const struct addrinfo *a = list; a && tries < ADDRESS_TRIES;
		a = a->ai_next) {
		struct gate_address address;
		int fd;

		gate_address_of(a->ai_addr, &address);
		if (!gate_rules_admit(&g->plan.rules, host, &address, port)) {
			if (!tries)
				note_private(g, how, host, port, a, out);
			continue;
		}
		tries++;
		fd = connect_address(a);
		if (fd >= 0)
			return fd;
		refuse(out, DIAL_FAILED, strerror(errno));
	}
	return -1;
}

int dial_host(struct gate *g, const char *how, const char *host, uint16_t port,
	struct dial *out)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list = NULL;
	char service[8];
	int fd, rc;

	if (!dial_allowed(g, how, host, port, out))
		return -1;
	snprintf(service, sizeof(service), "%u", port);
	rc = getaddrinfo(host, service, &hints, &list);
	if (rc != 0) {
		refuse(out, DIAL_NO_NAME, gai_strerror(rc));
		return -1;
	}
	refuse(out, DIAL_FAILED, "has no address");
	fd = connect_first(g, how, host, port, list, out);
	freeaddrinfo(list);
	if (fd >= 0)
		out->result = DIAL_OK;
	return fd;
}

int dial_inside(struct gate *g, uint16_t port)
{
	struct porter_request request = {.op = PORTER_CONNECT, .port = port};

	for (int i = 0; i < 2; i++) {
		sp_autoclose int fd = -1;

		request.is_ipv6 = i == 1;
		if (porter_call(&g->porter, &request, -1, &fd, NULL) < 0 || fd < 0)
			continue;
		set_socket(fd);
		if (wait_connected(fd))
			return sp_take_fd(fd);
	}
	return -1;
}
