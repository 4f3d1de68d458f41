/* SPDX-License-Identifier: Apache-2.0 */
/* Operations on files inside, without a shell or a tool of the image. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/stat.h>

#include "tests/conformance/conformance.h"

#define MIB        (1u << 20)
#define ODD_NAME   "caf\xe9 \n\x1b[2J"
#define RACE_TURNS 25
#define QUICK_MS   5000

/* --- Calls ---------------------------------------------------------------------------- */

static int perform(struct world *w, struct sp_file_request request)
{
	const char *id = shared(w);

	if (!id)
		return w->err.code;
	if (request.op != SP_FILE_WATCH)
		request.cancel_fd = -1;
	w->err = (struct sp_error){0};
	return sp_provider_file(w->p, id, &request, &w->err);
}

static int change(struct world *w, enum sp_file_op op, const char *path, const char *to)
{
	return perform(w, (struct sp_file_request){.op = op, .path = path, .to = to});
}

static int collect(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	sp_buf_add(ctx, data, len);
	return sp_buf_ok(ctx, err);
}

static int read_file(struct world *w, const char *path, uint64_t offset,
	uint64_t length, struct sp_buf *out)
{
	const struct sp_sink sink = {collect, out};

	sp_buf_drop(out, out->len);
	return perform(w,
		(struct sp_file_request){.op = SP_FILE_READ,
			.path = path,
			.offset = offset,
			.length = length,
			.sink = &sink});
}

struct text {
	const char *data;
	size_t len, fail_at; /* 0: never */
};

/* In pieces that fit no block, so that nobody may count on whole ones. */
static ssize_t give(void *ctx, char *data, size_t len, struct sp_error *err)
{
	struct text *t = ctx;

	if (t->fail_at && t->len <= t->fail_at)
		return sp_fail(err, SP_ERR_SYSTEM, "the source broke");
	if (len > 7777)
		len = 7777;
	if (len > t->len)
		len = t->len;
	memcpy(data, t->data, len);
	t->data += len;
	t->len -= len;
	return (ssize_t)len;
}

static int write_file(struct world *w, const char *path, uint32_t mode, struct text t)
{
	const struct sp_source source = {give, &t};

	return perform(w,
		(struct sp_file_request){.op = SP_FILE_WRITE,
			.path = path,
			.mode = mode,
			.source = &source});
}

static struct text text_of(const char *s)
{
	return (struct text){s, strlen(s), 0};
}

/* Each entry as a line "PATH TYPE SIZE MODE LINK". */
static int note_entry(void *ctx, const struct sp_entry *e, struct sp_error *err)
{
	sp_buf_addf(ctx, "%s %d %llu %o %s\n", e->path, e->type,
		e->type == SP_ENTRY_FOLDER ? 0ull : (unsigned long long)e->size,
		e->mode, e->link ? e->link : "-");
	return sp_buf_ok(ctx, err);
}

static int look(struct world *w, struct sp_file_request request, struct sp_buf *out)
{
	sp_buf_drop(out, out->len);
	request.on_entry = note_entry;
	request.ctx = out;
	return perform(w, request);
}

static int list_folder(
	struct world *w, const char *path, uint32_t depth, struct sp_buf *out)
{
	return look(w,
		(struct sp_file_request){
			.op = SP_FILE_LIST, .path = path, .depth = depth},
		out);
}

static int stat_file(struct world *w, const char *path, struct sp_buf *out)
{
	return look(w, (struct sp_file_request){.op = SP_FILE_STAT, .path = path}, out);
}

static int prepare(struct world *w, const char *script)
{
	autoresult r = RESULT_INIT;
	int rc = run_shell(w, script, &r);

	return rc < 0 ? rc : r.outcome.exit_code;
}

/* The script's output is this. */
static bool shows(struct world *w, const char *script, const char *text)
{
	autoresult r = RESULT_INIT;

	return run_shell(w, script, &r) == 0 && is_text(&r.out, text);
}

