/* SPDX-License-Identifier: Apache-2.0 */
/* Archives in and out, and what a path inside is. */
#include <stdio.h>

#include "tests/conformance/conformance.h"
#include "tests/conformance/tar.h"

#define MIB      (1u << 20)
#define MANY     1000
#define ODD_NAME "caf\xe9 \x80\xff"

/* --- Streams from and to memory ------------------------------------------------------- */

struct reader {
	const struct sp_buf *from;
	size_t at;
	size_t fail_at; /* 0: never */
};

/* In pieces that fit no block, so that nobody may count on whole ones. */
static ssize_t read_piece(void *ctx, char *data, size_t len, struct sp_error *err)
{
	struct reader *r = ctx;
	size_t left = r->from->len - r->at;

	if (r->fail_at && r->at >= r->fail_at)
		return sp_fail(err, SP_ERR_SYSTEM, "the source broke");
	if (len > 7777)
		len = 7777;
	if (len > left)
		len = left;
	memcpy(data, r->from->data + r->at, len);
	r->at += len;
	return (ssize_t)len;
}

static int put(struct world *w, const char *path, struct sp_buf *tar)
{
	struct reader reader = {.from = tar};
	const struct sp_source source = {read_piece, &reader};

	tar_end(tar);
	w->err = (struct sp_error){0};
	return sp_provider_put_archive(w->p, shared(w), path, &source, &w->err);
}

static int write_piece(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	struct sp_buf *to = ctx;

	sp_buf_add(to, data, len);
	return sp_buf_ok(to, err);
}

static int get(struct world *w, const char *path, struct sp_buf *tar)
{
	const struct sp_sink sink = {write_piece, tar};

	w->err = (struct sp_error){0};
	return sp_provider_get_archive(w->p, shared(w), path, &sink, &w->err);
}

#define TAR_INIT SP_BUF_INIT(OUTPUT_MAX)

/* A folder of this behaviour's own, empty. */
static int fresh_folder(struct world *w, const char *path)
{
	autoresult r = RESULT_INIT;
	char script[256];

	snprintf(script, sizeof(script), "rm -rf %s && mkdir -p %s", path, path);
	if (run_shell(w, script, &r) < 0)
		return w->err.code;
	return r.outcome.exit_code;
}

/* --- In -------------------------------------------------------------------------------- */

static enum verdict a_file_goes_in_and_comes_out_the_same(struct world *w)
{
	sp_autobuf struct sp_buf in = TAR_INIT, out = TAR_INIT;
	sp_autofree char *data = noise(MIB + 1);
	struct tar_member m;
	autoresult r = RESULT_INIT;

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f1") == 0);
	tar_add(&in, "noise.bin", TAR_FILE, 0640, NULL, data, MIB + 1);
	EXPECT(put(w, "/tmp/f1", &in) == 0);
	EXPECT(run_shell(w, "cat /tmp/f1/noise.bin", &r) == 0);
	EXPECT(r.out.len == MIB + 1 && memcmp(r.out.data, data, MIB + 1) == 0);
	EXPECT(get(w, "/tmp/f1/noise.bin", &out) == 0);
	EXPECT(tar_find(&out, "noise.bin", &m));
	EXPECT(m.type == TAR_FILE && m.len == MIB + 1);
	EXPECT(memcmp(m.data, data, m.len) == 0);
	return HOLDS;
}

static enum verdict empty_files_links_and_modes_stay(struct world *w)
{
	sp_autobuf struct sp_buf in = TAR_INIT, out = TAR_INIT;
	autoresult r = RESULT_INIT;
	struct tar_member m;

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f2") == 0);
	tar_add(&in, "d/", TAR_FOLDER, 0750, NULL, NULL, 0);
	tar_add(&in, "d/empty", TAR_FILE, 0600, NULL, NULL, 0);
	tar_add(&in, "d/run.sh", TAR_FILE, 0755, NULL, "#!/bin/sh\necho ran\n", 19);
	tar_add(&in, "d/link", TAR_SYMLINK, 0777, "run.sh", NULL, 0);
	tar_add(&in, "d/away", TAR_SYMLINK, 0777, "/no/where", NULL, 0);
	EXPECT(put(w, "/tmp/f2", &in) == 0);
	EXPECT(run_shell(w,
		       "cd /tmp/f2/d && stat -c '%s %a' empty && stat -c %a . && "
		       "./link &&"
		       " readlink link away",
		       &r) == 0);
	EXPECT(is_text(&r.out, "0 600\n750\nran\nrun.sh\n/no/where\n"));
	EXPECT(get(w, "/tmp/f2/d", &out) == 0);
	EXPECT(tar_find(&out, "d", &m) && m.type == TAR_FOLDER);
	EXPECT(tar_find(&out, "d/empty", &m) && m.type == TAR_FILE && m.len == 0);
	EXPECT(tar_find(&out, "d/run.sh", &m) && (m.mode & 0777) == 0755);
	EXPECT(tar_find(&out, "d/link", &m) && m.type == TAR_SYMLINK);
	EXPECT(!strcmp(m.link, "run.sh"));
	EXPECT(tar_find(&out, "d/away", &m) && !strcmp(m.link, "/no/where"));
	return HOLDS;
}

