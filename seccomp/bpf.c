/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/bpf.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <string.h>

/*
 * Where a jump goes while the length of what it skips is not known.  A comparison has
 * at most six instructions and a guard six comparisons, so no real jump is that long.
 */
#define TO_NEXT 0xfe /* this condition holds */
#define TO_END  0xff /* it does not */

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LOW_WORD 0
#else
#define LOW_WORD 4
#endif
#define HIGH_WORD (4 - LOW_WORD)

static void add(struct sp_buf *code, unsigned int op, uint32_t k, unsigned int jt,
	unsigned int jf)
{
	const struct sock_filter step = {
		.code = (uint16_t)op, .jt = (uint8_t)jt, .jf = (uint8_t)jf, .k = k};

	sp_buf_add(code, &step, sizeof(step));
}

static void load(struct sp_buf *code, size_t offset)
{
	add(code, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void jump_if(struct sp_buf *code, unsigned int test, uint32_t k, unsigned int jt,
	unsigned int jf)
{
	add(code, BPF_JMP | test | BPF_K, k, jt, jf);
}

static uint32_t length(const struct sp_buf *code)
{
	return (uint32_t)(code->len / sizeof(struct sock_filter));
}

/* Point the open jumps of the instructions from `first` on to here. */
static void land(struct sp_buf *code, size_t first, unsigned int label)
{
	struct sock_filter step;
	size_t end = length(code);

	if (code->failed)
		return;
	for (size_t i = first; i < end; i++) {
		char *at = code->data + i * sizeof(step);
		uint8_t skip = (uint8_t)(end - i - 1);

		memcpy(&step, at, sizeof(step));
		if (BPF_CLASS(step.code) != BPF_JMP)
			continue;
		step.jt = step.jt == label ? skip : step.jt;
		step.jf = step.jf == label ? skip : step.jf;
		memcpy(at, &step, sizeof(step));
	}
}

static void load_half(struct sp_buf *code, unsigned int arg, size_t half)
{
	load(code, offsetof(struct seccomp_data, args) + arg * sizeof(uint64_t) + half);
}

static void compare_masked(struct sp_buf *code, unsigned int arg, size_t half,
	uint32_t mask, uint32_t want)
{
	if (!mask)
		return;
	load_half(code, arg, half);
	if (mask != UINT32_MAX)
		add(code, BPF_ALU | BPF_AND | BPF_K, mask, 0, 0);
	jump_if(code, BPF_JEQ, want, 0, TO_END);
}

/* The upper half decides unless it is equal. */
static void compare_order(struct sp_buf *code, const struct scmp_arg_cmp *cmp,
	bool low_half, unsigned int test, bool negate)
{
	unsigned int yes = negate ? TO_END : TO_NEXT;
	unsigned int no = negate ? TO_NEXT : TO_END;

	if (!low_half) {
		load_half(code, cmp->arg, HIGH_WORD);
		if (test != BPF_JEQ)
			jump_if(code, BPF_JGT, (uint32_t)(cmp->datum_a >> 32), yes, 0);
		jump_if(code, BPF_JEQ, (uint32_t)(cmp->datum_a >> 32), 0, no);
	}
	load_half(code, cmp->arg, LOW_WORD);
	jump_if(code, test, (uint32_t)cmp->datum_a, yes, no);
}

/* What classic BPF has no test for is the opposite of one it has. */
static void compare(struct sp_buf *code, const struct scmp_arg_cmp *cmp, bool low_half)
{
	static const struct {
		unsigned int test;
		bool negate;
	} tests[] = {
		[SCMP_CMP_NE] = {BPF_JEQ, true},
		[SCMP_CMP_LT] = {BPF_JGE, true},
		[SCMP_CMP_LE] = {BPF_JGT, true},
		[SCMP_CMP_EQ] = {BPF_JEQ, false},
		[SCMP_CMP_GE] = {BPF_JGE, false},
		[SCMP_CMP_GT] = {BPF_JGT, false},
	};
	size_t first = length(code);

	if (cmp->op == SCMP_CMP_MASKED_EQ) {
		compare_masked(code, cmp->arg, HIGH_WORD,
			(uint32_t)(cmp->datum_a >> 32), (uint32_t)(cmp->datum_b >> 32));
		compare_masked(code, cmp->arg, LOW_WORD, (uint32_t)cmp->datum_a,
			(uint32_t)cmp->datum_b);
	} else {
		compare_order(code, cmp, low_half, tests[cmp->op].test,
			tests[cmp->op].negate);
	}
	land(code, first, TO_NEXT);
}

void sp_bpf_ret(struct sp_buf *code, uint32_t action)
{
	add(code, BPF_RET | BPF_K, action, 0, 0);
}

void sp_bpf_guard(struct sp_buf *code, uint32_t number, const struct sp_args *args,
	uint32_t action)
{
	size_t first = length(code);

	jump_if(code, BPF_JEQ, number, 0, TO_NEXT);
	if (args->count == 0) {
		sp_bpf_ret(code, action);
		land(code, first, TO_NEXT);
		return;
	}
	for (size_t i = 0; i < args->count; i++)
		compare(code, &args->list[i],
			args->low_half & (1u << args->list[i].arg));
	sp_bpf_ret(code, action);
	land(code, first, TO_END);
	load(code, offsetof(struct seccomp_data, nr));
	land(code, first, TO_NEXT);
}

void sp_bpf_range(struct sp_buf *code, uint32_t from, uint32_t to, uint32_t action)
{
	jump_if(code, BPF_JGE, from, 0, 2);
	jump_if(code, BPF_JGT, to, 1, 0);
	sp_bpf_ret(code, action);
}

/* Jumps over a whole block may be longer than a condition can say. */
static void skip(struct sp_buf *code, const struct sp_buf *inner)
{
	add(code, BPF_JMP | BPF_JA, length(inner), 0, 0);
}

static void append(struct sp_buf *code, const struct sp_buf *inner)
{
	sp_buf_add(code, inner->data, inner->len);
	code->failed |= inner->failed;
}

void sp_bpf_from(struct sp_buf *code, uint32_t number, const struct sp_buf *inner)
{
	if (inner->len == 0 && !inner->failed)
		return;
	jump_if(code, BPF_JGE, number, 1, 0);
	skip(code, inner);
	append(code, inner);
}

void sp_bpf_section(struct sp_buf *code, uint32_t audit_arch, uint32_t from,
	uint32_t to, const struct sp_buf *inner)
{
	if (inner->len == 0 && !inner->failed)
		return;
	load(code, offsetof(struct seccomp_data, arch));
	jump_if(code, BPF_JEQ, audit_arch, 0, 3);
	load(code, offsetof(struct seccomp_data, nr));
	jump_if(code, BPF_JGE, from, 0, 1);
	jump_if(code, BPF_JGT, to, 0, 1);
	skip(code, inner);
	append(code, inner);
}
