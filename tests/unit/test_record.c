/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/state.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define TEXT_MAX (8 * 1024 * 1024)

/* A sandbox with something in every field, hostile where text is. */
static void fill(struct sp_record *r)
{
	static const char hostile[] =
		"a=b\nend\nid=other\n%41%zz \x01\x7f\xff\xc3(\r\t";

	*r = (struct sp_record){.id = "sb-4k2h9x7qpa",
		.created_ms = 1795239968020,
		.expires_ms = 1795239969999,
		.limits = {.memory_bytes = UINT64_MAX,
			.disk_bytes = 1ull << 63,
			.cpu_millis = UINT32_MAX,
			.pids = 512,
			.nofile = 1024},
		.network = SP_NETWORK_HOST,
		.outer_uid = 0x7fff0000,
		.outer_gid = UINT32_MAX,
		.id_count = 65536,
		.capabilities = (1ull << 40) | 5,
		.is_privileged = true,
		.is_kept = true,
		.image = strdup(hostile),
		.workdir = strdup(""),
		.user = strdup("1000:1000"),
		.seccomp = strdup("./a file"),
		.claim = strdup("/run/sandpit/ids/7"),
		.cgroups = {
			.count = SP_RUNNER_CGROUPS_MAX, .holds = {true, false, true}}};
	sp_strv_add(&r->labels, "k=v=w");
	sp_strv_add(&r->labels, hostile);
	sp_strv_add(&r->env, "EMPTY=");
	sp_strv_add(&r->env, "PATH=/bin:/usr/bin");
	sp_strv_add(&r->layers, "");
	for (size_t i = 0; i < r->cgroups.count; i++) {
		struct sp_cgroup *c = &r->cgroups.items[i];

		c->is_v2 = i / 2;
		c->kinds = (1u << SP_CGROUP_KINDS) - 1 - (uint32_t)i;
		memset(c->path, 'p', sizeof(c->path) - 1 - i);
		c->path[0] = '/';
	}
}

static void assert_list(const struct sp_strv *a, const struct sp_strv *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_string_equal(a->items[i], b->items[i]);
}

static void assert_same(const struct sp_record *a, const struct sp_record *b)
{
	assert_string_equal(a->id, b->id);
	assert_string_equal(a->image, b->image);
	assert_string_equal(a->workdir, b->workdir);
	assert_string_equal(a->user, b->user);
	assert_string_equal(a->seccomp, b->seccomp);
	assert_string_equal(a->claim, b->claim);
	assert_list(&a->labels, &b->labels);
	assert_list(&a->env, &b->env);
	assert_list(&a->layers, &b->layers);
	assert_true(a->created_ms == b->created_ms && a->expires_ms == b->expires_ms);
	assert_memory_equal(&a->limits, &b->limits, sizeof(a->limits));
	assert_int_equal(a->network, b->network);
	assert_true(a->outer_uid == b->outer_uid && a->outer_gid == b->outer_gid);
	assert_true(a->id_count == b->id_count && a->capabilities == b->capabilities);
	assert_true(a->is_privileged == b->is_privileged && a->is_kept == b->is_kept);
	assert_int_equal(a->cgroups.count, b->cgroups.count);
	assert_memory_equal(
		a->cgroups.holds, b->cgroups.holds, sizeof(a->cgroups.holds));
	for (size_t i = 0; i < a->cgroups.count; i++) {
		const struct sp_cgroup *c = &a->cgroups.items[i];
		const struct sp_cgroup *d = &b->cgroups.items[i];

		assert_string_equal(c->path, d->path);
		assert_true(c->is_v2 == d->is_v2 && c->kinds == d->kinds);
	}
}

static void every_field_comes_back_whatever_is_in_it(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	sp_autorecord struct sp_record r, back = {0};
	struct sp_error err = {0};

	(void)state;
	fill(&r);
	sp_record_print(&text, &r);
	assert_int_equal(sp_record_parse(text.data, text.len, &back, &err), 0);
	assert_same(&r, &back);
}

static void what_is_not_there_stays_away(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	sp_autorecord struct sp_record r = {.id = "a"}, back = {0};

	(void)state;
	sp_record_print(&text, &r);
	assert_int_equal(sp_record_parse(text.data, text.len, &back, NULL), 0);
	assert_null(back.image);
	assert_null(back.claim);
	assert_int_equal(back.labels.count, 0);
	assert_int_equal(back.cgroups.count, 0);
	assert_false(back.is_kept);
}

/* Whoever reads while it is written must not see a smaller sandbox than there is. */
static void a_record_cut_anywhere_is_no_record(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	sp_autorecord struct sp_record r;

	(void)state;
	fill(&r);
	sp_record_print(&text, &r);
	for (size_t len = 0; len < text.len; len++) {
		struct sp_record back = {0};
		sp_autofree char *exact = malloc(len + !len);

		assert_non_null(exact);
		memcpy(exact, text.data, len);
		assert_int_equal(
			sp_record_parse(exact, len, &back, NULL), SP_ERR_PROTOCOL);
		assert_null(back.image);
	}
}

