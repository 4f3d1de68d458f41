/* SPDX-License-Identifier: Apache-2.0 */
/* logs and attach: the output of a process in the background, and its input. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/relay.h"
#include "cli/signals.h"
#include "cli/terminal.h"

#define TAIL_MAX        1000000
#define CAPTURE_DEFAULT ((uint64_t)64 << 20)

/* Where our output ended; also by what ended us. */
static int end_of_output(struct relay *relay, int rc, struct sp_error *err)
{
	const enum relay_end end = relay->end;
	const int failed_errno = relay->failed_errno;
	const int sig = cli_signals_caught();

	terminal_restore();
	if (end == RELAY_READER_GONE)
		cli_signals_die(SIGPIPE);
	if (sig && sig != SIGQUIT)
		cli_signals_die(sig);
	if (end != RELAY_FAILED)
		return rc;
	errno = failed_errno;
	return sp_fail_errno(err, "write the output of the process");
}

/* The last newlines of all output, by how many bytes came before them. */
struct lines {
	uint64_t *ends; /* a ring of room */
	uint64_t count, bytes;
	uint32_t room;
};

static int note_lines(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct lines *l = ctx;

	(void)stream;
	for (size_t i = 0; i < len; i++) {
		l->bytes++;
		if (data[i] == '\n')
			l->ends[l->count++ % l->room] = l->bytes;
	}
	return 0;
}

/* How many bytes the last n lines are; a last one without its end counts, too. */
static int tail_bytes(struct sp_client *client, const char *handle, uint32_t number,
	uint32_t n, uint64_t *bytes, struct sp_error *err)
{
	struct lines l = {.room = n + 1};
	const struct sp_logs_opts opts = {.on_output = note_lines, .on_output_ctx = &l};
	uint64_t last;
	int rc;

	l.ends = calloc(l.room, sizeof(*l.ends));
	if (!l.ends)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	rc = sp_process_logs(client, handle, number, &opts, err);
	if (rc == 0) {
		/* The newline that stands before the first of them. */
		last = l.count && l.ends[(l.count - 1) % l.room] == l.bytes ? n : n - 1;
		*bytes = l.count > last
			? l.bytes - l.ends[(l.count - 1 - last) % l.room]
			: l.bytes;
	}
	free(l.ends);
	return rc;
}

/* For --json: both streams as they came. */
struct kept {
	struct sp_buf out, errors;
};

static void kept_clear(struct kept *k)
{
	sp_buf_clear(&k->out);
	sp_buf_clear(&k->errors);
}

static int keep(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct kept *k = ctx;
	struct sp_buf *b = stream == SP_STDERR ? &k->errors : &k->out;

	sp_buf_add(b, data, len);
	return sp_buf_ok(b, NULL);
}

static int print_kept(uint32_t number, struct kept *k, struct sp_error *err)
{
	const struct sp_bytes out = {.data = k->out.data, .len = k->out.len};
	const struct sp_bytes errors = {.data = k->errors.data, .len = k->errors.len};
	struct json_object *doc = json_object_new_object();
	bool failed = !doc;

	sp_json_put_int(doc, "process", number, &failed);
	cli_json_bytes(doc, "stdout", &out, &failed);
	cli_json_bytes(doc, "stderr", &errors, &failed);
	if (!failed)
		return out_json(doc, err);
	json_object_put(doc);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

int cmd_logs(struct cli_args *args, struct sp_error *err)
{
	SP_AUTO(kept_clear)
	struct kept kept = {.out = SP_BUF_INIT(4 * CAPTURE_DEFAULT),
		.errors = SP_BUF_INIT(4 * CAPTURE_DEFAULT)};
	SP_AUTO(relay_clear) struct relay relay;
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	struct sp_logs_opts opts = {.follow = args->follow, .has_cancel = true};
	uint32_t number = 0;
	int rc;

	opts.cancel_fd = cli_signals_init(err);
	if (opts.cancel_fd < 0)
		return opts.cancel_fd;
	relay_init(&relay, opts.cancel_fd, 0);
	opts.on_output = args->json ? keep : relay_output;
	opts.on_output_ctx = args->json ? (void *)&kept : (void *)&relay;
	rc = cli_process_words(args, &number, err);
	if (rc == 0 && args->tail > TAIL_MAX)
		rc = sp_fail(err, SP_ERR_INVALID, "--tail is more than %d", TAIL_MAX);
	if (rc == 0)
		rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0 && args->tail) {
		opts.has_tail = true;
		rc = tail_bytes(client, args->words[0], number, args->tail,
			&opts.tail_bytes, err);
	}
	if (rc == 0)
		rc = sp_process_logs(client, args->words[0], number, &opts, err);
	rc = end_of_output(&relay, rc, err);
	return rc == 0 && args->json ? print_kept(number, &kept, err) : rc;
}

