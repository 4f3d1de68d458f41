/* SPDX-License-Identifier: Apache-2.0 */
/* What the command line set. */
#ifndef SP_CLI_ARGS_H
#define SP_CLI_ARGS_H

#include "base/buf.h"
#include "base/strv.h"

/* Which commands an option belongs to. */
enum cli_command_bit {
	CLI_RUN = 1u << 0,
	CLI_CREATE = 1u << 1,
	CLI_EXEC = 1u << 2,
	CLI_LIST = 1u << 3,
	CLI_INSPECT = 1u << 4,
	CLI_DESTROY = 1u << 5,
	CLI_CP = 1u << 6,
	CLI_PROVIDERS = 1u << 7,
	CLI_TEST = 1u << 8,
	CLI_DOCTOR = 1u << 9,
	CLI_VERSION = 1u << 10,
	CLI_HELP = 1u << 11,
	CLI_SHELL = 1u << 12,
	CLI_PS = 1u << 13,
	CLI_LOGS = 1u << 14,
	CLI_KILL = 1u << 15,
	CLI_WAIT = 1u << 16,
	CLI_ATTACH = 1u << 17,
	CLI_STATS = 1u << 18,
	CLI_FILES = 1u << 19,
	CLI_PORT = 1u << 20,
	CLI_PAUSE = 1u << 21,
	CLI_RESUME = 1u << 22,
	CLI_TIMEOUT = 1u << 23,
	CLI_SNAPSHOT = 1u << 24,
	CLI_FORK = 1u << 25,
	CLI_VOLUME = 1u << 26,
	CLI_POOL = 1u << 27,
	CLI_EVENTS = 1u << 28,
};

struct cli_args {
	const char *command; /* its name, for messages */
	const char *provider;
	struct sp_strv fallback;
	struct sp_strv require;
	const char *image, *file, *lang, *workdir, *user, *seccomp;
	struct sp_strv env;    /* KEY=VALUE */
	struct sp_strv labels; /* KEY=VALUE */
	struct sp_strv mounts; /* SRC:DST[:ro|rw] */
	struct sp_limits limits;
	enum sp_network network;
	uint32_t depth, mode;       /* of files */
	uint64_t offset, length;    /* of files */
	bool is_long, recursive;    /* of files */
	struct sp_strv allow;       /* of --network allow= */
	struct sp_strv ports;       /* [HOSTPORT:]PORT */
	struct sp_strv credentials; /* three items each: host, header, value */
	int64_t timeout_ms;         /* 0 is none, -1: not given */
	int64_t ttl_ms;             /* -1: not given */
	int64_t max_idle_ms;        /* of a pool */
	uint32_t pool_size;         /* 0: not given */
	int64_t since_ms;           /* so long ago; 0: all */
	bool reuse, keep, interactive, json, timings, quiet, verbose, log_json, all,
		capabilities, no_stream, help;
	bool tty, detach, follow;
	uint32_t tail;      /* lines; 0: all */
	const char *signal; /* its name or number */

	/* The words that are no options, NULL-terminated, borrowed from argv. */
	const char *const *words;
	size_t word_count;
	bool is_argv; /* "--" came before the command: it meets no shell */
};

#define CLI_ARGS_INIT \
	{ \
		.timeout_ms = -1, .ttl_ms = -1, \
	}

void cli_args_clear(struct cli_args *args);

/* The time limit that was given, or the one of a command that is waited for: 120 s. */
int64_t cli_args_timeout(const struct cli_args *args);

/* The labels as pairs, split in place.  Returns how many; *out is malloc()ed. */
int cli_args_labels(struct cli_args *args, struct sp_label **out, struct sp_error *err);

/* A sandbox as the options want it; the vectors in it are owned, the texts borrowed. */
struct cli_spec {
	struct sp_sandbox_spec spec;
	struct sp_label *labels;
	struct sp_mount *mounts;
	struct sp_port *ports;
	struct sp_credential *credentials;
	struct sp_strv paths; /* mount sources made absolute */
};
/* "[HOSTPORT:]PORT". */
int cli_parse_port(const char *text, struct sp_port *out, struct sp_error *err);
int cli_args_spec(struct cli_args *args, struct cli_spec *out, struct sp_error *err);
void cli_spec_clear(struct cli_spec *spec);

#endif
