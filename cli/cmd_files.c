/* SPDX-License-Identifier: Apache-2.0 */
/* files: look at and change the files of a sandbox. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/enc.h"
#include "base/json.h"
#include "cli/command.h"
#include "cli/signals.h"
#include "providers/provider.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)
#define LIST_MAX_BYTES ((size_t)1 << 30)

/* One operation: the words after its name, and what the options say. */
struct call {
	struct cli_args *args;
	struct sp_client *client;
	const char *handle;
	const char *const *words;
};

/* --- Printing ----------------------------------------------------------------------- */

static const char *type_name(enum sp_entry_type type)
{
	static const char *const names[] = {
		[SP_ENTRY_FILE] = "file",
		[SP_ENTRY_FOLDER] = "folder",
		[SP_ENTRY_LINK] = "link",
		[SP_ENTRY_OTHER] = "other",
	};

	return names[type];
}

static void put_text(
	struct json_object *doc, const char *name, char *text, bool *failed)
{
	const struct sp_bytes bytes = {text, strlen(text)};

	cli_json_bytes(doc, name, &bytes, failed);
}

static struct json_object *entry_json(const struct sp_entry *e)
{
	struct json_object *doc = json_object_new_object();
	bool failed = !doc;
	char mode[8];

	snprintf(mode, sizeof(mode), "%04o", e->mode);
	put_text(doc, "path", e->path, &failed);
	sp_json_put_str(doc, "type", type_name(e->type), &failed);
	sp_json_put_int(doc, "size", (int64_t)e->size, &failed);
	sp_json_put_str(doc, "mode", mode, &failed);
	sp_json_put_int(doc, "uid", e->uid, &failed);
	sp_json_put_int(doc, "gid", e->gid, &failed);
	sp_json_put_int(doc, "mtime_ms", e->mtime_ms, &failed);
	if (e->link)
		put_text(doc, "link", e->link, &failed);
	if (!failed)
		return doc;
	json_object_put(doc);
	return NULL;
}

