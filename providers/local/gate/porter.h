/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inner half: a process in the sandbox's user, mount and network namespaces that makes
 * sockets there and passes them out.  It reads nothing that comes from inside.
 */
#ifndef SP_PROVIDERS_LOCAL_GATE_PORTER_H
#define SP_PROVIDERS_LOCAL_GATE_PORTER_H

#include <pthread.h>

#include "providers/local/gate/plan.h"

enum porter_op {
	PORTER_LISTEN = 1, /* TCP at address:port */
	PORTER_RESOLVER,   /* UDP at address:port */
	PORTER_CONNECT,    /* to ::1 or 127.0.0.1; goes on when it is passed */
	PORTER_ADDRESS,    /* give the loopback interface this one, too */
	PORTER_FILE,       /* the descriptor's bytes become GATE_CA_BUNDLE */
	PORTER_SEAL,       /* from here on sockets only */
};

struct porter_request {
	uint32_t op;
	uint32_t address; /* IPv4, the number as it is read */
	uint16_t port;
	bool is_ipv6; /* PORTER_CONNECT */
};

/* The other end, which any thread may use. */
struct porter {
	int socket;
	pthread_mutex_t lock;
};

/* The process itself: never returns. */
_Noreturn void porter_run(int socket, const struct gate_plan *plan);

/* Ask for one thing.  fd (may be NULL) receives the socket; give is passed, or -1. */
int porter_call(struct porter *p, const struct porter_request *request, int give,
	int *fd, struct sp_error *err);

#endif
