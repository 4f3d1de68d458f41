/* SPDX-License-Identifier: Apache-2.0 */
/* The model against the compiled program, and what a profile opens. */
#include "seccomp/judge.h"
#include "tests/unit/compiled.h"

static void shipped_profiles_open_nothing(void **state)
{
	sp_autostrv struct sp_strv opened = {0};
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		assert_int_equal(sp_profile_opened(&f.profile, &opened, NULL), 0);
		if (opened.count > 0)
			fail_msg("%s opens %s", shipped[p], opened.items[0]);
		fixture_clear(&f);
	}
}

static void a_widening_profile_is_told_what_it_opened(void **state)
{
	static const char *const want[] = {"bpf", "clone3", "clone with new namespaces",
		"ioctl TIOCSTI", "ioctl TIOCLINUX", "socket AF_VSOCK",
		"architecture x86"};
	sp_autostrv struct sp_strv got = {0};
	struct fixture f;

	(void)state;
	compile_json(&f,
		"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"archMap\":[{\"architecture\":"
		"\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]}],"
		"\"syscalls\":[{\"names\":[\"bpf\",\"clone\",\"clone3\",\"ioctl\","
		"\"read\",\"mount\"],\"action\":\"SCMP_ACT_ALLOW\"},"
		"{\"names\":[\"mount\"],\"action\":\"SCMP_ACT_ERRNO\"},"
		"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
		"{\"index\":0,\"value\":40,\"op\":\"SCMP_CMP_EQ\"}]}]}");
	assert_int_equal(sp_profile_opened(&f.profile, &got, NULL), 0);
	assert_int_equal(got.count, SP_COUNT(want));
	for (size_t i = 0; i < got.count; i++)
		assert_string_equal(got.items[i], want[i]);
	fixture_clear(&f);
}

/* ----- the model and the program say the same -------------------------------- */

static const char *const agree[] = {
	"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"syscalls\":["
	"{\"names\":[\"mount\",\"mseal\"],\"action\":\"SCMP_ACT_ERRNO\"},"
	"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_KILL\",\"args\":["
	"{\"index\":2,\"value\":4294967297,\"op\":\"SCMP_CMP_GT\"}]}]}",

	"{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\",\"syscalls\":["
	"{\"names\":[\"read\",\"cachestat\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":4294967297,\"op\":\"SCMP_CMP_LE\"}]},"
	"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_LOG\"},"
	"{\"names\":[\"ioctl\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":1,\"value\":21522,\"op\":\"SCMP_CMP_NE\"}]},"
	"{\"names\":[\"personality\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":18446744073709551615,\"op\":\"SCMP_CMP_EQ\"}]}]}",

	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
	"{\"names\":[\"read\",\"futex_wait\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"read\",\"futex_wait\"],\"action\":\"SCMP_ACT_TRAP\",\"args\":["
	"{\"index\":1,\"value\":4294967296,\"op\":\"SCMP_CMP_GE\"},"
	"{\"index\":2,\"value\":1,\"op\":\"SCMP_CMP_LT\"}]},"
	"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":5,\"args\":["
	"{\"index\":0,\"value\":0,\"op\":\"SCMP_CMP_EQ\"}]},"
	"{\"names\":[\"write\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":5,\"value\":4294967295,\"op\":\"SCMP_CMP_NE\"}]},"
	"{\"names\":[\"getpid\"],\"action\":\"SCMP_ACT_TRACE\",\"errnoRet\":7},"
	"{\"names\":[\"socket\"],\"action\":\"SCMP_ACT_ALLOW\",\"args\":["
	"{\"index\":0,\"value\":12,\"op\":\"SCMP_CMP_LT\"}]},"
	"{\"names\":[\"open\"],\"action\":\"SCMP_ACT_ALLOW\"},"
	"{\"names\":[\"open\"],\"action\":\"SCMP_ACT_ERRNO\",\"errnoRet\":2}]}",
};

static const uint64_t values[] = {0, 1, 11, 12, 21521, 21522, 0xfffffffe, 0xffffffff,
	UINT64_C(0x100000000), UINT64_C(0x100000001), UINT64_C(0x100000002),
	UINT64_C(0x200000000), HIGH | 21522, HIGH | 1, UINT64_MAX};

