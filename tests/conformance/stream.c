/* SPDX-License-Identifier: Apache-2.0 */
/* Output: every byte, as it comes, in bounded memory, and no longer than it is wanted. */
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "base/io.h"
#include "tests/conformance/conformance.h"

#define MIB (1u << 20)

/* What a flood may add to our memory; the flood is larger by far. */
#define FLOOD_BYTES      (192u * MIB)
#define FLOOD_MEMORY_KIB (24u * 1024)

static enum verdict a_mebibyte_of_noise_is_unchanged(struct world *w)
{
	struct sp_command command = shell("cat >/tmp/noise; cat /tmp/noise; "
					  "cat /tmp/noise >&2");
	sp_autofree char *data = noise(MIB);
	sp_autoclose int input = filled_fd(data, MIB);
	autoresult r = RESULT_INIT;

	EXPECT(input >= 0);
	command.stdin_fd = input;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(r.out.len == MIB && memcmp(r.out.data, data, MIB) == 0);
	EXPECT(r.err.len == MIB && memcmp(r.err.data, data, MIB) == 0);
	return HOLDS;
}

/* More in flight than pipes hold: input and output must move at the same time. */
static enum verdict sixteen_mebibytes_go_through_cat(struct world *w)
{
	enum { LEN = 16 << 20 };
	struct sp_command command = shell("cat");
	sp_autofree char *data = noise(LEN);
	sp_autoclose int input = filled_fd(data, LEN);
	autoresult r = RESULT_INIT;

	command.stdin_fd = input;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(r.out.len == LEN && memcmp(r.out.data, data, LEN) == 0);
	return HOLDS;
}

static enum verdict bytes_that_are_no_text_are_unchanged(struct world *w)
{
	static const char expected[] = "a\0b\r\n\x1b[31m\xff\xfe";
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "printf 'a\\000b\\r\\n\\033[31m\\377\\376'", &r) == 0);
	EXPECT(r.out.len == sizeof(expected) - 1);
	EXPECT(memcmp(r.out.data, expected, r.out.len) == 0);
	return HOLDS;
}

/* --- While it runs ------------------------------------------------------------------- */

struct dialogue {
	int answer_fd; /* the command's input */
	int calls;
	struct sp_buf heard;
};

static int answer(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct dialogue *d = ctx;

	(void)stream;
	sp_buf_add(&d->heard, data, len);
	if (d->answer_fd >= 0 && strstr(sp_buf_str(&d->heard), "name?\n")) {
		if (sp_write_all(d->answer_fd, "world\n", 6, NULL) < 0)
			return SP_ERR_SYSTEM;
		sp_close_fd(&d->answer_fd);
	}
	return 0;
}

/* The command waits for an answer that is only given once its question was heard. */
static enum verdict output_arrives_while_the_command_runs(struct world *w)
{
	struct dialogue d = {.answer_fd = -1, .heard = SP_BUF_INIT(4096)};
	struct sp_command command = shell("echo 'name?'; read name; echo hello $name");
	autoresult r = RESULT_INIT;
	int ends[2], rc;
	bool said;

	EXPECT(pipe(ends) == 0);
	d.answer_fd = ends[1];
	command.stdin_fd = ends[0];
	command.timeout_ms = 10000;
	command.on_output = answer;
	command.on_output_ctx = &d;
	rc = execute(w, shared(w), command, &r);
	close(ends[0]);
	sp_close_fd(&d.answer_fd);
	said = is_text(&d.heard, "name?\nhello world\n");
	sp_buf_clear(&d.heard);
	EXPECT(rc == 0);
	EXPECT(!r.outcome.timed_out);
	EXPECT(said);
	return HOLDS;
}

/* --- A lot of it ---------------------------------------------------------------------- */

static int count_only(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)stream;
	(void)data;
	*(uint64_t *)ctx += len;
	return 0;
}

static long peak_kib(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}

