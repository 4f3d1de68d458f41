/* SPDX-License-Identifier: Apache-2.0 */
/* Processes in the background: found, followed, fed and ended by whoever knows the number. */
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>

#include "tests/conformance/conformance.h"

#define WAIT_MS 30000

static const struct sp_sandbox_spec plain = {.image = NULL};

static int start(
	struct world *w, const char *id, struct sp_command command, uint32_t *number)
{
	if (command.keep_bytes == 0)
		command.keep_bytes = 1 << 20;
	w->err = (struct sp_error){0};
	return sp_provider_start(w->p, id, &command, number, &w->err);
}

static int take(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct result *r = ctx;

	sp_buf_add(stream == SP_STDOUT ? &r->out : &r->err, data, len);
	return 0;
}

static int logs(
	struct world *w, const char *id, uint32_t number, bool follow, struct result *r)
{
	const struct sp_logs l = {.follow = follow,
		.cancel_fd = -1,
		.on_output = take,
		.on_output_ctx = r};

	return sp_provider_logs(w->p, id, number, &l, &w->err);
}

static int wait_end(
	struct world *w, const char *id, uint32_t number, struct sp_process_info *info)
{
	int rc = sp_provider_wait(w->p, id, number, WAIT_MS, info, &w->err);

	sp_process_info_clear(&(struct sp_process_info){.command = info->command});
	info->command = NULL;
	return rc;
}

static int attach(struct world *w, const char *id, uint32_t number, int stdin_fd,
	int cancel_fd, sp_output_fn *fn, struct result *r)
{
	const struct sp_command command = {.stdin_fd = stdin_fd,
		.cancel_fd = cancel_fd,
		.on_output = fn,
		.on_output_ctx = r};

	w->err = (struct sp_error){0};
	return sp_provider_attach(w->p, id, number, &command, &r->outcome, &w->err);
}

static enum verdict they_count_from_one_and_are_listed(struct world *w)
{
	SP_AUTO(sp_process_list_clear) struct sp_process_list list = {0};
	autosandbox own = {0};
	uint32_t first = 0, second = 0;
	struct sp_process_info info = {0};

	EXPECT(own_create(w, &plain, &own) == 0);
	EXPECT(sp_provider_processes(w->p, own.id, &list, &w->err) == 0);
	EXPECT(list.count == 0);
	EXPECT(start(w, own.id, shell("exit 5"), &first) == 0);
	EXPECT(start(w, own.id, shell("sleep 100"), &second) == 0);
	EXPECT(first == 1 && second == 2);
	EXPECT(wait_end(w, own.id, first, &info) == 0);
	EXPECT(info.exit_code == 5 && !info.is_running && info.ended_ms > 0);
	EXPECT(sp_provider_processes(w->p, own.id, &list, &w->err) == 0);
	EXPECT(list.count == 2);
	EXPECT(list.items[0].number == 1 && !list.items[0].is_running);
	EXPECT(list.items[0].exit_code == 5);
	EXPECT(list.items[1].number == 2 && list.items[1].is_running);
	EXPECT(strcmp(list.items[1].command, "sh -c 'sleep 100'") == 0);
	EXPECT(list.items[1].started_ms > 0 && list.items[1].ended_ms == 0);
	return HOLDS;
}

static enum verdict another_client_finds_them(struct world *w)
{
	struct sp_provider *other = NULL;
	struct sp_process_info info = {0};
	uint32_t number = 0;
	int rc;

	EXPECT(start(w, shared(w), shell("read -r x </dev/null; exit 6"), &number) ==
		0);
	EXPECT(w->driver->open(&w->cfg, &other, &w->err) == 0);
	rc = sp_provider_wait(other, w->shared, number, WAIT_MS, &info, &w->err);
	sp_provider_close(other);
	EXPECT(rc == 0);
	EXPECT(info.exit_code == 6);
	sp_process_info_clear(&info);
	return HOLDS;
}

static enum verdict output_is_kept_for_later(struct world *w)
{
	autoresult r = RESULT_INIT, again = RESULT_INIT;
	struct sp_process_info info = {0};
	uint32_t number = 0;

	EXPECT(start(w, shared(w), shell("echo out; echo err >&2; echo out2"),
		       &number) == 0);
	EXPECT(wait_end(w, w->shared, number, &info) == 0);
	EXPECT(logs(w, w->shared, number, false, &r) == 0);
	EXPECT(is_text(&r.out, "out\nout2\n"));
	EXPECT(is_text(&r.err, "err\n"));
	EXPECT(logs(w, w->shared, number, true, &again) == 0);
	EXPECT(is_text(&again.out, "out\nout2\n"));
	return HOLDS;
}

