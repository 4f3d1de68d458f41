/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/outer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/io.h"
#include "providers/local/gate/confine.h"
#include "providers/local/gate/tls.h"

#define CONNECTIONS_MAX    256
#define DESCRIPTORS_WANTED 8192
#define DESCRIPTORS_EACH \
	8 /* of a connection: two sockets and two pipes, and some air */
#define STACK_BYTES       (256 * 1024)
#define BACKLOG           128
#define EVENTS            16
#define PORTS_OF_HOST_MAX 32
#define BUNDLE_MAX        (16u << 20)

enum listen_kind { LISTEN_PROXY, LISTEN_HOST, LISTEN_PORT };

struct listener {
	enum listen_kind kind;
	int fd;
	uint16_t port; /* LISTEN_HOST: of the host; LISTEN_PORT: inside */
	char host[GATE_HOST_MAX];
};

struct connection {
	struct gate *g;
	const struct listener *from;
	int fd;
};

/* --- One connection, in a thread of its own --------------------------------------------- */

static void serve_port(struct gate *g, struct stream *client, uint16_t port)
{
	struct stream *inside = malloc(sizeof(*inside));
	int fd = inside ? dial_inside(g, port) : -1;

	if (fd >= 0) {
		stream_open(inside, fd);
		tunnel(client, inside);
		stream_close(inside);
	}
	free(inside);
}

static void serve(struct gate *g, const struct listener *from, struct stream *client)
{
	stream_patience(client, PATIENCE_MS);
	switch (from->kind) {
	case LISTEN_PROXY:
		proxy_serve(g, client);
		break;
	case LISTEN_HOST:
		host_serve(g, client, from->host, from->port);
		break;
	case LISTEN_PORT:
		serve_port(g, client, from->port);
		break;
	}
}

static void *connection_thread(void *arg)
{
	struct connection *c = arg;
	struct stream *client = malloc(sizeof(*client));
	struct gate *g = c->g;

	if (client) {
		stream_open(client, c->fd);
		serve(g, c->from, client);
		stream_part(client);
		free(client);
	} else {
		close(c->fd);
	}
	free(c);
	atomic_fetch_sub(&g->connections, 1);
	return NULL;
}

static bool start_thread(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	bool ok;

	if (pthread_attr_init(&attr) != 0)
		return false;
	ok = pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED) == 0 &&
		pthread_attr_setstacksize(&attr, STACK_BYTES) == 0 &&
		pthread_create(&thread, &attr, run, arg) == 0;
	pthread_attr_destroy(&attr);
	return ok;
}

/* At once over the limit: who waits in a queue cannot tell that from a server that hangs. */
static void take_connection(struct gate *g, const struct listener *from, int max)
{
	sp_autoclose int fd = accept4(from->fd, NULL, NULL, SOCK_CLOEXEC);
	const int on = 1;
	struct connection *c;

	if (fd < 0 || atomic_load(&g->connections) >= max)
		return;
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c = malloc(sizeof(*c));
	if (!c)
		return;
	*c = (struct connection){.g = g, .from = from, .fd = fd};
	atomic_fetch_add(&g->connections, 1);
	if (start_thread(connection_thread, c)) {
		fd = -1; /* the thread's now */
		return;
	}
	atomic_fetch_sub(&g->connections, 1);
	free(c);
}

/* --- Listening ----------------------------------------------------------------------------- */

