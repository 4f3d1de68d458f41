/* SPDX-License-Identifier: Apache-2.0 */
/* What one gate is to do: written by its starter, read once, as lines "KEY VALUE". */
#ifndef SP_PROVIDERS_LOCAL_GATE_PLAN_H
#define SP_PROVIDERS_LOCAL_GATE_PLAN_H

#include "providers/local/gate/gate.h"
#include "providers/local/gate/rules.h"

#define GATE_PLAN_MAX (4u << 20)

struct gate_credential {
	char *host, *header, *value;
};

/* The program that does network nat. */
enum gate_nat { GATE_NAT_NONE, GATE_NAT_PASTA, GATE_NAT_SLIRP };

struct gate_plan {
	enum gate_life life;
	enum sp_network network;
	bool is_privileged; /* started by root: there is something to drop */
	enum gate_nat nat;
	char *nat_path;
	char *ca_file; /* certificates to trust outside; NULL: the host's */
	struct gate_rules rules;
	struct gate_credential *credentials;
	size_t credential_count;
	struct sp_port ports[GATE_PORTS_MAX];
	size_t port_count;
};

void gate_plan_clear(struct gate_plan *plan);

/* As text, with everything that is secret in it. */
void gate_plan_print(struct sp_buf *out, const struct gate_plan *plan);
int gate_plan_parse(
	const char *text, size_t len, struct gate_plan *out, struct sp_error *err);

int gate_plan_credential(struct gate_plan *plan, const char *host, const char *header,
	const char *value, struct sp_error *err);
/* The credential of a host, in lower case, or NULL. */
const struct gate_credential *gate_plan_find(
	const struct gate_plan *plan, const char *host);

#endif
