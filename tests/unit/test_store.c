/* SPDX-License-Identifier: Apache-2.0 */
/* The store: records, holding and removing, and what a crash leaves. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "base/proc.h"
#include "providers/local/mounts.h"
#include "providers/local/stored.h"

static char folder[32];
static char store_path[64], sandboxes[64], worker[4096];
static struct local local = {
	.store = store_path, .sandboxes = sandboxes, .worker = worker};

static int set_up(void **state)
{
	const char *build = getenv("B");

	(void)state;
	memcpy(folder, "/tmp/sp-store-XXXXXX", 21);
	if (!mkdtemp(folder))
		return -1;
	snprintf(store_path, sizeof(store_path), "%s/store", folder);
	snprintf(sandboxes, sizeof(sandboxes), "%s/local", folder);
	snprintf(worker, sizeof(worker), "%s/sandpit-worker", build ? build : "build");
	return 0;
}

static int tear_down(void **state)
{
	const char *const argv[] = {"/bin/rm", "-r", "--", folder, NULL};

	(void)state;
	return sp_run_tool(argv, 10000, NULL, NULL);
}

static void make(
	struct store *s, enum sp_stored_kind kind, const char *name, const char *below)
{
	sp_autostored r = {.created_ms = 7, .bytes = 8};
	struct store_new n = {.fd = -1};
	struct sp_error err = {0};

	r.image = strdup("host");
	r.base = strdup("host");
	if (below)
		sp_strv_add(&r.below, below);
	assert_int_equal(store_begin(s, kind, &n, &err), 0);
	assert_int_equal(mkdirat(n.fd, STORE_TREE, 0700), 0);
	assert_int_equal(store_commit(s, &n, name, &r, &err), 0);
	store_abandon(&local, s, &n);
}

static bool is_there(const struct store *s, enum sp_stored_kind kind, const char *name)
{
	return faccessat(s->kinds[kind], name, F_OK, 0) == 0;
}

static int count_one(void *ctx, const char *name, struct sp_error *err)
{
	(void)name;
	(void)err;
	(*(int *)ctx)++;
	return 0;
}

static int count(const struct store *s, enum sp_stored_kind kind)
{
	int n = 0;

	assert_int_equal(store_each(s, kind, count_one, &n, NULL), 0);
	return n;
}

static void a_record_is_read_as_it_was_written(void **state)
{
	sp_autostore s = STORE_INIT;
	sp_autostored r = {0};

	(void)state;
	assert_int_equal(store_open(&local, &s, NULL), 0);
	make(&s, SP_STORED_SNAPSHOT, "one", ".fork-abc");
	assert_int_equal(store_read(&s, SP_STORED_SNAPSHOT, "one", &r, NULL), 0);
	assert_int_equal(r.created_ms, 7);
	assert_int_equal(r.bytes, 8);
	assert_string_equal(r.image, "host");
	assert_string_equal(r.base, "host");
	assert_int_equal(r.below.count, 1);
	assert_string_equal(r.below.items[0], ".fork-abc");
}

static void records_that_are_none_are_refused(void **state)
{
	static const char *const texts[] = {"", "end\n", "created_ms=1\n",
		"below=../x\nend\n", "below=.new-x\nend\n", "bytes=-1\nend\n",
		"other=1\nend\n", "version=2\nend\n", "image=a%00b\nend\n"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(texts); i++) {
		sp_autostored r = {0};
		struct sp_error err = {0};
		int rc = stored_record_parse(texts[i], strlen(texts[i]), &r, &err);

		if (rc != (i == 1 ? 0 : SP_ERR_PROTOCOL))
			fail_msg("\"%s\": %d", texts[i], rc);
	}
}

static void others_may_not_enter_the_store(void **state)
{
	sp_autostore s = STORE_INIT;
	struct sp_error err = {0};
	struct stat st;

	(void)state;
	assert_int_equal(store_open(&local, &s, NULL), 0);
	assert_int_equal(stat(store_path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	store_close(&s);
	assert_int_equal(chmod(store_path, 0750), 0);
	assert_int_equal(store_open(&local, &s, &err), SP_ERR_DENIED);
	assert_non_null(strstr(err.msg, "chmod 700"));
}

static void a_name_is_taken_once(void **state)
{
	sp_autostore s = STORE_INIT;
	struct store_new n = {.fd = -1};
	const struct stored_record r = {.created_ms = 1};

	(void)state;
	assert_int_equal(store_open(&local, &s, NULL), 0);
	make(&s, SP_STORED_VOLUME, "one", NULL);
	assert_int_equal(store_begin(&s, SP_STORED_VOLUME, &n, NULL), 0);
	assert_int_equal(store_commit(&s, &n, "one", &r, NULL), SP_ERR_EXISTS);
	store_abandon(&local, &s, &n);
	assert_int_equal(count(&s, SP_STORED_VOLUME), 1);
}

static void what_is_held_is_not_removed(void **state)
{
	sp_autostore s = STORE_INIT, user = STORE_INIT;
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(store_open(&local, &s, NULL), 0);
	assert_int_equal(store_open(&local, &user, NULL), 0);
	make(&s, SP_STORED_VOLUME, "one", NULL);
	assert_int_equal(store_hold(&user, SP_STORED_VOLUME, "one", NULL), 0);
	store_close(&s);
	assert_int_equal(store_open(&local, &s, NULL), 0);
	assert_int_equal(
		store_remove(&local, &s, SP_STORED_VOLUME, "one", &err), SP_ERR_LIMIT);
	assert_non_null(strstr(err.msg, "in use"));
	store_close(&user);
	assert_int_equal(store_remove(&local, &s, SP_STORED_VOLUME, "one", &err), 0);
	assert_int_equal(count(&s, SP_STORED_VOLUME), 0);
	assert_int_equal(
		store_hold(&s, SP_STORED_VOLUME, "one", &err), SP_ERR_NOT_FOUND);
}

static void what_another_lies_on_is_not_removed(void **state)
{
	sp_autostore s = STORE_INIT;
	struct sp_error err = {0};

	(void)state;
	assert_int_equal(store_open(&local, &s, NULL), 0);
	make(&s, SP_STORED_SNAPSHOT, "low", NULL);
	make(&s, SP_STORED_SNAPSHOT, "high", "low");
	store_close(&s);
	assert_int_equal(store_open(&local, &s, NULL), 0);
	assert_int_equal(store_remove(&local, &s, SP_STORED_SNAPSHOT, "low", &err),
		SP_ERR_LIMIT);
	assert_non_null(strstr(err.msg, "high"));
	assert_int_equal(store_remove(&local, &s, SP_STORED_SNAPSHOT, "high", &err), 0);
	assert_int_equal(store_remove(&local, &s, SP_STORED_SNAPSHOT, "low", &err), 0);
}

static void only_what_nobody_has_is_swept(void **state)
{
	sp_autostore s = STORE_INIT, maker = STORE_INIT;
	struct store_new n = {.fd = -1};

	(void)state;
	assert_int_equal(store_open(&local, &s, NULL), 0);
	assert_int_equal(store_open(&local, &maker, NULL), 0);
	make(&maker, SP_STORED_SNAPSHOT, ".fork-kept", NULL);
	make(&maker, SP_STORED_SNAPSHOT, ".fork-lost", NULL);
	make(&maker, SP_STORED_SNAPSHOT, "named", ".fork-kept");
	/* Each is kept by the next alone, in whatever order they are looked at. */
	make(&maker, SP_STORED_SNAPSHOT, ".fork-a", NULL);
	make(&maker, SP_STORED_SNAPSHOT, ".fork-b", ".fork-a");
	make(&maker, SP_STORED_SNAPSHOT, ".fork-c", ".fork-b");
	make(&maker, SP_STORED_SNAPSHOT, ".fork-d", ".fork-c");
	store_close(&maker);
	assert_int_equal(store_open(&local, &maker, NULL), 0);
	assert_int_equal(mkdirat(s.kinds[SP_STORED_SNAPSHOT], ".new-lost", 0700), 0);
	assert_int_equal(mkdirat(s.kinds[SP_STORED_SNAPSHOT], ".gone-lost", 0700), 0);
	assert_int_equal(store_begin(&maker, SP_STORED_SNAPSHOT, &n, NULL), 0);
	store_sweep(&local);
	assert_true(is_there(&s, SP_STORED_SNAPSHOT, ".fork-kept"));
	assert_true(is_there(&s, SP_STORED_SNAPSHOT, "named"));
	assert_true(is_there(&s, SP_STORED_SNAPSHOT, n.name));
	assert_int_equal(count(&s, SP_STORED_SNAPSHOT), 3);
	store_abandon(&local, &maker, &n);
	assert_int_equal(count(&s, SP_STORED_SNAPSHOT), 2);
}

