/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time from asking for a program to knowing that it ended, for many ways of running one,
 * interleaved: one run of every row, then the next, so that what the machine does
 * meanwhile hits all alike.
 *
 *   launch ROWS JSON
 *
 * ROWS has a line for each row, its fields separated by tabs:
 *   NAME N spawn|user [K=V...] PROGRAM ARGS...    a process; user: as nobody
 *   NAME N run ARGS...                            sp_run() on the local provider
 *   NAME N warm ARGS...                           the same, with WARM=1, by which a pool
 *                                                 that was filled before is known
 *   NAME N exec HANDLE ARGS...                    sp_sandbox_exec()
 *   NAME 0 none REASON                            a row that only says why
 */
#include <errno.h>

#include "include/sandpit.h"
#include "tests/bench/stats.h"

#define ROWS_MAX    64
#define WORDS_MAX   64
#define SAMPLES_MAX 10000

/* Not counted; the first runs pay for cold caches. */
#define WARM_UP 5

enum kind {
	KIND_SPAWN,
	KIND_USER,
	KIND_RUN,
	KIND_WARM,
	KIND_EXEC,
	KIND_NONE,
};
static const char *const kinds[] = {"spawn", "user", "run", "warm", "exec", "none"};

struct row {
	char *name;
	int wanted;
	enum kind kind;
	char *words[WORDS_MAX]; /* NULL-terminated */
	char **argv;            /* in words, behind the assignments */
	char **env;
	double *samples;
	int count;
	int failed; /* the exit status that ended it, or 0 */
	struct stats stats;
};

static struct sp_client *chooses, *local;
static int null_fd;

static void __attribute__((noreturn)) die(const char *what, const char *which)
{
	fprintf(stderr, "launch: %s: %s\n", what, which);
	exit(2);
}

/* --- Rows ------------------------------------------------------------------------------ */

/* Our environment with the row's own assignments in front; a later twin is not looked at. */
static char **environment(char **words, int count)
{
	int i, n = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc((size_t)(n + count) + 1, sizeof(*env));
	if (!env)
		die("out of memory", "environment");
	for (i = 0; i < count; i++)
		env[i] = words[i];
	memcpy(env + count, environ, (size_t)n * sizeof(*env));
	return env;
}

static void parse_words(struct row *row, char *rest)
{
	int n = 0, assignments = 0;
	char *word;

	while ((word = strsep(&rest, "\t")) && n < WORDS_MAX - 1)
		row->words[n++] = word;
	if (row->kind <= KIND_USER) {
		while (row->words[assignments] && strchr(row->words[assignments], '='))
			assignments++;
	}
	row->argv = row->words + assignments;
	row->env = environment(row->words, assignments);
}

static bool parse_row(struct row *row, char *line)
{
	char *name = strsep(&line, "\t"), *n = strsep(&line, "\t");
	char *kind = strsep(&line, "\t");

	if (!name || !n || !kind || !line)
		return false;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (strcmp(kind, kinds[i]))
			continue;
		row->name = name;
		row->kind = (enum kind)i;
		row->wanted = (int)strtol(n, NULL, 10);
		row->samples = calloc(SAMPLES_MAX, sizeof(*row->samples));
		parse_words(row, line);
		return row->samples && row->wanted <= SAMPLES_MAX;
	}
	return false;
}

static int read_rows(const char *path, struct row *rows)
{
	FILE *f = fopen(path, "re");
	char *line = NULL;
	size_t cap = 0;
	ssize_t len;
	int n = 0;

	if (!f)
		die(path, strerror(errno));
	while (n < ROWS_MAX && (len = getline(&line, &cap, f)) > 0) {
		line[len - (line[len - 1] == '\n')] = '\0';
		if (!parse_row(&rows[n++], strdup(line)))
			die("not a row", line);
	}
	free(line);
	fclose(f);
	return n;
}

/* --- Measuring --------------------------------------------------------------------------- */

static int by_library(const struct row *row)
{
	static const char *const warm_env[] = {"WARM=1", NULL};
	const char *const *argv = (const char *const *)row->argv;
	const struct sp_sandbox_spec spec = {
		.env = row->kind == KIND_WARM ? warm_env : NULL};
	struct sp_exec_result result = {0};
	struct sp_error err = {0};
	int rc;

	if (row->kind != KIND_EXEC)
		rc = sp_run(local, &spec, argv, NULL, &result, &err);
	else
		rc = sp_sandbox_exec(chooses, argv[0], argv + 1, NULL, &result, &err);
	if (rc < 0) {
		fprintf(stderr, "launch: %s: %s\n", row->name, err.msg);
		return 125;
	}
	rc = result.exit_code;
	sp_exec_result_clear(&result);
	return rc;
}

