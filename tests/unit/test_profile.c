/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
/* cmocka wants the four above before it */
#include <cmocka.h>

#include "base/buf.h"
#include "seccomp/profile.h"

#define TEXT_MAX       (4u << 20)
#define CAP_CHROOT     (UINT64_C(1) << 18)
#define CAP_SYS_ADMIN_ (UINT64_C(1) << 21)

static const struct sp_profile_host host = {.arch = SCMP_ARCH_X86_64,
	.granted_caps = CAP_CHROOT,
	.version = 5,
	.major = 10};

static int read_text(const char *text, struct sp_profile *out, struct sp_error *err)
{
	return sp_profile_read(text, strlen(text), &host, out, err);
}

static void must_read(const char *text, struct sp_profile *out)
{
	struct sp_error err = {0};

	if (read_text(text, out, &err) < 0)
		fail_msg("%s: %s", text, err.msg);
}

/* A profile with these members of its only rule, besides a name and an action. */
#define RULE(members) \
	"{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":[" \
	"{\"names\":[\"read\"],\"action\":\"SCMP_ACT_ALLOW\"" members "}]}"
#define TOP(members) "{\"defaultAction\":\"SCMP_ACT_ERRNO\"" members "}"

static void the_whole_format_is_read(void **state)
{
	sp_autoprofile struct sp_profile p = {0};

	(void)state;
	must_read("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"defaultErrnoRet\":38,"
		  "\"archMap\":[{\"architecture\":\"SCMP_ARCH_AARCH64\","
		  "\"subArchitectures\":[\"SCMP_ARCH_ARM\"]},{\"architecture\":"
		  "\"SCMP_ARCH_X86_64\",\"subArchitectures\":[\"SCMP_ARCH_X86\"]},"
		  "{\"architecture\":\"SCMP_ARCH_LOONGARCH64\",\"subArchitectures\":"
		  "null}],\"syscalls\":[{\"names\":[\"read\",\"write\"],\"action\":"
		  "\"SCMP_ACT_ALLOW\",\"args\":null,\"comment\":\"c\",\"includes\":{},"
		  "\"excludes\":null},{\"name\":\"open\",\"names\":null,\"action\":"
		  "\"SCMP_ACT_ERRNO\",\"errnoRet\":13,\"args\":[{\"index\":5,\"value\":"
		  "18446744073709551615,\"valueTwo\":7,\"op\":\"SCMP_CMP_MASKED_EQ\"},"
		  "{\"index\":0,\"value\":3,\"op\":\"SCMP_CMP_GE\"}]}]}",
		&p);
	assert_int_equal(p.arch, SCMP_ARCH_X86_64);
	assert_int_equal(p.default_action, SCMP_ACT_ERRNO(38));
	assert_int_equal(p.sub_arch_count, 1);
	assert_int_equal(p.sub_arches[0], SCMP_ARCH_X86);
	assert_int_equal(p.rule_count, 2);
	assert_int_equal(p.rules[0].action, SCMP_ACT_ALLOW);
	assert_int_equal(p.rules[0].names.count, 2);
	assert_string_equal(p.rules[0].names.items[1], "write");
	assert_int_equal(p.rules[1].place, 1);
	assert_int_equal(p.rules[1].action, SCMP_ACT_ERRNO(13));
	assert_int_equal(p.rules[1].arg_count, 2);
	assert_int_equal(p.rules[1].args[0].arg, 5);
	assert_int_equal(p.rules[1].args[0].op, SCMP_CMP_MASKED_EQ);
	assert_true(p.rules[1].args[0].datum_a == UINT64_MAX);
	assert_true(p.rules[1].args[0].datum_b == 7);
	assert_int_equal(p.rules[1].args[1].op, SCMP_CMP_GE);
}

static void every_action_is_known(void **state)
{
	static const struct {
		const char *text;
		uint32_t action;
	} rows[] = {
		{"{\"defaultAction\":\"SCMP_ACT_ALLOW\"}", SCMP_ACT_ALLOW},
		{"{\"defaultAction\":\"SCMP_ACT_LOG\"}", SCMP_ACT_LOG},
		{"{\"defaultAction\":\"SCMP_ACT_TRAP\"}", SCMP_ACT_TRAP},
		{"{\"defaultAction\":\"SCMP_ACT_KILL\"}", SCMP_ACT_KILL_THREAD},
		{"{\"defaultAction\":\"SCMP_ACT_KILL_THREAD\"}", SCMP_ACT_KILL_THREAD},
		{"{\"defaultAction\":\"SCMP_ACT_KILL_PROCESS\"}",
			SCMP_ACT_KILL_PROCESS},
		{"{\"defaultAction\":\"SCMP_ACT_ERRNO\"}", SCMP_ACT_ERRNO(1)},
		{"{\"defaultErrnoRet\":0,\"defaultAction\":\"SCMP_ACT_ERRNO\"}",
			SCMP_ACT_ERRNO(0)},
		{"{\"defaultAction\":\"SCMP_ACT_TRACE\",\"defaultErrnoRet\":9}",
			SCMP_ACT_TRACE(9)},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(rows); i++) {
		sp_autoprofile struct sp_profile p = {0};

		must_read(rows[i].text, &p);
		assert_int_equal(p.default_action, rows[i].action);
	}
}

static void permitting_actions_are_told_from_refusing_ones(void **state)
{
	(void)state;
	assert_true(sp_profile_permits(SCMP_ACT_ALLOW));
	assert_true(sp_profile_permits(SCMP_ACT_LOG));
	assert_true(sp_profile_permits(SCMP_ACT_TRACE(1)));
	assert_false(sp_profile_permits(SCMP_ACT_ERRNO(1)));
	assert_false(sp_profile_permits(SCMP_ACT_TRAP));
	assert_false(sp_profile_permits(SCMP_ACT_KILL_THREAD));
	assert_false(sp_profile_permits(SCMP_ACT_KILL_PROCESS));
}

/* ----- what is wrong, and where ------------------------------------------------ */

static const struct {
	const char *text;
	enum sp_code code;
	const char *why; /* how the message begins */
} wrong[] = {
	{"", SP_ERR_PROTOCOL, "JSON"},
	{"[]", SP_ERR_INVALID, "profile: expected object, not array"},
	{"null", SP_ERR_INVALID, "profile: expected object, not null"},
	{"{}", SP_ERR_INVALID, "defaultAction: no action"},
	{"{\"defaultAction\":null}", SP_ERR_INVALID, "defaultAction: no action"},
	{"{\"defaultAction\":1}", SP_ERR_INVALID,
		"defaultAction: expected string, not int"},
	{"{\"defaultAction\":\"SCMP_ACT_ALOW\"}", SP_ERR_INVALID,
		"defaultAction: unknown action \"SCMP_ACT_ALOW\""},
	{"{\"defaultAction\":\"SCMP_ACT_ALLOW\\u0000\"}", SP_ERR_INVALID,
		"defaultAction: not a name"},
	{"{\"defaultAction\":\"SCMP_ACT_NOTIFY\"}", SP_ERR_UNSUPPORTED,
		"defaultAction: SCMP_ACT_NOTIFY"},
	{TOP(",\"defaultErrnoRet\":4096"), SP_ERR_INVALID, "defaultAction: errno over"},
	{TOP(",\"defaultErrnoRet\":-1"), SP_ERR_INVALID,
		"defaultErrnoRet: must not be negative"},
	{TOP(",\"defaultErrnoRet\":1.5"), SP_ERR_INVALID,
		"defaultErrnoRet: expected int, not double"},
	{"{\"defaultAction\":\"SCMP_ACT_ALLOW\",\"defaultErrnoRet\":1}", SP_ERR_INVALID,
		"defaultAction: only SCMP_ACT_ERRNO"},
	{TOP(",\"syscall\":[]"), SP_ERR_INVALID, "profile: unknown field \"syscall\""},
	{TOP(",\"x\\u001b[2J\":[]"), SP_ERR_INVALID,
		"profile: unknown field \"x\\x1b[2J\""},
	{TOP(",\"syscalls\":{}"), SP_ERR_INVALID,
		"syscalls: expected array, not object"},
	{TOP(",\"syscalls\":[1]"), SP_ERR_INVALID,
		"syscalls[0]: expected object, not int"},
	{TOP(",\"syscalls\":[null]"), SP_ERR_INVALID,
		"syscalls[0]: expected object, not null"},
	{TOP(",\"syscalls\":[{\"names\":[\"a\"]}]"), SP_ERR_INVALID,
		"syscalls[0]: no action"},
	{TOP(",\"syscalls\":[{\"action\":\"SCMP_ACT_ALLOW\"}]"), SP_ERR_INVALID,
		"syscalls[0]: names no call"},
	{RULE(",\"name\":\"write\""), SP_ERR_INVALID,
		"syscalls[0]: has both name and names"},
	{RULE(",\"names\":[\"\"]"), SP_ERR_INVALID, "syscalls[0].names[0]: is empty"},
	{RULE(",\"names\":[\"a\",1]"), SP_ERR_INVALID,
		"syscalls[0].names[1]: expected string, not int"},
	{RULE(",\"names\":[\"0123456789012345678901234567890123456789012345678901234567"
	      "8901234\"]"),
		SP_ERR_LIMIT, "syscalls[0].names[0]: over 64"},
	{RULE(",\"errnoRet\":1"), SP_ERR_INVALID, "syscalls[0]: only SCMP_ACT_ERRNO"},
	{RULE(",\"comments\":\"\""), SP_ERR_INVALID,
		"syscalls[0]: unknown field \"comments\""},
	{RULE(",\"args\":[{\"index\":0,\"op\":\"SCMP_CMP_EG\"}]"), SP_ERR_INVALID,
		"syscalls[0].args[0].op: unknown operator \"SCMP_CMP_EG\""},
	{RULE(",\"args\":[{\"index\":6,\"op\":\"SCMP_CMP_EQ\"}]"), SP_ERR_INVALID,
		"syscalls[0].args[0].index: a call has arguments 0 to 5"},
	{RULE(",\"args\":[{\"op\":\"SCMP_CMP_EQ\"}]"), SP_ERR_INVALID,
		"syscalls[0].args[0]: needs index and op"},
	{RULE(",\"args\":[{\"index\":0}]"), SP_ERR_INVALID,
		"syscalls[0].args[0]: needs index and op"},
	{RULE(",\"args\":[{\"index\":0,\"value\":-1,\"op\":\"SCMP_CMP_EQ\"}]"),
		SP_ERR_INVALID, "syscalls[0].args[0].value: must not be negative"},
	{RULE(",\"args\":[{\"index\":0,\"values\":1,\"op\":\"SCMP_CMP_EQ\"}]"),
		SP_ERR_INVALID, "syscalls[0].args[0]: unknown field \"values\""},
	{RULE(",\"args\":[{\"index\":0,\"value\":1,\"valueTwo\":3,"
	      "\"op\":\"SCMP_CMP_MASKED_EQ\"}]"),
		SP_ERR_INVALID, "syscalls[0].args[0]: valueTwo has bits"},
	{RULE(",\"args\":[{\"index\":1,\"op\":\"SCMP_CMP_NE\"},"
	      "{\"index\":1,\"value\":2,\"op\":\"SCMP_CMP_NE\"}]"),
		SP_ERR_INVALID, "syscalls[0].args[1]: argument 1 was compared before"},
	{RULE(",\"includes\":{\"cap\":[]}"), SP_ERR_INVALID,
		"syscalls[0].includes: unknown field \"cap\""},
	{RULE(",\"includes\":{\"caps\":[\"CAP_SYS_ADMN\"]}"), SP_ERR_INVALID,
		"syscalls[0].includes.caps[0]: unknown capability \"CAP_SYS_ADMN\""},
	{RULE(",\"excludes\":{\"arches\":[\"amd46\"]}"), SP_ERR_INVALID,
		"syscalls[0].excludes.arches[0]: unknown architecture \"amd46\""},
	{RULE(",\"includes\":{\"minKernel\":\"5\"}"), SP_ERR_INVALID,
		"syscalls[0].includes.minKernel: not VERSION.MAJOR"},
	{RULE(",\"includes\":{\"minKernel\":\"5.10.1\"}"), SP_ERR_INVALID,
		"syscalls[0].includes.minKernel: not VERSION.MAJOR"},
	{RULE(",\"includes\":{\"minKernel\":\".1\"}"), SP_ERR_INVALID,
		"syscalls[0].includes.minKernel: not VERSION.MAJOR"},
	{TOP(",\"architectures\":[\"SCMP_ARCH_X68\"]"), SP_ERR_INVALID,
		"architectures[0]: unknown architecture \"SCMP_ARCH_X68\""},
	{TOP(",\"architectures\":[\"SCMP_ARCH_ARM\"]"), SP_ERR_INVALID,
		"architectures: this machine's own"},
	{TOP(",\"architectures\":[\"SCMP_ARCH_X86_64\"],\"archMap\":[{\"architecture\":"
	     "\"SCMP_ARCH_X86_64\"}]"),
		SP_ERR_INVALID, "profile has both"},
	{TOP(",\"archMap\":[{\"architecture\":\"SCMP_ARCH_X86_64\","
	     "\"subArchitectures\":[\"X86\"]}]"),
		SP_ERR_INVALID, "archMap[0].subArchitectures[0]: unknown architecture"},
	{TOP(",\"archMap\":[{\"arch\":\"SCMP_ARCH_X86_64\"}]"), SP_ERR_INVALID,
		"archMap[0]: unknown field \"arch\""},
};

static void what_is_not_known_is_an_error_that_names_its_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < SP_COUNT(wrong); i++) {
		struct sp_profile p = {.rule_count = 77};
		struct sp_error err = {0};

		if (read_text(wrong[i].text, &p, &err) != (int)wrong[i].code)
			fail_msg("%s: %d %s", wrong[i].text, err.code, err.msg);
		assert_int_equal(err.code, wrong[i].code);
		if (strncmp(err.msg, wrong[i].why, strlen(wrong[i].why)) != 0)
			fail_msg("%s, not %s", err.msg, wrong[i].why);
		assert_int_equal(p.rule_count, 77);
	}
}