static enum verdict names_that_are_no_text_stay(struct world *w)
{
	sp_autobuf struct sp_buf in = TAR_INIT, out = TAR_INIT;
	autoresult r = RESULT_INIT;
	struct tar_member m;

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f3") == 0);
	tar_add(&in, ODD_NAME, TAR_FILE, 0644, NULL, "odd\n", 4);
	tar_add(&in, "-rf", TAR_FILE, 0644, NULL, "dash\n", 5);
	tar_add(&in, "new\nline", TAR_FILE, 0644, NULL, "line\n", 5);
	EXPECT(put(w, "/tmp/f3", &in) == 0);
	EXPECT(run_shell(w,
		       "cd /tmp/f3; cat \"$(printf 'caf\\351 \\200\\377')\" ./-rf new*",
		       &r) == 0);
	EXPECT(is_text(&r.out, "odd\ndash\nline\n"));
	EXPECT(get(w, "/tmp/f3", &out) == 0);
	EXPECT(tar_find(&out, "f3/" ODD_NAME, &m) && m.len == 4);
	EXPECT(tar_find(&out, "f3/-rf", &m) && m.len == 5);
	EXPECT(tar_find(&out, "f3/new\nline", &m) && m.len == 5);
	return HOLDS;
}

static enum verdict a_thousand_files_go_in_and_come_out(struct world *w)
{
	sp_autobuf struct sp_buf in = TAR_INIT, out = TAR_INIT;
	autoresult r = RESULT_INIT;
	struct tar_member m;
	size_t at = 0, files = 0;
	char name[64];

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f4") == 0);
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "many/%d/file-%d", i % 10, i);
		tar_add(&in, name, TAR_FILE, 0644, NULL, name, strlen(name));
	}
	EXPECT(put(w, "/tmp/f4", &in) == 0);
	EXPECT(run_shell(w, "find /tmp/f4 -type f | wc -l; cat /tmp/f4/many/7/file-997",
		       &r) == 0);
	EXPECT(is_text(&r.out, "1000\nmany/7/file-997"));
	EXPECT(get(w, "/tmp/f4/many", &out) == 0);
	while (tar_next(&out, &at, &m)) {
		files += m.type == TAR_FILE;
		EXPECT(!strncmp(m.name, "many", 4));
	}
	EXPECT(files == MANY);
	return HOLDS;
}

static enum verdict a_folder_that_is_not_there_is_made(struct world *w)
{
	sp_autobuf struct sp_buf in = TAR_INIT;
	autoresult r = RESULT_INIT;

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f5") == 0);
	tar_add(&in, "file", TAR_FILE, 0644, NULL, "x", 1);
	EXPECT(put(w, "/tmp/f5/new/deep", &in) == 0);
	EXPECT(run_shell(w, "cat /tmp/f5/new/deep/file", &r) == 0);
	EXPECT(is_text(&r.out, "x"));
	return HOLDS;
}

static enum verdict a_folder_and_a_file_do_not_replace_each_other(struct world *w)
{
	sp_autobuf struct sp_buf over_folder = TAR_INIT, over_file = TAR_INIT;
	autoresult r = RESULT_INIT;

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f6") == 0);
	EXPECT(run_shell(w,
		       "cd /tmp/f6; mkdir folder; echo in >folder/kept; echo f >file",
		       &r) == 0);
	tar_add(&over_folder, "folder", TAR_FILE, 0644, NULL, "x", 1);
	EXPECT(put(w, "/tmp/f6", &over_folder) == SP_ERR_EXISTS);
	tar_add(&over_file, "file/", TAR_FOLDER, 0755, NULL, NULL, 0);
	EXPECT(put(w, "/tmp/f6", &over_file) == SP_ERR_EXISTS);
	EXPECT(run_shell(w, "cd /tmp/f6; cat folder/kept file", &r) == 0);
	EXPECT(is_text(&r.out, "in\nf\n"));
	return HOLDS;
}

static enum verdict a_name_that_climbs_out_goes_nowhere(struct world *w)
{
	sp_autobuf struct sp_buf up = TAR_INIT, deep = TAR_INIT;
	autoresult r = RESULT_INIT;

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f7/in") == 0);
	tar_add(&up, "../escaped", TAR_FILE, 0644, NULL, "x", 1);
	EXPECT(put(w, "/tmp/f7/in", &up) < 0);
	tar_add(&deep, "a/../../escaped", TAR_FILE, 0644, NULL, "x", 1);
	EXPECT(put(w, "/tmp/f7/in", &deep) < 0);
	EXPECT(run_shell(w, "ls /tmp/f7", &r) == 0);
	EXPECT(is_text(&r.out, "in\n"));
	return HOLDS;
}

