/* SPDX-License-Identifier: Apache-2.0 */
/* Commands on a terminal: what they see of it, what is typed, what comes back. */
#include <signal.h>
#include <stdio.h>

#include "tests/conformance/conformance.h"

/* Somebody at the keyboard: once the word shows, these bytes are typed, or this size set. */
struct typist {
	struct result r;
	const char *word;
	const char *keys;
	int keys_fd, size_fd;
	struct sp_window size;
	bool has_typed;
};

static int look_and_type(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct typist *t = ctx;

	sp_buf_add(stream == SP_STDOUT ? &t->r.out : &t->r.err, data, len);
	if (t->has_typed || !strstr(sp_buf_str(&t->r.out), t->word))
		return 0;
	t->has_typed = true;
	if (t->keys && write(t->keys_fd, t->keys, strlen(t->keys)) < 0)
		return SP_ERR_SYSTEM;
	if (t->size.rows && write(t->size_fd, &t->size, sizeof(t->size)) < 0)
		return SP_ERR_SYSTEM;
	return 0;
}

static struct sp_command on_terminal(const char *script)
{
	struct sp_command command = shell(script);

	command.tty = true;
	command.window = (struct sp_window){24, 80};
	return command;
}

/* With the typist at it; input stays open until the command has ended. */
static int execute_with(struct world *w, struct sp_command command, struct typist *t)
{
	int keys[2], sizes[2], rc;

	t->r = (struct result)RESULT_INIT;
	if (pipe(keys) < 0 || pipe(sizes) < 0)
		return SP_ERR_SYSTEM;
	t->keys_fd = keys[1];
	t->size_fd = sizes[1];
	command.stdin_fd = keys[0];
	command.has_resize = true;
	command.resize_fd = sizes[0];
	command.on_output = look_and_type;
	command.on_output_ctx = t;
	rc = execute(w, shared(w), command, &t->r);
	for (int i = 0; i < 2; i++) {
		close(keys[i]);
		close(sizes[i]);
	}
	return rc;
}

static void typist_clear(struct typist *t)
{
	result_clear(&t->r);
}

static enum verdict it_is_a_terminal_of_the_size_asked_for(struct world *w)
{
	struct sp_command command = on_terminal(
		"test -t 0 && test -t 1 && test -t 2 && stty size && "
		"echo line >/dev/tty && tty | grep -c ^/dev/pts/");
	autoresult r = RESULT_INIT;

	command.window = (struct sp_window){.rows = 33, .columns = 177};
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(is_text(&r.out, "33 177\r\nline\r\n1\r\n"));
	return HOLDS;
}

static enum verdict a_command_of_a_run_has_one_too(struct world *w)
{
	char id[SP_SANDBOX_ID_MAX];
	autoresult r = RESULT_INIT;

	EXPECT(run_once(w, on_terminal("stty size; exit 7"), id, &r) == 0);
	EXPECT(is_text(&r.out, "24 80\r\n"));
	EXPECT(r.outcome.exit_code == 7);
	return HOLDS;
}

static enum verdict both_streams_are_one(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(execute(w, shared(w), on_terminal("echo a; echo b >&2; echo c"), &r) ==
		0);
	EXPECT(is_text(&r.out, "a\r\nb\r\nc\r\n"));
	EXPECT(is_text(&r.err, ""));
	return HOLDS;
}

static enum verdict a_megabyte_comes_back_whole(struct world *w)
{
	enum { LEN = 1 << 20 };
	autoresult r = RESULT_INIT;

	EXPECT(execute(w, shared(w),
		       on_terminal("head -c 1048576 /dev/zero | tr '\\0' x"), &r) == 0);
	EXPECT(r.out.len == LEN);
	for (size_t i = 0; i < LEN; i++)
		EXPECT(r.out.data[i] == 'x');
	return HOLDS;
}

