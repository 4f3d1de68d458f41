/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandpit: run code nobody has reviewed, on the machine you already have.
 *
 * A client chooses a provider (local namespaces, a Docker engine, later the clouds);
 * a sandbox is named by a text handle, PROVIDER:ID, that works in any process.
 */
#ifndef SANDPIT_H
#define SANDPIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SP_API __attribute__((visibility("default")))

#define SP_VERSION "0.1.0"

/* PROVIDER:ID with its end, and the ID alone. */
#define SP_HANDLE_MAX        160
#define SP_SANDBOX_ID_MAX    129
#define SP_PROVIDER_NAME_MAX 24

/* What a program acts on; functions return 0 or the negative of one, as it is here. */
enum sp_code {
	SP_OK = 0,
	SP_ERR_INVALID = -1,     /* the request makes no sense as it stands */
	SP_ERR_NOT_FOUND = -2,   /* no such sandbox, file, image, program */
	SP_ERR_EXISTS = -3,      /* the name is taken */
	SP_ERR_DENIED = -4,      /* permission or credentials */
	SP_ERR_LIMIT = -5,       /* a size, count, quota or full disk */
	SP_ERR_TIMEOUT = -6,     /* the deadline passed first */
	SP_ERR_UNAVAILABLE = -7, /* nobody answers; later it may work */
	SP_ERR_PROTOCOL = -8,    /* the answer cannot be understood */
	SP_ERR_UNSUPPORTED = -9, /* this provider or host cannot do that */
	SP_ERR_SYSTEM = -10,     /* a system call that should have worked */
	SP_ERR_NOMEM = -11,
	SP_ERR_CANCELLED = -12, /* the caller asked to stop */
};

/*
 * The error of one call.  The caller owns it, usually on its stack, and there is
 * nothing in it to free, so a child process can send it up a pipe as it is.
 */
struct sp_error {
	enum sp_code code;
	int sys_errno;          /* errno, or 0 */
	int http_status;        /* status of the reply, or 0 */
	bool not_sent;          /* certain that nothing reached the other side */
	int64_t retry_after_ms; /* what the server asked for, or 0 */
	char msg[488];          /* one line, no newline: what was tried, on what */
};

/* A piece of memory the struct around it owns; data[len] is a NUL, not counted. */
struct sp_bytes {
	char *data;
	size_t len;
};

struct sp_label {
	const char *key;
	const char *value;
};

/* A host folder or file seen inside, read-only unless writable. */
struct sp_mount {
	const char *source;
	const char *target;
	bool writable;
};

enum sp_network {
	SP_NETWORK_DEFAULT, /* none */
	SP_NETWORK_NONE,    /* loopback only */
	SP_NETWORK_NAT,     /* outgoing through the host */
	SP_NETWORK_HOST,    /* the host's own stack: no isolation */
};

/* What a sandbox may use up.  0 is the default of INTERFACE, given at each line. */
struct sp_limits {
	uint64_t memory_bytes; /* 1 GiB, swap included */
	uint64_t disk_bytes;   /* 2 GiB of written files */
	uint32_t cpu_millis;   /* thousandths of a CPU; default all */
	uint32_t pids;         /* 512 processes and threads */
	uint32_t nofile;       /* 1024 open files a process */
};

/* A sandbox to be made.  Zeroed is complete: the default image, limits, no network. */
struct sp_sandbox_spec {
	const char *image;             /* reference, template or root folder */
	const char *const *env;        /* "K=V" of every command, NULL-terminated */
	const struct sp_label *labels; /* label_count of them */
	size_t label_count;
	const struct sp_mount *mounts; /* mount_count of them */
	size_t mount_count;
	const char *workdir; /* of every command; default /workspace */
	const char *user;    /* U[:G], names or numbers; default the image's */
	const char *seccomp; /* "default", "strict" or a profile file */
	struct sp_limits limits;
	enum sp_network network;
	int64_t ttl_ms; /* destroyed by itself after that; 0 never */
};

enum sp_stream {
	SP_STDOUT = 1,
	SP_STDERR = 2,
};

/*
 * Output as it arrives, in order within each stream.  Returning non-zero stops the
 * command and becomes the error of the call.
 */
typedef int sp_output_fn(
	void *ctx, enum sp_stream stream, const char *data, size_t len);

/* Where the time of a call went; names are steps, times are from the call's start. */
#define SP_TIMELINE_MAX 48
struct sp_timeline {
	size_t count;
	struct sp_mark {
		char name[28];
		int64_t at_us;
	} marks[SP_TIMELINE_MAX];
};

