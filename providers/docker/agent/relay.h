/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Output on its way from the command to the agent's own stream.  The agent stands in
 * between so that a background process which keeps the command's streams open holds
 * nothing up, and so that the report comes last.
 */
#ifndef SP_DOCKER_AGENT_RELAY_H
#define SP_DOCKER_AGENT_RELAY_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#define SP_RELAY_BYTES 65536

struct sp_relay {
	int from; /* -1 once it has ended */
	int to;
	bool copies;  /* the kernel does not move pages between these two */
	bool is_full; /* there are bytes, and no room for them */
	/* Where it copies: */
	size_t at, len;
	char data[SP_RELAY_BYTES];
};

/* Neither side may block: the deadline has to be kept meanwhile. */
void sp_relay_init(struct sp_relay *r, int from, int to);

/* What to wait for: room where there are bytes, else bytes. */
struct pollfd sp_relay_poll(const struct sp_relay *r);

/* Pass on what goes without waiting. */
void sp_relay_step(struct sp_relay *r);

/* Ended, and everything passed on? */
bool sp_relay_is_done(const struct sp_relay *r);

#endif
