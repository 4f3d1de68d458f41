/* SPDX-License-Identifier: Apache-2.0 */
/* A machine for compiled seccomp programs, as strict as the kernel's own check. */
#ifndef SP_TESTS_BPF_MACHINE_H
#define SP_TESTS_BPF_MACHINE_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct bpf_machine {
	const struct sock_filter *steps;
	size_t count;
	uint32_t accumulator, index;
	uint32_t memory[BPF_MEMWORDS];
};

static inline bool bpf_load(struct bpf_machine *m, const struct sock_filter *s,
	const struct seccomp_data *data)
{
	switch (s->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		if (s->k % 4 != 0 || s->k + 4 > sizeof(*data))
			return false;
		memcpy(&m->accumulator, (const char *)data + s->k, 4);
		return true;
	case BPF_LD | BPF_MEM:
		m->accumulator = m->memory[s->k % BPF_MEMWORDS];
		return true;
	case BPF_LD | BPF_IMM:
		m->accumulator = s->k;
		return true;
	default:
		return false;
	}
}

static inline bool bpf_jump(
	const struct bpf_machine *m, const struct sock_filter *s, size_t *at)
{
	uint32_t a = m->accumulator;
	bool yes;

	switch (BPF_OP(s->code)) {
	case BPF_JA:
		*at += s->k;
		return true;
	case BPF_JEQ:
		yes = a == s->k;
		break;
	case BPF_JGT:
		yes = a > s->k;
		break;
	case BPF_JGE:
		yes = a >= s->k;
		break;
	case BPF_JSET:
		yes = a & s->k;
		break;
	default:
		return false;
	}
	*at += yes ? s->jt : s->jf;
	return BPF_SRC(s->code) == BPF_K;
}

/* What the program answers; false when it is not one that ends with an answer. */
static inline bool bpf_run(const struct sock_filter *steps, size_t count,
	const struct seccomp_data *data, uint32_t *action)
{
	struct bpf_machine m = {.steps = steps, .count = count};

	for (size_t at = 0; at < count; at++) {
		const struct sock_filter *s = &steps[at];

		switch (BPF_CLASS(s->code)) {
		case BPF_LD:
			if (!bpf_load(&m, s, data))
				return false;
			break;
		case BPF_ST:
			m.memory[s->k % BPF_MEMWORDS] = m.accumulator;
			break;
		case BPF_ALU:
			if (s->code != (BPF_ALU | BPF_AND | BPF_K))
				return false;
			m.accumulator &= s->k;
			break;
		case BPF_JMP:
			if (!bpf_jump(&m, s, &at))
				return false;
			break;
		case BPF_RET:
			*action = s->k;
			return s->code == (BPF_RET | BPF_K);
		default:
			return false;
		}
	}
	return false;
}

#endif