static bool has_line(const struct sp_buf *b, const char *line)
{
	if (strstr(sp_buf_str(b), line))
		return true;
	printf("# no \"%s\" in \"%.400s\"\n", line, sp_buf_str(b));
	return false;
}

#define BUF SP_BUF_INIT(OUTPUT_MAX)

/* --- Contents ------------------------------------------------------------------------- */

static enum verdict what_is_written_is_read_back_the_same(struct world *w)
{
	sp_autobuf struct sp_buf out = BUF;
	sp_autofree char *data = noise(MIB + 1);
	const struct text t = {data, MIB + 1, 0};

	EXPECT(prepare(w, "rm -rf /tmp/o1") == 0);
	EXPECT(write_file(w, "/tmp/o1/new/deep/noise", 0640, t) == 0);
	EXPECT(shows(
		w, "stat -c '%a %u %s' /tmp/o1/new/deep/noise", "640 0 1048577\n"));
	EXPECT(read_file(w, "/tmp/o1/new/deep/noise", 0, 0, &out) == 0);
	EXPECT(out.len == MIB + 1 && memcmp(out.data, data, out.len) == 0);
	EXPECT(read_file(w, "/tmp/o1/new/deep/noise", 1000, 17, &out) == 0);
	EXPECT(out.len == 17 && memcmp(out.data, data + 1000, 17) == 0);
	EXPECT(read_file(w, "/tmp/o1/new/deep/noise", MIB, 0, &out) == 0);
	EXPECT(out.len == 1 && out.data[0] == data[MIB]);
	EXPECT(read_file(w, "/tmp/o1/new/deep/noise", 2 * MIB, 5, &out) == 0);
	EXPECT(out.len == 0);
	EXPECT(write_file(w, "/tmp/o1/empty", 0, text_of("")) == 0);
	EXPECT(shows(w, "stat -c '%a %s' /tmp/o1/empty; ls -A /tmp/o1",
		"644 0\nempty\nnew\n"));
	return HOLDS;
}

static enum verdict a_replaced_file_keeps_its_mode_and_owner(struct world *w)
{
	EXPECT(prepare(w,
		       "rm -rf /tmp/o2; mkdir /tmp/o2; cd /tmp/o2; echo old >f; "
		       "chmod 751 f; chown 12:34 f 2>/dev/null; stat -c '%a %u %g' "
		       "f >before") == 0);
	EXPECT(write_file(w, "/tmp/o2/f", 0, text_of("new")) == 0);
	EXPECT(shows(
		w, "cd /tmp/o2; cat f; stat -c '%a %u %g' f | cmp - before", "new"));
	EXPECT(write_file(w, "/tmp/o2/f", 0600, text_of("new")) == 0);
	EXPECT(shows(w, "stat -c %a /tmp/o2/f", "600\n"));
	return HOLDS;
}

static enum verdict a_write_that_breaks_off_changes_nothing(struct world *w)
{
	sp_autofree char *data = noise(MIB);
	const struct text t = {data, MIB, MIB / 2};

	EXPECT(prepare(w, "rm -rf /tmp/o3; mkdir /tmp/o3; echo old >/tmp/o3/f") == 0);
	EXPECT(write_file(w, "/tmp/o3/f", 0, t) == SP_ERR_SYSTEM);
	EXPECT(strstr(w->err.msg, "the source broke"));
	EXPECT(write_file(w, "/tmp/o3/g", 0, t) == SP_ERR_SYSTEM);
	EXPECT(shows(w, "cat /tmp/o3/f; ls -A /tmp/o3", "old\nf\n"));
	return HOLDS;
}

static enum verdict links_are_followed_and_stay_inside(struct world *w)
{
	sp_autobuf struct sp_buf out = BUF;

