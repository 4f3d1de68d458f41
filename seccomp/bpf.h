/* SPDX-License-Identifier: Apache-2.0 */
/* The few instructions of our own that come before libseccomp's program. */
#ifndef SP_SECCOMP_BPF_H
#define SP_SECCOMP_BPF_H

#include "base/buf.h"
#include "seccomp/args.h"

/* Room for a program many times as long as the kernel accepts. */
#define SP_BPF_MAX_BYTES (1u << 20)

/* End with this action. */
void sp_bpf_ret(struct sp_buf *code, uint32_t action);

/*
 * With the call's number in the accumulator, before and after: this call with these
 * arguments ends with this action.
 */
void sp_bpf_guard(struct sp_buf *code, uint32_t number, const struct sp_args *args,
	uint32_t action);

/* The same for all numbers from one to another, whatever the arguments. */
void sp_bpf_range(struct sp_buf *code, uint32_t from, uint32_t to, uint32_t action);

/* Run inner only where the number in the accumulator is at least this. */
void sp_bpf_from(struct sp_buf *code, uint32_t number, const struct sp_buf *inner);

/*
 * Run inner only for calls of one architecture, given as AUDIT_ARCH_*, whose numbers
 * are in a range; with the number in the accumulator.
 */
void sp_bpf_section(struct sp_buf *code, uint32_t audit_arch, uint32_t from,
	uint32_t to, const struct sp_buf *inner);

#endif
