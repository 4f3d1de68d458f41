/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "providers/provider.h"

#define REFUSED(...) \
	assert_int_equal( \
		sp_spec_check(&(const struct sp_sandbox_spec){__VA_ARGS__}, NULL), \
		SP_ERR_INVALID)
#define TAKEN(...) \
	assert_int_equal( \
		sp_spec_check(&(const struct sp_sandbox_spec){__VA_ARGS__}, NULL), 0)

static void a_zeroed_spec_is_complete(void **state)
{
	(void)state;
	TAKEN(.image = NULL);
}

static void environment_needs_a_name_and_an_equals_sign(void **state)
{
	static const char *const good[] = {"A=", "B=1\n2=3", NULL};
	static const char *const bare[] = {"A=1", "B", NULL};
	static const char *const nameless[] = {"=1", NULL};

	(void)state;
	TAKEN(.env = good);
	REFUSED(.env = bare);
	REFUSED(.env = nameless);
}

static void label_keys_are_names_and_come_once(void **state)
{
	static const struct sp_label good[] = {{"a.b-c_1", ""}, {"b", "x=y z"}};
	static const struct sp_label twice[] = {{"a", "1"}, {"a", "2"}};
	static const struct sp_label path[] = {{"../a", "1"}};
	static const struct sp_label bytes[] = {{"a", "\xff"}};

	(void)state;
	TAKEN(.labels = good, .label_count = 2);
	REFUSED(.labels = twice, .label_count = 2);
	REFUSED(.labels = path, .label_count = 1);
	REFUSED(.labels = bytes, .label_count = 1);
}

static void mounts_have_two_whole_paths_and_never_hide_the_root(void **state)
{
	static const struct sp_mount good = {"/usr", "/mnt/usr", false};
	static const struct sp_mount relative = {"usr", "/mnt", false};
	static const struct sp_mount inside = {"/usr", "mnt", false};
	static const struct sp_mount climbs = {"/usr", "/mnt/../etc", false};
	static const struct sp_mount root = {"/usr", "//", false};

	(void)state;
	TAKEN(.mounts = &good, .mount_count = 1);
	REFUSED(.mounts = &relative, .mount_count = 1);
	REFUSED(.mounts = &inside, .mount_count = 1);
	REFUSED(.mounts = &climbs, .mount_count = 1);
	REFUSED(.mounts = &root, .mount_count = 1);
}

static void paths_and_names_are_neither_empty_nor_endless(void **state)
{
	static char text[5000];

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	REFUSED(.image = "");
	REFUSED(.image = text);
	REFUSED(.user = "");
	REFUSED(.workdir = "relative");
	REFUSED(.workdir = "/a/..");
	TAKEN(.workdir = "/a/..b");
}

static void limits_stay_where_a_program_can_start(void **state)
{
	(void)state;
	REFUSED(.limits = {.memory_bytes = 1});
	REFUSED(.limits = {.pids = 1});
	REFUSED(.limits = {.cpu_millis = 1});
	REFUSED(.limits = {.nofile = 1});
	REFUSED(.limits = {.memory_bytes = UINT64_MAX});
	REFUSED(.ttl_ms = -1);
	REFUSED(.network = (enum sp_network)9);
	TAKEN(.limits = {.memory_bytes = 64u << 20, .pids = 16, .cpu_millis = 500});
}

static void a_command_has_a_first_word(void **state)
{
	static const char *const none[] = {NULL};
	static const char *const empty[] = {"", NULL};
	const struct sp_command without = {.argv = none};
	const struct sp_command nameless = {.argv = empty};

	(void)state;
	assert_int_equal(sp_command_check(&without, NULL), SP_ERR_INVALID);
	assert_int_equal(sp_command_check(&nameless, NULL), SP_ERR_INVALID);
}

static void a_missing_capability_is_named(void **state)
{
	const struct sp_sandbox_spec nat = {.network = SP_NETWORK_NAT};
	const struct sp_sandbox_spec plain = {.image = NULL};
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(
		sp_spec_supported(SP_CAP_NETWORK_NONE, &nat, &err), SP_ERR_UNSUPPORTED);
	assert_non_null(strstr(err.msg, "network nat"));
	/* Closed is what nobody has to ask for. */
	assert_int_equal(sp_spec_supported(SP_CAP_NETWORK_NAT, &plain, &err),
		SP_ERR_UNSUPPORTED);
	assert_int_equal(sp_spec_supported(SP_CAP_NETWORK_NONE, &plain, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zeroed_spec_is_complete),
		cmocka_unit_test(environment_needs_a_name_and_an_equals_sign),
		cmocka_unit_test(label_keys_are_names_and_come_once),
		cmocka_unit_test(mounts_have_two_whole_paths_and_never_hide_the_root),
		cmocka_unit_test(paths_and_names_are_neither_empty_nor_endless),
		cmocka_unit_test(limits_stay_where_a_program_can_start),
		cmocka_unit_test(a_command_has_a_first_word),
		cmocka_unit_test(a_missing_capability_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
