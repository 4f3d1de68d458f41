/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a profile.  One that can be read and compiled must give a program that
 * answers every call, and answers as the model does.
 */
#include <linux/audit.h>
#include <stdint.h>
#include <stdlib.h>

#include "seccomp/compile.h"
#include "seccomp/judge.h"
#include "seccomp/numbers.h"
#include "tests/unit/bpf_machine.h"

/* Larger ones find nothing more, only later. */
#define COMPILED_MAX_BYTES 4096
#define PROGRAM_MAX        (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint64_t samples[][6] = {{0},
	{1, 0x5412, 1, UINT64_MAX, UINT64_C(1) << 32, 2},
	{UINT64_MAX, UINT64_C(0x100005412), 0xffffffff, 1, 7, UINT64_C(1) << 63}};

static uint32_t run(const struct sp_buf *program, uint32_t arch, uint32_t number,
	const uint64_t args[static 6])
{
	struct seccomp_data call = {.nr = (int)number, .arch = arch};
	const void *steps = program->data;
	uint32_t action = 0;

	memcpy(call.args, args, sizeof(call.args));
	if (!bpf_run(steps, program->len / sizeof(struct sock_filter), &call, &action))
		abort();
	return action;
}

/* What is opaque is refused whatever the model says; other actions may share a call. */
static void compare(const struct sp_profile *p, const struct sp_buf *program,
	const char *name, const uint64_t args[static 6])
{
	int64_t number = sp_number_of(name, p->arch);
	uint32_t want;

	if (number < 0)
		return;
	want = sp_profile_decide(p, name, args);
	if (!sp_profile_permits(run(program, p->arch, (uint32_t)number, args)) !=
		!sp_profile_permits(want))
		abort();
}

static void check(const struct sp_profile *p, const struct sp_buf *program)
{
	for (size_t s = 0; s < SP_COUNT(samples); s++) {
		for (size_t i = 0; i < p->rule_count; i++) {
			const struct sp_strv *names = &p->rules[i].names;

			for (size_t k = 0; k < names->count; k++)
				compare(p, program, names->items[k], samples[s]);
		}
		run(program, p->arch, UINT32_MAX, samples[s]);
		if (run(program, AUDIT_ARCH_SPARC, 1, samples[s]) !=
			SCMP_ACT_KILL_PROCESS)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sp_profile_host host = {.arch = seccomp_arch_native(),
		.granted_caps = UINT64_C(0x401fb),
		.version = 6,
		.major = 1};
	sp_autobuf struct sp_buf program = SP_BUF_INIT(PROGRAM_MAX);
	sp_autostrv struct sp_strv opened = {0};
	sp_autoprofile struct sp_profile p = {0};
	struct sp_error err = {0};

	if (sp_profile_read((const char *)data, size, &host, &p, &err) < 0) {
		if (p.rules || !err.msg[0])
			abort();
		return 0;
	}
	if (size > COMPILED_MAX_BYTES)
		return 0;
	if (sp_seccomp_compile(&p, &program, &err) == 0)
		check(&p, &program);
	sp_profile_opened(&p, &opened, NULL);
	return 0;
}
