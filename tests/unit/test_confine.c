/* SPDX-License-Identifier: Apache-2.0 */
/* Each attempt is made in a child, for there is no way back. */
#include "images/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <linux/landlock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "images/remove_tree.h"

static char path[] = "/tmp/sp-confine-XXXXXX";
static int folder;

static int set_up(void **state)
{
	(void)state;
	if (!mkdtemp(path))
		return -1;
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close(openat(folder, "f", O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
	return mkdirat(folder, "d", 0755);
}

static int tear_down(void **state)
{
	(void)state;
	close(folder);
	return sp_remove_tree(AT_FDCWD, path, NULL);
}

static void require_landlock(void)
{
	if (syscall(SYS_landlock_create_ruleset, NULL, 0,
		    LANDLOCK_CREATE_RULESET_VERSION) < 2)
		skip();
}

/* What errno one attempt ends with in a confined child; 0 is success. */
static int attempt(int fd, enum sp_confine what, int (*try)(void))
{
	struct sp_error err = {0};
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (sp_confine(fd, what, &err) < 0)
			_exit(255);
		errno = 0;
		_exit(try() < 0 ? errno : 0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int read_passwd(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static int write_outside(void)
{
	return open("/tmp/sp-confine-outside", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
}

static int execute(void)
{
	char *const argv[] = {(char[]){"true"}, NULL};

	return execv("/bin/true", argv);
}

static int read_file(void)
{
	return openat(folder, "f", O_RDONLY | O_CLOEXEC);
}

static int write_file(void)
{
	return openat(folder, "new", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
}

static int make_device(void)
{
	return mkfifoat(folder, "fifo", 0600);
}

static int link_across_folders(void)
{
	return linkat(folder, "f", folder, "d/f", 0);
}

static int read_limits(void)
{
	struct rlimit core, memory;

	getrlimit(RLIMIT_CORE, &core);
	getrlimit(RLIMIT_AS, &memory);
	errno = EDOM;
	return core.rlim_max == 0 && memory.rlim_max < RLIM_INFINITY ? 0 : -1;
}

static void nothing_outside_can_be_reached(void **state)
{
	(void)state;
	require_landlock();
	assert_int_equal(attempt(folder, SP_CONFINE_WRITE, read_passwd), EACCES);
	assert_int_equal(attempt(folder, SP_CONFINE_WRITE, write_outside), EACCES);
	assert_int_equal(attempt(folder, SP_CONFINE_WRITE, execute), EACCES);
	assert_int_equal(attempt(folder, SP_CONFINE_READ, read_passwd), EACCES);
	assert_int_equal(attempt(-1, SP_CONFINE_READ, read_file), EACCES);
}

static void each_side_can_do_its_own_work_only(void **state)
{
	(void)state;
	require_landlock();
	assert_int_equal(attempt(folder, SP_CONFINE_READ, read_file), 0);
	assert_int_equal(attempt(folder, SP_CONFINE_READ, write_file), EACCES);
	assert_int_equal(attempt(folder, SP_CONFINE_WRITE, write_file), 0);
	assert_int_equal(attempt(folder, SP_CONFINE_WRITE, read_file), EACCES);
	assert_int_equal(attempt(folder, SP_CONFINE_WRITE, make_device), EACCES);
	assert_int_equal(attempt(folder, SP_CONFINE_WRITE, link_across_folders), 0);
}

static void limits_are_set_with_or_without_landlock(void **state)
{
	(void)state;
	assert_int_equal(attempt(folder, SP_CONFINE_WRITE, read_limits), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_outside_can_be_reached),
		cmocka_unit_test(each_side_can_do_its_own_work_only),
		cmocka_unit_test(limits_are_set_with_or_without_landlock),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