static void a_rule_that_does_not_apply_is_checked_all_the_same(void **state)
{
	sp_autoprofile struct sp_profile p = {0};

	(void)state;
	assert_int_equal(read_text(RULE(",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]},"
					"\"args\":[{\"index\":9}]"),
				 &p, NULL),
		SP_ERR_INVALID);
}

/* ----- conditions -------------------------------------------------------------- */

static void conditions_are_judged_against_what_is_granted(void **state)
{
	static const struct {
		const char *text;
		bool applies;
	} rows[] = {
		{RULE(""), true},
		{RULE(",\"includes\":{\"caps\":[]}"), true},
		{RULE(",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\"]}"), true},
		{RULE(",\"includes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}"), false},
		{RULE(",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\","
		      "\"CAP_SYS_ADMIN\"]}"),
			false},
		{RULE(",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\"]}"), true},
		{RULE(",\"excludes\":{\"caps\":[\"CAP_SYS_ADMIN\","
		      "\"CAP_SYS_CHROOT\"]}"),
			false},
		{RULE(",\"excludes\":{\"caps\":[]}"), true},
		{RULE(",\"includes\":{\"arches\":[\"arm64\",\"amd64\"]}"), true},
		{RULE(",\"includes\":{\"arches\":[\"arm64\"]}"), false},
		{RULE(",\"includes\":{\"arches\":[\"x86\"]}"), false},
		{RULE(",\"includes\":{\"arches\":[]}"), true},
		{RULE(",\"excludes\":{\"arches\":[\"s390\",\"s390x\"]}"), true},
		{RULE(",\"excludes\":{\"arches\":[\"amd64\"]}"), false},
		{RULE(",\"includes\":{\"minKernel\":\"5.10\"}"), true},
		{RULE(",\"includes\":{\"minKernel\":\"4.19\"}"), true},
		{RULE(",\"includes\":{\"minKernel\":\"5.9\"}"), true},
		{RULE(",\"includes\":{\"minKernel\":\"5.11\"}"), false},
		{RULE(",\"includes\":{\"minKernel\":\"6.0\"}"), false},
		{RULE(",\"includes\":{\"minKernel\":\"\"}"), true},
		{RULE(",\"excludes\":{\"minKernel\":\"5.10\"}"), false},
		{RULE(",\"excludes\":{\"minKernel\":\"5.11\"}"), true},
		{RULE(",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\"]},"
		      "\"excludes\":{\"arches\":[\"amd64\"]}"),
			false},
		{RULE(",\"includes\":{\"caps\":[\"CAP_SYS_CHROOT\"],"
		      "\"minKernel\":\"9.0\"}"),
			false},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(rows); i++) {
		sp_autoprofile struct sp_profile p = {0};

		must_read(rows[i].text, &p);
		if ((p.rule_count == 1) != rows[i].applies)
			fail_msg("%s", rows[i].text);
	}
}

