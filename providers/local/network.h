/* SPDX-License-Identifier: Apache-2.0 */
/* Networks that need a gate (gate/gate.h): what is planned, started, shown and ended. */
#ifndef SP_PROVIDERS_LOCAL_NETWORK_H
#define SP_PROVIDERS_LOCAL_NETWORK_H

#include "base/json.h"
#include "providers/local/gate/gate.h"
#include "providers/provider.h"
#include "runtime/state.h"

struct local;

/* Of the note about a sandbox's gate, SP_STATE_GATE. */
#define GATE_FILE_MAX (64 * 1024)

/* What a sandbox is told of its network at its launch. */
struct local_network {
	char *hosts, *resolv; /* its /etc/hosts and /etc/resolv.conf; NULL: the usual */
	int nat;              /* enum gate_nat */
	char *nat_path;
};
void local_network_clear(struct local_network *n);

/* Check what is asked for, fill *n and add to the environment in *r. */
int local_network_plan(const struct sp_sandbox_spec *spec, struct local_network *n,
	struct sp_record *r, struct sp_error *err);

/* How network nat would get out from here, or UNSUPPORTED or SYSTEM and what is missing. */
int local_network_plan_nat(struct local_network *n, struct sp_error *err);

bool local_network_needs_gate(const struct sp_sandbox_spec *spec);

/*
 * Start the gate of a sandbox that is ready, before anything runs in it.  With GATE_RUN
 * *control is what keeps it, and with it the sandbox, alive.
 */
int local_network_start(const struct local *l, const struct sp_sandbox_spec *spec,
	const struct local_network *n, const struct sp_record *r, enum gate_life life,
	int *control, struct sp_error *err);

/* The gate of a sandbox that is about to end, as a pidfd, or -1; and its end, for certain. */
int local_network_hold(int base, const char *id);
void local_network_end(int gate_fd);

/*
 * The hosts that a sandbox may reach, for one that is to be like it.  UNSUPPORTED where it
 * has credentials: those are kept nowhere.
 */
int local_network_again(const struct local *l, const struct sp_record *r,
	struct sp_strv *allow, struct sp_error *err);

/* What inspect shows of it. */
void local_network_show(struct json_object *doc, int base, const struct sp_record *r,
	bool is_running, bool *failed);

#endif
