/* SPDX-License-Identifier: Apache-2.0 */
/* run, exec and create. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/json.h"
#include "cli/command.h"
#include "cli/relay.h"
#include "cli/signals.h"
#include "cli/terminal.h"

#define CODE_MAX_BYTES ((size_t)16 << 20)

/* Everything one command line wants to have run, and what came of it. */
struct job {
	struct cli_args *args;
	const char *const *words; /* the command's own */
	struct cli_spec spec;
	struct sp_exec_opts opts;
	struct sp_exec_result result;
	struct sp_client *client;
	struct relay relay;
	struct terminal terminal;
	struct sp_strv env; /* of the command, where it has more than the options say */
	struct progress progress;
	struct sp_timeline timeline;
	struct sp_buf code;
	struct sp_program program; /* with text: run this instead of a command */
	const char *shell[4];
};

static void job_clear(struct job *job)
{
	sp_exec_result_clear(&job->result);
	sp_client_close(job->client);
	cli_spec_clear(&job->spec);
	sp_buf_clear(&job->code);
	terminal_clear(&job->terminal);
	relay_clear(&job->relay);
	sp_strv_clear(&job->env);
	progress_end(&job->progress);
}

/*
 * A pipe or a file is meant for the command; a terminal is the user's own, unless lent.
 * Standard input that is closed, or nothing at all, need not be passed.
 */
static bool passes_stdin(const struct cli_args *args)
{
	struct stat st;

	if (fstat(STDIN_FILENO, &st) < 0)
		return false;
	if (args->interactive || args->tty || !S_ISCHR(st.st_mode))
		return true;
	return st.st_rdev != makedev(1, 3) && !isatty(STDIN_FILENO);
}

static int read_code(struct job *job, struct sp_error *err)
{
	const char *path = job->args->file ? job->args->file : "-";
	const bool is_stdin = strcmp(path, "-") == 0;
	sp_autoclose int fd = -1;
	int rc;

	if (!is_stdin) {
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return sp_fail_errno(err, "open %s", path);
	}
	rc = sp_buf_read_fd(&job->code, is_stdin ? STDIN_FILENO : fd, err);
	if (rc < 0)
		return sp_wrap(err, rc, "read %s", is_stdin ? "standard input" : path);
	job->program = (struct sp_program){
		.language = job->args->lang,
		.name = is_stdin ? NULL : path,
		.text = sp_buf_str(&job->code),
		.len = job->code.len,
		.args = job->words,
	};
	if (is_stdin)
		job->opts.has_stdin = false;
	return 0;
}

static const char *const *job_argv(struct job *job)
{
	const bool is_shell = job->words[0] && !job->words[1] && !job->args->is_argv;

	if (!is_shell)
		return job->words;
	job->shell[0] = "sh";
	job->shell[1] = "-c";
	job->shell[2] = job->words[0];
	job->shell[3] = NULL;
	return job->shell;
}

static bool sets_variable(const struct sp_strv *env, const char *key)
{
	size_t len = strlen(key);

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->items[i], key, len) == 0 && env->items[i][len] == '=')
			return true;
	return false;
}

/* What kind of terminal it is, the command cannot know from its own. */
static int add_terminal(struct job *job, struct sp_error *err)
{
	const char *term = getenv("TERM");

	if (!job->args->tty)
		return 0;
	job->opts.tty = true;
	if (!sets_variable(&job->args->env, "TERM"))
		sp_strv_addf(&job->env, "TERM=%s", term && *term ? term : "xterm");
	job->opts.env = sp_strv_list(&job->env);
	return sp_strv_ok(&job->env, err) < 0
		? SP_ERR_NOMEM
		: terminal_open(&job->terminal, &job->opts, err);
}

/* What a sandbox already there is not given by its own making. */
static void add_exec_options(struct job *job)
{
	sp_strv_add_all(&job->env, sp_strv_list(&job->args->env));
	if (job->env.count)
		job->opts.env = sp_strv_list(&job->env);
	job->opts.workdir = job->args->workdir;
	job->opts.user = job->args->user;
}

static int job_init(struct job *job, struct sp_error *err)
{
	struct cli_args *args = job->args;
	int cancel_fd = cli_signals_init(err);
	int rc;

	if (cancel_fd < 0)
		return cancel_fd;
	relay_init(&job->relay, cancel_fd, cli_args_timeout(args));
	job->opts = (struct sp_exec_opts){
		.timeout_ms = cli_args_timeout(args),
		.has_stdin = passes_stdin(args),
		.stdin_fd = STDIN_FILENO,
		.has_cancel = true,
		.cancel_fd = cancel_fd,
		.on_output = args->json ? NULL : relay_output,
		.on_output_ctx = &job->relay,
		.timeline = args->timings ? &job->timeline : NULL,
	};
	rc = add_terminal(job, err);
	if (rc < 0)
		return rc;
	if (args->file || args->lang)
		return read_code(job, err);
	if (!job->words[0])
		return sp_fail(err, SP_ERR_INVALID,
			"there is no COMMAND, and no --file to run");
	return 0;
}

