/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandpit-gate: the one way between a sandbox's network namespace and the world, a process
 * beside each sandbox that has one.  This is what its starter and it must agree on.
 */
#ifndef SP_PROVIDERS_LOCAL_GATE_GATE_H
#define SP_PROVIDERS_LOCAL_GATE_GATE_H

#include <sys/types.h>

#include "base/error.h"

#define GATE_PORTS_MAX 64

/* Descriptors it is started with; those that are not needed are /dev/null. */
enum gate_fd {
	GATE_FD_CONTROL = 3, /* SOCK_SEQPACKET: one struct gate_report out */
	GATE_FD_PLAN,        /* memory file: plan.h */
	GATE_FD_SUPERVISOR,  /* pidfd: the gate ends when this process does */
	GATE_FD_USER,        /* namespaces of the sandbox */
	GATE_FD_MNT,
	GATE_FD_NET,
	GATE_FD_DENIED, /* what was refused is appended here */
	GATE_FD_COUNT
};

/* What ends it besides the sandbox's end. */
enum gate_life {
	GATE_KEPT = 1, /* nothing */
	GATE_RUN,      /* the starter's end, and then the sandbox ends, too */
	GATE_ATTACHED, /* the starter's end */
};

/* Inside, on 127.0.0.1: HTTP proxy and SOCKS 5 on one port, and the resolver. */
#define GATE_PROXY_PORT 3128
#define GATE_DNS_PORT   53

/* Hosts that are named get an address of their own inside, 127.77.x.y, counted from 1. */
#define GATE_NAMES_NET 0x7f4d0000u
#define GATE_NAMES_MAX 1024

/* Where programs inside find the certificates, with the gate's own, when it has one. */
#define GATE_CA_FOLDER "/etc/sandpit"
#define GATE_CA_BUNDLE GATE_CA_FOLDER "/ca-bundle.crt"

/* What it tells its starter once it works, or why it does not. */
struct gate_report {
	pid_t pid;
	struct sp_error error; /* code 0: it works */
	uint32_t port_count;
	struct sp_port ports[GATE_PORTS_MAX]; /* with the host's ports as they are */
};

#endif