/* In a child, whose peak no earlier behaviour has raised. */
static int flood(struct world *w)
{
	struct sp_command command = shell("head -c 201326592 /dev/zero");
	uint64_t bytes = 0;
	autoresult r = RESULT_INIT;
	long before;

	w->p = NULL;
	if (w->driver->open(&w->cfg, &w->p, &w->err) < 0)
		return 2;
	command.on_output = count_only;
	command.on_output_ctx = &bytes;
	before = peak_kib();
	if (execute(w, w->shared, command, &r) < 0 || bytes != FLOOD_BYTES)
		return 3;
	return peak_kib() - before > (long)FLOOD_MEMORY_KIB ? 4 : 0;
}

static enum verdict a_flood_costs_no_memory(struct world *w)
{
	int status = 0;
	pid_t pid;

	EXPECT(shared(w));
	pid = fork();
	if (pid == 0)
		_exit(flood(w));
	EXPECT(waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status));
	EXPECT(WEXITSTATUS(status) != 3); /* the flood came whole */
	EXPECT(WEXITSTATUS(status) == 0);
	return HOLDS;
}

/* --- No longer wanted ----------------------------------------------------------------- */

static int refuse(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)stream;
	(void)data;
	(void)len;
	(*(int *)ctx)++;
	return SP_ERR_CANCELLED;
}

static enum verdict a_refused_output_stops_the_command(struct world *w)
{
	struct sp_command command = shell("trap '' PIPE TERM; yes 98753; sleep 98753");
	autoresult r = RESULT_INIT;
	int calls = 0;

	command.on_output = refuse;
	command.on_output_ctx = &calls;
	EXPECT(execute(w, shared(w), command, &r) == SP_ERR_CANCELLED);
	EXPECT(calls == 1);
	EXPECT(r.took_ms < 10000);
	EXPECT(count_processes(w, shared(w), "98753") == 0);
	return HOLDS;
}

static enum verdict closed_streams_do_not_hide_the_exit_code(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "exec >&- 2>&-; sleep 0.2; exit 5", &r) == 0);
	EXPECT(r.outcome.exit_code == 5);
	return HOLDS;
}

static enum verdict a_background_process_does_not_hold_the_output(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "sleep 98754 & echo quick", &r) == 0);
	EXPECT(is_text(&r.out, "quick\n"));
	EXPECT(r.outcome.exit_code == 0);
	EXPECT(r.took_ms < 10000);
	return HOLDS;
}

static enum verdict commands_at_the_same_time_do_not_mix(struct world *w)
{
	pid_t pids[4];
	bool good = true;

	EXPECT(shared(w));
	for (int i = 0; i < 4; i++) {
		autoresult r = RESULT_INIT;
		char script[64], expected[16];

		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		snprintf(script, sizeof(script), "sleep 0.1; echo I am %d; exit %d", i,
			i);
		snprintf(expected, sizeof(expected), "I am %d\n", i);
		w->p = NULL;
		_exit(w->driver->open(&w->cfg, &w->p, &w->err) < 0 ||
			execute(w, w->shared, shell(script), &r) < 0 ||
			r.outcome.exit_code != i || !is_text(&r.out, expected));
	}
	for (int i = 0; i < 4; i++) {
		int status = 1;

		good = waitpid(pids[i], &status, 0) == pids[i] && status == 0 && good;
	}
	EXPECT(good);
	return HOLDS;
}

static const struct behaviour list[] = {
	{"a mebibyte of noise is unchanged", SP_CAP_STDIN | SP_CAP_SEPARATE_STDERR,
		a_mebibyte_of_noise_is_unchanged},
	{"sixteen mebibytes go through cat", SP_CAP_STDIN,
		sixteen_mebibytes_go_through_cat},
	{"bytes that are no text are unchanged", 0,
		bytes_that_are_no_text_are_unchanged},
	{"output arrives while the command runs", SP_CAP_STDIN,
		output_arrives_while_the_command_runs},
	{"a flood costs no memory", 0, a_flood_costs_no_memory},
	{"a refused output stops the command", 0, a_refused_output_stops_the_command},
	{"closed streams do not hide the exit code", 0,
		closed_streams_do_not_hide_the_exit_code},
	{"a background process does not hold the output", 0,
		a_background_process_does_not_hold_the_output},
	{"commands at the same time do not mix", 0,
		commands_at_the_same_time_do_not_mix},
};

const struct behaviours stream_behaviours = SP_BEHAVIOURS(list);
