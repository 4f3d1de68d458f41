/* SPDX-License-Identifier: Apache-2.0 */
/* stats: what sandboxes use, as a table that refreshes itself or as JSON lines. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "cli/command.h"
#include "providers/provider.h"

#define PERIOD_S 1
#define CLEAR    "\033[H\033[J"
#define CELL_MAX 48

/* One sandbox from one look to the next. */
struct watched {
	char handle[SP_HANDLE_MAX];
	struct sp_stats now, before;
	bool is_there, has_before;
};

struct watching {
	struct watched *items;
	size_t count;
};

static void watching_clear(struct watching *w)
{
	free(w->items);
}

/* --- What is watched ------------------------------------------------------------------ */

static struct watched *find_watched(struct watching *w, const char *handle)
{
	for (size_t i = 0; i < w->count; i++)
		if (strcmp(w->items[i].handle, handle) == 0)
			return &w->items[i];
	return NULL;
}

static int add_watched(struct watching *w, const char *handle, struct sp_error *err)
{
	struct watched *more;

	if (find_watched(w, handle))
		return 0;
	more = reallocarray(w->items, w->count + 1, sizeof(*w->items));
	if (!more)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	w->items = more;
	more[w->count] = (struct watched){.is_there = true};
	snprintf(more[w->count].handle, sizeof(more->handle), "%s", handle);
	w->count++;
	return 0;
}

static int add_named(struct cli_args *args, struct sp_client *client,
	struct watching *w, struct sp_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < args->word_count; i++) {
		char handle[SP_HANDLE_MAX];

		rc = sp_sandbox_resolve(client, args->words[i], handle, err);
		if (rc == 0)
			rc = add_watched(w, handle, err);
	}
	return rc;
}

static int add_all(struct sp_client *client, struct watching *w, struct sp_error *err)
{
	sp_autolist struct sp_sandbox_list list = {0};
	int rc = sp_sandbox_find(client, NULL, 0, &list, err);

	for (size_t i = 0; rc == 0 && i < list.count; i++) {
		const struct sp_sandbox_info *info = &list.items[i];
		char handle[SP_HANDLE_MAX];

		if (info->state != SP_STATE_RUNNING && info->state != SP_STATE_PAUSED)
			continue;
		snprintf(handle, sizeof(handle), "%s:%s", info->provider, info->id);
		rc = add_watched(w, handle, err);
	}
	return rc;
}

/* One that ended is left out from then on; one that was never there is an error. */
static int look(struct sp_client *client, struct watching *w, bool is_first,
	struct sp_error *err)
{
	for (size_t i = 0; i < w->count; i++) {
		struct watched *one = &w->items[i];
		struct sp_stats stats;
		int rc;

		if (!one->is_there)
			continue;
		rc = sp_sandbox_stats(client, one->handle, &stats, err);
		if (rc == SP_ERR_NOT_FOUND && !is_first) {
			one->is_there = false;
			continue;
		}
		if (rc < 0)
			return rc;
		one->has_before = one->now.at_ms != 0;
		one->before = one->now;
		one->now = stats;
	}
	return 0;
}

static bool is_any_there(const struct watching *w)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->items[i].is_there)
			return true;
	return false;
}

/* --- As JSON -------------------------------------------------------------------------- */

static void put_number(
	struct json_object *doc, const char *name, uint64_t value, bool *failed)
{
	/* What nothing counts is null. */
	if (value == UINT64_MAX)
		json_object_object_add(doc, name, NULL);
	else
		sp_json_put_int(doc, name, (int64_t)value, failed);
}

static int print_line(const struct watched *one, struct sp_error *err)
{
	const struct sp_stats *s = &one->now;
	const struct {
		const char *name;
		uint64_t value;
	} numbers[] = {
		{"memory_bytes", s->memory_bytes},
		{"memory_peak_bytes", s->memory_peak_bytes},
		{"memory_limit_bytes", s->memory_limit_bytes},
		{"cpu_us", s->cpu_us},
		{"processes", s->processes},
		{"processes_limit", s->processes_limit},
		{"read_bytes", s->read_bytes},
		{"written_bytes", s->written_bytes},
		{"disk_bytes", s->disk_bytes},
		{"disk_limit_bytes", s->disk_limit_bytes},
		{"received_bytes", s->received_bytes},
		{"sent_bytes", s->sent_bytes},
	};
	struct json_object *doc = json_object_new_object();
	bool failed = !doc;

	if (failed)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	sp_json_put_str(doc, "sandbox", one->handle, &failed);
	sp_json_put_int(doc, "at_ms", s->at_ms, &failed);
	for (size_t i = 0; i < SP_COUNT(numbers); i++)
		put_number(doc, numbers[i].name, numbers[i].value, &failed);
	if (!failed)
		return out_json(doc, err);
	json_object_put(doc);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int print_lines(const struct watching *w, struct sp_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < w->count; i++)
		if (w->items[i].is_there)
			rc = print_line(&w->items[i], err);
	return rc;
}

