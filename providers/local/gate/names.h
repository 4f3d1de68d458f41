/* SPDX-License-Identifier: Apache-2.0 */
/* Which address inside stands for which host. */
#ifndef SP_PROVIDERS_LOCAL_GATE_NAMES_H
#define SP_PROVIDERS_LOCAL_GATE_NAMES_H

#include <pthread.h>

#include "providers/local/gate/plan.h"

struct names {
	pthread_mutex_t lock;
	size_t count;
	char *hosts[GATE_NAMES_MAX];
};

/* The address of a host, or 0. */
uint32_t names_find(struct names *n, const char *host);
/* The same, giving it the next one if it has none; 0 when there are no more. */
uint32_t names_add(struct names *n, const char *host);
/* The host an address stands for. */
bool names_host(struct names *n, uint32_t address, char host[static GATE_HOST_MAX]);

#endif
