/* SPDX-License-Identifier: Apache-2.0 */
/* One message with at most one descriptor between the processes of the gate. */
#ifndef SP_PROVIDERS_LOCAL_GATE_MESSAGE_H
#define SP_PROVIDERS_LOCAL_GATE_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

/* fd -1: none.  False with errno when it could not be sent whole. */
bool message_send(int socket, const void *data, size_t len, int fd);

/* False when the other side is gone or sent something else; *fd is -1 when none came. */
bool message_take(int socket, void *data, size_t len, int *fd);

#endif