static enum verdict a_source_that_breaks_is_an_error(struct world *w)
{
	sp_autobuf struct sp_buf in = TAR_INIT;
	sp_autofree char *data = noise(MIB);
	struct reader reader = {.from = &in, .fail_at = MIB / 2};
	const struct sp_source source = {read_piece, &reader};
	autoresult r = RESULT_INIT;

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f8") == 0);
	tar_add(&in, "half", TAR_FILE, 0644, NULL, data, MIB);
	tar_end(&in);
	EXPECT(sp_provider_put_archive(w->p, shared(w), "/tmp/f8", &source, &w->err) <
		0);
	EXPECT(strstr(w->err.msg, "the source broke"));
	EXPECT(run_shell(w, "echo still usable", &r) == 0);
	EXPECT(is_text(&r.out, "still usable\n"));
	return HOLDS;
}

static enum verdict an_archive_that_is_none_is_refused(struct world *w)
{
	sp_autobuf struct sp_buf in = TAR_INIT;
	sp_autofree char *data = noise(4096);

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f9") == 0);
	sp_buf_add(&in, data, 4096);
	EXPECT(put(w, "/tmp/f9", &in) < 0);
	return HOLDS;
}

/* --- Out ------------------------------------------------------------------------------- */

static enum verdict what_is_not_there_is_not_found(struct world *w)
{
	sp_autobuf struct sp_buf out = TAR_INIT;

	EXPECT(shared(w));
	EXPECT(get(w, "/tmp/not/there", &out) == SP_ERR_NOT_FOUND);
	EXPECT(out.len == 0);
	return HOLDS;
}

static int refuse_piece(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	(void)ctx;
	(void)data;
	(void)len;
	return sp_fail(err, SP_ERR_LIMIT, "the disk is full");
}

static enum verdict a_sink_that_refuses_ends_the_call(struct world *w)
{
	const struct sp_sink sink = {refuse_piece, NULL};
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "head -c 4194304 /dev/zero >/tmp/four", &r) == 0);
	EXPECT(sp_provider_get_archive(w->p, shared(w), "/tmp/four", &sink, &w->err) ==
		SP_ERR_LIMIT);
	EXPECT(strstr(w->err.msg, "the disk is full"));
	return HOLDS;
}

static enum verdict a_path_says_what_it_is(struct world *w)
{
	struct sp_file_stat st = {0};
	autoresult r = RESULT_INIT;

	EXPECT(shared(w) && fresh_folder(w, "/tmp/f10") == 0);
	EXPECT(run_shell(w,
		       "cd /tmp/f10; printf 12345 >file; chmod 640 file; ln -s file "
		       "link;"
		       " mkfifo fifo",
		       &r) == 0);
	EXPECT(sp_provider_stat(w->p, w->shared, "/tmp/f10/file", &st, &w->err) == 0);
	EXPECT(st.type == SP_FILE_REGULAR && st.size == 5 && st.mode == 0640);
	EXPECT(sp_provider_stat(w->p, w->shared, "/tmp/f10/link", &st, &w->err) == 0);
	EXPECT(st.type == SP_FILE_REGULAR && st.size == 5);
	EXPECT(sp_provider_stat(w->p, w->shared, "/tmp/f10", &st, &w->err) == 0);
	EXPECT(st.type == SP_FILE_FOLDER);
	EXPECT(sp_provider_stat(w->p, w->shared, "/tmp/f10/fifo", &st, &w->err) == 0);
	EXPECT(st.type == SP_FILE_OTHER);
	EXPECT(sp_provider_stat(w->p, w->shared, "/tmp/f10/none", &st, &w->err) ==
		SP_ERR_NOT_FOUND);
	return HOLDS;
}

#define FILE_BEHAVIOUR(sentence, function) \
	{ \
		sentence, SP_CAP_FILES, function \
	}

static const struct behaviour list[] = {
	FILE_BEHAVIOUR("a file goes in and comes out the same",
		a_file_goes_in_and_comes_out_the_same),
	FILE_BEHAVIOUR(
		"empty files, links and modes stay", empty_files_links_and_modes_stay),
	FILE_BEHAVIOUR("names that are no text stay", names_that_are_no_text_stay),
	FILE_BEHAVIOUR("a thousand files go in and come out",
		a_thousand_files_go_in_and_come_out),
	FILE_BEHAVIOUR("a folder that is not there is made",
		a_folder_that_is_not_there_is_made),
	FILE_BEHAVIOUR("a folder and a file do not replace each other",
		a_folder_and_a_file_do_not_replace_each_other),
	FILE_BEHAVIOUR("a name that climbs out goes nowhere",
		a_name_that_climbs_out_goes_nowhere),
	FILE_BEHAVIOUR(
		"a source that breaks is an error", a_source_that_breaks_is_an_error),
	FILE_BEHAVIOUR("an archive that is none is refused",
		an_archive_that_is_none_is_refused),
	FILE_BEHAVIOUR(
		"what is not there is not found", what_is_not_there_is_not_found),
	FILE_BEHAVIOUR(
		"a sink that refuses ends the call", a_sink_that_refuses_ends_the_call),
	FILE_BEHAVIOUR("a path says what it is", a_path_says_what_it_is),
};

const struct behaviours file_behaviours = SP_BEHAVIOURS(list);
