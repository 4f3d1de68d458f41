/* SPDX-License-Identifier: Apache-2.0 */
/* ps, kill and wait: processes in the background. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/json.h"
#include "cli/command.h"

int cli_process_words(
	const struct cli_args *args, uint32_t *number, struct sp_error *err)
{
	int64_t n = 0;

	if (args->word_count != 2)
		return sp_fail(err, SP_ERR_INVALID,
			"give SANDBOX and the NUMBER of a process (see sandpit ps)");
	if (sp_parse_int(args->words[1], 1, UINT32_MAX, &n, err) < 0)
		return sp_wrap(err, SP_ERR_INVALID, "number of a process");
	*number = (uint32_t)n;
	return 0;
}

static struct json_object *info_json(const struct sp_process_info *info)
{
	struct json_object *doc = json_object_new_object();
	bool failed = !doc;

	if (failed)
		return NULL;
	sp_json_put_int(doc, "process", info->number, &failed);
	sp_json_put_bool(doc, "running", info->is_running, &failed);
	sp_json_put_bool(doc, "tty", info->tty, &failed);
	if (!info->is_running)
		sp_json_put_int(doc, "exit_code", info->exit_code, &failed);
	else
		json_object_object_add(doc, "exit_code", NULL);
	sp_json_put_int(doc, "signal", info->signal, &failed);
	sp_json_put_bool(doc, "timed_out", info->timed_out, &failed);
	sp_json_put_bool(doc, "oom_killed", info->oom_killed, &failed);
	sp_json_put_bool(doc, "output_truncated", info->output_truncated, &failed);
	sp_json_put_int(doc, "started_ms", info->started_ms, &failed);
	sp_json_put_int(doc, "ended_ms", info->ended_ms, &failed);
	sp_json_put_str(doc, "command", info->command, &failed);
	if (!failed)
		return doc;
	json_object_put(doc);
	return NULL;
}

int cli_print_started(const struct cli_args *args, const char *handle, uint32_t number,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(64);
	struct json_object *doc;
	const char *colon = strchr(handle, ':');
	bool failed = false;

	if (!args->json) {
		sp_buf_addf(&line, "%u\n", number);
		return out_text(&line, err);
	}
	doc = json_object_new_object();
	sp_json_put_str(doc, "sandbox", handle, &failed);
	sp_json_put(doc, "provider",
		json_object_new_string_len(handle, (int)(colon - handle)), &failed);
	sp_json_put_int(doc, "process", number, &failed);
	if (!failed)
		return out_json(doc, err);
	json_object_put(doc);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int print_json(const struct sp_process_list *list, struct sp_error *err)
{
	sp_autojson struct json_object *array = json_object_new_array();
	int rc = 0;

	if (!array)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < list->count; i++)
		rc = out_json_add(array, info_json(&list->items[i]), err);
	return rc < 0 ? rc : out_json(sp_take_ptr(array), err);
}

static const char *state_of(const struct sp_process_info *info)
{
	return info->is_running    ? "running"
		: info->timed_out  ? "timed out"
		: info->oom_killed ? "out of memory"
		: info->signal     ? "killed"
				   : "ended";
}

static void add_row(
	struct out_table *table, const struct sp_process_info *info, int64_t now_ms)
{
	char number[16], age[24], code[16] = "";

	snprintf(number, sizeof(number), "%u", info->number);
	cli_age(age, now_ms - info->started_ms);
	if (!info->is_running)
		snprintf(code, sizeof(code), "%d", info->exit_code);
	out_cell(table, number);
	out_cell(table, state_of(info));
	out_cell(table, code);
	out_cell(table, age);
	out_cell(table, info->command ? info->command : "");
}

static int print_table(const struct sp_process_list *list, struct sp_error *err)
{
	static const char *const heads[] = {
		"PROCESS", "STATE", "EXIT", "AGE", "COMMAND"};
	SP_AUTO(out_table_clear)
	struct out_table table = {.columns = SP_COUNT(heads)};
	const int64_t now_ms = sp_clock_real_ms();

	for (size_t i = 0; i < SP_COUNT(heads); i++)
		out_cell(&table, heads[i]);
	for (size_t i = 0; i < list->count; i++)
		add_row(&table, &list->items[i], now_ms);
	return out_table_print(&table, err);
}

int cmd_ps(struct cli_args *args, struct sp_error *err)
{
	SP_AUTO(sp_process_list_clear) struct sp_process_list list = {0};
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	int rc;

	if (args->word_count != 1)
		return sp_fail(err, SP_ERR_INVALID, "give one SANDBOX");
	rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = sp_process_list(client, args->words[0], &list, err);
	if (rc < 0)
		return rc;
	return args->json ? print_json(&list, err) : print_table(&list, err);
}

/* By name, since not every C library has a list of them. */
static const struct {
	const char *name;
	int number;
} signals[] = {
	{"HUP", SIGHUP},
	{"INT", SIGINT},
	{"QUIT", SIGQUIT},
	{"ILL", SIGILL},
	{"TRAP", SIGTRAP},
	{"ABRT", SIGABRT},
	{"BUS", SIGBUS},
	{"FPE", SIGFPE},
	{"KILL", SIGKILL},
	{"USR1", SIGUSR1},
	{"SEGV", SIGSEGV},
	{"USR2", SIGUSR2},
	{"PIPE", SIGPIPE},
	{"ALRM", SIGALRM},
	{"TERM", SIGTERM},
	{"CHLD", SIGCHLD},
	{"CONT", SIGCONT},
	{"STOP", SIGSTOP},
	{"TSTP", SIGTSTP},
	{"TTIN", SIGTTIN},
	{"TTOU", SIGTTOU},
	{"URG", SIGURG},
	{"XCPU", SIGXCPU},
	{"XFSZ", SIGXFSZ},
	{"VTALRM", SIGVTALRM},
	{"PROF", SIGPROF},
	{"WINCH", SIGWINCH},
	{"IO", SIGIO},
	{"PWR", SIGPWR},
	{"SYS", SIGSYS},
};