static void one_sample(struct row *row, bool counts)
{
	double start = now_us(), took;
	int status;

	if (row->kind == KIND_RUN || row->kind == KIND_WARM || row->kind == KIND_EXEC)
		status = by_library(row);
	else
		status = await_program(start_program(
			row->argv, row->env, row->kind == KIND_USER, null_fd));
	took = now_us() - start;
	if (status != 0)
		row->failed = status;
	else if (counts)
		row->samples[row->count++] = took;
}

static void measure(struct row *rows, int n)
{
	bool more = true;

	for (int round = -WARM_UP; more; round++) {
		more = false;
		for (int i = 0; i < n; i++) {
			struct row *row = &rows[i];

			if (row->failed || row->count >= row->wanted)
				continue;
			one_sample(row, round >= 0);
			more = true;
		}
	}
	for (int i = 0; i < n; i++)
		rows[i].stats = stats_of(rows[i].samples, rows[i].count);
}

/* --- Reporting --------------------------------------------------------------------------- */

static double p50_of(const struct row *rows, int n, const char *name)
{
	for (int i = 0; i < n; i++) {
		if (!strcmp(rows[i].name, name) && !rows[i].failed)
			return rows[i].stats.p50;
	}
	return 0;
}

static void put_ratio(FILE *json, const char *key, double value, double to)
{
	if (to > 0)
		fprintf(json, ",\"%s\":%.3f", key, value / to);
	else
		fprintf(json, ",\"%s\":null", key);
}

static void put_json(
	FILE *json, const struct row *row, double floor_us, double bwrap_us)
{
	const struct stats *s = &row->stats;

	fprintf(json, "{\"bench\":\"launch\",\"row\":\"%s\",\"kind\":\"%s\"", row->name,
		kinds[row->kind]);
	if (row->kind == KIND_NONE)
		fprintf(json, ",\"skipped\":\"%s\"}\n", row->words[0]);
	else if (row->failed)
		fprintf(json, ",\"failed\":%d}\n", row->failed);
	else {
		fprintf(json,
			",\"n\":%d,\"p50_us\":%.1f,\"p99_us\":%.1f,\"min_us\":%.1f,"
			"\"mean_us\":%.1f",
			s->n, s->p50, s->p99, s->min, s->mean);
		put_ratio(json, "ratio_to_floor", s->p50, floor_us);
		put_ratio(json, "ratio_to_bwrap", s->p50, bwrap_us);
		fprintf(json, "}\n");
	}
}

static void print_ratio(double value, double to)
{
	if (to > 0)
		printf(" %8.2f", value / to);
	else
		printf(" %8s", "-");
}

static void put_line(const struct row *row, double floor_us, double bwrap_us)
{
	const struct stats *s = &row->stats;

	printf("%-34s", row->name);
	if (row->kind == KIND_NONE)
		printf(" %s\n", row->words[0]);
	else if (row->failed)
		printf(" failed with status %d\n", row->failed);
	else {
		printf(" %5d %9.2f %9.2f %9.2f %9.2f", s->n, s->p50 / 1e3, s->p99 / 1e3,
			s->min / 1e3, s->mean / 1e3);
		print_ratio(s->p50, floor_us);
		print_ratio(s->p50, bwrap_us);
		printf("\n");
	}
}

static void report(FILE *json, const struct row *rows, int n)
{
	double floor_us = p50_of(rows, n, "floor");
	double bwrap_us = p50_of(rows, n, "bwrap");

	printf("%-34s %5s %9s %9s %9s %9s %8s %8s\n", "launch, milliseconds", "n",
		"p50", "p99", "min", "mean", "/floor", "/bwrap");
	for (int i = 0; i < n; i++) {
		put_json(json, &rows[i], floor_us, bwrap_us);
		put_line(&rows[i], floor_us, bwrap_us);
	}
}

int main(int argc, char **argv)
{
	static struct row rows[ROWS_MAX];
	static const struct sp_client_opts of_local = {.provider = "local"};
	struct sp_error err = {0};
	FILE *json;
	int n;

	if (argc != 3)
		die("usage", "launch ROWS JSON");
	n = read_rows(argv[1], rows);
	json = fopen(argv[2], "ae");
	null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (!json || null_fd < 0)
		die(argv[2], strerror(errno));
	if (sp_client_open(NULL, &chooses, &err) < 0 ||
		sp_client_open(&of_local, &local, &err) < 0)
		die("client", err.msg);
	measure(rows, n);
	report(json, rows, n);
	sp_client_close(chooses);
	sp_client_close(local);
	return fclose(json) != 0;
}
