/* SPDX-License-Identifier: Apache-2.0 */
/* sandpit, the command: a client of the library, one file for each group of commands. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "cli/command.h"

#define HELP_MAX (64 * 1024)

struct command {
	struct cli_syntax syntax;
	const char *alias;
	cli_command_fn *run;
	const char *words; /* what comes after the options, for help */
	const char *about;
};

static cli_command_fn cmd_version;
static cli_command_fn cmd_help;

static const struct command commands[] = {
	{{"run", CLI_RUN, 0}, NULL, cmd_run, "COMMAND",
		"create a sandbox, run a command in it, destroy it"},
	{{"create", CLI_CREATE, CLI_WORDS_ALL}, NULL, cmd_create, "",
		"create a sandbox and keep it; prints its handle"},
	{{"exec", CLI_EXEC, 1}, NULL, cmd_exec, "SANDBOX COMMAND",
		"run a command in a sandbox that is there"},
	{{"shell", CLI_SHELL, CLI_WORDS_ALL}, NULL, cmd_shell, "[SANDBOX]",
		"an interactive shell, in a sandbox of its own or in one that is "
		"there"},
	{{"ps", CLI_PS, CLI_WORDS_ALL}, NULL, cmd_ps, "SANDBOX",
		"its processes in the background, started by exec -d"},
	{{"logs", CLI_LOGS, CLI_WORDS_ALL}, NULL, cmd_logs, "SANDBOX NUMBER",
		"what one of them printed"},
	{{"attach", CLI_ATTACH, CLI_WORDS_ALL}, NULL, cmd_attach, "SANDBOX NUMBER",
		"its output from now on and its input; Ctrl-] leaves its terminal"},
	{{"kill", CLI_KILL, CLI_WORDS_ALL}, NULL, cmd_kill, "SANDBOX NUMBER",
		"send one of them a signal; KILL ends its whole tree"},
	{{"wait", CLI_WAIT, CLI_WORDS_ALL}, NULL, cmd_wait, "SANDBOX NUMBER",
		"until it has ended; the exit status is its own"},
	{{"list", CLI_LIST, CLI_WORDS_ALL}, "ls", cmd_list, "",
		"what sandboxes there are"},
	{{"inspect", CLI_INSPECT, CLI_WORDS_ALL}, NULL, cmd_inspect, "SANDBOX...",
		"everything known of them, as JSON"},
	{{"destroy", CLI_DESTROY, CLI_WORDS_ALL}, "rm", cmd_destroy, "[SANDBOX...]",
		"end sandboxes and remove what they left"},
	{{"cp", CLI_CP, CLI_WORDS_ALL}, NULL, cmd_cp, "FROM TO",
		"copy a file or folder; one side is SANDBOX:PATH, - is a tar stream"},
	{{"files", CLI_FILES, CLI_WORDS_ALL}, NULL, cmd_files, "SANDBOX OPERATION",
		"ls, cat, write, mkdir, mv, rm, stat, find or watch files inside"},
	{{"stats", CLI_STATS, CLI_WORDS_ALL}, NULL, cmd_stats, "[SANDBOX...]",
		"what sandboxes use: memory, CPU, processes, disk, network"},
	{{"pause", CLI_PAUSE, CLI_WORDS_ALL}, NULL, cmd_pause, "SANDBOX...",
		"stop everything in a sandbox where it stands"},
	{{"resume", CLI_RESUME, CLI_WORDS_ALL}, NULL, cmd_resume, "SANDBOX...",
		"let a paused sandbox go on"},
	{{"snapshot", CLI_SNAPSHOT, CLI_WORDS_ALL}, NULL, cmd_snapshot,
		"SANDBOX [NAME]",
		"keep what was written in a sandbox as an image; prints its name"},
	{{"snapshots", CLI_SNAPSHOT, CLI_WORDS_ALL}, NULL, cmd_snapshots,
		"[list | rm NAME...]", "what snapshots there are, or remove some"},
	{{"fork", CLI_FORK, CLI_WORDS_ALL}, NULL, cmd_fork, "SANDBOX",
		"create another one with the same files; prints its handle"},
	{{"volume", CLI_VOLUME, CLI_WORDS_ALL}, NULL, cmd_volume,
		"[create | list | inspect | rm] [NAME...]",
		"folders that sandboxes share and that outlive them"},
	{{"events", CLI_EVENTS, CLI_WORDS_ALL}, NULL, cmd_events, "[SANDBOX]",
		"what happened to kept sandboxes; with --follow, what happens"},
	{{"port", CLI_PORT, CLI_WORDS_ALL}, NULL, cmd_port, "SANDBOX [HOSTPORT:]PORT",
		"reach a port of a sandbox from here until Ctrl-C"},
	{{"providers", CLI_PROVIDERS, CLI_WORDS_ALL}, NULL, cmd_providers, "",
		"what providers there are and how they do"},
	{{"test", CLI_TEST, CLI_WORDS_ALL}, NULL, cmd_test, "",
		"create, run, copy, destroy on each provider that answers"},
	{{"doctor", CLI_DOCTOR, CLI_WORDS_ALL}, NULL, cmd_doctor, "",
		"what this machine can enforce, and how to mend what not"},
	{{"timeout", CLI_TIMEOUT, CLI_WORDS_ALL}, NULL, cmd_timeout, "SANDBOX SECONDS",
		"end a sandbox that long from now; 0 is never"},
	{{"pool", CLI_POOL, CLI_WORDS_ALL}, NULL, cmd_pool, "fill|list|drain [POOL...]",
		"sandboxes prepared ahead, for run and create with the same options"},
	{{"version", CLI_VERSION, CLI_WORDS_ALL}, "--version", cmd_version, "",
		"print the version"},
	{{"help", CLI_HELP, CLI_WORDS_ALL}, "--help", cmd_help, "[COMMAND]",
		"this, or about one command"},
};

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < SP_COUNT(commands); i++)
		if (strcmp(commands[i].syntax.name, name) == 0 ||
			(commands[i].alias && strcmp(commands[i].alias, name) == 0))
			return &commands[i];
	return NULL;
}

