/* SPDX-License-Identifier: Apache-2.0 */
/* A watcher that is stopped while everything happens, as under load, misses nothing. */
#include "images/inside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/buf.h"
#include "images/worker_records.h"

#define WAIT_MS 10000
#define MANY    300

struct world {
	char path[40];
	int dir, in, out;
	pid_t watcher;
	struct sp_worker_records records;
	struct sp_buf seen; /* "ACTION NAME\n" for each change */
	struct sp_error err;
};

static int note(void *ctx, const char *action, const char *path)
{
	struct world *w = ctx;

	sp_buf_addf(&w->seen, "%s %s\n", action, path + strlen(w->path));
	return 0;
}

static void start_watcher(struct world *w)
{
	int in[2], out[2];

	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	w->watcher = fork();
	assert_true(w->watcher >= 0);
	if (w->watcher == 0) {
		close(in[1]);
		_exit(sp_inside_watch(w->path, true, in[0], out[1], NULL) < 0);
	}
	close(in[0]);
	close(out[1]);
	w->in = in[1];
	w->out = out[0];
}

/* Read what is told until this line is in it. */
static void wait_for(struct world *w, const char *line)
{
	struct pollfd p = {.fd = w->out, .events = POLLIN};
	char data[4096];

	while (!strstr(sp_buf_str(&w->seen), line)) {
		ssize_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		n = read(w->out, data, sizeof(data));
		assert_true(n > 0);
		assert_int_equal(
			sp_worker_records_feed(&w->records, data, (size_t)n, &w->err),
			0);
	}
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	memcpy(w->path, "/tmp/sp-watch-XXXXXX", 21);
	assert_non_null(mkdtemp(w->path));
	w->dir = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(w->dir >= 0);
	w->seen = (struct sp_buf)SP_BUF_INIT(1 << 20);
	sp_worker_records_init(&w->records, w->path);
	w->records.on_change = note;
	w->records.ctx = w;
	*state = w;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	int status;

	close(w->in);
	(void)kill(w->watcher, SIGCONT); /* where a test ended early */
	assert_int_equal(waitpid(w->watcher, &status, 0), w->watcher);
	assert_int_equal(status, 0);
	assert_int_equal(sp_inside_remove(w->path, &w->err), 0);
	sp_worker_records_clear(&w->records);
	sp_buf_clear(&w->seen);
	close(w->out);
	close(w->dir);
	free(w);
	return 0;
}

/* --- What happens while it stands still ----------------------------------------------- */

static void stand_still(struct world *w)
{
	int status;

	wait_for(w, "watching ");
	assert_int_equal(kill(w->watcher, SIGSTOP), 0);
	assert_int_equal(waitpid(w->watcher, &status, WUNTRACED), w->watcher);
	assert_true(WIFSTOPPED(status));
}

static void make_folder(const struct world *w, const char *name)
{
	assert_int_equal(mkdirat(w->dir, name, 0755), 0);
}

static void put_at(int dir, const char *name)
{
	int fd = openat(dir, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	close(fd);
}

static void put(const struct world *w, const char *name)
{
	put_at(w->dir, name);
}

static void move(const struct world *w, const char *from, const char *to)
{
	assert_int_equal(renameat(w->dir, from, w->dir, to), 0);
}

/* Let it go on, and make that the last it has to tell. */
static void go_on(struct world *w, const char *last)
{
	char line[64];

	make_folder(w, last);
	assert_int_equal(kill(w->watcher, SIGCONT), 0);
	snprintf(line, sizeof(line), "created /%s\n", last);
	wait_for(w, line);
}

static size_t count(const struct world *w, const char *line)
{
	const char *text = sp_buf_str(&w->seen);
	size_t n = 0;

	for (; (text = strstr(text, line)); text++)
		n++;
	return n;
}

static void what_is_in_a_new_folder_is_told_once(void **state)
{
	struct world *w = *state;

	start_watcher(w);
	stand_still(w);
	make_folder(w, "a");
	make_folder(w, "a/b");
	put(w, "a/b/c");
	go_on(w, "end");
	assert_int_equal(count(w, "created /a\n"), 1);
	assert_int_equal(count(w, "created /a/b\n"), 1);
	assert_int_equal(count(w, "created /a/b/c\n"), 1);
}

/* Some are found in the new folder, some told by the kernel, and some may be both. */
static void what_comes_while_a_new_folder_is_found_is_told_once(void **state)
{
	struct world *w = *state;
	char name[32], line[64];

	start_watcher(w);
	wait_for(w, "watching ");
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "d%d", i);
		make_folder(w, name);
		snprintf(name, sizeof(name), "d%d/e", i);
		make_folder(w, name);
		snprintf(name, sizeof(name), "d%d/e/f", i);
		make_folder(w, name);
	}
	go_on(w, "end");
	make_folder(w, "end/last");
	wait_for(w, "created /end/last\n");
	for (int i = 0; i < MANY; i++) {
		snprintf(line, sizeof(line), "created /d%d/e\n", i);
		assert_int_equal(count(w, line), 1);
		snprintf(line, sizeof(line), "created /d%d/e/f\n", i);
		assert_int_equal(count(w, line), 1);
	}
}