/* fd is taken over, also on failure. */
static int watch(struct gate *g, enum listen_kind kind, int fd, const char *host,
	uint16_t port, struct sp_error *err)
{
	struct listener *l = calloc(1, sizeof(*l));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = l};

	if (!l) {
		close(fd);
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	*l = (struct listener){.kind = kind, .fd = fd, .port = port};
	snprintf(l->host, sizeof(l->host), "%s", host);
	if (epoll_ctl(g->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
		return 0; /* it lives as long as the process */
	close(fd);
	free(l);
	return sp_fail_errno(err, "gate: watch a socket");
}

static int listen_inside(struct gate *g, enum listen_kind kind, uint32_t address,
	uint16_t port, const char *host, struct sp_error *err)
{
	const struct porter_request request = {
		.op = PORTER_LISTEN, .address = address, .port = port};
	int fd = -1;
	int rc = porter_call(&g->porter, &request, -1, &fd, err);

	if (rc < 0)
		return sp_wrap(err, rc, "listen for %s:%u", host, port);
	return watch(g, kind, fd, host, port, err);
}

int outer_add_host(
	struct gate *g, const char *host, uint32_t address, struct sp_error *err)
{
	uint16_t ports[PORTS_OF_HOST_MAX];
	size_t count = gate_rules_ports(&g->plan.rules, host, ports, SP_COUNT(ports));
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = listen_inside(g, LISTEN_HOST, address, ports[i], host, err);
	return rc;
}

static int listen_names(struct gate *g, struct sp_error *err)
{
	const char *host;
	int rc = 0;

	for (size_t i = 0; rc == 0 && (host = gate_rules_name(&g->plan.rules, i));
		i++) {
		uint32_t address = names_add(&g->names, host);

		rc = address ? outer_add_host(g, host, address, err)
			     : sp_fail(err, SP_ERR_LIMIT, "too many hosts");
	}
	return rc;
}

/*
 * An address that is allowed leads here under itself, so that programs need not know of a
 * proxy; what is on the loopback interface already only at the ports that are named.
 */
static int listen_address(
	struct gate *g, const struct gate_rule *rule, struct sp_error *err)
{
	uint32_t address;
	int rc = 0;

	memcpy(&address, rule->address.bytes, sizeof(address));
	address = ntohl(address);
	if (address >> 24 == 127)
		return rule->port ? listen_inside(g, LISTEN_HOST, address, rule->port,
					    rule->host, err)
				  : 0;
	if (address == 0 || address >> 28 >= 0xe)
		return 0;
	const struct porter_request request = {
		.op = PORTER_ADDRESS, .address = address};

	rc = porter_call(&g->porter, &request, -1, NULL, err);
	if (rc < 0)
		return sp_wrap(err, rc, "address %s", rule->host);
	return outer_add_host(g, rule->host, address, err);
}

static bool is_repeated(const struct gate_rules *rules, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(rules->items[k].host, rules->items[i].host) == 0 &&
			rules->items[k].is_wildcard == rules->items[i].is_wildcard &&
			(rules->items[k].port == rules->items[i].port ||
				strncmp(rules->items[i].host, "127.", 4) != 0))
			return true;
	return false;
}

static int listen_addresses(struct gate *g, struct sp_error *err)
{
	const struct gate_rules *rules = &g->plan.rules;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < rules->count; i++) {
		const struct gate_rule *rule = &rules->items[i];

		if (rule->is_address && !rule->address.is_ipv6 &&
			!is_repeated(rules, i))
			rc = listen_address(g, rule, err);
		else if (strcmp(rule->host, "localhost") == 0 && rule->port &&
			!rule->is_wildcard)
			rc = listen_inside(g, LISTEN_HOST, INADDR_LOOPBACK, rule->port,
				rule->host, err);
	}
	return rc;
}

struct resolver {
	struct gate *g;
	int fd;
};

static void *resolver_thread(void *arg)
{
	struct resolver *r = arg;

	resolver_answer(r->g, r->fd);
	return NULL;
}

static int open_resolver(struct resolver *r, struct sp_error *err)
{
	const struct porter_request request = {.op = PORTER_RESOLVER,
		.address = INADDR_LOOPBACK,
		.port = GATE_DNS_PORT};
	int rc = porter_call(&r->g->porter, &request, -1, &r->fd, err);

	return rc < 0 ? sp_wrap(err, rc, "resolver")
		      : sp_set_nonblock(r->fd, false, err);
}

/* The authority inside is trusted by a file that only what is about to run there reads. */
static int open_tls(struct gate *g, struct sp_error *err)
{
	sp_autobuf struct sp_buf bundle = SP_BUF_INIT(BUNDLE_MAX);
	const struct porter_request request = {.op = PORTER_FILE};
	sp_autoclose int file = -1;
	int rc;

	if (g->plan.credential_count == 0)
		return 0;
	rc = tls_open(&g->plan, &g->tls, &bundle, err);
	if (rc < 0)
		return rc;
	file = sp_sealed_memfd("sandpit-certificates", bundle.data, bundle.len, err);
	if (file < 0)
		return file;
	rc = porter_call(&g->porter, &request, file, NULL, err);
	return rc < 0 ? sp_wrap(err, rc, "write " GATE_CA_BUNDLE) : 0;
}