/* --- As a table ----------------------------------------------------------------------- */

static void say_bytes(char out[static CELL_MAX], uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	double value = (double)bytes / 1024;
	size_t i = 0;

	if (bytes == UINT64_MAX) {
		snprintf(out, CELL_MAX, "?");
		return;
	}
	if (bytes < 1024) {
		snprintf(out, CELL_MAX, "%uB", (unsigned int)bytes);
		return;
	}
	while (value >= 1000 && i + 2 < sizeof(units)) {
		value /= 1024;
		i++;
	}
	snprintf(out, CELL_MAX, value < 10 ? "%.1f%c" : "%.0f%c", value, units[i]);
}

static void cell_of_two(struct out_table *t, uint64_t a, uint64_t b)
{
	char first[CELL_MAX], second[CELL_MAX], both[2 * CELL_MAX + 8];

	if (a == UINT64_MAX && b == UINT64_MAX) {
		out_cell(t, "");
		return;
	}
	say_bytes(first, a);
	say_bytes(second, b);
	snprintf(both, sizeof(both), "%s / %s", first, second);
	out_cell(t, both);
}

static void cell_of_processes(struct out_table *t, const struct sp_stats *s)
{
	char text[CELL_MAX];

	if (s->processes == UINT64_MAX)
		text[0] = '\0';
	else if (s->processes_limit == UINT64_MAX)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)s->processes);
	else
		snprintf(text, sizeof(text), "%llu / %llu",
			(unsigned long long)s->processes,
			(unsigned long long)s->processes_limit);
	out_cell(t, text);
}

static void cells_of_cpu(struct out_table *t, const struct watched *one)
{
	const int64_t span_ms = one->now.at_ms - one->before.at_ms;
	char share[CELL_MAX] = "", total[CELL_MAX] = "";

	/* Of one processor; two busy ones are 200 %. */
	if (one->has_before && span_ms > 0 && one->now.cpu_us != UINT64_MAX &&
		one->now.cpu_us >= one->before.cpu_us)
		snprintf(share, sizeof(share), "%.1f%%",
			(double)(one->now.cpu_us - one->before.cpu_us) / 10 /
				(double)span_ms);
	if (one->now.cpu_us != UINT64_MAX)
		snprintf(total, sizeof(total), "%.2fs",
			(double)one->now.cpu_us / 1000000);
	out_cell(t, share);
	out_cell(t, total);
}

static int print_table(const struct watching *w, bool is_live, struct sp_error *err)
{
	static const char *const heads[] = {"SANDBOX", "CPU", "CPU TIME", "MEMORY",
		"PROCESSES", "DISK", "READ / WRITTEN", "RECEIVED / SENT"};
	SP_AUTO(out_table_clear)
	struct out_table table = {.columns = SP_COUNT(heads)};
	sp_autobuf struct sp_buf clear = SP_BUF_INIT(sizeof(CLEAR));
	int rc = 0;

	for (size_t i = 0; i < SP_COUNT(heads); i++)
		out_cell(&table, heads[i]);
	for (size_t i = 0; i < w->count; i++) {
		const struct watched *one = &w->items[i];
		const struct sp_stats *s = &one->now;

		if (!one->is_there)
			continue;
		out_cell(&table, one->handle);
		cells_of_cpu(&table, one);
		cell_of_two(&table, s->memory_bytes, s->memory_limit_bytes);
		cell_of_processes(&table, s);
		cell_of_two(&table, s->disk_bytes, s->disk_limit_bytes);
		cell_of_two(&table, s->read_bytes, s->written_bytes);
		cell_of_two(&table, s->received_bytes, s->sent_bytes);
	}
	if (is_live) {
		sp_buf_adds(&clear, CLEAR);
		rc = out_text(&clear, err);
	}
	return rc < 0 ? rc : out_table_print(&table, err);
}

int cmd_stats(struct cli_args *args, struct sp_error *err)
{
	const struct timespec period = {.tv_sec = PERIOD_S};
	const bool is_live = !args->no_stream && !args->json && isatty(STDOUT_FILENO);
	cli_autoclient struct sp_client *client = NULL;
	SP_AUTO(watching_clear) struct watching w = {.items = NULL};
	struct progress progress = {0};
	int rc = cli_open_client(args, &progress, &client, err);

	if (rc == 0)
		rc = add_named(args, client, &w, err);
	for (bool is_first = true; rc == 0; is_first = false) {
		if (args->word_count == 0)
			rc = add_all(client, &w, err);
		if (rc == 0)
			rc = look(client, &w, is_first && args->word_count, err);
		if (rc < 0)
			break;
		if (args->word_count && !is_any_there(&w))
			break;
		if (args->json || (!args->no_stream && !is_live))
			rc = print_lines(&w, err);
		else
			rc = print_table(&w, is_live, err);
		if (args->no_stream)
			break;
		/* Ctrl-C ends it, as it ends any program that only looks. */
		nanosleep(&period, NULL);
	}
	return rc;
}