/* One command.  Zeroed is complete: empty standard input, output captured. */
struct sp_exec_opts {
	const char *const *env; /* "K=V" on top of the sandbox's, NULL-terminated */
	const char *workdir;    /* default the sandbox's */
	const char *user;       /* default the sandbox's */
	int64_t timeout_ms;     /* 0 is none */
	bool has_stdin;  /* read standard input from stdin_fd; else it is empty */
	int stdin_fd;    /* read until its end; stays the caller's */
	bool has_cancel; /* stop the command once cancel_fd is readable */
	int cancel_fd;
	sp_output_fn *on_output; /* or NULL to capture */
	void *on_output_ctx;
	uint64_t capture_bytes;       /* kept of each stream; default 64 MiB */
	struct sp_timeline *timeline; /* or NULL */
};

struct sp_exec_result {
	int exit_code;   /* 0..255; 128+N when signal N ended it */
	int signal;      /* that ended it, or 0 */
	bool timed_out;  /* killed at the deadline; the output so far is here */
	bool oom_killed; /* the memory limit was reached */
	bool cancelled;  /* stopped because cancel_fd became readable */
	bool out_truncated, err_truncated;
	int64_t wall_us;               /* from request to exit */
	int64_t create_us, destroy_us; /* of sp_run(): the sandbox around it */
	char handle[SP_HANDLE_MAX];    /* where it ran */
	struct sp_bytes out, err;
};

enum sp_sandbox_state {
	SP_STATE_STARTING,
	SP_STATE_RUNNING,
	SP_STATE_PAUSED,
	SP_STATE_DEAD, /* ended or crashed; destroy removes what is left */
};

/* What is known of a sandbox without looking inside. */
struct sp_sandbox_info {
	char provider[SP_PROVIDER_NAME_MAX];
	char id[SP_SANDBOX_ID_MAX];
	enum sp_sandbox_state state;
	char *image;
	int64_t created_ms; /* since 1970 */
	int64_t expires_ms; /* since 1970, or 0 */
	struct sp_owned_label {
		char *key;
		char *value;
	} * labels;
	size_t label_count;
};

struct sp_sandbox_list {
	struct sp_sandbox_info *items;
	size_t count;
};

/* Holds the configuration and the providers opened so far. */
struct sp_client;