static enum verdict the_tail_of_it_can_be_asked_for(struct world *w)
{
	autoresult r = RESULT_INIT;
	struct sp_logs l = {.has_tail = true,
		.tail_bytes = 7,
		.cancel_fd = -1,
		.on_output = take,
		.on_output_ctx = &r};
	struct sp_process_info info = {0};
	uint32_t number = 0;

	EXPECT(start(w, shared(w), shell("echo one; echo two; echo three"), &number) ==
		0);
	EXPECT(wait_end(w, w->shared, number, &info) == 0);
	EXPECT(sp_provider_logs(w->p, w->shared, number, &l, &w->err) == 0);
	EXPECT(is_text(&r.out, "\nthree\n"));
	return HOLDS;
}

/* Each in a process of its own, and one that does not read for as long as it takes. */
static enum verdict several_follow_it_to_its_end(struct world *w)
{
	enum { FOLLOWERS = 3 };
	pid_t pids[FOLLOWERS];
	struct sp_process_info info = {0};
	uint32_t number = 0;
	int status;

	EXPECT(start(w, shared(w),
		       shell("until [ -e /tmp/go ]; do sleep 0.05; done; "
			     "seq 20000; rm /tmp/go"),
		       &number) == 0);
	for (int i = 0; i < FOLLOWERS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			autoresult r = RESULT_INIT;
			bool ok = logs(w, w->shared, number, true, &r) == 0 &&
				r.out.len == 108894 &&
				!memcmp(r.out.data + r.out.len - 6, "20000\n", 6);

			_exit(!ok);
		}
	}
	{
		autoresult r = RESULT_INIT;

		EXPECT(run_shell(w, ": >/tmp/go", &r) == 0);
	}
	EXPECT(wait_end(w, w->shared, number, &info) == 0);
	EXPECT(info.exit_code == 0);
	for (int i = 0; i < FOLLOWERS; i++) {
		EXPECT(waitpid(pids[i], &status, 0) == pids[i]);
		EXPECT(status == 0);
	}
	return HOLDS;
}

static enum verdict output_above_the_limit_is_dropped_and_said(struct world *w)
{
	struct sp_command command = shell("head -c 3000000 /dev/zero; exit 3");
	autoresult r = RESULT_INIT;
	struct sp_process_info info = {0};
	uint32_t number = 0;

	command.keep_bytes = 100000;
	EXPECT(start(w, shared(w), command, &number) == 0);
	EXPECT(wait_end(w, w->shared, number, &info) == 0);
	EXPECT(info.exit_code == 3);
	EXPECT(info.output_truncated);
	EXPECT(logs(w, w->shared, number, false, &r) == 0);
	EXPECT(r.out.len == 100000);
	return HOLDS;
}

static enum verdict a_signal_goes_to_the_process_itself(struct world *w)
{
	autoresult r = RESULT_INIT;
	struct sp_process_info info = {0};
	uint32_t number = 0;

	EXPECT(start(w, shared(w),
		       shell("trap 'echo got it; exit 4' USR1; : >/tmp/ready; "
			     "sleep 100 & wait"),
		       &number) == 0);
	EXPECT(run_shell(w,
		       "until [ -e /tmp/ready ]; do sleep 0.05; done; "
		       "rm /tmp/ready",
		       &r) == 0);
	EXPECT(sp_provider_signal(w->p, w->shared, number, SIGUSR1, &w->err) == 0);
	EXPECT(wait_end(w, w->shared, number, &info) == 0);
	EXPECT(info.exit_code == 4);
	EXPECT(sp_provider_signal(w->p, w->shared, number, SIGUSR1, &w->err) ==
		SP_ERR_NOT_FOUND);
	return HOLDS;
}

static enum verdict a_kill_ends_its_whole_tree(struct world *w)
{
	struct sp_process_info info = {0};
	uint32_t number = 0;

	EXPECT(start(w, shared(w),
		       shell("trap '' TERM HUP; (setsid sleep 98761 &) ; sleep 98761"),
		       &number) == 0);
	EXPECT(sp_provider_signal(w->p, w->shared, number, SIGKILL, &w->err) == 0);
	EXPECT(wait_end(w, w->shared, number, &info) == 0);
	EXPECT(info.signal == SIGKILL && info.exit_code == 137);
	EXPECT(count_processes(w, w->shared, "98761") == 0);
	return HOLDS;
}