static void compare_call(const struct fixture *f, const char *name, uint32_t nr)
{
	for (size_t a = 0; a < SP_COUNT(values); a++) {
		for (size_t b = 0; b < SP_COUNT(values); b++) {
			const uint64_t args[6] = {values[a], values[b],
				values[(a + b) % SP_COUNT(values)], 0, 0, values[b]};

			must(name, ask(f, AUDIT_ARCH_X86_64, nr, args),
				sp_profile_decide(&f->profile, name, args));
		}
	}
}

static void compare_all(const struct fixture *f)
{
	for (uint32_t nr = 0; nr <= sp_number_last(SCMP_ARCH_X86_64); nr++) {
		sp_autofree char *name = seccomp_syscall_resolve_num_arch(
			SCMP_ARCH_X86_64, (int)nr);

		if (name)
			compare_call(f, name, nr);
	}
	compare_call(f, "cachestat", 451);
	compare_call(f, "futex_wait", 455);
	compare_call(f, "mseal", 462);
}

static void model_and_program_agree_on_every_call(void **state)
{
	struct fixture f;

	(void)state;
	for (size_t p = 0; p < SP_COUNT(shipped); p++) {
		compile_file(&f, shipped[p]);
		compare_all(&f);
		fixture_clear(&f);
	}
	for (size_t i = 0; i < SP_COUNT(agree); i++) {
		compile_json(&f, agree[i]);
		compare_all(&f);
		fixture_clear(&f);
	}
}

#define ONE_RULE(call, action, op, value, two) \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" \
	"{\"names\":[\"" call "\"],\"action\":\"SCMP_ACT_ALLOW\"}," \
	"{\"names\":[\"" call "\"],\"action\":\"" action "\",\"args\":[" \
	"{\"index\":0,\"value\":" value ",\"valueTwo\":" two ",\"op\":\"" op "\"}]}]}"

static void a_condition_that_refuses_beats_one_that_allows(void **state)
{
	static const struct {
		const char *json;
		uint64_t refused, allowed;
	} rows[] = {
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_EQ", "4294967301", "0"),
			0x100000005, 5},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_NE", "4294967301", "0"),
			5, 0x100000005},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_LT", "4294967301", "0"),
			0x100000004, 0x100000005},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_LE", "4294967301", "0"),
			0x100000005, 0x100000006},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_GT", "4294967301", "0"),
			0x200000000, 0x100000005},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_GE", "4294967301", "0"),
			0x100000005, 0x100000004},
		{ONE_RULE("lseek", "SCMP_ACT_TRAP", "SCMP_CMP_MASKED_EQ", "4294967297",
			 "4294967296"),
			0x100000002, 0x100000003},
	};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(rows); i++) {
		compile_json(&f, rows[i].json);
		must(rows[i].json, call(&f, "lseek", rows[i].refused, 0, 0),
			SCMP_ACT_TRAP);
		must(rows[i].json, call(&f, "lseek", rows[i].allowed, 0, 0), ALLOW);
		fixture_clear(&f);
	}
}

static void high_halves_of_ints_do_not_count(void **state)
{
	struct fixture f;

	(void)state;
	compile_json(&f, agree[1]);
	must("NE", call(&f, "ioctl", 0, 21522, 0), KILLED);
	must("NE, high half", call(&f, "ioctl", 0, HIGH | 21522, 0), KILLED);
	must("NE, another", call(&f, "ioctl", 0, HIGH | 21523, 0), ALLOW);
	must("-1 of 32 bits", call(&f, "personality", 0xffffffff, 0, 0), ALLOW);
	must("-1 of 64 bits", call(&f, "personality", UINT64_MAX, 0, 0), ALLOW);
	fixture_clear(&f);
	compile_json(&f, agree[2]);
	must("LT", call(&f, "socket", HIGH | 11, 0, 0), ALLOW);
	must("LT, over", call(&f, "socket", HIGH | 12, 0, 0), REFUSED);
	fixture_clear(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shipped_profiles_open_nothing),
		cmocka_unit_test(a_widening_profile_is_told_what_it_opened),
		cmocka_unit_test(model_and_program_agree_on_every_call),
		cmocka_unit_test(a_condition_that_refuses_beats_one_that_allows),
		cmocka_unit_test(high_halves_of_ints_do_not_count),
	};

	/* A program is compiled for the machine it runs on, and asked with its numbers. */
	if (seccomp_arch_native() != SCMP_ARCH_X86_64) {
		print_message("1..0 # SKIP the numbers are those of x86-64\n");
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