static int no_command(const char *name, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_INVALID,
		"there is no command \"%.64s\" (see sandpit help)", name);
}

static int cmd_version(struct cli_args *args, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(HELP_MAX);

	if (args->json)
		sp_buf_adds(&text, "{\"version\":\"" SP_VERSION "\"}\n");
	else
		sp_buf_adds(&text, "sandpit " SP_VERSION "\n");
	return out_text(&text, err);
}

static void help_command(struct sp_buf *out, const struct command *c)
{
	sp_buf_addf(out, "sandpit %s [OPTIONS] %s\n\n%s\n\n", c->syntax.name, c->words,
		c->about);
	if (c->syntax.bit & (CLI_RUN | CLI_EXEC))
		sp_buf_adds(out,
			"One COMMAND word is given to sh -c; several words, or "
			"anything after --, are\nthe argument vector and meet no "
			"shell. Options stop at the first word of COMMAND.\n\n");
	cli_opt_help(out, c->syntax.bit);
}

static void help_all(struct sp_buf *out)
{
	sp_buf_adds(
		out, "sandpit runs code that nobody has reviewed, in a sandbox.\n\n");
	for (size_t i = 0; i < SP_COUNT(commands); i++)
		sp_buf_addf(out, "  sandpit %-10s %-18s %s\n", commands[i].syntax.name,
			commands[i].words, commands[i].about);
	sp_buf_adds(out,
		"\nsandpit help COMMAND tells its options; man sandpit the rest.\n");
}

static int cmd_help(struct cli_args *args, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(HELP_MAX);
	const struct command *c;

	if (args->word_count == 0) {
		help_all(&text);
		return out_text(&text, err);
	}
	c = find_command(args->words[0]);
	if (!c)
		return no_command(args->words[0], err);
	help_command(&text, c);
	return out_text(&text, err);
}

/* A closed standard stream must not become the number of something we open. */
static void hold_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) < 0)
			_exit(CLI_EXIT_FAILED);
}

static void set_log(const struct cli_args *args)
{
	const struct sp_log_sink sink = {
		.fd = STDERR_FILENO,
		.level = args->quiet    ? SP_LOG_ERROR
			: args->verbose ? SP_LOG_DEBUG
					: SP_LOG_WARN,
		.json = args->log_json,
	};

	sp_log_set(&sink);
}

int cli_open_client(const struct cli_args *args, struct progress *progress,
	struct sp_client **out, struct sp_error *err)
{
	const bool is_silent = args->quiet || args->log_json;
	const struct sp_client_opts opts = {
		.provider = args->provider,
		.fallback = args->fallback.count ? sp_strv_list(&args->fallback) : NULL,
		.on_progress = is_silent ? NULL : progress_show,
		.progress_ctx = progress,
	};

	return sp_client_open(&opts, out, err);
}

static char **copy_list(char *const *list, size_t count)
{
	char **copy = calloc(count, sizeof(*copy));

	if (copy)
		memcpy(copy, list, count * sizeof(*copy));
	return copy;
}

/* Parse what belongs to the command, then run it, or tell about it. */
static int run_command(const struct command *c, int argc, char **argv,
	struct cli_args *args, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(HELP_MAX);
	/* Parsing takes the options out of argv. */
	sp_autofree char **given = copy_list(argv, (size_t)argc + 1);
	int skip = argc > 1 ? 2 : 1;
	int rc = !given ? sp_fail(err, SP_ERR_NOMEM, "out of memory")
			: cli_opt_parse(&c->syntax, argc - skip,
				  (const char **)(uintptr_t)(argv + skip), args, err);

	set_log(args);
	/* Before anything is read or done, so that the other program can do it anew. */
	if (rc == 0 && !args->help)
		rc = cli_hand_over(args, c->syntax.bit, given, err);
	if (rc < 0)
		return rc;
	if (!args->help)
		return c->run(args, err);
	help_command(&text, c);
	return out_text(&text, err);
}

int main(int argc, char *argv[])
{
	SP_AUTO(cli_args_clear) struct cli_args args = CLI_ARGS_INIT;
	struct sp_error err = {0};
	const char *name = argc > 1 ? argv[1] : "help";
	const struct command *c;
	int rc;

	hold_standard_streams();
	c = find_command(strcmp(name, "-h") == 0 ? "help" : name);
	if (c)
		rc = run_command(c, argc, argv, &args, &err);
	else
		rc = no_command(name, &err);
	if (rc >= 0)
		return rc;
	out_error(&args, &err);
	return CLI_EXIT_FAILED;
}
