/* SPDX-License-Identifier: Apache-2.0 */
/* Network nat: pasta or slirp4netns, between the sandbox's network and the host's. */
#ifndef SP_PROVIDERS_LOCAL_GATE_NAT_H
#define SP_PROVIDERS_LOCAL_GATE_NAT_H

#include "providers/local/gate/plan.h"

/* The resolver as it is seen inside. */
#define NAT_PASTA_DNS "169.254.1.1"
#define NAT_SLIRP_DNS "10.0.2.3"

/*
 * Start it in the namespaces of process inside, and wait until it works.  It ends with
 * lifeline where it can; its pid and *pidfd are the caller's, who ends it otherwise.
 */
pid_t nat_start(const struct gate_plan *plan, pid_t inside, int lifeline, int *pidfd,
	struct sp_error *err);

#endif
