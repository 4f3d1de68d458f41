/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deadline: whatever a command does to stay, its whole tree is gone when the call
 * returns, the call returns soon, and what was written before is there.
 */
#include <stdio.h>

#include "tests/conformance/conformance.h"

#define DEADLINE_MS 1000

/* The call's own return may be this late on a busy machine. */
#define LATE_MS 8000

/*
 * Every script writes "before" and leaves processes with this word in their arguments:
 * sleep's own in the shell ones, an argument nobody reads in Python's.
 */
#define WORD "98760"

static enum verdict is_gone_at_the_deadline(
	struct world *w, struct sp_command command, const char *expected)
{
	autoresult r = RESULT_INIT;

	command.timeout_ms = DEADLINE_MS;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(r.outcome.timed_out);
	EXPECT(r.outcome.exit_code != 0);
	EXPECT(r.took_ms >= DEADLINE_MS - 50);
	EXPECT(r.took_ms < DEADLINE_MS + LATE_MS);
	EXPECT(!strncmp(sp_buf_str(&r.out), expected, strlen(expected)));
	EXPECT(count_processes(w, shared(w), WORD) == 0);
	/* The sandbox itself goes on. */
	sp_buf_clear(&r.out);
	r.out = (struct sp_buf)SP_BUF_INIT(OUTPUT_MAX);
	EXPECT(run_shell(w, "echo after", &r) == 0);
	EXPECT(is_text(&r.out, "after\n"));
	return HOLDS;
}

static enum verdict python(struct world *w, const char *script)
{
	static const char *argv[] = {"python3", "-c", NULL, WORD, NULL};
	static const char *const probe[] = {"python3", "-c", "print(1)", NULL};
	autoresult r = RESULT_INIT;

	if (execute(w, shared(w), program(probe), &r) == 0 &&
		r.outcome.exit_code == 127)
		return skip_because(w, "python", "the image has no python3");
	argv[2] = script;
	return is_gone_at_the_deadline(w, program(argv), "before\n");
}

static enum verdict a_command_that_waits(struct world *w)
{
	return is_gone_at_the_deadline(
		w, shell("echo before; sleep " WORD), "before\n");
}

static enum verdict one_that_ignores_signals(struct world *w)
{
	return is_gone_at_the_deadline(w,
		shell("trap '' TERM INT HUP QUIT ALRM USR1; echo before;"
		      " while :; do sleep " WORD "; done"),
		"before\n");
}

static enum verdict one_that_forks_in_the_background(struct world *w)
{
	return is_gone_at_the_deadline(w,
		shell("echo before; for i in 1 2 3; do (sleep " WORD " &) ; done;"
		      " sleep " WORD),
		"before\n");
}

static enum verdict one_that_becomes_a_daemon(struct world *w)
{
	return python(w,
		"import os, signal, time\n"
		"print('before', flush=True)\n"
		"for s in range(1, 32):\n"
		"    if s not in (9, 17, 19): signal.signal(s, signal.SIG_IGN)\n"
		"if os.fork() == 0:\n"
		"    os.setsid()\n"
		"    if os.fork() != 0: os._exit(0)\n"
		"    os.closerange(0, 64)\n"
		"    while True: time.sleep(100)\n"
		"time.sleep(1000)\n");
}

static enum verdict one_that_closes_its_streams(struct world *w)
{
	return is_gone_at_the_deadline(
		w, shell("echo before; exec <&- >&- 2>&-; sleep " WORD), "before\n");
}

/* The first words of a flood; the rest has to be taken, or it would not go on. */
static int keep_front(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct sp_buf *b = ctx;
	size_t room = 7 - b->len;

	if (stream == SP_STDOUT)
		sp_buf_add(b, data, len < room ? len : room);
	return 0;
}

static enum verdict one_that_writes_forever(struct world *w)
{
	struct sp_command command = shell("echo before; exec yes " WORD);
	autoresult r = RESULT_INIT;

	command.timeout_ms = DEADLINE_MS;
	command.on_output = keep_front;
	command.on_output_ctx = &r.out;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(r.outcome.timed_out);
	EXPECT(r.took_ms < DEADLINE_MS + LATE_MS);
	EXPECT(is_text(&r.out, "before\n"));
	EXPECT(count_processes(w, shared(w), WORD) == 0);
	return HOLDS;
}

/* Each process lives too short to be listed; only a kill of all at once ends it. */
static enum verdict one_that_forks_faster_than_it_is_listed(struct world *w)
{
	return python(w,
		"import os, time\n"
		"print('before', flush=True)\n"
		"for i in range(8):\n"
		"    if os.fork() == 0:\n"
		"        while True:\n"
		"            if os.fork() != 0: os._exit(0)\n"
		"            os.setsid()\n"
		"time.sleep(1000)\n");
}

static enum verdict one_that_stops_itself(struct world *w)
{
	return is_gone_at_the_deadline(w,
		shell("echo before; sleep " WORD " & kill -STOP $!; kill -STOP $$"),
		"before\n");
}

static enum verdict one_that_reads_input_that_never_comes(struct world *w)
{
	struct sp_command command = shell("echo before; exec cat - " WORD);
	sp_autoclose int never = -1, held = -1;
	int ends[2];

	EXPECT(pipe(ends) == 0);
	never = ends[0];
	held = ends[1];
	command.stdin_fd = never;
	EXPECT(held >= 0);
	return is_gone_at_the_deadline(w, command, "before\n");
}

static enum verdict a_command_in_time_is_left_alone(struct world *w)
{
	struct sp_command command = shell("echo quick; exit 6");
	autoresult r = RESULT_INIT;

	command.timeout_ms = 30000;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(!r.outcome.timed_out);
	EXPECT(r.outcome.exit_code == 6);
	EXPECT(r.took_ms < 15000);
	return HOLDS;
}

static const struct behaviour list[] = {
	{"a command in time is left alone", 0, a_command_in_time_is_left_alone},
	{"at the deadline a command that waits is gone", 0, a_command_that_waits},
	{"at the deadline one that ignores signals is gone", 0,
		one_that_ignores_signals},
	{"at the deadline one that forks in the background is gone", 0,
		one_that_forks_in_the_background},
	{"at the deadline one that becomes a daemon is gone", 0,
		one_that_becomes_a_daemon},
	{"at the deadline one that closes its streams is gone", 0,
		one_that_closes_its_streams},
	{"at the deadline one that writes forever is gone", 0, one_that_writes_forever},
	{"at the deadline one that forks faster than it is listed is gone", 0,
		one_that_forks_faster_than_it_is_listed},
	{"at the deadline one that stops itself is gone", 0, one_that_stops_itself},
	{"at the deadline one that reads input that never comes is gone", SP_CAP_STDIN,
		one_that_reads_input_that_never_comes},
};

const struct behaviours deadline_behaviours = SP_BEHAVIOURS(list);