static void what_was_moved_before_it_was_found_is_told_by_its_new_name(void **state)
{
	struct world *w = *state;

	start_watcher(w);
	stand_still(w);
	make_folder(w, "a");
	make_folder(w, "a/b");
	put(w, "a/b/c");
	move(w, "a", "y");
	move(w, "y", "z");
	go_on(w, "end");
	assert_int_equal(count(w, "moved_to /z\n"), 1);
	assert_int_equal(count(w, "created /z/b\n"), 1);
	assert_int_equal(count(w, "created /z/b/c\n"), 1);
}

static void what_happens_in_a_moved_folder_is_not_lost(void **state)
{
	struct world *w = *state;

	make_folder(w, "a");
	make_folder(w, "a/b");
	start_watcher(w);
	stand_still(w);
	move(w, "a", "y");
	put(w, "y/b/in_y");
	move(w, "y", "z");
	put(w, "z/b/in_z");
	go_on(w, "end");
	assert_int_equal(count(w, "created /y/b/in_y\n"), 1);
	assert_int_equal(count(w, "created /z/b/in_z\n"), 1);
	assert_int_equal(count(w, "created /z/b\n"), 0);
}

static void a_folder_that_left_the_tree_is_not_told_of(void **state)
{
	struct world *w = *state;
	char outside[] = "/tmp/sp-watch-XXXXXX", path[64], secret[80];

	make_folder(w, "a");
	assert_non_null(mkdtemp(outside));
	snprintf(path, sizeof(path), "%s/a", outside);
	snprintf(secret, sizeof(secret), "%s/secret", path);
	start_watcher(w);
	stand_still(w);
	move(w, "a", "b");
	move(w, "b", path);
	put_at(AT_FDCWD, secret);
	go_on(w, "end");
	assert_int_equal(count(w, "moved_from /b\n"), 1);
	assert_null(strstr(sp_buf_str(&w->seen), "secret"));
	assert_int_equal(sp_inside_remove(outside, &w->err), 0);
}

static void what_is_made_again_is_told_again(void **state)
{
	struct world *w = *state;

	start_watcher(w);
	stand_still(w);
	make_folder(w, "a");
	put(w, "a/f");
	assert_int_equal(kill(w->watcher, SIGCONT), 0);
	wait_for(w, "created /a/f\n");
	assert_int_equal(unlinkat(w->dir, "a/f", 0), 0);
	put(w, "a/f");
	go_on(w, "end");
	assert_int_equal(count(w, "removed /a/f\n"), 1);
	assert_int_equal(count(w, "created /a/f\n"), 2);
}

int main(void)
{
#define T(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(what_is_in_a_new_folder_is_told_once),
		T(what_comes_while_a_new_folder_is_found_is_told_once),
		T(what_was_moved_before_it_was_found_is_told_by_its_new_name),
		T(what_happens_in_a_moved_folder_is_not_lost),
		T(a_folder_that_left_the_tree_is_not_told_of),
		T(what_is_made_again_is_told_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