	EXPECT(prepare(w,
		       "rm -rf /tmp/o4; mkdir -p /tmp/o4/a; cd /tmp/o4; echo x >a/f;"
		       " ln -s a/f l; ln -s ../../../../tmp/o4/a up; ln -s a/new d;"
		       " ln -s self self") == 0);
	EXPECT(write_file(w, "/tmp/o4/l", 0, text_of("through")) == 0);
	EXPECT(write_file(w, "/tmp/o4/d", 0, text_of("dangling")) == 0);
	EXPECT(shows(w, "cd /tmp/o4; cat a/f a/new; readlink l d",
		"throughdanglinga/f\na/new\n"));
	EXPECT(read_file(w, "/tmp/o4/up/f", 0, 0, &out) == 0);
	EXPECT(is_text(&out, "through"));
	EXPECT(stat_file(w, "/tmp/o4/l", &out) == 0);
	EXPECT(is_text(&out, "/tmp/o4/l 1 7 644 -\n"));
	EXPECT(read_file(w, "/tmp/o4/self", 0, 0, &out) == SP_ERR_INVALID);
	EXPECT(write_file(w, "/tmp/o4/self", 0, text_of("x")) == SP_ERR_INVALID);
	return HOLDS;
}

static enum verdict only_regular_files_are_read_and_written(struct world *w)
{
	static const char *const paths[] = {"/tmp/o5/fifo", "/tmp/o5/socket",
		"/dev/zero", "/dev/null", "/tmp/o5/to-fifo", "/tmp/o5"};
	sp_autobuf struct sp_buf out = BUF;
	int64_t start = sp_clock_ms();

	EXPECT(prepare(w,
		       "rm -rf /tmp/o5; mkdir /tmp/o5; cd /tmp/o5; mkfifo fifo;"
		       " ln -s fifo to-fifo; python3 -c 'import socket;"
		       "socket.socket(socket.AF_UNIX).bind(\"socket\")' || mkfifo "
		       "socket") == 0);
	for (size_t i = 0; i < SP_COUNT(paths); i++) {
		EXPECT(read_file(w, paths[i], 0, 0, &out) < 0);
		EXPECT(w->err.code == SP_ERR_INVALID || w->err.code == SP_ERR_EXISTS);
		EXPECT(write_file(w, paths[i], 0, text_of("x")) < 0);
		EXPECT(w->err.code == SP_ERR_INVALID || w->err.code == SP_ERR_EXISTS);
	}
	EXPECT(sp_clock_ms() - start < 4 * QUICK_MS);
	return HOLDS;
}

static enum verdict magic_links_of_proc_are_refused(struct world *w)
{
	static const char *const paths[] = {"/proc/self/exe", "/proc/self/fd/0",
		"/proc/self/root/etc", "/proc/self/cwd"};
	sp_autobuf struct sp_buf out = BUF;

	for (size_t i = 0; i < SP_COUNT(paths); i++) {
		EXPECT(read_file(w, paths[i], 0, 0, &out) == SP_ERR_INVALID);
		EXPECT(list_folder(w, paths[i], 0, &out) < 0);
	}
	EXPECT(read_file(w, "/proc/meminfo", 0, 0, &out) == 0);
	EXPECT(has_line(&out, "MemTotal"));
	return HOLDS;
}

/* --- Looking -------------------------------------------------------------------------- */

static enum verdict a_list_tells_what_is_there(struct world *w)
{
	sp_autobuf struct sp_buf out = BUF;