static void a_rule_keeps_its_place_when_others_fall_away(void **state)
{
	sp_autoprofile struct sp_profile p = {0};

	(void)state;
	must_read("{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
		  "{\"names\":[\"a\"],\"action\":\"SCMP_ACT_ALLOW\",\"includes\":"
		  "{\"caps\":[\"CAP_SYS_ADMIN\"]}},"
		  "{\"names\":[\"b\"],\"action\":\"SCMP_ACT_ALLOW\"}]}",
		&p);
	assert_int_equal(p.rule_count, 1);
	assert_int_equal(p.rules[0].place, 1);
	assert_string_equal(p.rules[0].names.items[0], "b");
}

/* ----- architectures ----------------------------------------------------------- */

static void only_listed_sub_architectures_are_added(void **state)
{
	static const struct {
		const char *text;
		size_t count;
	} rows[] = {
		{TOP(""), 0},
		{TOP(",\"archMap\":[]"), 0},
		{TOP(",\"archMap\":[{\"architecture\":\"SCMP_ARCH_AARCH64\","
		     "\"subArchitectures\":[\"SCMP_ARCH_X86\"]}]"),
			0},
		{TOP(",\"archMap\":[{\"subArchitectures\":[\"SCMP_ARCH_X86\","
		     "\"SCMP_ARCH_X32\",\"SCMP_ARCH_X86\",\"SCMP_ARCH_ARM\"],"
		     "\"architecture\":\"SCMP_ARCH_X86_64\"}]"),
			2},
		{TOP(",\"architectures\":[\"SCMP_ARCH_X86_64\"]"), 0},
		{TOP(",\"architectures\":[\"SCMP_ARCH_X86\",\"SCMP_ARCH_X86_64\","
		     "\"SCMP_ARCH_ARM\"]"),
			1},
		{TOP(",\"architectures\":[],\"archMap\":[]"), 0},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(rows); i++) {
		sp_autoprofile struct sp_profile p = {0};

		must_read(rows[i].text, &p);
		if (p.sub_arch_count != rows[i].count)
			fail_msg("%s", rows[i].text);
	}
}

