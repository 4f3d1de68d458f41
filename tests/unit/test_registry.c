/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/registry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static char folder[] = "/tmp/sandpit-test-XXXXXX";

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

static const struct sp_registry_entry *docker(void)
{
	return sp_registry_find(&sp_registry_builtin, "docker");
}

static void names_find_their_entries_and_nothing_else(void **state)
{
	(void)state;
	assert_non_null(sp_registry_find(&sp_registry_builtin, "local"));
	assert_non_null(docker());
	assert_null(sp_registry_find(&sp_registry_builtin, "loca"));
	assert_null(sp_registry_find(&sp_registry_builtin, ""));
}

static void docker_comes_before_local(void **state)
{
	(void)state;
	assert_string_equal(sp_registry_builtin.entries[0].name, "docker");
	assert_true(sp_registry_builtin.count <= SP_PROVIDERS_MAX);
}

static void a_driver_that_is_linked_in_needs_no_module(void **state)
{
	const struct sp_driver *driver = NULL;

	(void)state;
	assert_int_equal(
		sp_registry_driver(sp_registry_find(&sp_registry_builtin, "local"),
			"/nonexistent", &driver, NULL),
		0);
	assert_string_equal(driver->name, "local");
}

static void a_missing_module_is_unavailable_and_was_not_sent(void **state)
{
	const struct sp_driver *driver = NULL;
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(sp_registry_driver(docker(), "/nonexistent", &driver, &err),
		SP_ERR_UNAVAILABLE);
	assert_true(err.not_sent);
	assert_non_null(strstr(err.msg, "libsandpit-net.so"));
}

static void a_file_that_is_no_module_is_refused(void **state)
{
	const struct sp_driver *driver = NULL;
	char path[96];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/libsandpit-net.so", folder);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs("not a library", f);
	fclose(f);
	assert_int_equal(sp_registry_driver(docker(), folder, &driver, NULL),
		SP_ERR_UNAVAILABLE);
	unlink(path);
}

static void docker_answers_only_while_somebody_listens(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char host[128];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/docker.sock", folder);
	snprintf(host, sizeof(host), "unix://%s", addr.sun_path);
	setenv("DOCKER_HOST", host, 1);
	assert_false(docker()->answers());
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_false(docker()->answers()); /* a file that nobody listens at */
	assert_int_equal(listen(fd, 1), 0);
	assert_true(docker()->answers());
	close(fd);
	assert_false(docker()->answers());
	unlink(addr.sun_path);
	unsetenv("DOCKER_HOST");
}

static void a_path_too_long_for_a_socket_does_not_answer(void **state)
{
	char host[300] = "unix:///";

	(void)state;
	memset(host + strlen(host), 'a', 200);
	setenv("DOCKER_HOST", host, 1);
	assert_false(docker()->answers());
	unsetenv("DOCKER_HOST");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_find_their_entries_and_nothing_else),
		cmocka_unit_test(docker_comes_before_local),
		cmocka_unit_test(a_driver_that_is_linked_in_needs_no_module),
		cmocka_unit_test(a_missing_module_is_unavailable_and_was_not_sent),
		cmocka_unit_test(a_file_that_is_no_module_is_refused),
		cmocka_unit_test(docker_answers_only_while_somebody_listens),
		cmocka_unit_test(a_path_too_long_for_a_socket_does_not_answer),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
