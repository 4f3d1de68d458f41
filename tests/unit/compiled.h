/* SPDX-License-Identifier: Apache-2.0 */
/* A profile and its compiled program, to be asked call by call. */
#ifndef SP_TESTS_COMPILED_H
#define SP_TESTS_COMPILED_H

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka wants the four above before it */
#include <cmocka.h>

#include "base/io.h"
#include "seccomp/compile.h"
#include "seccomp/numbers.h"
#include "tests/unit/bpf_machine.h"

#define ALLOW       SCMP_ACT_ALLOW
#define REFUSED     SCMP_ACT_ERRNO(EPERM)
#define UNKNOWN     SCMP_ACT_ERRNO(ENOSYS)
#define KILLED      SCMP_ACT_KILL_PROCESS
#define HIGH        UINT64_C(0xdeadbeef00000000)
#define CAP_CHROOT  (UINT64_C(1) << 18)
#define PROGRAM_MAX (1u << 20)

static const struct sp_profile_host here = {
	.arch = SCMP_ARCH_X86_64, .granted_caps = CAP_CHROOT, .version = 6, .major = 1};

struct fixture {
	struct sp_profile profile;
	struct sp_buf program;
};

static inline void fixture_clear(struct fixture *f)
{
	sp_profile_clear(&f->profile);
	sp_buf_clear(&f->program);
}

static inline void compile_text(struct fixture *f, const char *text, size_t len,
	const struct sp_profile_host *host)
{
	struct sp_error err = {0};

	*f = (struct fixture){.program = SP_BUF_INIT(PROGRAM_MAX)};
	if (sp_profile_read(text, len, host, &f->profile, &err) < 0)
		fail_msg("read: %s", err.msg);
	if (sp_seccomp_compile(&f->profile, &f->program, &err) < 0)
		fail_msg("compile: %s", err.msg);
}

static inline void compile_json(struct fixture *f, const char *json)
{
	compile_text(f, json, strlen(json), &here);
}

static inline void compile_file(struct fixture *f, const char *path)
{
	struct sp_error err = {0};
	struct sp_bytes text = {0};

	if (sp_read_file_at(AT_FDCWD, path, SP_PROFILE_MAX_BYTES, &text, &err) < 0)
		fail_msg("%s", err.msg);
	compile_text(f, text.data, text.len, &here);
	free(text.data);
}

static inline uint32_t ask(const struct fixture *f, uint32_t arch, uint32_t nr,
	const uint64_t args[static 6])
{
	struct seccomp_data data = {.nr = (int)nr, .arch = arch};
	const void *program = f->program.data;
	uint32_t action = 0;

	memcpy(data.args, args, sizeof(data.args));
	if (!bpf_run(program, f->program.len / sizeof(struct sock_filter), &data,
		    &action))
		fail_msg("the program is not sound at call %u", nr);
	return action;
}

/* By name, on the machine's own architecture. */
static inline uint32_t call(
	const struct fixture *f, const char *name, uint64_t a, uint64_t b, uint64_t c)
{
	const uint64_t args[6] = {a, b, c};
	int64_t nr = sp_number_of(name, SCMP_ARCH_X86_64);

	if (nr < 0)
		fail_msg("%s has no number here", name);
	return ask(f, AUDIT_ARCH_X86_64, (uint32_t)nr, args);
}

static inline void must(const char *what, uint32_t got, uint32_t want)
{
	if (got != want)
		fail_msg("%s: 0x%08x, not 0x%08x", what, got, want);
}

static const char *const shipped[] = {"seccomp/default.json", "seccomp/strict.json"};

#endif