/* "TERM", "SIGTERM", "term" or "15". */
static int parse_signal(const char *text, int *sig, struct sp_error *err)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	int64_t n = 0;

	if (sp_parse_int(text, 1, SIGRTMAX, &n, NULL) == 0) {
		*sig = (int)n;
		return 0;
	}
	for (size_t i = 0; i < SP_COUNT(signals); i++)
		if (strcasecmp(signals[i].name, name) == 0) {
			*sig = signals[i].number;
			return 0;
		}
	return sp_fail(err, SP_ERR_INVALID, "there is no signal \"%.32s\"", text);
}

/* What was done, for a program that asked for JSON; nothing for people. */
static int print_signal(
	const struct cli_args *args, uint32_t number, int sig, struct sp_error *err)
{
	struct json_object *doc;
	bool failed = false;

	if (!args->json)
		return 0;
	doc = json_object_new_object();
	sp_json_put_int(doc, "process", number, &failed);
	sp_json_put_int(doc, "signal", sig, &failed);
	if (!failed)
		return out_json(doc, err);
	json_object_put(doc);
	return sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

int cmd_kill(struct cli_args *args, struct sp_error *err)
{
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	uint32_t number = 0;
	int sig = SIGTERM;
	int rc = cli_process_words(args, &number, err);

	if (rc == 0 && args->signal)
		rc = parse_signal(args->signal, &sig, err);
	if (rc == 0)
		rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = sp_process_kill(client, args->words[0], number, sig, err);
	return rc < 0 ? rc : print_signal(args, number, sig, err);
}

int cmd_wait(struct cli_args *args, struct sp_error *err)
{
	SP_AUTO(sp_process_info_clear) struct sp_process_info info = {0};
	cli_autoclient struct sp_client *client = NULL;
	struct progress progress = {0};
	struct json_object *doc;
	uint32_t number = 0;
	int rc = cli_process_words(args, &number, err);

	if (rc == 0)
		rc = cli_open_client(args, &progress, &client, err);
	if (rc == 0)
		rc = sp_process_wait(client, args->words[0], number,
			args->timeout_ms > 0 ? args->timeout_ms : 0, &info, err);
	if (rc == SP_ERR_TIMEOUT) {
		out_error(args, err);
		return CLI_EXIT_TIMEOUT;
	}
	if (rc < 0)
		return rc;
	if (args->json) {
		doc = info_json(&info);
		rc = doc ? out_json(doc, err)
			 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
	}
	return rc < 0 ? rc : info.timed_out ? CLI_EXIT_TIMEOUT : info.exit_code;
}