static enum verdict the_end_of_input_ends_who_reads_it(struct world *w)
{
	struct sp_command command = on_terminal("stty -echo; cat; echo; echo end");
	sp_autoclose int whole = filled_fd("one\n", 4);
	sp_autoclose int half = filled_fd("one\ntwo", 7);
	autoresult r = RESULT_INIT, q = RESULT_INIT, none = RESULT_INIT;

	command.stdin_fd = whole;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(strstr(sp_buf_str(&r.out), "one\r\n\r\nend\r\n") != NULL);
	command.stdin_fd = half;
	EXPECT(execute(w, shared(w), command, &q) == 0);
	EXPECT(strstr(sp_buf_str(&q.out), "one\r\ntwo\r\nend\r\n") != NULL);
	command.stdin_fd = -1;
	EXPECT(execute(w, shared(w), command, &none) == 0);
	EXPECT(strstr(sp_buf_str(&none.out), "end\r\n") != NULL);
	EXPECT(r.took_ms < 10000 && q.took_ms < 10000 && none.took_ms < 10000);
	return HOLDS;
}

static enum verdict a_typed_interrupt_is_a_signal(struct world *w)
{
	SP_AUTO(typist_clear)
	struct typist t = {.word = "ready", .keys = "\x03"};

	EXPECT(execute_with(w,
		       on_terminal("trap 'echo interrupted; exit 9' INT; echo ready; "
				   "sleep 60 & wait"),
		       &t) == 0);
	EXPECT(t.r.outcome.exit_code == 9);
	EXPECT(strstr(sp_buf_str(&t.r.out), "interrupted") != NULL);
	return HOLDS;
}

static enum verdict it_can_hide_what_is_typed(struct world *w)
{
	SP_AUTO(typist_clear)
	struct typist t = {.word = "word:", .keys = "secret\n"};

	EXPECT(execute_with(w,
		       on_terminal("stty -echo; echo word:; read -r x; stty echo; "
				   "test \"$x\" = secret && echo right"),
		       &t) == 0);
	EXPECT(is_text(&t.r.out, "word:\r\nright\r\n"));
	return HOLDS;
}

static enum verdict a_new_size_is_told(struct world *w)
{
	SP_AUTO(typist_clear)
	struct typist t = {.word = "ready", .size = {.rows = 50, .columns = 132}};

	EXPECT(execute_with(w,
		       on_terminal("trap 'stty size; exit 0' WINCH; echo ready; "
				   "sleep 60 & wait"),
		       &t) == 0);
	EXPECT(is_text(&t.r.out, "ready\r\n50 132\r\n"));
	return HOLDS;
}

static enum verdict its_deadline_is_kept(struct world *w)
{
	struct sp_command command = on_terminal("trap '' HUP TERM; sleep 98763");
	autoresult r = RESULT_INIT;

	command.timeout_ms = 300;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(r.outcome.timed_out);
	EXPECT(r.took_ms < 10000);
	EXPECT(count_processes(w, shared(w), "98763") == 0);
	return HOLDS;
}

static const struct behaviour list[] = {
	{"a terminal is one, of the size asked for", SP_CAP_TTY,
		it_is_a_terminal_of_the_size_asked_for},
	{"a terminal is there for the command of a run, too", SP_CAP_TTY,
		a_command_of_a_run_has_one_too},
	{"a terminal makes one stream of both", SP_CAP_TTY, both_streams_are_one},
	{"a terminal loses nothing of a megabyte", SP_CAP_TTY,
		a_megabyte_comes_back_whole},
	{"a terminal tells a reader the end of input", SP_CAP_TTY,
		the_end_of_input_ends_who_reads_it},
	{"a terminal makes a signal of a typed interrupt", SP_CAP_TTY,
		a_typed_interrupt_is_a_signal},
	{"a terminal can hide what is typed", SP_CAP_TTY, it_can_hide_what_is_typed},
	{"a terminal is told its new size", SP_CAP_TTY, a_new_size_is_told},
	{"a terminal does not keep a command past its deadline", SP_CAP_TTY,
		its_deadline_is_kept},
};

const struct behaviours terminal_behaviours = SP_BEHAVIOURS(list);
