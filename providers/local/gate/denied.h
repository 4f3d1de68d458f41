/* SPDX-License-Identifier: Apache-2.0 */
/* What was refused, a line each, in a file that does not grow without end. */
#ifndef SP_PROVIDERS_LOCAL_GATE_DENIED_H
#define SP_PROVIDERS_LOCAL_GATE_DENIED_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

struct denied {
	pthread_mutex_t lock;
	int fd;
	size_t written;
};

/* how: by which way it was tried; host may hold anything.  port 0: a name was looked up. */
void denied_note(struct denied *d, const char *how, const char *host, uint16_t port,
	const char *why);

#endif
