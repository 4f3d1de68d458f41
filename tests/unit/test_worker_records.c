/* SPDX-License-Identifier: Apache-2.0 */
/* What the worker tells, honest and not. */
#include "images/worker_records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "images/records.h"

#define V    SP_RECORDS_VERSION "\0"
#define E(p) "e f 5 644 1 2 -7\0" p "\0\0"
#define END  ".\0"

struct rig {
	struct sp_worker_records r;
	struct sp_buf seen;
	int answer;
	struct sp_error err;
};

static int note_entry(void *ctx, const struct sp_entry *e, struct sp_error *err)
{
	struct rig *rig = ctx;

	sp_buf_addf(&rig->seen, "%s %d %llu %o %u %u %lld %s;", e->path, e->type,
		(unsigned long long)e->size, e->mode, e->uid, e->gid,
		(long long)e->mtime_ms, e->link ? e->link : "-");
	return rig->answer ? sp_fail(err, SP_ERR_LIMIT, "enough") : 0;
}

static int note_change(void *ctx, const char *action, const char *path)
{
	struct rig *rig = ctx;

	sp_buf_addf(&rig->seen, "%s %s;", action, path);
	return rig->answer;
}

static struct rig *rig(const char *below, bool changes)
{
	static struct rig rig;

	rig = (struct rig){.seen = SP_BUF_INIT(1 << 20)};
	sp_worker_records_init(&rig.r, below);
	if (changes)
		rig.r.on_change = note_change;
	else
		rig.r.on_entry = note_entry;
	rig.r.ctx = &rig;
	return &rig;
}

static void done(struct rig *rig)
{
	sp_worker_records_clear(&rig->r);
	sp_buf_clear(&rig->seen);
}

static int feed(struct rig *rig, const char *data, size_t len)
{
	int rc = sp_worker_records_feed(&rig->r, data, len, &rig->err);

	return rc ? rc : sp_worker_records_end(&rig->r, &rig->err);
}

#define FEED(rig, text) feed(rig, text, sizeof(text) - 1)

static void entries_are_read_in_any_pieces(void **state)
{
	static const char text[] = V E("/a/x") "e l 3 777 0 0 9\0/a/y\0to\0" END;

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		struct rig *g = rig("/a", false);

		for (size_t at = 0; at < sizeof(text) - 1; at += piece) {
			size_t n = sizeof(text) - 1 - at;

			assert_int_equal(sp_worker_records_feed(&g->r, text + at,
						 n < piece ? n : piece, &g->err),
				0);
		}
		assert_int_equal(sp_worker_records_end(&g->r, &g->err), 0);
		assert_string_equal(sp_buf_str(&g->seen),
			"/a/x 1 5 644 1 2 -7 -;/a/y 3 3 777 0 0 9 to;");
		done(g);
	}
}

static void changes_are_read(void **state)
{
	struct rig *g = rig("/a/", true);

	(void)state;
	assert_int_equal(FEED(g, V "c created\0/a/n\nl\0c moved_to\0/a\0" END), 0);
	assert_string_equal(sp_buf_str(&g->seen), "created /a/n\nl;moved_to /a;");
	done(g);
}

static void what_makes_no_sense_is_refused(void **state)
{
	static const struct {
		const char *text;
		size_t len;
	} bad[] = {
#define BAD(text) {text, sizeof(text) - 1}
		BAD(""),
		BAD(V),
		BAD("sandpit-files 2\0" END),
		BAD(V "e f 5 644 1 2 -7\0/a/x\0"),
		BAD(V E("/a/x")),
		BAD(V E("/a/x") END "more\0"),
		BAD(V "x\0" END),
		BAD(V "c created\0/a/x\0" END),
		BAD(V "e f 5 644 1 2\0/a/x\0\0" END),
		BAD(V "e f 5 644 1 2 3 4\0/a/x\0\0" END),
		BAD(V "e f 5 844 1 2 3\0/a/x\0\0" END),
		BAD(V "e f 123456789012345678901 644 1 2 3\0/a/x\0\0" END),
		BAD(V "e f 5 -44 1 2 3\0/a/x\0\0" END),
		BAD(V "e f 5 644 -1 2 3\0/a/x\0\0" END),
		BAD(V "e f 5 644 4294967296 2 3\0/a/x\0\0" END),
		BAD(V "e f 5  644 1 2 3\0/a/x\0\0" END),
		BAD(V "e f +5 644 1 2 3\0/a/x\0\0" END),
		BAD(V "e x 5 644 1 2 3\0/a/x\0\0" END),
		BAD(V "e f 5 644 1 2 3\0/a/x\0link\0" END),
#undef BAD
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(bad); i++) {
		struct rig *g = rig("/a", false);

		assert_int_equal(feed(g, bad[i].text, bad[i].len), SP_ERR_PROTOCOL);
		done(g);
	}
}

