/* SPDX-License-Identifier: Apache-2.0 */
/* The options: one table, from which they are read and their help is printed. */
#ifndef SP_CLI_OPT_H
#define SP_CLI_OPT_H

#include "cli/args.h"

/* How the words of a command line are to be read. */
struct cli_syntax {
	const char *name;
	unsigned int bit;
	/*
	 * Words before the one where options stop, for the rest belongs to a program;
	 * CLI_WORDS_ALL: options may come anywhere.
	 */
	size_t own_words;
};
#define CLI_WORDS_ALL SIZE_MAX

/*
 * Read argv[0..argc), which begins after the command's name and is put in order: words
 * last.  On an error args still tells whether --json was among the options.
 */
int cli_opt_parse(const struct cli_syntax *syntax, int argc, const char **argv,
	struct cli_args *args, struct sp_error *err);

/* The lines about the options of these commands. */
void cli_opt_help(struct sp_buf *out, unsigned int commands);

/* "1.5" as 1500; at most three places. */
int cli_parse_thousandths(
	const char *text, int64_t max, int64_t *out, struct sp_error *err);

#endif
