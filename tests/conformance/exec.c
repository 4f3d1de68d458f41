/* SPDX-License-Identifier: Apache-2.0 */
/* One command: what it is given, and how it ended. */
#include <signal.h>
#include <stdio.h>

#include "tests/conformance/conformance.h"

static enum verdict stdout_and_stderr_stay_apart(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "echo out; echo err >&2; echo out2; echo err2 >&2", &r) ==
		0);
	EXPECT(is_text(&r.out, "out\nout2\n"));
	EXPECT(is_text(&r.err, "err\nerr2\n"));
	return HOLDS;
}

static enum verdict exit_codes_come_back(struct world *w)
{
	static const int codes[] = {0, 1, 2, 7, 63, 64, 99, 124, 125, 126, 127, 128,
		129, 137, 143, 200, 254, 255};
	char script[32];

	for (size_t i = 0; i < SP_COUNT(codes); i++) {
		autoresult r = RESULT_INIT;

		snprintf(script, sizeof(script), "exit %d", codes[i]);
		EXPECT(run_shell(w, script, &r) == 0);
		EXPECT(r.outcome.exit_code == codes[i]);
		EXPECT(r.outcome.signal == 0);
		EXPECT(!r.outcome.timed_out && !r.outcome.cancelled);
	}
	return HOLDS;
}

static enum verdict a_missing_program_is_127(struct world *w)
{
	static const char *const missing[] = {"no-such-program-here", NULL};
	static const char *const path[] = {"/usr/bin/no-such-program-here", NULL};
	autoresult r = RESULT_INIT;

	EXPECT(execute(w, shared(w), program(missing), &r) == 0);
	EXPECT(r.outcome.exit_code == 127);
	EXPECT(execute(w, shared(w), program(path), &r) == 0);
	EXPECT(r.outcome.exit_code == 127);
	EXPECT(is_text(&r.out, ""));
	return HOLDS;
}

static enum verdict what_cannot_be_executed_is_126(struct world *w)
{
	static const char *const plain_file[] = {"/tmp/not-executable", NULL};
	static const char *const folder[] = {"/tmp", NULL};
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "echo text >/tmp/not-executable", &r) == 0);
	EXPECT(execute(w, shared(w), program(plain_file), &r) == 0);
	EXPECT(r.outcome.exit_code == 126);
	EXPECT(execute(w, shared(w), program(folder), &r) == 0);
	EXPECT(r.outcome.exit_code == 126);
	return HOLDS;
}

static enum verdict a_signal_is_128_and_its_number(struct world *w)
{
	static const int signals[] = {SIGTERM, SIGKILL, SIGSEGV, SIGABRT, SIGUSR1};
	char script[32];

	for (size_t i = 0; i < SP_COUNT(signals); i++) {
		autoresult r = RESULT_INIT;

		snprintf(script, sizeof(script), "kill -%d $$", signals[i]);
		EXPECT(run_shell(w, script, &r) == 0);
		EXPECT(r.outcome.exit_code == 128 + signals[i]);
		EXPECT(r.outcome.signal == signals[i]);
	}
	return HOLDS;
}

static enum verdict arguments_arrive_as_they_are(struct world *w)
{
	static const char *const argv[] = {"printf", "[%s]", "two words", "",
		"'\"$HOME", "line\nline", "*", "\xff\xfe", "-n", NULL};
	autoresult r = RESULT_INIT;

	EXPECT(execute(w, shared(w), program(argv), &r) == 0);
	EXPECT(r.outcome.exit_code == 0);
	EXPECT(is_text(&r.out, "[two words][]['\"$HOME][line\nline][*][\xff\xfe][-n]"));
	return HOLDS;
}

static enum verdict environment_arrives_with_newlines_too(struct world *w)
{
	static const char *const env[] = {
		"PLAIN=yes", "EMPTY=", "LINES2=one\ntwo\n", "EQUALS=a=b", NULL};
	struct sp_command command = shell(
		"printf '%s|' \"$PLAIN\" \"${EMPTY-unset}\" \"$LINES2\" \"$EQUALS\"");
	autoresult r = RESULT_INIT;

	command.env = env;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(is_text(&r.out, "yes||one\ntwo\n|a=b|"));
	return HOLDS;
}

static enum verdict a_commands_environment_goes_before_the_sandboxs(struct world *w)
{
	static const char *const of_all[] = {"BOTH=sandbox", "FIRST=sandbox", NULL};
	static const char *const of_one[] = {"BOTH=command", NULL};
	const struct sp_sandbox_spec spec = {.env = of_all};
	struct sp_command command = shell("echo $BOTH $FIRST");
	autosandbox own = {0};
	autoresult r = RESULT_INIT;

	EXPECT(own_create(w, &spec, &own) == 0);
	command.env = of_one;
	EXPECT(execute(w, own.id, command, &r) == 0);
	EXPECT(is_text(&r.out, "command sandbox\n"));
	return HOLDS;
}

static enum verdict nothing_of_our_environment_goes_in(struct world *w)
{
	autoresult r = RESULT_INIT;

	setenv("SP_SECRET_OF_THE_CALLER", "s3cret", 1);
	EXPECT(run_shell(w, "env; cat /proc/self/environ /proc/1/environ 2>/dev/null",
		       &r) == 0);
	EXPECT(r.out.len > 0);
	EXPECT(!memmem(r.out.data, r.out.len, "s3cret", 6));
	return HOLDS;
}

