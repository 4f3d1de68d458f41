/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outer half: takes what arrives inside and connects it with the world outside, as far
 * as the plan allows.  A thread for each connection, so that none can hold another.
 */
#ifndef SP_PROVIDERS_LOCAL_GATE_OUTER_H
#define SP_PROVIDERS_LOCAL_GATE_OUTER_H

#include <stdatomic.h>

#include "providers/local/gate/denied.h"
#include "providers/local/gate/names.h"
#include "providers/local/gate/porter.h"
#include "providers/local/gate/stream.h"

#define GATE_BLOCKED "blocked by sandbox policy"

/* How long a peer may say nothing where it is its turn, and where it need not speak. */
#define PATIENCE_MS 30000
#define IDLE_MS     120000

struct gate {
	struct gate_plan plan;
	struct porter porter;
	struct names names;
	struct denied denied;
	struct gate_tls *tls; /* or NULL: no credentials */
	int epoll;
	atomic_int connections;
};

/*
 * Open everything, give up privileges, tell on report, and serve until lifeline ends.
 * What it returns is the process's status.
 */
int outer_run(struct gate *g, int report, int lifeline);

/* Listen inside at an address of a name that was just given one. */
int outer_add_host(
	struct gate *g, const char *host, uint32_t address, struct sp_error *err);

/* proxy.c: one connection to the proxy port. */
void proxy_serve(struct gate *g, struct stream *client);
/* proxy.c: one connection that was made for this host, which may speak what it likes. */
void host_serve(struct gate *g, struct stream *client, const char *host, uint16_t port);
/* exchange.c: HTTP requests of a client that is connected with host, each let through. */
void exchange_host(struct gate *g, struct stream *client, const char *host,
	uint16_t port, bool is_tls);
/* exchange.c: HTTP requests that each name their host; the first head is in the buffer. */
void exchange_proxy(struct gate *g, struct stream *client);
/* resolver.c: answer what is asked at this socket until it ends. */
void resolver_answer(struct gate *g, int fd);

/* dial.c: why a connection is not made. */
enum dial_result {
	DIAL_OK,
	DIAL_NOT_ALLOWED, /* by the policy; noted */
	DIAL_NO_NAME,
	DIAL_FAILED
};
struct dial {
	enum dial_result result;
	char why[160]; /* for the client, with no secret in it */
};
/* Connect to a host outside, resolved here and checked.  The descriptor blocks; or -1. */
int dial_host(struct gate *g, const char *how, const char *host, uint16_t port,
	struct dial *out);
/* Is it allowed?  Otherwise it is noted. */
bool dial_allowed(struct gate *g, const char *how, const char *host, uint16_t port,
	struct dial *out);
/* Connect to a port inside, as its own programs would. */
int dial_inside(struct gate *g, uint16_t port);

/* tunnel.c: bytes both ways until both have ended.  What client has buffered goes first. */
void tunnel(struct stream *a, struct stream *b);

#endif