	EXPECT(prepare(w,
		       "rm -rf /tmp/o6; mkdir -p /tmp/o6/d/e; cd /tmp/o6; printf "
		       "12345 >f; chmod 604 f; chmod 700 d; ln -s no/where l; mkfifo "
		       "p; >d/e/deep; chmod 644 p; >\"$(printf 'caf\\351 "
		       "\\n\\033[2J')\"") == 0);
	EXPECT(list_folder(w, "/tmp/o6/", 0, &out) == 0);
	EXPECT(has_line(&out, "/tmp/o6/f 1 5 604 -\n"));
	EXPECT(has_line(&out, "/tmp/o6/d 2 0 700 -\n"));
	EXPECT(has_line(&out, "/tmp/o6/l 3 8 777 no/where\n"));
	EXPECT(has_line(&out, "/tmp/o6/p 4 0 644 -\n"));
	EXPECT(has_line(&out, "/tmp/o6/" ODD_NAME " 1 0 644 -\n"));
	EXPECT(!strstr(sp_buf_str(&out), "/e"));
	EXPECT(list_folder(w, "/tmp/o6", 2, &out) == 0);
	EXPECT(strstr(sp_buf_str(&out), "/tmp/o6/d/e 2"));
	EXPECT(!strstr(sp_buf_str(&out), "deep"));
	EXPECT(list_folder(w, "/tmp/o6", 3, &out) == 0);
	EXPECT(has_line(&out, "/tmp/o6/d/e/deep 1"));
	EXPECT(list_folder(w, "/", 0, &out) == 0);
	EXPECT(has_line(&out, "/tmp 2"));
	EXPECT(list_folder(w, "/tmp/o6/f", 0, &out) == SP_ERR_INVALID);
	EXPECT(list_folder(w, "/tmp/o6/none", 0, &out) == SP_ERR_NOT_FOUND);
	return HOLDS;
}

static enum verdict find_matches_names_at_any_depth(struct world *w)
{
	sp_autobuf struct sp_buf out = BUF;
	struct sp_file_request request = {
		.op = SP_FILE_FIND, .path = "/tmp/o7", .pattern = "*.tx?"};

	EXPECT(prepare(w,
		       "rm -rf /tmp/o7; mkdir -p /tmp/o7/a/b/c.txt; cd /tmp/o7; >x.txt;"
		       " >a/y.txd; >a/b/z.doc; ln -s /tmp/o7 a/b/loop.txt") == 0);
	EXPECT(look(w, request, &out) == 0);
	EXPECT(has_line(&out, "/tmp/o7/x.txt 1"));
	EXPECT(has_line(&out, "/tmp/o7/a/y.txd 1"));
	EXPECT(has_line(&out, "/tmp/o7/a/b/c.txt 2"));
	EXPECT(has_line(&out, "/tmp/o7/a/b/loop.txt 3"));
	EXPECT(!strstr(sp_buf_str(&out), "z.doc"));
	EXPECT(!strstr(sp_buf_str(&out), "loop.txt/"));
	return HOLDS;
}

/* --- Changing ------------------------------------------------------------------------- */

static enum verdict folders_are_made_with_their_parents(struct world *w)
{
	EXPECT(prepare(w, "rm -rf /tmp/o8; mkdir /tmp/o8; >/tmp/o8/file") == 0);
	EXPECT(change(w, SP_FILE_MKDIR, "/tmp/o8/a/b/c/", NULL) == 0);
	EXPECT(change(w, SP_FILE_MKDIR, "/tmp/o8/a/b", NULL) == 0);
	EXPECT(shows(w, "stat -c '%a %F' /tmp/o8/a/b/c", "755 directory\n"));
	EXPECT(change(w, SP_FILE_MKDIR, "/tmp/o8/file", NULL) == SP_ERR_EXISTS);
	EXPECT(change(w, SP_FILE_MKDIR, "/tmp/o8/file/x", NULL) == SP_ERR_EXISTS);
	return HOLDS;
}