static void only_paths_that_were_asked_for_are_taken(void **state)
{
	static const struct {
		const char *below, *path;
		bool good;
	} cases[] = {
		{"/a", "/a", true},
		{"/a", "/a/b/c", true},
		{"/a/", "/a/b", true},
		{"/", "/", true},
		{"/", "/b", true},
		{"/", "/..b/...", true},
		{"/a/..", "/a/../b", true},
		{"/", "", false},
		{"/", "//", false},
		{"/", "b", false},
		{"/a", "/b", false},
		{"/a", "/ab", false},
		{"/a", "/a/", false},
		{"/a", "/a//b", false},
		{"/a", "/a/./b", false},
		{"/a", "/a/../b", false},
		{"/a", "/a/b/..", false},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		sp_autobuf struct sp_buf text = SP_BUF_INIT(4096);
		struct rig *g = rig(cases[i].below, true);

		sp_buf_add(&text, V "c created\0", sizeof(V "c created\0") - 1);
		sp_buf_add(&text, cases[i].path, strlen(cases[i].path) + 1);
		sp_buf_add(&text, END, sizeof(END) - 1);
		assert_int_equal(feed(g, text.data, text.len),
			cases[i].good ? 0 : SP_ERR_PROTOCOL);
		done(g);
	}
}

static void lengths_and_counts_have_limits(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(64u << 20);
	struct rig *g = rig("/a", false);

	(void)state;
	sp_buf_add(&text, V, sizeof(V) - 1);
	for (int i = 0; i <= SP_RECORDS_PATH_MAX; i++)
		sp_buf_addc(&text, 'x');
	assert_int_equal(feed(g, text.data, text.len), SP_ERR_PROTOCOL);
	done(g);
	g = rig("/a", false);
	g->seen.max = 64u << 20;
	sp_buf_drop(&text, text.len);
	sp_buf_add(&text, V, sizeof(V) - 1);
	for (int i = 0; i <= SP_RECORDS_MAX; i++)
		sp_buf_add(&text, E("/a/x"), sizeof(E("/a/x")) - 1);
	assert_int_equal(feed(g, text.data, text.len), SP_ERR_LIMIT);
	done(g);
}

static void whoever_takes_them_can_stop(void **state)
{
	struct rig *g = rig("/a", false);

	(void)state;
	g->answer = 1;
	assert_int_equal(FEED(g, V E("/a/x") E("/a/y") END), SP_ERR_LIMIT);
	assert_string_equal(g->err.msg, "enough");
	assert_string_equal(sp_buf_str(&g->seen), "/a/x 1 5 644 1 2 -7 -;");
	done(g);
	g = rig("/a", true);
	g->answer = 7;
	assert_int_equal(FEED(g, V "c created\0/a\0c created\0/a\0" END), 7);
	assert_int_equal(g->err.code, SP_OK);
	assert_string_equal(sp_buf_str(&g->seen), "created /a;");
	done(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_are_read_in_any_pieces),
		cmocka_unit_test(changes_are_read),
		cmocka_unit_test(what_makes_no_sense_is_refused),
		cmocka_unit_test(only_paths_that_were_asked_for_are_taken),
		cmocka_unit_test(lengths_and_counts_have_limits),
		cmocka_unit_test(whoever_takes_them_can_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