static enum verdict its_deadline_is_kept(struct world *w)
{
	struct sp_command command = shell("trap '' TERM; sleep 98762 & sleep 98762");
	struct sp_process_info info = {0};
	uint32_t number = 0;

	command.timeout_ms = 300;
	EXPECT(start(w, shared(w), command, &number) == 0);
	EXPECT(wait_end(w, w->shared, number, &info) == 0);
	EXPECT(info.timed_out);
	EXPECT(count_processes(w, w->shared, "98762") == 0);
	return HOLDS;
}

static enum verdict waiting_has_a_limit(struct world *w)
{
	struct sp_process_info info = {0};
	uint32_t number = 0;

	EXPECT(start(w, shared(w), shell("sleep 100"), &number) == 0);
	EXPECT(sp_provider_wait(w->p, w->shared, number, 50, &info, &w->err) ==
		SP_ERR_TIMEOUT);
	EXPECT(sp_provider_signal(w->p, w->shared, number, SIGKILL, &w->err) == 0);
	return HOLDS;
}

static enum verdict input_is_empty_unless_asked_for(struct world *w)
{
	sp_autoclose int input = filled_fd("x", 1);
	autoresult r = RESULT_INIT;
	struct sp_process_info info = {0};
	uint32_t number = 0;

	EXPECT(start(w, shared(w), shell("cat; exit 8"), &number) == 0);
	EXPECT(wait_end(w, w->shared, number, &info) == 0);
	EXPECT(info.exit_code == 8);
	EXPECT(start(w, w->shared, shell("sleep 100"), &number) == 0);
	EXPECT(attach(w, w->shared, number, input, -1, take, &r) == SP_ERR_UNSUPPORTED);
	EXPECT(sp_provider_signal(w->p, w->shared, number, SIGKILL, &w->err) == 0);
	return HOLDS;
}

static enum verdict who_attaches_feeds_it_to_the_end(struct world *w)
{
	enum { LEN = 1 << 20 };
	struct sp_command command = shell("cksum; exit 5");
	sp_autofree char *data = noise(LEN);
	sp_autoclose int input = filled_fd(data, LEN);
	autoresult r = RESULT_INIT, direct = RESULT_INIT;
	uint32_t number = 0;

	command.stdin_fd = STDIN_FILENO; /* not read: it says that input will come */
	EXPECT(start(w, shared(w), command, &number) == 0);
	EXPECT(attach(w, w->shared, number, input, -1, take, &r) == 0);
	EXPECT(r.outcome.exit_code == 5 && !r.outcome.cancelled);
	command = shell("cksum");
	EXPECT(lseek(input, 0, SEEK_SET) == 0);
	command.stdin_fd = input;
	EXPECT(execute(w, w->shared, command, &direct) == 0);
	EXPECT(is_text(&r.out, sp_buf_str(&direct.out)));
	return HOLDS;
}

/* Leaves as soon as there is something to see. */
struct leaver {
	struct result r;
	int cancel[2];
};

static int take_and_leave(
	void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct leaver *l = ctx;

	sp_buf_add(stream == SP_STDOUT ? &l->r.out : &l->r.err, data, len);
	return write(l->cancel[1], "x", 1) == 1 ? 0 : SP_ERR_SYSTEM;
}

static enum verdict one_leaves_it_and_comes_back(struct world *w)
{
	struct sp_command command = shell(
		"while read -r x; do echo \"<$x>\"; done; echo end; exit 3");
	struct leaver l = {.r = RESULT_INIT};
	sp_autoclose int second = filled_fd("two\n", 4);
	autoresult r = RESULT_INIT;
	uint32_t number = 0;
	int first[2], rc;

	command.stdin_fd = STDIN_FILENO;
	EXPECT(start(w, shared(w), command, &number) == 0);
	EXPECT(pipe(l.cancel) == 0 && pipe(first) == 0);
	EXPECT(write(first[1], "one\n", 4) == 4);
	rc = attach(w, w->shared, number, first[0], l.cancel[0], take_and_leave, &l.r);
	for (int i = 0; i < 2; i++) {
		close(l.cancel[i]);
		close(first[i]);
	}
	EXPECT(rc == 0);
	EXPECT(l.r.outcome.cancelled);
	EXPECT(is_text(&l.r.out, "<one>\n"));
	result_clear(&l.r);
	EXPECT(attach(w, w->shared, number, second, -1, take, &r) == 0);
	EXPECT(r.outcome.exit_code == 3);
	EXPECT(is_text(&r.out, "<two>\nend\n"));
	return HOLDS;
}