static enum verdict removing_takes_the_link_and_not_what_it_means(struct world *w)
{
	EXPECT(prepare(w,
		       "rm -rf /tmp/o9; mkdir -p /tmp/o9/kept /tmp/o9/tree/sub;"
		       " cd /tmp/o9; >kept/f; ln -s ../kept tree/l; ln -s kept l; "
		       "mkfifo "
		       "tree/sub/p; chmod 0 tree/sub") == 0);
	EXPECT(change(w, SP_FILE_REMOVE, "/tmp/o9/tree", NULL) == 0);
	EXPECT(change(w, SP_FILE_REMOVE, "/tmp/o9/l", NULL) == 0);
	EXPECT(shows(w, "cd /tmp/o9; find . | sort", ".\n./kept\n./kept/f\n"));
	EXPECT(change(w, SP_FILE_REMOVE, "/tmp/o9/l", NULL) == SP_ERR_NOT_FOUND);
	EXPECT(change(w, SP_FILE_REMOVE, "/", NULL) == SP_ERR_INVALID);
	EXPECT(change(w, SP_FILE_REMOVE, "/tmp/o9/kept/..", NULL) == SP_ERR_INVALID);
	return HOLDS;
}

static enum verdict what_is_mounted_stays(struct world *w)
{
	EXPECT(change(w, SP_FILE_REMOVE, "/proc", NULL) == SP_ERR_DENIED);
	EXPECT(strstr(w->err.msg, "mount point"));
	EXPECT(change(w, SP_FILE_REMOVE, "/dev", NULL) == SP_ERR_DENIED);
	EXPECT(shows(w, "test -e /proc/self/stat && echo x >/dev/null && echo here",
		"here\n"));
	return HOLDS;
}

static enum verdict renaming_is_what_the_kernel_does(struct world *w)
{
	EXPECT(prepare(w,
		       "rm -rf /tmp/o10; mkdir -p /tmp/o10/d /tmp/o10/full/x; cd "
		       "/tmp/o10; echo a >a; echo b >b; ln -s b l") == 0);
	EXPECT(change(w, SP_FILE_RENAME, "/tmp/o10/a", "/tmp/o10/b") == 0);
	EXPECT(change(w, SP_FILE_RENAME, "/tmp/o10/l", "/tmp/o10/d/l") == 0);
	EXPECT(shows(w, "cd /tmp/o10; cat b; readlink d/l; ls", "a\nb\nb\nd\nfull\n"));
	EXPECT(change(w, SP_FILE_RENAME, "/tmp/o10/a", "/tmp/o10/c") ==
		SP_ERR_NOT_FOUND);
	EXPECT(change(w, SP_FILE_RENAME, "/tmp/o10/d", "/tmp/o10/full") ==
		SP_ERR_EXISTS);
	EXPECT(change(w, SP_FILE_RENAME, "/tmp/o10/b", "/tmp/o10/full") ==
		SP_ERR_EXISTS);
	EXPECT(change(w, SP_FILE_RENAME, "/tmp/o10/full", "/tmp/o10/full/x/y") ==
		SP_ERR_INVALID);
	EXPECT(change(w, SP_FILE_RENAME, "/tmp/o10/b", "/dev/shm/b") == SP_ERR_INVALID);
	EXPECT(shows(w, "cd /tmp/o10; cat b; ls", "a\nb\nd\nfull\n"));
	return HOLDS;
}

/* --- Watching ------------------------------------------------------------------------- */

struct watching {
	struct world *w;
	const char *script; /* run once the watch stands */
	const char *last;   /* what ends it */
	int cancel_fd;      /* -1: end by refusing */
	struct sp_buf seen;
};

static int note_change(void *ctx, const char *action, const char *path)
{
	struct watching *x = ctx;
	char line[512];

	if (!strcmp(action, "watching"))
		return prepare(x->w, x->script);
	snprintf(line, sizeof(line), "%s %s\n", action, path);
	sp_buf_adds(&x->seen, line);
	if (strcmp(line, x->last) != 0)
		return 0;
	if (x->cancel_fd < 0)
		return 1;
	return eventfd_write(x->cancel_fd, 1);
}