/* --- attach ---------------------------------------------------------------------------- */

/* A pipe or a file is meant for the process; a terminal only for one that has its own. */
static bool passes_stdin(const struct cli_args *args, bool tty)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0)
		return false;
	return args->interactive || !S_ISCHR(st.st_mode) ||
		(tty && isatty(STDIN_FILENO));
}

static int find_process(struct sp_client *client, const char *handle, uint32_t number,
	bool *tty, struct sp_error *err)
{
	SP_AUTO(sp_process_list_clear) struct sp_process_list list = {0};
	int rc = sp_process_list(client, handle, &list, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < list.count; i++) {
		if (list.items[i].number != number)
			continue;
		*tty = list.items[i].tty;
		return 0;
	}
	return sp_fail(err, SP_ERR_NOT_FOUND, "there is no process %u in %.128s",
		number, handle);
}

static int attach_to(struct cli_args *args, struct sp_client *client, uint32_t number,
	struct sp_exec_opts *opts, struct terminal *terminal,
	struct sp_exec_result *result, struct sp_error *err)
{
	bool tty = false;
	int rc = find_process(client, args->words[0], number, &tty, err);

	if (rc < 0)
		return rc;
	opts->has_stdin = passes_stdin(args, tty);
	if (tty && opts->has_stdin && isatty(STDIN_FILENO)) {
		cli_signals_add(SIGQUIT);
		rc = terminal_open(terminal, opts, err);
		if (rc == 0)
			rc = terminal_raw(true, err);
		/* What is drawn there was drawn for another size. */
		if (rc == 0)
			(void)raise(SIGWINCH);
	}
	if (rc == 0)
		rc = sp_process_attach(
			client, args->words[0], number, opts, result, err);
	terminal_restore();
	return rc;
}

int cmd_attach(struct cli_args *args, struct sp_error *err)
{
	SP_AUTO(sp_exec_result_clear) struct sp_exec_result result = {0};
	SP_AUTO(terminal_clear) struct terminal terminal = {.is_open = false};
	SP_AUTO(relay_clear) struct relay relay;
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	struct sp_exec_opts opts = {.stdin_fd = STDIN_FILENO, .has_cancel = true};
	uint32_t number = 0;
	int rc;

	opts.cancel_fd = cli_signals_init(err);
	if (opts.cancel_fd < 0)
		return opts.cancel_fd;
	relay_init(&relay, opts.cancel_fd, 0);
	opts.on_output = args->json ? NULL : relay_output;
	opts.on_output_ctx = &relay;
	rc = cli_process_words(args, &number, err);
	if (rc == 0)
		rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = attach_to(args, client, number, &opts, &terminal, &result, err);
	rc = end_of_output(&relay, rc, err);
	if (rc < 0)
		return rc;
	if (result.cancelled) {
		if (!args->quiet)
			out_say(args, "detached from process %u", number);
		return 0;
	}
	if (args->json) {
		struct json_object *doc = cli_result_json(&result);

		rc = doc ? out_json(doc, err)
			 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	return rc < 0 ? rc : result.timed_out ? CLI_EXIT_TIMEOUT : result.exit_code;
}
