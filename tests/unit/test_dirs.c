/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/dirs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/proc.h"

static char folder[64];
static char path[128];

static int make_folder(void **state)
{
	(void)state;
	snprintf(folder, sizeof(folder), "/tmp/sandpit-test-XXXXXX");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/a/b", folder);
	return 0;
}

static int remove_folder(void **state)
{
	const char *const argv[] = {"/bin/rm", "-r", "--", folder, NULL};

	(void)state;
	return sp_run_tool(argv, 10000, NULL, NULL);
}

static int find(const char *state_dir, struct sp_error *err)
{
	SP_AUTO(sp_dirs_clear) struct sp_dirs dirs = {0};

	return sp_dirs_find(state_dir, &dirs, err);
}

static void the_state_folder_is_made_for_us_alone(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(find(path, NULL), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

static void one_that_others_can_enter_is_refused(void **state)
{
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(chmod(folder, 0710), 0);
	assert_int_equal(find(folder, &err), SP_ERR_DENIED);
	assert_non_null(strstr(err.msg, "chmod 700"));
}

static void one_behind_a_link_is_refused(void **state)
{
	char link[128];

	(void)state;
	snprintf(link, sizeof(link), "%s/link", folder);
	assert_int_equal(symlink(folder, link), 0);
	assert_int_not_equal(find(link, NULL), 0);
}

static void one_that_is_a_file_or_relative_is_refused(void **state)
{
	char file[128];
	FILE *f;

	(void)state;
	snprintf(file, sizeof(file), "%s/file", folder);
	f = fopen(file, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_not_equal(find(file, NULL), 0);
	assert_int_equal(find("relative", NULL), SP_ERR_INVALID);
}

static void one_of_somebody_else_is_refused(void **state)
{
	struct sp_error err = {0};

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(chown(folder, 65534, 65534), 0);
	assert_int_equal(find(folder, &err), SP_ERR_DENIED);
	assert_non_null(strstr(err.msg, "65534"));
}

static void the_environment_says_where_things_are(void **state)
{
	SP_AUTO(sp_dirs_clear) struct sp_dirs dirs = {0};

	(void)state;
	setenv("SANDPIT_STATE_DIR", folder, 1);
	setenv("SANDPIT_LIBEXEC_DIR", "/opt/libexec", 1);
	setenv("SANDPIT_DATA_DIR", "/opt/data", 1);
	assert_int_equal(sp_dirs_find(NULL, &dirs, NULL), 0);
	unsetenv("SANDPIT_STATE_DIR");
	unsetenv("SANDPIT_LIBEXEC_DIR");
	unsetenv("SANDPIT_DATA_DIR");
	assert_string_equal(dirs.state, folder);
	assert_string_equal(dirs.libexec, "/opt/libexec");
	assert_string_equal(dirs.data, "/opt/data");
}

static void an_installed_program_looks_beside_its_own_prefix(void **state)
{
	SP_AUTO(sp_dirs_clear) struct sp_dirs dirs = {0};

	(void)state;
	/* No runner lies beside this test, so it is taken for installed. */
	assert_int_equal(sp_dirs_find(folder, &dirs, NULL), 0);
	assert_int_equal(dirs.libexec[0], '/');
	assert_non_null(strstr(dirs.libexec, "/../libexec/sandpit"));
	assert_non_null(strstr(dirs.data, "/../share/sandpit"));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(the_state_folder_is_made_for_us_alone),
		TEST(one_that_others_can_enter_is_refused),
		TEST(one_behind_a_link_is_refused),
		TEST(one_that_is_a_file_or_relative_is_refused),
		TEST(one_of_somebody_else_is_refused),
		TEST(the_environment_says_where_things_are),
		TEST(an_installed_program_looks_beside_its_own_prefix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