static enum verdict the_working_directory_is_taken(struct world *w)
{
	const struct sp_sandbox_spec spec = {.workdir = "/tmp"};
	struct sp_command command = shell("pwd");
	autosandbox own = {0};
	autoresult r = RESULT_INIT;

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(execute(w, own.id, command, &r) == 0);
	command.workdir = "/usr";
	EXPECT(execute(w, own.id, command, &r) == 0);
	EXPECT(is_text(&r.out, "/tmp\n/usr\n"));
	return HOLDS;
}

static enum verdict the_default_working_directory_is_workspace(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "pwd && echo x >made-here && cat /workspace/made-here",
		       &r) == 0);
	EXPECT(is_text(&r.out, "/workspace\nx\n"));
	return HOLDS;
}

static enum verdict a_command_runs_as_the_user_asked_for(struct world *w)
{
	struct sp_command command = shell("id -u; id -g");
	autoresult r = RESULT_INIT;
	int rc;

	command.user = "1234:2345";
	rc = execute(w, shared(w), command, &r);
	if (rc == SP_ERR_UNSUPPORTED && w->ordinary_user)
		return skip_because(w, NULL, "an ordinary user has one id to give");
	EXPECT(rc == 0);
	EXPECT(is_text(&r.out, "1234\n2345\n"));
	return HOLDS;
}

static enum verdict standard_input_is_read_to_its_end(struct world *w)
{
	struct sp_command command = shell("cat; echo end");
	sp_autoclose int input = filled_fd("some\ninput\n", 11);
	autoresult r = RESULT_INIT;

	command.stdin_fd = input;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(is_text(&r.out, "some\ninput\nend\n"));
	return HOLDS;
}

static enum verdict standard_input_is_empty_when_not_given(struct world *w)
{
	autoresult r = RESULT_INIT;

	EXPECT(run_shell(w, "cat; echo end", &r) == 0);
	EXPECT(is_text(&r.out, "end\n"));
	return HOLDS;
}

/* Somebody's open terminal or pipe must not keep a command that never looks at it. */
static enum verdict input_that_never_ends_holds_nothing_up(struct world *w)
{
	struct sp_command command = shell("echo done");
	sp_autoclose int never = -1, held = -1;
	autoresult r = RESULT_INIT;
	int ends[2];

	EXPECT(pipe(ends) == 0);
	never = ends[0];
	held = ends[1];
	command.stdin_fd = never;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(is_text(&r.out, "done\n"));
	EXPECT(r.took_ms < 10000);
	EXPECT(held >= 0);
	return HOLDS;
}

static enum verdict input_nobody_reads_is_no_error(struct world *w)
{
	enum { LEN = 1 << 20 };
	struct sp_command command = shell("exit 4");
	sp_autofree char *data = noise(LEN);
	sp_autoclose int input = filled_fd(data, LEN);
	autoresult r = RESULT_INIT;

	command.stdin_fd = input;
	EXPECT(execute(w, shared(w), command, &r) == 0);
	EXPECT(r.outcome.exit_code == 4);
	return HOLDS;
}

static enum verdict the_caller_can_stop_a_command(struct world *w)
{
	struct sp_command command = shell("trap '' INT TERM; sleep 98752");
	autoresult r = RESULT_INIT;
	int ends[2];

	EXPECT(pipe(ends) == 0);
	EXPECT(write(ends[1], "x", 1) == 1);
	command.cancel_fd = ends[0];
	EXPECT(execute(w, shared(w), command, &r) == 0);
	close(ends[0]);
	close(ends[1]);
	EXPECT(r.outcome.cancelled);
	EXPECT(!r.outcome.timed_out);
	EXPECT(r.took_ms < 10000);
	EXPECT(count_processes(w, shared(w), "98752") == 0);
	return HOLDS;
}

static const struct behaviour list[] = {
	{"stdout and stderr stay apart", SP_CAP_SEPARATE_STDERR,
		stdout_and_stderr_stay_apart},
	{"exit codes come back", 0, exit_codes_come_back},
	{"a missing program is 127", 0, a_missing_program_is_127},
	{"what cannot be executed is 126", 0, what_cannot_be_executed_is_126},
	{"a signal is 128 and its number", 0, a_signal_is_128_and_its_number},
	{"arguments arrive as they are", 0, arguments_arrive_as_they_are},
	{"environment arrives, with newlines too", 0,
		environment_arrives_with_newlines_too},
	{"a command's environment goes before the sandbox's", 0,
		a_commands_environment_goes_before_the_sandboxs},
	{"nothing of our environment goes in", 0, nothing_of_our_environment_goes_in},
	{"the working directory is taken", 0, the_working_directory_is_taken},
	{"the default working directory is /workspace", 0,
		the_default_working_directory_is_workspace},
	{"a command runs as the user asked for", SP_CAP_USER,
		a_command_runs_as_the_user_asked_for},
	{"standard input is read to its end", SP_CAP_STDIN,
		standard_input_is_read_to_its_end},
	{"standard input is empty when not given", 0,
		standard_input_is_empty_when_not_given},
	{"input that never ends holds nothing up", SP_CAP_STDIN,
		input_that_never_ends_holds_nothing_up},
	{"input nobody reads is no error", SP_CAP_STDIN,
		input_nobody_reads_is_no_error},
	{"the caller can stop a command", 0, the_caller_can_stop_a_command},
};

const struct behaviours exec_behaviours = SP_BEHAVIOURS(list);