static enum verdict it_may_have_a_terminal(struct world *w)
{
	struct sp_command command = shell(
		"stty -echo; read -r x; stty size; echo \"<$x>\"");
	sp_autoclose int input = filled_fd("typed\n", 6);
	autoresult r = RESULT_INIT, all = RESULT_INIT;
	uint32_t number = 0;

	command.tty = true;
	command.window = (struct sp_window){.rows = 10, .columns = 20};
	EXPECT(start(w, shared(w), command, &number) == 0);
	EXPECT(attach(w, w->shared, number, input, -1, take, &r) == 0);
	EXPECT(logs(w, w->shared, number, false, &all) == 0);
	EXPECT(strstr(sp_buf_str(&all.out), "10 20\r\n<typed>\r\n") != NULL);
	return HOLDS;
}

static enum verdict what_cannot_start_has_no_number(struct world *w)
{
	SP_AUTO(sp_process_list_clear) struct sp_process_list list = {0};
	struct sp_command command = shell("true");
	autosandbox own = {0};
	uint32_t number = 0;

	EXPECT(own_create(w, &plain, &own) == 0);
	command.workdir = "/no/such/folder";
	EXPECT(start(w, own.id, command, &number) < 0);
	EXPECT(strstr(w->err.msg, "/no/such/folder") != NULL);
	EXPECT(sp_provider_processes(w->p, own.id, &list, &w->err) == 0);
	EXPECT(list.count == 0);
	EXPECT(start(w, own.id, shell("true"), &number) == 0);
	EXPECT(number == 1);
	return HOLDS;
}

static enum verdict a_number_nobody_has_is_not_found(struct world *w)
{
	struct sp_process_info info = {0};
	autoresult r = RESULT_INIT;
	const char *id = shared(w);

	EXPECT(id != NULL);
	EXPECT(logs(w, id, 9999, false, &r) == SP_ERR_NOT_FOUND);
	EXPECT(sp_provider_wait(w->p, id, 9999, 0, &info, &w->err) == SP_ERR_NOT_FOUND);
	EXPECT(sp_provider_signal(w->p, id, 9999, 9, &w->err) == SP_ERR_NOT_FOUND);
	EXPECT(attach(w, id, 9999, -1, -1, take, &r) == SP_ERR_NOT_FOUND);
	return HOLDS;
}

#define NEEDS SP_CAP_BACKGROUND

static const struct behaviour list[] = {
	{"background processes count from one and are listed", NEEDS,
		they_count_from_one_and_are_listed},
	{"background processes are found by another client", NEEDS,
		another_client_finds_them},
	{"background output is kept for later", NEEDS, output_is_kept_for_later},
	{"background output: its tail can be asked for", NEEDS,
		the_tail_of_it_can_be_asked_for},
	{"background output is followed by several to its end", NEEDS,
		several_follow_it_to_its_end},
	{"background output above the limit is dropped, and that is said", NEEDS,
		output_above_the_limit_is_dropped_and_said},
	{"background signals go to the process itself", NEEDS,
		a_signal_goes_to_the_process_itself},
	{"background kill ends a whole tree", NEEDS, a_kill_ends_its_whole_tree},
	{"background deadlines are kept", NEEDS, its_deadline_is_kept},
	{"background waiting has a limit", NEEDS, waiting_has_a_limit},
	{"background input is empty unless asked for", NEEDS,
		input_is_empty_unless_asked_for},
	{"background input comes from who attaches, to its end", NEEDS | SP_CAP_STDIN,
		who_attaches_feeds_it_to_the_end},
	{"background processes can be left and come back to", NEEDS | SP_CAP_STDIN,
		one_leaves_it_and_comes_back},
	{"background processes may have a terminal", NEEDS | SP_CAP_TTY,
		it_may_have_a_terminal},
	{"background processes that cannot start have no number", NEEDS,
		what_cannot_start_has_no_number},
	{"background numbers nobody has are not found", NEEDS,
		a_number_nobody_has_is_not_found},
};

const struct behaviours background_behaviours = SP_BEHAVIOURS(list);