static void what_may_be_written_can_be_read(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	sp_autorecord struct sp_record r = {.id = "a"}, back = {0};
	struct sp_error err = {0};
	size_t len = 1900000;

	(void)state;
	r.image = malloc(len + 1);
	assert_non_null(r.image);
	memset(r.image, 'x', len);
	r.image[len] = '\0';
	sp_record_print(&text, &r);
	assert_int_equal(sp_record_parse(text.data, text.len, &back, &err), 0);
	assert_string_equal(back.image, r.image);
}

static int parse(const char *text)
{
	sp_autorecord struct sp_record r = {0};

	return sp_record_parse(text, strlen(text), &r, NULL);
}

static void lines_nobody_wrote_are_refused(void **state)
{
	static const char *const bad[] = {"", "end\n", "\nid=a\nend\n", "id=a\nend\n\n",
		"id=a\nend\nend\n", "id=a\nend", "id=a\n end\n", "id=a\nEND\n",
		"id=..\nend\n", "id=\nend\n", "id=a%2fb\nend\n", "id=a%00b\nend\n",
		"id=a\nnovalue\nend\n", "id=a\n=x\nend\n", "id=a\nother=1\nend\n",
		"id=a\nimage=%\nend\n", "id=a\nimage=a%00b\nend\n",
		"id=a\nversion=2\nend\n",
		"id=a\na_key_that_is_longer_than_any_of_them=1\nend\n",
		"id=a\ncgroup=/x\nend\n", "id=a\ncgroup=3:1:/x\nend\n",
		"id=a\ncgroup=1:64:/x\nend\n", "id=a\ncgroup=2:-1:/x\nend\n",
		"id=a\ncgroup=2:1:x\nend\n", "id=a\ncgroup=2:1/x\nend\n"};

	(void)state;
	assert_int_equal(parse("id=a\nend\n"), 0);
	for (size_t i = 0; i < SP_COUNT(bad); i++)
		assert_int_equal(parse(bad[i]), SP_ERR_PROTOCOL);
}

static void numbers_fit_their_field_or_are_refused(void **state)
{
	static const char *const bad[] = {"pids=", "pids=-1", "pids=+1", "pids= 1",
		"pids=1x", "pids=4294967296", "pids=0x1", "kept=2", "kept=true",
		"network=4294967296", "memory=18446744073709551616", "memory=-1",
		"created_ms=1e9"};
	static const char *const good[] = {"pids=0", "pids=4294967295", "kept=0",
		"kept=1", "memory=18446744073709551615",
		"capabilities=18446744073709551615"};
	char text[80];

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		snprintf(text, sizeof(text), "id=a\n%s\nend\n", bad[i]);
		assert_int_equal(parse(text), SP_ERR_PROTOCOL);
	}
	for (size_t i = 0; i < SP_COUNT(good); i++) {
		snprintf(text, sizeof(text), "id=a\n%s\nend\n", good[i]);
		assert_int_equal(parse(text), 0);
	}
}

static void one_cgroup_too_many_is_refused(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(4096);

	(void)state;
	sp_buf_adds(&text, "id=a\n");
	for (int i = 0; i < SP_RUNNER_CGROUPS_MAX; i++)
		sp_buf_addf(&text, "cgroup=1:%d:/x\n", 1 << i % SP_CGROUP_KINDS);
	sp_buf_adds(&text, "end\n");
	assert_int_equal(parse(sp_buf_str(&text)), 0);
	sp_buf_clear(&text);
	sp_buf_adds(&text, "id=a\n");
	for (int i = 0; i <= SP_RUNNER_CGROUPS_MAX; i++)
		sp_buf_adds(&text, "cgroup=1:1:/x\n");
	sp_buf_adds(&text, "end\n");
	assert_int_equal(parse(sp_buf_str(&text)), SP_ERR_PROTOCOL);
}

static void a_cgroup_path_that_does_not_fit_is_not_cut(void **state)
{
	char text[400];

	(void)state;
	snprintf(text, sizeof(text), "id=a\ncgroup=1:1:/%0254d\nend\n", 0);
	assert_int_equal(parse(text), 0);
	snprintf(text, sizeof(text), "id=a\ncgroup=1:1:/%0255d\nend\n", 0);
	assert_int_equal(parse(text), SP_ERR_PROTOCOL);
}

static void clearing_twice_is_clearing_once(void **state)
{
	struct sp_record r;

	(void)state;
	fill(&r);
	sp_record_clear(&r);
	sp_record_clear(&r);
	sp_record_clear(NULL);
	assert_null(r.image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_comes_back_whatever_is_in_it),
		cmocka_unit_test(what_is_not_there_stays_away),
		cmocka_unit_test(a_record_cut_anywhere_is_no_record),
		cmocka_unit_test(what_may_be_written_can_be_read),
		cmocka_unit_test(lines_nobody_wrote_are_refused),
		cmocka_unit_test(numbers_fit_their_field_or_are_refused),
		cmocka_unit_test(one_cgroup_too_many_is_refused),
		cmocka_unit_test(a_cgroup_path_that_does_not_fit_is_not_cut),
		cmocka_unit_test(clearing_twice_is_clearing_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