struct sp_client_opts {
	const char *provider; /* use this one; NULL chooses */
	const char *const
		*fallback;     /* tried next if it fails before anything ran; or NULL */
	const char *state_dir; /* default $SANDPIT_STATE_DIR, /run/sandpit or XDG's */
	void (*on_progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	void *progress_ctx;
};

/*
 * Open a client.  No provider is contacted before it is needed.
 *
 * Owns:    caller closes *out with sp_client_close(); untouched on failure
 * Errors:  NOT_FOUND (unknown provider), DENIED (state folder)
 * Thread:  one call at a time for each client
 */
SP_API int sp_client_open(const struct sp_client_opts *opts, struct sp_client **out,
	struct sp_error *err);
SP_API void sp_client_close(struct sp_client *client);

/* The names of all known providers, NULL-terminated, constant. */
SP_API const char *const *sp_client_provider_names(void);

/*
 * Make a sandbox and keep it.  With reuse, take a running one that carries all labels of
 * the spec, and only make one where there is none: two callers at once get the same.
 *
 * Shape:   handle receives PROVIDER:ID; reused may be NULL
 * Errors:  NOT_FOUND (image), UNAVAILABLE, UNSUPPORTED, LIMIT, DENIED
 * Retry:   only when err->not_sent
 */
SP_API int sp_sandbox_create(struct sp_client *client,
	const struct sp_sandbox_spec *spec, char handle[SP_HANDLE_MAX],
	struct sp_error *err);
SP_API int sp_sandbox_reuse(struct sp_client *client,
	const struct sp_sandbox_spec *spec, char handle[SP_HANDLE_MAX], bool *reused,
	struct sp_error *err);

/*
 * Run one program in a sandbox and wait for it to end.  No shell is involved: argv[0]
 * is looked up on the sandbox's PATH.  A program that fails or is killed at its
 * deadline is a success of this call.
 *
 * Shape:   argv NULL-terminated; opts may be NULL
 * Owns:    caller clears *out with sp_exec_result_clear(); untouched on failure
 * Errors:  NOT_FOUND (sandbox), UNAVAILABLE, UNSUPPORTED, LIMIT
 * Retry:   only when err->not_sent
 * Source:  exit codes after POSIX sh, section 2.8.2
 */
SP_API int sp_sandbox_exec(struct sp_client *client, const char *handle,
	const char *const argv[], const struct sp_exec_opts *opts,
	struct sp_exec_result *out, struct sp_error *err);

/* Create, run one program, destroy: what the two above do, in one go and faster. */
SP_API int sp_run(struct sp_client *client, const struct sp_sandbox_spec *spec,
	const char *const argv[], const struct sp_exec_opts *opts,
	struct sp_exec_result *out, struct sp_error *err);
SP_API void sp_exec_result_clear(struct sp_exec_result *result);

/* Code and the arguments it gets; the image must have a tool for its language. */
struct sp_program {
	const char *language; /* "python" or an alias; NULL: by name, else by "#!" */
	const char *name;     /* of the file, or NULL */
	const char *text;
	size_t len;
	const char *const *args; /* NULL-terminated, or NULL */
};

/*
 * The language a program is in: python node typescript go rust bash.
 *
 * Errors:  NOT_FOUND (no such language, or it cannot be told)
 */
SP_API int sp_program_language(
	const struct sp_program *program, const char **language, struct sp_error *err);

/*
 * Put the code into the sandbox as a file, compile it where its language is compiled, and
 * run it.  An image without a tool for it is an exit code of 127 and a line that says so.
 * The second creates and destroys the sandbox around it.
 */
SP_API int sp_sandbox_exec_program(struct sp_client *client, const char *handle,
	const struct sp_program *program, const struct sp_exec_opts *opts,
	struct sp_exec_result *out, struct sp_error *err);
SP_API int sp_run_program(struct sp_client *client, const struct sp_sandbox_spec *spec,
	const struct sp_program *program, const struct sp_exec_opts *opts,
	struct sp_exec_result *out, struct sp_error *err);

/*
 * Find sandboxes again.  A handle may be PROVIDER:ID, the ID, or the first four or more
 * characters of it where only one sandbox has them; resolve gives it in full.
 *
 * Errors:  NOT_FOUND, INVALID (ambiguous)
 */
SP_API int sp_sandbox_resolve(struct sp_client *client, const char *name,
	char handle[SP_HANDLE_MAX], struct sp_error *err);
SP_API int sp_sandbox_get(struct sp_client *client, const char *handle,
	struct sp_sandbox_info *out, struct sp_error *err);
/* All that carry these labels, on every provider that answers, or on the client's own. */
SP_API int sp_sandbox_find(struct sp_client *client, const struct sp_label *labels,
	size_t label_count, struct sp_sandbox_list *out, struct sp_error *err);
SP_API void sp_sandbox_info_clear(struct sp_sandbox_info *info);
SP_API void sp_sandbox_list_clear(struct sp_sandbox_list *list);

/* Everything known of it as one JSON object; free() it. */
SP_API int sp_sandbox_inspect(struct sp_client *client, const char *handle, char **json,
	struct sp_error *err);

/* Destroying what is gone is a success. */
SP_API int sp_sandbox_destroy(
	struct sp_client *client, const char *handle, struct sp_error *err);

/*
 * Copy a file or folder of this machine into the sandbox, or out of it.  As cp -a does:
 * into `to` where that is a folder, else under its name.  Nothing half-written stays.
 *
 * Errors:  NOT_FOUND, EXISTS (a folder over a file or the reverse), DENIED, LIMIT
 */
SP_API int sp_sandbox_copy_in(struct sp_client *client, const char *handle,
	const char *from, const char *to, struct sp_error *err);
SP_API int sp_sandbox_copy_out(struct sp_client *client, const char *handle,
	const char *from, const char *to, struct sp_error *err);
/* The same as a tar stream, from fd or to fd. */
SP_API int sp_sandbox_unpack_fd(struct sp_client *client, const char *handle, int fd,
	const char *to, struct sp_error *err);
SP_API int sp_sandbox_pack_fd(struct sp_client *client, const char *handle,
	const char *from, int fd, struct sp_error *err);

/* How a provider does now. */
struct sp_provider_report {
	char name[SP_PROVIDER_NAME_MAX];
	bool ok;
	char version[64];
	char detail[256];
	int64_t latency_us;
	uint32_t capabilities; /* names by sp_capability_name() */
};
SP_API int sp_client_report(struct sp_client *client, const char *provider,
	struct sp_provider_report *out, struct sp_error *err);
SP_API const char *sp_capability_name(unsigned int bit);
SP_API const char *sp_code_name(enum sp_code code);
SP_API const char *sp_sandbox_state_name(enum sp_sandbox_state state);

#ifdef __cplusplus
}
#endif
#endif
