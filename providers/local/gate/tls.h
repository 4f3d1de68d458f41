/* SPDX-License-Identifier: Apache-2.0 */
/*
 * TLS for hosts with credentials: towards the inside with certificates of an authority of
 * this sandbox alone, whose key never leaves this process; towards the outside checked as
 * any client would.
 */
#ifndef SP_PROVIDERS_LOCAL_GATE_TLS_H
#define SP_PROVIDERS_LOCAL_GATE_TLS_H

#include "base/buf.h"
#include "providers/local/gate/plan.h"

struct gate_tls;
struct stream;

/* bundle receives what inside is to be trusted: the host's certificates and the new one. */
int tls_open(const struct gate_plan *plan, struct gate_tls **out, struct sp_buf *bundle,
	struct sp_error *err);

/* Shake hands on a stream as this host; false when the client will not have it. */
bool tls_accept(struct gate_tls *t, struct stream *s, const char *host);
/* Shake hands with this host; why (160 bytes) says what is wrong with it. */
bool tls_connect(struct gate_tls *t, struct stream *s, const char *host, char *why);

#endif