static int watch(struct watching *x, const char *path, bool recursive)
{
	return perform(x->w,
		(struct sp_file_request){.op = SP_FILE_WATCH,
			.path = path,
			.recursive = recursive,
			.cancel_fd = x->cancel_fd,
			.on_change = note_change,
			.ctx = x});
}

static enum verdict a_watch_tells_changes_until_it_is_cancelled(struct world *w)
{
	sp_autoclose int cancel = eventfd(0, EFD_CLOEXEC);
	struct watching x = {.w = w,
		.script = "cd /tmp/o11; echo x >f; chmod 600 f; mv f g; mkdir d; "
			  "echo y >d/in; rm g; mkdir end",
		.last = "created /tmp/o11/end\n",
		.cancel_fd = cancel,
		.seen = BUF};

	EXPECT(prepare(w, "rm -rf /tmp/o11; mkdir /tmp/o11") == 0);
	EXPECT(watch(&x, "/tmp/o11/", false) == 0);
	EXPECT(is_text(&x.seen,
		"created /tmp/o11/f\nmodified /tmp/o11/f\nattributes /tmp/o11/f\n"
		"moved_from /tmp/o11/f\nmoved_to /tmp/o11/g\ncreated /tmp/o11/d\n"
		"removed /tmp/o11/g\ncreated /tmp/o11/end\n"));
	sp_buf_clear(&x.seen);
	return HOLDS;
}

static enum verdict a_watch_of_a_tree_follows_new_folders(struct world *w)
{
	struct watching x = {.w = w,
		.script = "cd /tmp/o12; mkdir -p a/b; echo x >a/b/c; mv a z; "
			  "echo y >>z/b/c; mkdir there/end",
		.last = "created /tmp/o12/there/end\n",
		.cancel_fd = -1,
		.seen = BUF};

	EXPECT(prepare(w, "rm -rf /tmp/o12; mkdir -p /tmp/o12/there") == 0);
	EXPECT(watch(&x, "/tmp/o12", true) == 0);
	EXPECT(has_line(&x.seen, "created /tmp/o12/a\n"));
	/* By the name it has when it is found. */
	EXPECT(has_line(&x.seen, "created /tmp/o12/a/b\n") !=
		has_line(&x.seen, "created /tmp/o12/z/b\n"));
	EXPECT(has_line(&x.seen, "created /tmp/o12/a/b/c\n") !=
		has_line(&x.seen, "created /tmp/o12/z/b/c\n"));
	EXPECT(has_line(&x.seen, "moved_to /tmp/o12/z\n"));
	sp_buf_clear(&x.seen);
	return HOLDS;
}

static enum verdict a_watch_ends_when_what_it_watches_is_gone(struct world *w)
{
	struct watching x = {.w = w,
		.script = "rmdir /tmp/o13",
		.last = "",
		.cancel_fd = -1,
		.seen = BUF};

	EXPECT(prepare(w, "rm -rf /tmp/o13; mkdir /tmp/o13") == 0);
	EXPECT(watch(&x, "/tmp/o13", false) == 0);
	EXPECT(is_text(&x.seen, "removed /tmp/o13\n"));
	EXPECT(watch(&x, "/tmp/o13", false) == SP_ERR_NOT_FOUND);
	sp_buf_clear(&x.seen);
	return HOLDS;
}

/* --- Against somebody inside ---------------------------------------------------------- */

/* What a name is changes all the time: a folder, links out and to itself, a FIFO. */
#define SWAP \
	"mkdir -p /tmp/o14; cd /tmp/o14; rm -f stop; (while [ ! -e stop ]; do " \
	"mkdir x && echo in >x/f; rm -rf x; ln -s %1$s x; rm -f x; mkfifo x; rm -f " \
	"x; " \
	"ln -s / x; rm -f x; ln -s x x; rm -f x; echo inside >x; rm -f x; done) " \
	">/dev/null 2>&1 </dev/null &"

static enum verdict race(struct world *w, const char *secret, const char *path)
{
	sp_autobuf struct sp_buf out = BUF;
	int64_t start;

