/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/names.h"

#include <string.h>

static uint32_t find_locked(const struct names *n, const char *host)
{
	for (size_t i = 0; i < n->count; i++)
		if (strcmp(n->hosts[i], host) == 0)
			return GATE_NAMES_NET + (uint32_t)i + 1;
	return 0;
}

uint32_t names_find(struct names *n, const char *host)
{
	uint32_t address;

	pthread_mutex_lock(&n->lock);
	address = find_locked(n, host);
	pthread_mutex_unlock(&n->lock);
	return address;
}

uint32_t names_add(struct names *n, const char *host)
{
	uint32_t address;

	pthread_mutex_lock(&n->lock);
	address = find_locked(n, host);
	if (!address && n->count < GATE_NAMES_MAX) {
		n->hosts[n->count] = strdup(host);
		if (n->hosts[n->count])
			address = GATE_NAMES_NET + (uint32_t)++n->count;
	}
	pthread_mutex_unlock(&n->lock);
	return address;
}

bool names_host(struct names *n, uint32_t address, char host[static GATE_HOST_MAX])
{
	size_t i = (size_t)(address - GATE_NAMES_NET) - 1;
	bool known;

	pthread_mutex_lock(&n->lock);
	known = address > GATE_NAMES_NET && i < n->count;
	if (known)
		memcpy(host, n->hosts[i], strlen(n->hosts[i]) + 1);
	pthread_mutex_unlock(&n->lock);
	return known;
}