/* ----- limits ------------------------------------------------------------------ */

/* before, count times item with commas, after */
static int read_many(const char *before, const char *item, size_t count,
	const char *after, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	sp_autoprofile struct sp_profile p = {0};

	sp_buf_adds(&text, before);
	for (size_t i = 0; i < count; i++)
		sp_buf_addf(&text, "%s%s", i ? "," : "", item);
	sp_buf_adds(&text, after);
	return sp_profile_read(sp_buf_str(&text), text.len, &host, &p, err);
}

#define RULES_BEFORE "{\"defaultAction\":\"SCMP_ACT_ERRNO\",\"syscalls\":["
#define NAMES_BEFORE RULES_BEFORE "{\"action\":\"SCMP_ACT_ALLOW\",\"names\":["
#define CAPS_BEFORE \
	RULES_BEFORE "{\"action\":\"SCMP_ACT_ALLOW\",\"names\":[\"a\"]," \
		     "\"includes\":{\"caps\":["
#define ARGS_BEFORE \
	RULES_BEFORE "{\"action\":\"SCMP_ACT_ALLOW\",\"names\":[\"a\"],\"args\":["
#define ONE_RULE "{\"names\":[\"a\"],\"action\":\"SCMP_ACT_LOG\"}"

static void everything_counted_has_a_limit(void **state)
{
	static const struct {
		const char *before, *item;
		size_t max;
		const char *after, *why;
	} rows[] = {
		{RULES_BEFORE, ONE_RULE, SP_PROFILE_MAX_RULES, "]}", "syscalls: 2049"},
		{NAMES_BEFORE, "\"a\"", SP_PROFILE_MAX_NAMES, "]}]}",
			"syscalls[0].names: 8193"},
		{CAPS_BEFORE, "\"CAP_CHOWN\"", SP_PROFILE_MAX_LIST, "]}}]}",
			"syscalls[0].includes.caps: 65"},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(rows); i++) {
		struct sp_error err = {0};

		assert_int_equal(read_many(rows[i].before, rows[i].item, rows[i].max,
					 rows[i].after, &err),
			0);
		assert_int_equal(read_many(rows[i].before, rows[i].item,
					 rows[i].max + 1, rows[i].after, &err),
			SP_ERR_LIMIT);
		if (strncmp(err.msg, rows[i].why, strlen(rows[i].why)) != 0)
			fail_msg("%s", err.msg);
	}
}

