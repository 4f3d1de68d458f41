/* SPDX-License-Identifier: Apache-2.0 */
/* test: the whole life of a sandbox on each provider, step by step, with its time. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/json.h"
#include "cli/command.h"

#define EXEC_TIMEOUT_MS 60000
#define FILE_TEXT       "sandpit test\n"
#define FILE_INSIDE     "/tmp/sandpit-test"

/* One provider under test; the folder is ours, here. */
struct trial {
	struct sp_client *client;
	char handle[SP_HANDLE_MAX];
	char folder[64];
};

typedef int step_fn(struct trial *t, struct sp_error *err);

static int step_create(struct trial *t, struct sp_error *err)
{
	const struct sp_sandbox_spec spec = {.ttl_ms = 10 * EXEC_TIMEOUT_MS};

	return sp_sandbox_create(t->client, &spec, t->handle, err);
}

/* Run it, and expect this on its standard output. */
static int expect(
	struct trial *t, const char *command, const char *output, struct sp_error *err)
{
	SP_AUTO(sp_exec_result_clear) struct sp_exec_result r = {0};
	const struct sp_exec_opts opts = {.timeout_ms = EXEC_TIMEOUT_MS};
	const char *const argv[] = {"sh", "-c", command, NULL};
	int rc = sp_sandbox_exec(t->client, t->handle, argv, &opts, &r, err);

	if (rc < 0)
		return rc;
	if (r.exit_code != 0 || strcmp(r.out.data, output) != 0)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"\"%s\" ended with %d and printed \"%.64s\"", command,
			r.exit_code, r.out.data);
	return 0;
}

static int step_exec(struct trial *t, struct sp_error *err)
{
	return expect(t, "echo $((6 * 7))", "42\n", err);
}

static int step_copy_in(struct trial *t, struct sp_error *err)
{
	char from[96];
	int rc;

	snprintf(from, sizeof(from), "%s/in", t->folder);
	rc = sp_sandbox_copy_in(t->client, t->handle, from, FILE_INSIDE, err);
	return rc < 0 ? rc : expect(t, "cat " FILE_INSIDE, FILE_TEXT, err);
}

