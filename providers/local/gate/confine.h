/* SPDX-License-Identifier: Apache-2.0 */
/* What the gate's processes give up before they meet bytes from inside. */
#ifndef SP_PROVIDERS_LOCAL_GATE_CONFINE_H
#define SP_PROVIDERS_LOCAL_GATE_CONFINE_H

#include <stdbool.h>

#include "base/error.h"

/* The inner half: no capability but that of low ports, not to be traced.  0 or errno. */
int confine_porter(void);

/*
 * The outer half: nobody's ids when it was root, no capabilities, no file but those that
 * name servers, hosts and certificates, no program started, nothing written.
 */
int confine_outer(bool is_privileged, struct sp_error *err);

#endif