static int no_memory(struct sp_error *err)
{
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int print_json(const struct sp_entry_list *list, struct sp_error *err)
{
	sp_autojson struct json_object *array = json_object_new_array();
	int rc = 0;

	if (!array)
		return no_memory(err);
	for (size_t i = 0; rc == 0 && i < list->count; i++)
		rc = out_json_add(array, entry_json(&list->items[i]), err);
	return rc < 0 ? rc : out_json(sp_take_ptr(array), err);
}

static void add_cell(struct out_table *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add_cell(struct out_table *t, const char *fmt, ...)
{
	char text[64];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_cell(t, text);
}

static void add_date(struct out_table *t, int64_t mtime_ms)
{
	const time_t seconds = (time_t)(mtime_ms / 1000);
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&seconds, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	out_cell(t, text);
}

/* Below the folder that was asked for its name is enough. */
static const char *shown_path(const struct sp_entry *e, const char *folder)
{
	size_t len = folder ? strlen(folder) : 0;

	while (len > 0 && folder[len - 1] == '/')
		len--;
	return folder && e->path[len] == '/' && e->path[len + 1] ? e->path + len + 1
								 : e->path;
}

static void add_row(struct out_table *t, const struct sp_entry *e, const char *folder)
{
	sp_autobuf struct sp_buf name = SP_BUF_INIT(LINE_MAX_BYTES);

	sp_buf_adds(&name, shown_path(e, folder));
	if (e->link)
		sp_buf_addf(&name, " -> %s", e->link);
	add_cell(t, "%s", type_name(e->type));
	add_cell(t, "%04o", e->mode);
	add_cell(t, "%u:%u", e->uid, e->gid);
	add_cell(t, "%llu", (unsigned long long)e->size);
	add_date(t, e->mtime_ms);
	out_cell(t, sp_buf_str(&name));
}

static int print_table(const struct sp_entry *items, size_t count, const char *folder,
	struct sp_error *err)
{
	SP_AUTO(out_table_clear) struct out_table table = {.columns = 6};

	for (size_t i = 0; i < count; i++)
		add_row(&table, &items[i], folder);
	return out_table_print(&table, err);
}

/* Names may hold anything; a line is a name, and obeyed by no terminal. */
static int print_names(
	const struct sp_entry_list *list, const char *folder, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(LIST_MAX_BYTES);

	for (size_t i = 0; i < list->count; i++) {
		const char *path = shown_path(&list->items[i], folder);

		sp_enc_printable(&text, path, strlen(path));
		sp_buf_addc(&text, '\n');
	}
	return out_text(&text, err);
}

static int print_list(const struct call *c, const struct sp_entry_list *list,
	const char *folder, struct sp_error *err)
{
	if (c->args->json)
		return print_json(list, err);
	if (c->args->is_long)
		return print_table(list->items, list->count, folder, err);
	return print_names(list, folder, err);
}

/* --- Operations --------------------------------------------------------------------- */

static int do_ls(const struct call *c, struct sp_error *err)
{
	SP_AUTO(sp_entry_list_clear) struct sp_entry_list list = {0};
	const char *path = c->words[0] ? c->words[0] : "/";
	int rc = sp_files_list(c->client, c->handle, path, c->args->depth, &list, err);

	return rc < 0 ? rc : print_list(c, &list, path, err);
}

static int do_find(const struct call *c, struct sp_error *err)
{
	SP_AUTO(sp_entry_list_clear) struct sp_entry_list list = {0};
	int rc = sp_files_find(
		c->client, c->handle, c->words[0], c->words[1], &list, err);

	return rc < 0 ? rc : print_list(c, &list, NULL, err);
}

static int do_stat(const struct call *c, struct sp_error *err)
{
	SP_AUTO(sp_entry_clear) struct sp_entry entry = {0};
	struct json_object *doc;
	int rc = sp_files_stat(c->client, c->handle, c->words[0], &entry, err);

	if (rc < 0)
		return rc;
	if (!c->args->json)
		return print_table(&entry, 1, NULL, err);
	doc = entry_json(&entry);
	return doc ? out_json(doc, err) : no_memory(err);
}

static int do_cat(const struct call *c, struct sp_error *err)
{
	return sp_files_read(c->client, c->handle, c->words[0], c->args->offset,
		c->args->length, STDOUT_FILENO, err);
}

static int do_write(const struct call *c, struct sp_error *err)
{
	if (isatty(STDIN_FILENO) && !c->args->interactive)
		return sp_fail(err, SP_ERR_INVALID,
			"what is to be written comes from standard input, which is a "
			"terminal (-I takes it all the same)");
	return sp_files_write(
		c->client, c->handle, c->words[0], STDIN_FILENO, c->args->mode, err);
}

static int do_mkdir(const struct call *c, struct sp_error *err)
{
	return sp_files_mkdir(c->client, c->handle, c->words[0], err);
}

static int do_mv(const struct call *c, struct sp_error *err)
{
	return sp_files_rename(c->client, c->handle, c->words[0], c->words[1], err);
}

static int do_rm(const struct call *c, struct sp_error *err)
{
	return sp_files_remove(c->client, c->handle, c->words[0], err);
}

/* Where nobody reads any more, watching ends. */
struct watching {
	bool json;
	int rc;
	struct sp_error *err;
};

static int print_change(void *ctx, const char *action, const char *path)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(LINE_MAX_BYTES);
	struct watching *w = ctx;

	if (w->json) {
		struct json_object *doc = json_object_new_object();
		sp_autofree char *copy = strdup(path);
		bool failed = !doc || !copy;

		sp_json_put_str(doc, "action", action, &failed);
		if (copy)
			put_text(doc, "path", copy, &failed);
		w->rc = failed ? no_memory(w->err) : out_json(doc, w->err);
		return w->rc;
	}
	sp_buf_addf(&line, "%s ", action);
	sp_enc_printable(&line, path, strlen(path));
	sp_buf_addc(&line, '\n');
	w->rc = out_text(&line, w->err);
	return w->rc;
}

static int do_watch(const struct call *c, struct sp_error *err)
{
	struct watching w = {.json = c->args->json, .err = err};
	int cancel_fd = cli_signals_init(err);
	int rc;

	if (cancel_fd < 0)
		return cancel_fd;
	rc = sp_files_watch(c->client, c->handle, c->words[0], c->args->recursive,
		cancel_fd, print_change, &w, err);
	return rc < 0 ? rc : w.rc;
}

static const struct operation {
	const char *name;
	int (*run)(const struct call *c, struct sp_error *err);
	size_t min, max; /* words after it */
	const char *words;
} operations[] = {
	{"ls", do_ls, 0, 1, "[PATH]"},
	{"cat", do_cat, 1, 1, "PATH"},
	{"write", do_write, 1, 1, "PATH"},
	{"mkdir", do_mkdir, 1, 1, "PATH"},
	{"mv", do_mv, 2, 2, "FROM TO"},
	{"rm", do_rm, 1, 1, "PATH"},
	{"stat", do_stat, 1, 1, "PATH"},
	{"find", do_find, 2, 2, "PATH PATTERN"},
	{"watch", do_watch, 1, 1, "PATH"},
};

/* The one that is named, with as many words as it takes; NULL with err otherwise. */
static const struct operation *choose(const struct cli_args *args, struct sp_error *err)
{
	if (args->word_count < 2) {
		sp_fail(err, SP_ERR_INVALID,
			"give SANDBOX and one of ls, cat, write, mkdir, mv, rm, stat, "
			"find, watch");
		return NULL;
	}
	for (size_t i = 0; i < SP_COUNT(operations); i++) {
		const struct operation *o = &operations[i];

		if (strcmp(o->name, args->words[1]) != 0)
			continue;
		if (args->word_count - 2 >= o->min && args->word_count - 2 <= o->max)
			return o;
		sp_fail(err, SP_ERR_INVALID, "%s takes %s", o->name, o->words);
		return NULL;
	}
	sp_fail(err, SP_ERR_INVALID,
		"\"%.64s\" is none of ls, cat, write, mkdir, mv, rm, stat, find, watch",
		args->words[1]);
	return NULL;
}

int cmd_files(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	const struct operation *o = choose(args, err);
	struct call c = {.args = args};
	int rc;

	if (!o)
		return err->code;
	rc = cli_open_client(args, &progress, &client, err);
	if (rc < 0)
		return rc;
	c.client = client;
	c.handle = args->words[0];
	c.words = args->words + 2;
	rc = o->run(&c, err);
	return rc < 0 ? sp_wrap(err, rc, "%s", o->name) : 0;
}