static int step_copy_out(struct trial *t, struct sp_error *err)
{
	sp_autoclose int dir = -1;
	struct sp_bytes text = {0};
	char to[96];
	bool is_same;
	int rc;

	snprintf(to, sizeof(to), "%s/out", t->folder);
	rc = sp_sandbox_copy_out(t->client, t->handle, FILE_INSIDE, to, err);
	if (rc < 0)
		return rc;
	dir = open(t->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return sp_fail_errno(err, "open %s", t->folder);
	rc = sp_read_file_at(dir, "out", sizeof(FILE_TEXT), &text, err);
	if (rc < 0)
		return rc;
	is_same = strcmp(text.data, FILE_TEXT) == 0;
	free(text.data);
	return is_same ? 0 : sp_fail(err, SP_ERR_PROTOCOL, "it came back changed");
}

static int step_destroy(struct trial *t, struct sp_error *err)
{
	struct sp_sandbox_info info = {0};
	int rc = sp_sandbox_destroy(t->client, t->handle, err);

	if (rc < 0)
		return rc;
	if (sp_sandbox_get(t->client, t->handle, &info, NULL) == SP_ERR_NOT_FOUND)
		return 0;
	sp_sandbox_info_clear(&info);
	return sp_fail(err, SP_ERR_PROTOCOL, "it is still there");
}

static const struct step {
	const char *name;
	step_fn *run;
} steps[] = {
	{"create", step_create},
	{"exec", step_exec},
	{"copy in", step_copy_in},
	{"copy out", step_copy_out},
	{"destroy", step_destroy},
};

/* Where results go: rows for people, objects for programs. */
struct report {
	struct out_table table;
	struct json_object *array;
	bool failed, out_of_memory;
};

static void add_json(struct report *r, const char *provider, const char *step,
	int64_t us, const struct sp_error *why)
{
	struct json_object *doc = json_object_new_object();

	if (!doc || json_object_array_add(r->array, doc) < 0) {
		json_object_put(doc);
		r->out_of_memory = true;
		return;
	}
	sp_json_put_str(doc, "provider", provider, &r->out_of_memory);
	sp_json_put_str(doc, "step", step, &r->out_of_memory);
	sp_json_put_bool(doc, "passed", why->code == SP_OK, &r->out_of_memory);
	sp_json_put_int(doc, "us", us, &r->out_of_memory);
	if (why->code != SP_OK)
		sp_json_put_str(doc, "message", why->msg, &r->out_of_memory);
}

static void add_result(struct report *r, const char *provider, const char *step,
	int64_t us, const struct sp_error *why)
{
	char took[32];

	if (why->code != SP_OK)
		r->failed = true;
	snprintf(took, sizeof(took), "%.1f ms", (double)us / 1000);
	out_cell(&r->table, provider);
	out_cell(&r->table, step);
	out_cell(&r->table, why->code == SP_OK ? "PASS" : "FAIL");
	out_cell(&r->table, took);
	out_cell(&r->table, why->msg);
	add_json(r, provider, step, us, why);
}

/* Steps in order until one fails; what was created goes in any case. */
static void try_provider(struct report *r, struct trial *t, const char *provider)
{
	for (size_t i = 0; i < SP_COUNT(steps); i++) {
		const int64_t start_us = sp_clock_us();
		struct sp_error why = {0};
		int rc = steps[i].run(t, &why);

		/* A step that passed may have met, and dealt with, an error on its way. */
		if (rc == 0)
			why = (struct sp_error){0};
		add_result(r, provider, steps[i].name, sp_clock_us() - start_us, &why);
		if (rc == 0)
			continue;
		if (*t->handle)
			(void)sp_sandbox_destroy(t->client, t->handle, NULL);
		return;
	}
}

static int make_folder(struct trial *t, struct sp_error *err)
{
	sp_autoclose int dir = -1;

	snprintf(t->folder, sizeof(t->folder), "/tmp/sandpit-test-XXXXXX");
	if (!mkdtemp(t->folder)) {
		t->folder[0] = '\0';
		return sp_fail_errno(err, "make a folder in /tmp");
	}
	dir = open(t->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return sp_fail_errno(err, "open %s", t->folder);
	return sp_write_file_at(dir, "in", FILE_TEXT, strlen(FILE_TEXT), 0600, err);
}

static void remove_folder(struct trial *t)
{
	static const char *const files[] = {"in", "out"};
	char path[96];

	if (!*t->folder)
		return;
	for (size_t i = 0; i < SP_COUNT(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", t->folder, files[i]);
		(void)unlink(path);
	}
	(void)rmdir(t->folder);
}

static void test_provider(struct report *r, const struct cli_args *args,
	const char *name, struct progress *progress)
{
	SP_AUTO(remove_folder) struct trial trial = {.client = NULL};
	cli_autoclient struct sp_client *client = NULL;
	struct cli_args one = *args;
	struct sp_error why = {0};
	int rc;

	one.provider = name;
	rc = cli_open_client(&one, progress, &client, &why);
	if (rc == 0)
		rc = make_folder(&trial, &why);
	if (rc < 0) {
		add_result(r, name, "prepare", 0, &why);
		return;
	}
	trial.client = client;
	try_provider(r, &trial, name);
	progress_end(progress);
}

/* One that was named is tested; else those that answer. */
static bool is_wanted(const struct cli_args *args, const char *name)
{
	struct sp_provider_report report = {.ok = false};
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};

	if (args->provider)
		return strcmp(args->provider, name) == 0;
	return cli_open_client(args, &progress, &client, NULL) == 0 &&
		sp_client_report(client, name, &report, NULL) == 0 && report.ok;
}

int cmd_test(struct cli_args *args, struct sp_error *err)
{
	struct report r = {.table = {.columns = 5}};
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int rc;

	if (args->word_count)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is too much: test takes options only",
			args->words[0]);
	/* A wrong name or state folder is one error, not one for each step. */
	rc = cli_open_client(args, &progress, &client, err);
	if (rc < 0)
		return rc;
	r.array = json_object_new_array();
	if (!r.array)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (const char *const *name = sp_client_provider_names(); *name; name++)
		if (is_wanted(args, *name))
			test_provider(&r, args, *name, &progress);
	if (r.out_of_memory)
		rc = sp_fail(err, SP_ERR_NOMEM, "out of memory");
	else if (r.table.cells.count == 0)
		rc = sp_fail(err, SP_ERR_UNAVAILABLE, "no provider answers");
	else if (args->json)
		rc = out_json(sp_take_ptr(r.array), err);
	else
		rc = out_table_print(&r.table, err);
	json_object_put(r.array);
	out_table_clear(&r.table);
	return rc < 0 ? rc : r.failed ? CLI_EXIT_FAILED : 0;
}