static int make_raw(const struct job *job, struct sp_error *err)
{
	return job->opts.tty && job->opts.has_stdin ? terminal_raw(false, err) : 0;
}

static int run_in(struct job *job, const char *handle, struct sp_error *err)
{
	int rc = make_raw(job, err);

	if (rc < 0)
		return rc;
	if (job->program.text)
		return sp_sandbox_exec_program(job->client, handle, &job->program,
			&job->opts, &job->result, err);
	return sp_sandbox_exec(
		job->client, handle, job_argv(job), &job->opts, &job->result, err);
}

static int run_kept(struct job *job, struct sp_error *err)
{
	char handle[SP_HANDLE_MAX];
	int rc;

	if (job->args->reuse)
		rc = sp_sandbox_reuse(job->client, &job->spec.spec, handle, NULL, err);
	else
		rc = sp_sandbox_create(job->client, &job->spec.spec, handle, err);
	progress_end(&job->progress);
	if (rc < 0)
		return rc;
	/* Before it runs: if we are killed, it is known what to destroy. */
	if (job->args->keep)
		out_say(job->args, "kept %s", handle);
	cli_say_ports(job->args, job->client, handle);
	add_exec_options(job);
	return run_in(job, handle, err);
}

static int run_once(struct job *job, struct sp_error *err)
{
	int rc = make_raw(job, err);

	if (rc < 0)
		return rc;
	if (job->program.text)
		return sp_run_program(job->client, &job->spec.spec, &job->program,
			&job->opts, &job->result, err);
	return sp_run(job->client, &job->spec.spec, job_argv(job), &job->opts,
		&job->result, err);
}

/* It goes on without us: nothing is passed, and whoever attaches may feed it. */
static int start_in(struct job *job, const char *handle, struct sp_error *err)
{
	char full[SP_HANDLE_MAX];
	uint32_t number = 0;
	int rc;

	if (job->program.text)
		return sp_fail(err, SP_ERR_INVALID,
			"-d takes a COMMAND, and no --file or --lang");
	if (job->args->timings)
		return sp_fail(err, SP_ERR_INVALID,
			"--timings are of a command that is waited for, not of -d");
	job->opts.has_stdin = job->args->interactive;
	job->opts.on_output = NULL;
	if (job->args->timeout_ms < 0)
		job->opts.timeout_ms = 0;
	rc = sp_sandbox_resolve(job->client, handle, full, err);
	if (rc == 0)
		rc = sp_process_start(
			job->client, full, job_argv(job), &job->opts, &number, err);
	return rc < 0 ? rc : cli_print_started(job->args, full, number, err);
}

static void say_timings(const struct job *job)
{
	const struct sp_timeline *t = &job->timeline;

	for (size_t i = 0; i < t->count; i++)
		out_say(job->args, "timing: %10.3f ms  %s",
			(double)t->marks[i].at_us / 1000, t->marks[i].name);
}

static void say_stopped_at_limit(const struct job *job)
{
	if (!job->args->quiet && !job->args->json)
		out_say(job->args, "%s: stopped at the time limit of %g s",
			job->args->command, (double)job->opts.timeout_ms / 1000);
}

/* Our own output ended before the command did. */
static int end_of_output(struct job *job, int rc, struct sp_error *err)
{
	switch (job->relay.end) {
	case RELAY_READER_GONE:
		job_clear(job);
		cli_signals_die(SIGPIPE);
	case RELAY_STUCK:
		say_stopped_at_limit(job);
		return CLI_EXIT_TIMEOUT;
	case RELAY_FAILED:
		errno = job->relay.failed_errno;
		return sp_fail_errno(err, "write the output of the command");
	default:
		return rc;
	}
}

/* A command that failed at a limit; one that got on with less needs no word. */
static void say_limits(const struct job *job)
{
	const struct sp_exec_result *r = &job->result;
	const struct {
		bool is_reached;
		const char *what;
	} limits[] = {
		{r->oom_killed, "memory ran out (see --memory)"},
		{r->cpu_time_exceeded, "its CPU time is used up (see --cpu-time)"},
		{r->pids_exceeded,
			"no more processes or threads were allowed (see --pids)"},
		{r->disk_full, "its disk is full (see --disk)"},
	};

	if (r->exit_code == 0 || job->args->json)
		return;
	for (size_t i = 0; i < SP_COUNT(limits); i++)
		if (limits[i].is_reached)
			out_say(job->args, "%s: %s", job->args->command,
				limits[i].what);
}

