/* SPDX-License-Identifier: Apache-2.0 */
/* Sandboxes of this machine's own kernel: namespaces, cgroups, a system call filter. */
#ifndef SP_PROVIDERS_LOCAL_DRIVER_H
#define SP_PROVIDERS_LOCAL_DRIVER_H

#include "providers/provider.h"

extern const struct sp_driver sp_driver_local;

#endif