static int open_allow(struct gate *g, struct resolver *resolver, struct sp_error *err)
{
	int rc = open_resolver(resolver, err);

	if (rc == 0)
		rc = listen_inside(g, LISTEN_PROXY, INADDR_LOOPBACK, GATE_PROXY_PORT,
			"the proxy", err);
	if (rc == 0)
		rc = listen_names(g, err);
	if (rc == 0)
		rc = listen_addresses(g, err);
	return rc < 0 ? rc : open_tls(g, err);
}

/* --- Published ports: on this machine, for this machine only ---------------------------- */

static int open_port(struct gate *g, struct sp_port *port, struct sp_error *err)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port->host_port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(to);
	const int on = 1;
	sp_autoclose int fd = socket(
		AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(fd, (const struct sockaddr *)&to, len) < 0 ||
		listen(fd, BACKLOG) < 0 ||
		getsockname(fd, (struct sockaddr *)&to, &len) < 0)
		return sp_fail_errno(err, "publish port %u at 127.0.0.1:%u", port->port,
			port->host_port);
	port->host_port = ntohs(to.sin_port);
	return watch(g, LISTEN_PORT, sp_take_fd(fd), "", port->port, err);
}

static int open_ports(struct gate *g, struct sp_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < g->plan.port_count; i++) {
		struct sp_port *port = &g->plan.ports[i];

		/* In the host's network it is at its place already. */
		if (g->plan.network == SP_NETWORK_HOST &&
			(!port->host_port || port->host_port == port->port))
			port->host_port = port->port;
		else
			rc = open_port(g, port, err);
	}
	return rc;
}

/* --- The process ------------------------------------------------------------------------------ */

static int connections_max(void)
{
	struct rlimit limit;
	rlim_t each;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	limit.rlim_cur = limit.rlim_max < DESCRIPTORS_WANTED ? limit.rlim_max
							     : DESCRIPTORS_WANTED;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	each = limit.rlim_cur / 2 / DESCRIPTORS_EACH;
	return each < CONNECTIONS_MAX ? (int)each : CONNECTIONS_MAX;
}

static int open_all(struct gate *g, struct resolver *resolver, struct sp_error *err)
{
	const struct porter_request seal = {.op = PORTER_SEAL};
	int rc = 0;

	if (g->plan.network == SP_NETWORK_ALLOW)
		rc = open_allow(g, resolver, err);
	if (rc == 0)
		rc = open_ports(g, err);
	/* Before the first byte from inside, or from anybody. */
	if (rc == 0)
		rc = porter_call(&g->porter, &seal, -1, NULL, err);
	if (rc == 0)
		rc = confine_outer(g->plan.is_privileged, err);
	if (rc == 0 && resolver->fd >= 0 && !start_thread(resolver_thread, resolver))
		rc = sp_fail(err, SP_ERR_SYSTEM, "gate: start a thread");
	return rc;
}

static void fill_report(struct gate_report *report, const struct gate *g)
{
	report->port_count = (uint32_t)g->plan.port_count;
	memcpy(report->ports, g->plan.ports, sizeof(report->ports));
}

/* Until the lifeline ends, whose event has no listener. */
static void accept_all(struct gate *g, int max)
{
	struct epoll_event events[EVENTS];

	for (;;) {
		int n = epoll_wait(g->epoll, events, EVENTS, -1);

		if (n < 0 && errno != EINTR)
			return;
		for (int i = 0; i < n; i++) {
			if (!events[i].data.ptr)
				return;
			take_connection(g, events[i].data.ptr, max);
		}
	}
}

int outer_run(struct gate *g, int report, int lifeline)
{
	struct epoll_event event = {.events = EPOLLIN};
	struct gate_report said = {0};
	struct resolver resolver = {.g = g, .fd = -1};
	const int max = connections_max();

	g->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (g->epoll < 0 || epoll_ctl(g->epoll, EPOLL_CTL_ADD, lifeline, &event) < 0)
		sp_fail_errno(&said.error, "gate: watch sockets");
	else if (open_all(g, &resolver, &said.error) == 0)
		fill_report(&said, g);
	if (send(report, &said, sizeof(said), MSG_NOSIGNAL) != sizeof(said) ||
		said.error.code)
		return 1;
	close(report);
	accept_all(g, max);
	return 0;
}