	for (int i = 0; i < RACE_TURNS; i++) {
		start = sp_clock_ms();
		(void)read_file(w, path, 0, 0, &out);
		EXPECT(!strstr(sp_buf_str(&out), secret));
		(void)read_file(w, "/tmp/o14/x", 0, 0, &out);
		EXPECT(!strstr(sp_buf_str(&out), secret));
		(void)list_folder(w, "/tmp/o14/x", 3, &out);
		EXPECT(!strstr(sp_buf_str(&out), secret));
		(void)write_file(w, path, 0, text_of("written by the race"));
		(void)write_file(w, "/tmp/o14/x", 0, text_of("written by the race"));
		(void)change(w, SP_FILE_MKDIR, "/tmp/o14/x/y", NULL);
		(void)change(w, SP_FILE_RENAME, path, "/tmp/o14/moved");
		(void)change(w, SP_FILE_REMOVE, path, NULL);
		(void)change(w, SP_FILE_REMOVE, "/tmp/o14/x", NULL);
		EXPECT(sp_clock_ms() - start < 2 * QUICK_MS);
	}
	return HOLDS;
}

static enum verdict a_swapping_process_reaches_nothing_of_the_host(struct world *w)
{
	char folder[] = "/tmp/sandpit-race.XXXXXX", script[1024], path[128];
	char text[64] = "";
	enum verdict v = FAILS;
	ssize_t n = -1;
	int fd;

	EXPECT(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/secret", folder);
	fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0666);
	if (fd >= 0 && write(fd, "host-secret", 11) == 11) {
		snprintf(script, sizeof(script), SWAP, folder);
		if (prepare(w, script) == 0)
			v = race(w, "host-secret", "/tmp/o14/x/secret");
		if (prepare(w, "touch /tmp/o14/stop") != 0)
			v = FAILS;
		n = pread(fd, text, sizeof(text), 0);
	}
	if (n != 11 || memcmp(text, "host-secret", 11) != 0 || unlink(path) < 0 ||
		rmdir(folder) < 0) {
		printf("# the host's file was changed, or others are beside it\n");
		v = FAILS;
	}
	if (fd >= 0)
		close(fd);
	return v;
}

#define OP(sentence, function) \
	{ \
		sentence, SP_CAP_FILE_OPS, function \
	}

static const struct behaviour list[] = {
	OP("what is written is read back the same",
		what_is_written_is_read_back_the_same),
	OP("a replaced file keeps its mode and owner",
		a_replaced_file_keeps_its_mode_and_owner),
	OP("a write that breaks off changes nothing",
		a_write_that_breaks_off_changes_nothing),
	OP("links are followed and stay inside", links_are_followed_and_stay_inside),
	OP("only regular files are read and written",
		only_regular_files_are_read_and_written),
	OP("magic links of /proc are refused", magic_links_of_proc_are_refused),
	OP("a list tells what is there", a_list_tells_what_is_there),
	OP("find matches names at any depth", find_matches_names_at_any_depth),
	OP("folders are made with their parents", folders_are_made_with_their_parents),
	OP("removing takes the link and not what it means",
		removing_takes_the_link_and_not_what_it_means),
	OP("what is mounted stays", what_is_mounted_stays),
	OP("renaming is what the kernel does", renaming_is_what_the_kernel_does),
	OP("a watch tells changes until it is cancelled",
		a_watch_tells_changes_until_it_is_cancelled),
	OP("a watch of a tree follows new folders",
		a_watch_of_a_tree_follows_new_folders),
	OP("a watch ends when what it watches is gone",
		a_watch_ends_when_what_it_watches_is_gone),
	OP("a swapping process reaches nothing of the host",
		a_swapping_process_reaches_nothing_of_the_host),
};

const struct behaviours file_op_behaviours = SP_BEHAVIOURS(list);
