/* SPDX-License-Identifier: Apache-2.0 */
/* The private folder of a download goes, whoever is killed. */
#include "sandbox/staging.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char libexec[PATH_MAX];

static int entries(const char *path)
{
	DIR *dir = opendir(path);
	int count = -2; /* "." and ".." */

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Open one in a new folder, with something in it. */
static void open_in(struct sp_staging *s, char path[static 24])
{
	memcpy(path, "/tmp/sp-staging-XXXXXX", 23);
	assert_non_null(mkdtemp(path));
	assert_int_equal(sp_staging_open(s, libexec, path, NULL), 0);
	assert_int_equal(mkdirat(s->fd, "half", 0755), 0);
	assert_int_equal(entries(path), 1);
}

static void letting_go_of_it_removes_it(void **state)
{
	struct sp_staging s = SP_STAGING_INIT;
	char path[24];

	(void)state;
	open_in(&s, path);
	sp_staging_clear(&s);
	assert_int_equal(rmdir(path), 0);
}

static void it_is_removed_where_its_guard_was_killed(void **state)
{
	struct sp_staging s = SP_STAGING_INIT;
	char path[24];

	(void)state;
	open_in(&s, path);
	assert_int_equal(kill(s.guard, SIGKILL), 0);
	sp_staging_clear(&s);
	assert_int_equal(rmdir(path), 0);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
	struct sp_staging s = SP_STAGING_INIT;

	(void)state;
	assert_int_equal(
		sp_staging_open(&s, libexec, "/nowhere", NULL), SP_ERR_NOT_FOUND);
	sp_staging_clear(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letting_go_of_it_removes_it),
		cmocka_unit_test(it_is_removed_where_its_guard_was_killed),
		cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
	};
	ssize_t len = readlink("/proc/self/exe", libexec, sizeof(libexec) - 1);

	/* The worker is in the build folder, two above this program's. */
	libexec[len > 0 ? len : 0] = '\0';
	for (int i = 0; i < 3 && strrchr(libexec, '/'); i++)
		*strrchr(libexec, '/') = '\0';
	return cmocka_run_group_tests(tests, NULL, NULL);
}
