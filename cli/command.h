/* SPDX-License-Identifier: Apache-2.0 */
/* The commands: what each is called, how its words are read, what does it. */
#ifndef SP_CLI_COMMAND_H
#define SP_CLI_COMMAND_H

#include "cli/opt.h"
#include "cli/out.h"
#include "cli/progress.h"

/* Returns the exit status, or the negative code that is in err. */
typedef int cli_command_fn(struct cli_args *args, struct sp_error *err);

cli_command_fn cmd_run;
cli_command_fn cmd_create;
cli_command_fn cmd_exec;
cli_command_fn cmd_shell;
cli_command_fn cmd_ps;
cli_command_fn cmd_logs;
cli_command_fn cmd_kill;
cli_command_fn cmd_wait;
cli_command_fn cmd_attach;
cli_command_fn cmd_list;
cli_command_fn cmd_inspect;
cli_command_fn cmd_destroy;
cli_command_fn cmd_cp;
cli_command_fn cmd_providers;
cli_command_fn cmd_test;
cli_command_fn cmd_doctor;
cli_command_fn cmd_timeout;
cli_command_fn cmd_pool;
cli_command_fn cmd_files;
cli_command_fn cmd_snapshot;
cli_command_fn cmd_snapshots;
cli_command_fn cmd_fork;
cli_command_fn cmd_volume;
cli_command_fn cmd_events;

/*
 * Go on as the program that can load modules, where this one cannot and the command may
 * need one.  Returns 0 to go on here, or a negative code.
 */
int cli_hand_over(const struct cli_args *args, unsigned int bit, char *const *argv,
	struct sp_error *err);
cli_command_fn cmd_stats;
cli_command_fn cmd_pause;
cli_command_fn cmd_resume;
cli_command_fn cmd_port;

/* Open a client as the options say; progress must live as long as it. */
int cli_open_client(const struct cli_args *args, struct progress *progress,
	struct sp_client **out, struct sp_error *err);

static inline void cli_client_close_(struct sp_client **client)
{
	sp_client_close(*client);
}
#define cli_autoclient SP_AUTO(cli_client_close_)

/* On standard error, unless -q: where each published port is. */
void cli_say_ports(
	const struct cli_args *args, struct sp_client *client, const char *handle);

/* One sandbox of a list, or what became of a command, as JSON; NULL: out of memory. */
struct json_object *cli_info_json(const struct sp_sandbox_info *info);
struct json_object *cli_result_json(const struct sp_exec_result *result);

/* Bytes as a member "NAME", or as "NAME_base64" where they are no text. */
void cli_json_bytes(struct json_object *doc, const char *name,
	const struct sp_bytes *bytes, bool *failed);

/* The number of a process that goes on in the background. */
int cli_print_started(const struct cli_args *args, const char *handle, uint32_t number,
	struct sp_error *err);

/* The words SANDBOX NUMBER. */
int cli_process_words(
	const struct cli_args *args, uint32_t *number, struct sp_error *err);

/* How long ago, or until: "5s", "3m", "2h", "4d". */
void cli_age(char text[static 24], int64_t ms);

#endif
