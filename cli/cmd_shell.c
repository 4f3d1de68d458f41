/* SPDX-License-Identifier: Apache-2.0 */
/* shell: run or exec of the image's own shell, on a terminal where there is one. */
#include "cli/command.h"

#define SHELL "if command -v bash >/dev/null; then exec bash; else exec sh; fi"

static bool has_limits(const struct sp_limits *l)
{
	return l->memory_bytes || l->disk_bytes || l->cpu_millis || l->pids ||
		l->nofile || l->file_bytes || l->cpu_time_ms;
}

/* What only a new sandbox can be given. */
static const char *made_with(const struct cli_args *args)
{
	const struct {
		bool is_given;
		const char *name;
	} options[] = {
		{args->image != NULL, "image"},
		{args->fallback.count > 0, "fallback"},
		{args->labels.count > 0, "label"},
		{args->mounts.count > 0, "mount"},
		{args->seccomp != NULL, "seccomp"},
		{args->network != SP_NETWORK_DEFAULT, "network"},
		{args->allow.count > 0, "network"},
		{args->ports.count > 0, "publish"},
		{args->credentials.count > 0, "credential"},
		{args->ttl_ms >= 0, "ttl"},
		{args->reuse, "reuse"},
		{args->require.count > 0, "require"},
		{has_limits(&args->limits), "limits"},
	};

	for (size_t i = 0; i < SP_COUNT(options); i++)
		if (options[i].is_given)
			return options[i].name;
	return NULL;
}

int cmd_shell(struct cli_args *args, struct sp_error *err)
{
	const char *words[] = {NULL, "sh", "-c", SHELL, NULL};
	const char *name = args->word_count ? made_with(args) : NULL;

	if (args->word_count > 1)
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is too much: shell takes a SANDBOX and no command",
			args->words[1]);
	if (name)
		return sp_fail(err, SP_ERR_INVALID,
			"--%s is for a new sandbox, and %.64s is there already", name,
			args->words[0]);
	/* A script on standard input meets no terminal. */
	args->tty = isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	args->is_argv = true;
	if (args->timeout_ms < 0)
		args->timeout_ms = 0;
	if (args->word_count) {
		words[0] = args->words[0];
		args->words = words;
		args->word_count = SP_COUNT(words) - 1;
		return cmd_exec(args, err);
	}
	args->words = words + 1;
	args->word_count = SP_COUNT(words) - 2;
	return cmd_run(args, err);
}