static int exit_status(const struct job *job)
{
	const struct sp_exec_result *r = &job->result;

	if (r->timed_out) {
		say_stopped_at_limit(job);
		return CLI_EXIT_TIMEOUT;
	}
	say_limits(job);
	return r->exit_code;
}

static int print_result(const struct job *job, struct sp_error *err)
{
	struct json_object *doc = cli_result_json(&job->result);

	if (!doc)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	return out_json(doc, err);
}

/* From what the library said to what our caller sees. */
static int finish(struct job *job, int rc, struct sp_error *err)
{
	const int sig = cli_signals_caught();

	terminal_restore();
	progress_end(&job->progress);
	if (job->args->timings)
		say_timings(job);
	if (sig && (rc < 0 || job->result.cancelled)) {
		job_clear(job);
		cli_signals_die(sig);
	}
	if (rc < 0)
		return end_of_output(job, rc, err);
	if (job->args->json)
		rc = print_result(job, err);
	return rc < 0 ? rc : exit_status(job);
}

int cmd_run(struct cli_args *args, struct sp_error *err)
{
	SP_AUTO(job_clear)
	struct job job = {
		.args = args,
		.words = args->words,
		.code = SP_BUF_INIT(CODE_MAX_BYTES),
	};
	int rc = job_init(&job, err);

	if (rc == 0)
		rc = cli_args_spec(args, &job.spec, err);
	if (rc == 0)
		rc = cli_open_client(args, &job.progress, &job.client, err);
	if (rc < 0)
		return rc;
	rc = args->keep || args->reuse ? run_kept(&job, err) : run_once(&job, err);
	return finish(&job, rc, err);
}

int cmd_exec(struct cli_args *args, struct sp_error *err)
{
	SP_AUTO(job_clear)
	struct job job = {
		.args = args,
		.words = args->words + 1,
		.code = SP_BUF_INIT(CODE_MAX_BYTES),
	};
	int rc;

	if (args->word_count == 0)
		return sp_fail(err, SP_ERR_INVALID, "there is no SANDBOX");
	rc = job_init(&job, err);
	if (rc == 0)
		rc = cli_open_client(args, &job.progress, &job.client, err);
	if (rc < 0)
		return rc;
	add_exec_options(&job);
	if (args->detach)
		return start_in(&job, args->words[0], err);
	return finish(&job, run_in(&job, args->words[0], err), err);
}

static int print_created(const char *handle, bool reused, struct sp_error *err)
{
	struct json_object *doc = json_object_new_object();
	const char *colon = strchr(handle, ':');
	bool failed = !doc;

	if (failed)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	sp_json_put_str(doc, "sandbox", handle, &failed);
	sp_json_put(doc, "provider",
		json_object_new_string_len(handle, (int)(colon - handle)), &failed);
	sp_json_put_bool(doc, "reused", reused, &failed);
	if (failed) {
		json_object_put(doc);
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	return out_json(doc, err);
}

static int print_handle(const struct cli_args *args, const char *handle, bool reused,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(2 * SP_HANDLE_MAX);

	if (args->json)
		return print_created(handle, reused, err);
	sp_buf_addf(&line, "%s\n", handle);
	return out_text(&line, err);
}

int cmd_create(struct cli_args *args, struct sp_error *err)
{
	SP_AUTO(cli_spec_clear) struct cli_spec spec = {.labels = NULL};
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	char handle[SP_HANDLE_MAX];
	bool reused = false;
	int rc;

	if (args->word_count)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is too much: create takes options only",
			args->words[0]);
	rc = cli_args_spec(args, &spec, err);
	if (rc == 0)
		rc = cli_open_client(args, &progress, &client, err);
	if (rc < 0)
		return rc;
	if (args->reuse)
		rc = sp_sandbox_reuse(client, &spec.spec, handle, &reused, err);
	else
		rc = sp_sandbox_create(client, &spec.spec, handle, err);
	progress_end(&progress);
	if (rc < 0)
		return rc;
	rc = print_handle(args, handle, reused, err);
	if (rc == 0)
		cli_say_ports(args, client, handle);
	/* Nobody learned its name, so nobody can use or remove it. */
	if (rc < 0 && !reused)
		(void)sp_sandbox_destroy(client, handle, NULL);
	return rc;
}