static void names_that_leave_the_store_are_none(void **state)
{
	sp_autostore s = STORE_INIT;
	static const char *const names[] = {"..", ".", "", "a/b", "../x", ".new-x",
		".gone-x", ".fork-", ".fork-../x"};

	(void)state;
	assert_int_equal(store_open(&local, &s, NULL), 0);
	for (size_t i = 0; i < SP_COUNT(names); i++) {
		assert_int_equal(store_hold(&s, SP_STORED_SNAPSHOT, names[i], NULL),
			SP_ERR_NOT_FOUND);
		assert_int_equal(
			store_remove(&local, &s, SP_STORED_SNAPSHOT, names[i], NULL),
			SP_ERR_NOT_FOUND);
	}
}

static void a_base_that_changes_gets_another_mark(void **state)
{
	uint64_t before;
	char path[64];

	(void)state;
	before = base_mark(folder);
	assert_true(before == base_mark(folder));
	snprintf(path, sizeof(path), "%s/usr", folder);
	assert_int_equal(mkdir(path, 0755), 0);
	assert_true(before != base_mark(folder));
}

static void mounts_come_back_as_they_were(void **state)
{
	const struct sp_mount given[] = {{.source = "/a:b%c\nd", .target = "/x:y z"},
		{.source = "vol", .target = "/v", .writable = true, .is_volume = true}};
	sp_autostrv struct sp_strv lines = {0}, texts = {0};
	sp_autofree struct sp_mount *got = NULL;
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(mounts_note(&lines, &given[i], NULL), 0);
	assert_int_equal(mounts_read(&lines, &got, &n, &texts, NULL), 0);
	assert_int_equal(n, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_string_equal(got[i].source, given[i].source);
		assert_string_equal(got[i].target, given[i].target);
		assert_int_equal(got[i].writable, given[i].writable);
		assert_int_equal(got[i].is_volume, given[i].is_volume);
	}
	assert_true(mounts_have_volume(&lines, "vol"));
	assert_false(mounts_have_volume(&lines, "/v"));
}

static void mounts_that_are_none_are_refused(void **state)
{
	static const char *const lines[] = {"", "rw",
		"rw:", "rw:folder:", "rw:folder:a", "rw:folder:a:b", "xx:folder:a:/b",
		"rw:other:a:/b", "rw:folder:%00:/b", "rw:folder:%g:/b"};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(lines); i++) {
		sp_autostrv struct sp_strv from = {0}, texts = {0};
		struct sp_mount *got = NULL;
		size_t n = 0;

		sp_strv_add(&from, lines[i]);
		if (mounts_read(&from, &got, &n, &texts, NULL) != SP_ERR_PROTOCOL)
			fail_msg("\"%s\" was taken", lines[i]);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(a_record_is_read_as_it_was_written),
		T(records_that_are_none_are_refused),
		T(others_may_not_enter_the_store),
		T(a_name_is_taken_once),
		T(what_is_held_is_not_removed),
		T(what_another_lies_on_is_not_removed),
		T(only_what_nobody_has_is_swept),
		T(names_that_leave_the_store_are_none),
		T(a_base_that_changes_gets_another_mark),
		T(mounts_come_back_as_they_were),
		T(mounts_that_are_none_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
