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

/* A host folder or file seen inside, or a named volume; read-only unless writable. */
struct sp_mount {
	const char *source; /* absolute path, or the name of a volume */
	const char *target;
	bool writable;
	bool is_volume; /* source is the name of a volume, made when it is not there */
};

enum sp_network {
	SP_NETWORK_DEFAULT, /* none */
	SP_NETWORK_NONE,    /* loopback only */
	SP_NETWORK_NAT,     /* outgoing through the host */
	SP_NETWORK_HOST,    /* the host's own stack: no isolation */
	SP_NETWORK_ALLOW,   /* only what allow names, through a filtering proxy */
};

/*
 * A header that the proxy of network "allow" adds to each request for a host.  The value
 * never enters the sandbox.
 */
struct sp_credential {
	const char *host;   /* without port; it must be allowed, too */
	const char *header; /* "Authorization" */
	const char *value;  /* "Bearer ..." */
};

/* A port of the sandbox, reached at 127.0.0.1:host_port for as long as it lives. */
struct sp_port {
	uint16_t port;
	uint16_t host_port; /* 0: any that is free */
};

/* What a sandbox may use up.  0 is the default of INTERFACE, given at each line. */
struct sp_limits {
	uint64_t memory_bytes; /* 1 GiB, swap included */
	uint64_t disk_bytes;   /* 2 GiB of written files */
	uint32_t cpu_millis;   /* thousandths of a CPU; default all */
	uint32_t pids;         /* 512 processes and threads */
	uint32_t nofile;       /* 1024 open files a process */
	uint64_t file_bytes;   /* size of a file; default none but the disk's */
	int64_t cpu_time_ms;   /* of all its processes together; default none */
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
	const char *const *allow; /* "HOST[:PORT]", "*.HOST[:PORT]"; NULL-terminated */
	const struct sp_credential *credentials; /* credential_count of them */
	size_t credential_count;
	const struct sp_port *ports; /* published; port_count of them */
	size_t port_count;
	/*
	 * Layers that must be enforced, by the names that inspect and doctor use; what is
	 * degraded or off elsewhere is an error for these.  NULL-terminated, or NULL.
	 */
	const char *const *require;
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

/* The size of a terminal. */
struct sp_window {
	uint16_t rows, columns; /* 0: 24 and 80 */
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
	bool tty; /* a terminal of its own; all output is SP_STDOUT */
	struct sp_window window;
	bool has_resize; /* each struct sp_window read from resize_fd is its new size */
	int resize_fd;
	sp_output_fn *on_output; /* or NULL to capture */
	void *on_output_ctx;
	uint64_t capture_bytes;       /* kept of each stream; default 64 MiB */
	struct sp_timeline *timeline; /* or NULL */
};

struct sp_exec_result {
	int exit_code;          /* 0..255; 128+N when signal N ended it */
	int signal;             /* that ended it, or 0 */
	bool timed_out;         /* killed at the deadline; the output so far is here */
	bool oom_killed;        /* the memory limit was reached */
	bool disk_full;         /* no space or no inodes were left at its end */
	bool pids_exceeded;     /* a fork was refused */
	bool cpu_time_exceeded; /* killed for the CPU time it took */
	bool cancelled;         /* stopped because cancel_fd became readable */
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
 * Processes in the background: they go on when their starter is gone, their output is
 * kept (capture_bytes of it), and any process may list, follow, feed, signal and wait for
 * them by their number, which counts from 1 in each sandbox.
 *
 * Errors:  NOT_FOUND (sandbox or number), UNSUPPORTED
 */
struct sp_process_info {
	uint32_t number;
	bool is_running, tty;
	int exit_code, signal; /* once it is over */
	bool timed_out, oom_killed, output_truncated;
	int64_t started_ms, ended_ms; /* since 1970; 0 while it runs */
	char *command;                /* its arguments, for people */
};
struct sp_process_list {
	struct sp_process_info *items;
	size_t count;
};
/*
 * opts->on_output is not called: the output is kept, capture_bytes of it.  With has_stdin
 * its input stays open for those who attach; stdin_fd is not read.  Cancelling and the
 * timeline are for commands that are waited for.
 */
SP_API int sp_process_start(struct sp_client *client, const char *handle,
	const char *const argv[], const struct sp_exec_opts *opts, uint32_t *number,
	struct sp_error *err);
SP_API int sp_process_list(struct sp_client *client, const char *handle,
	struct sp_process_list *out, struct sp_error *err);
SP_API void sp_process_list_clear(struct sp_process_list *list);
SP_API void sp_process_info_clear(struct sp_process_info *info);
/* What it printed so far; with follow, until it ends or cancel_fd is readable. */
struct sp_logs_opts {
	bool follow;
	bool has_tail; /* only the last tail_bytes of what is kept */
	uint64_t tail_bytes;
	bool has_cancel;
	int cancel_fd;
	sp_output_fn *on_output;
	void *on_output_ctx;
};
SP_API int sp_process_logs(struct sp_client *client, const char *handle,
	uint32_t number, const struct sp_logs_opts *opts, struct sp_error *err);
/* TIMEOUT when it still runs after timeout_ms (0: no limit). */
SP_API int sp_process_wait(struct sp_client *client, const char *handle,
	uint32_t number, int64_t timeout_ms, struct sp_process_info *out,
	struct sp_error *err);
/* SIGKILL ends its whole tree; other signals go to the process itself.  NOT_FOUND after its end. */
SP_API int sp_process_kill(struct sp_client *client, const char *handle,
	uint32_t number, int signal, struct sp_error *err);
/*
 * Its output from now on, and its standard input, until it ends; cancelling detaches.
 * Of opts: stdin, cancel, resize, on_output.  UNSUPPORTED for input it cannot take.
 */
SP_API int sp_process_attach(struct sp_client *client, const char *handle,
	uint32_t number, const struct sp_exec_opts *opts, struct sp_exec_result *out,
	struct sp_error *err);

/* Stop everything in it where it stands, and let it go on.  Either twice is a success. */
SP_API int sp_sandbox_pause(
	struct sp_client *client, const char *handle, struct sp_error *err);
SP_API int sp_sandbox_resume(
	struct sp_client *client, const char *handle, struct sp_error *err);
/* Destroyed by itself that long from now; 0 never. */
SP_API int sp_sandbox_timeout(struct sp_client *client, const char *handle,
	int64_t ttl_ms, struct sp_error *err);

/* What it uses now.  A number that nothing counts here is UINT64_MAX. */
struct sp_stats {
	int64_t at_ms; /* since 1970 */
	uint64_t memory_bytes, memory_peak_bytes, memory_limit_bytes;
	uint64_t cpu_us; /* since its start, of all processors together */
	uint64_t processes, processes_limit;
	uint64_t read_bytes, written_bytes; /* of block devices */
	uint64_t disk_bytes, disk_limit_bytes;
	uint64_t received_bytes, sent_bytes; /* of its network, without loopback */
};
SP_API int sp_sandbox_stats(struct sp_client *client, const char *handle,
	struct sp_stats *out, struct sp_error *err);

/*
 * Keep what was written in it as an image of this name, from which others are made; fork
 * makes one at once.  Processes are not copied; what they write meanwhile may be half
 * there, so the sandbox is paused for the time it takes.
 *
 * Errors:  EXISTS (the name), LIMIT
 */
SP_API int sp_sandbox_snapshot(struct sp_client *client, const char *handle,
	const char *name, struct sp_error *err);
SP_API int sp_sandbox_fork(struct sp_client *client, const char *handle,
	char fork[SP_HANDLE_MAX], struct sp_error *err);

/* Snapshots and volumes of a provider, which outlive sandboxes.  provider NULL: the client's. */
struct sp_stored {
	char *name;
	char *image; /* of a snapshot: what it was made from */
	int64_t created_ms;
	uint64_t bytes;
};
struct sp_stored_list {
	struct sp_stored *items;
	size_t count;
};
enum sp_stored_kind {
	SP_STORED_SNAPSHOT = 1,
	SP_STORED_VOLUME,
};
SP_API int sp_stored_list(struct sp_client *client, const char *provider,
	enum sp_stored_kind kind, struct sp_stored_list *out, struct sp_error *err);
SP_API void sp_stored_list_clear(struct sp_stored_list *list);
/* LIMIT when a sandbox uses it. */
SP_API int sp_stored_remove(struct sp_client *client, const char *provider,
	enum sp_stored_kind kind, const char *name, struct sp_error *err);
SP_API int sp_volume_create(struct sp_client *client, const char *provider,
	const char *name, struct sp_error *err);

/* What happened to sandboxes, oldest first. */
struct sp_event {
	int64_t at_ms;      /* since 1970 */
	const char *handle; /* of the sandbox */
	const char *
		action; /* created exec exited paused resumed timeout-set snapshot ... */
	const char *details; /* "key=value key=value", or "" */
};
typedef int sp_event_fn(void *ctx, const struct sp_event *event);
struct sp_events_opts {
	const char *handle; /* of this one only, or NULL */
	int64_t since_ms;   /* 0: all that is kept */
	bool follow; /* until cancel_fd is readable or on_event returns non-zero */
	bool has_cancel;
	int cancel_fd;
	sp_event_fn *on_event;
	void *on_event_ctx;
};
SP_API int sp_client_events(struct sp_client *client, const struct sp_events_opts *opts,
	struct sp_error *err);

/*
 * Files inside, without a shell or a tool of the image.  Paths are absolute; links are
 * followed as far as they stay inside, except the last one of remove and rename.
 */
enum sp_entry_type {
	SP_ENTRY_FILE = 1,
	SP_ENTRY_FOLDER,
	SP_ENTRY_LINK,
	SP_ENTRY_OTHER, /* device, FIFO, socket */
};
struct sp_entry {
	char *path; /* absolute */
	char *link; /* what a link says, or NULL */
	enum sp_entry_type type;
	uint64_t size;
	uint32_t mode, uid, gid; /* permission bits; ids as they are inside */
	int64_t mtime_ms;
};
struct sp_entry_list {
	struct sp_entry *items;
	size_t count;
};
SP_API void sp_entry_clear(struct sp_entry *entry);
SP_API void sp_entry_list_clear(struct sp_entry_list *list);
/* What is in a folder, depth levels deep (0 is 1), by path; LIMIT above 100000 entries. */
SP_API int sp_files_list(struct sp_client *client, const char *handle, const char *path,
	uint32_t depth, struct sp_entry_list *out, struct sp_error *err);
SP_API int sp_files_stat(struct sp_client *client, const char *handle, const char *path,
	struct sp_entry *out, struct sp_error *err);
/* length 0: to the end. */
SP_API int sp_files_read(struct sp_client *client, const char *handle, const char *path,
	uint64_t offset, uint64_t length, int to_fd, struct sp_error *err);
/*
 * All of from_fd under a temporary name, then renamed over path; folders are made.  mode 0
 * is that of the file that is replaced, or 0644; its owner stays as well, and a new file
 * is root's inside.
 */
SP_API int sp_files_write(struct sp_client *client, const char *handle,
	const char *path, int from_fd, uint32_t mode, struct sp_error *err);
/* With parents; one that is there is a success. */
SP_API int sp_files_mkdir(struct sp_client *client, const char *handle,
	const char *path, struct sp_error *err);
/* A folder with all in it; NOT_FOUND when nothing is there. */
SP_API int sp_files_remove(struct sp_client *client, const char *handle,
	const char *path, struct sp_error *err);
SP_API int sp_files_rename(struct sp_client *client, const char *handle,
	const char *from, const char *to, struct sp_error *err);
/* Entries below path whose name matches the pattern of fnmatch(3). */
SP_API int sp_files_find(struct sp_client *client, const char *handle, const char *path,
	const char *pattern, struct sp_entry_list *out, struct sp_error *err);
/*
 * Changes below path until cancel_fd is readable, on_change returns non-zero, or path is
 * gone, which are successes.  The first action is "watching", from which on nothing is
 * missed; then created modified attributes removed moved_from moved_to, and "overflow" of
 * path when there were more than could be told.  What is in a folder when that is found is
 * told as created, by the name it has then; twice only when thousands come at once.
 */
typedef int sp_change_fn(void *ctx, const char *action, const char *path);
SP_API int sp_files_watch(struct sp_client *client, const char *handle,
	const char *path, bool recursive, int cancel_fd, sp_change_fn *on_change,
	void *ctx, struct sp_error *err);

/*
 * Let a port of the sandbox be reached at 127.0.0.1:host_port (0: any that is free, given
 * back in *port) until cancel_fd is readable or the sandbox ends.  on_ready is told once
 * the port is open.
 */
SP_API int sp_sandbox_port(struct sp_client *client, const char *handle,
	const struct sp_port *port, int cancel_fd,
	void (*on_ready)(void *ctx, const struct sp_port *port), void *ctx,
	struct sp_error *err);

/*
 * Sandboxes prepared ahead.  A pool belongs to a specification: sp_run() and
 * sp_sandbox_create() with the same one, labels and time to live aside, take from it and
 * see to it that it is filled again.
 */
struct sp_pool_opts {
	uint32_t size;       /* kept ready */
	int64_t max_idle_ms; /* one not taken for so long goes; default 300000 */
	int64_t ttl_ms; /* the pool is not filled again after that; default 3600000 */
};
struct sp_pool_info {
	char name[64];
	char *image;
	uint32_t size, ready;
	uint64_t taken, missed; /* since it was made */
	int64_t expires_ms;     /* since 1970 */
};
struct sp_pool_list {
	struct sp_pool_info *items;
	size_t count;
};
SP_API int sp_pool_fill(struct sp_client *client, const struct sp_sandbox_spec *spec,
	const struct sp_pool_opts *opts, struct sp_pool_info *out,
	struct sp_error *err);
SP_API int sp_pool_list(
	struct sp_client *client, struct sp_pool_list *out, struct sp_error *err);
SP_API void sp_pool_info_clear(struct sp_pool_info *info);
SP_API void sp_pool_list_clear(struct sp_pool_list *list);
/* Destroys those that wait in it; name NULL is all pools. */
SP_API int sp_pool_drain(
	struct sp_client *client, const char *name, struct sp_error *err);

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