static void names_are_counted_over_all_rules(void **state)
{
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(
		read_many(RULES_BEFORE,
			"{\"names\":[\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\",\"a\","
			"\"a\"],\"action\":\"SCMP_ACT_LOG\"}",
			1000, "]}", &err),
		SP_ERR_LIMIT);
	assert_non_null(strstr(err.msg, "over 8192 names"));
}

static void seven_arguments_are_too_many(void **state)
{
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(read_many(ARGS_BEFORE, "{\"index\":0,\"op\":\"SCMP_CMP_EQ\"}",
				 SP_PROFILE_MAX_ARGS + 1, "]}]}", &err),
		SP_ERR_LIMIT);
	assert_non_null(strstr(err.msg, "syscalls[0].args: 7"));
}

static void a_profile_has_a_size(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	sp_autoprofile struct sp_profile p = {0};
	const char end[] = TOP("");

	(void)state;
	while (text.len + strlen(end) < SP_PROFILE_MAX_BYTES)
		sp_buf_addc(&text, ' ');
	sp_buf_adds(&text, end);
	assert_int_equal(
		sp_profile_read(sp_buf_str(&text), text.len, &host, &p, NULL), 0);
	sp_buf_addc(&text, ' ');
	assert_int_equal(sp_profile_read(sp_buf_str(&text), text.len, &host, &p, NULL),
		SP_ERR_LIMIT);
}

static void the_host_is_known(void **state)
{
	struct sp_profile_host got = {0};

	(void)state;
	assert_int_equal(sp_profile_host_here(CAP_SYS_ADMIN_, &got, NULL), 0);
	assert_int_equal(got.arch, seccomp_arch_native());
	assert_true(got.granted_caps == CAP_SYS_ADMIN_);
	assert_true(got.version >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_format_is_read),
		cmocka_unit_test(every_action_is_known),
		cmocka_unit_test(permitting_actions_are_told_from_refusing_ones),
		cmocka_unit_test(what_is_not_known_is_an_error_that_names_its_place),
		cmocka_unit_test(a_rule_that_does_not_apply_is_checked_all_the_same),
		cmocka_unit_test(conditions_are_judged_against_what_is_granted),
		cmocka_unit_test(a_rule_keeps_its_place_when_others_fall_away),
		cmocka_unit_test(only_listed_sub_architectures_are_added),
		cmocka_unit_test(everything_counted_has_a_limit),
		cmocka_unit_test(names_are_counted_over_all_rules),
		cmocka_unit_test(seven_arguments_are_too_many),
		cmocka_unit_test(a_profile_has_a_size),
		cmocka_unit_test(the_host_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
