/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants the five above before it */
#include <cmocka.h>

#include "base/io.h"
#include "base/proc.h"
#include "providers/docker/recipe.h"

struct fixture {
	char folder[64];
	struct sp_tar tar;
	struct sp_strv changes;
	struct sp_error err;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->folder, sizeof(f->folder), "%s/test-recipe.XXXXXX",
		getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (!mkdtemp(f->folder))
		return -1;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	const char *const argv[] = {"/bin/rm", "-rf", f->folder, NULL};

	sp_run_tool(argv, 10000, NULL, NULL);
	sp_tar_clear(&f->tar);
	sp_strv_clear(&f->changes);
	free(f);
	return 0;
}

static void write_file(struct fixture *f, const char *name, const char *text)
{
	sp_autoclose int folder = open(f->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_int_equal(
		sp_write_file_at(folder, name, text, strlen(text), 0644, &f->err), 0);
}

static int collect(struct fixture *f, const char *rules)
{
	write_file(f, "host-files", rules);
	return sp_recipe_collect(f->folder, &f->tar, &f->changes, &f->err);
}

static const struct sp_tar_member *find(const struct fixture *f, const char *name)
{
	for (size_t i = 0; i < f->tar.count; i++)
		if (strcmp(f->tar.items[i].name, name) == 0)
			return &f->tar.items[i];
	return NULL;
}

static const struct sp_tar_member *member(const struct fixture *f, const char *name)
{
	static const struct sp_tar_member none;
	const struct sp_tar_member *m = find(f, name);

	if (m)
		return m;
	fail_msg("the image has no %s", name);
	return &none;
}

static void a_program_comes_with_its_libraries_and_loader(void **state)
{
	struct fixture *f = *state;
	bool has_libc = false, has_loader = false;

	assert_int_equal(collect(f, "search /usr/bin /bin\nneed sh\n"), 0);
	for (size_t i = 0; i < f->tar.count; i++) {
		const char *name = f->tar.items[i].name;

		has_libc = has_libc || strstr(name, "libc.so") ||
			strstr(name, "libc.musl");
		has_loader = has_loader || strstr(name, "/ld-");
	}
	assert_true(has_libc);
	assert_true(has_loader);
}

static void texts_folders_and_settings_are_as_they_say(void **state)
{
	struct fixture *f = *state;
	const struct sp_tar_member *m;

	write_file(f, "mine", "root:x:0:0\n");
	assert_int_equal(collect(f,
				 "# a comment\n\ntext 0640 /etc/passwd mine\n"
				 "folder 1777 /tmp /var/tmp\nset ENV A=b c\n"),
		0);
	m = member(f, "etc/passwd");
	assert_int_equal(m->mode, 0640);
	assert_memory_equal(m->data, "root:x:0:0\n", 11);
	assert_int_equal(member(f, "var/tmp")->mode, 01777);
	assert_int_equal(member(f, "var")->mode, 0755);
	assert_string_equal(f->changes.items[0], "ENV A=b c");
}

static void a_tree_leaves_out_what_is_skipped(void **state)
{
	struct fixture *f = *state;
	char rules[256];

	write_file(f, "kept.py", "1");
	write_file(f, "left.a", "2");
	snprintf(rules, sizeof(rules), "skip *.a host-files\ntree %s\n", f->folder);
	assert_int_equal(collect(f, rules), 0);
	snprintf(rules, sizeof(rules), "%s/kept.py", f->folder + 1);
	assert_non_null(find(f, rules));
	snprintf(rules, sizeof(rules), "%s/left.a", f->folder + 1);
	assert_null(find(f, rules));
	snprintf(rules, sizeof(rules), "%s/host-files", f->folder + 1);
	assert_null(find(f, rules));
}

static void what_is_not_here_is_left_out_unless_needed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(collect(f,
				 "search /usr/bin\nprogram no-such-program\n"
				 "file /no/such/file*\ntree /no/such/tree\n"),
		0);
	assert_int_equal(f->tar.count, 0);
	assert_int_equal(collect(f, "search /usr/bin\nneed no-such-program\n"),
		SP_ERR_NOT_FOUND);
	assert_non_null(strstr(f->err.msg, "line 2"));
	assert_non_null(strstr(f->err.msg, "no-such-program"));
}

static void a_rule_nobody_knows_is_an_error_with_its_line(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(collect(f, "\nsaerch /bin\n"), SP_ERR_PROTOCOL);
	assert_non_null(strstr(f->err.msg, "line 2"));
	assert_int_equal(collect(f, "folder 9x /tmp\n"), SP_ERR_PROTOCOL);
	assert_int_equal(collect(f, "text 0644 /etc/x\n"), SP_ERR_PROTOCOL);
}

static void the_tag_changes_with_rules_and_texts_only(void **state)
{
	struct fixture *f = *state;
	char one[SP_RECIPE_TAG_LEN + 1], two[sizeof(one)];

	write_file(f, "mine", "a");
	write_file(f, "host-files", "search /bin\nneed sh\ntext 0644 /x mine\n");
	assert_int_equal(sp_recipe_tag(f->folder, one, &f->err), 0);
	assert_int_equal(sp_recipe_tag(f->folder, two, &f->err), 0);
	assert_string_equal(one, two);
	write_file(f, "mine", "b");
	assert_int_equal(sp_recipe_tag(f->folder, two, &f->err), 0);
	assert_string_not_equal(one, two);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_program_comes_with_its_libraries_and_loader, setup, teardown),
		cmocka_unit_test_setup_teardown(
			texts_folders_and_settings_are_as_they_say, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_tree_leaves_out_what_is_skipped, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_is_not_here_is_left_out_unless_needed, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_rule_nobody_knows_is_an_error_with_its_line, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_tag_changes_with_rules_and_texts_only, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
