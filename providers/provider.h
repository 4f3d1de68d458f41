/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a provider of sandboxes can be asked, whether it is this machine, an engine
 * behind a socket or a cloud behind an API.
 *
 * A driver is a constant table; an op left NULL answers UNSUPPORTED.  All state is behind
 * the id: any process that has it can go on with the sandbox.  Ops get checked arguments
 * and a non-NULL err.  Retry, breaker and choice of provider are the manager's business.
 */
#ifndef SP_PROVIDERS_PROVIDER_H
#define SP_PROVIDERS_PROVIDER_H

#include "base/buf.h"
#include "base/error.h"
#include "base/io.h"
#include "base/log.h"

struct sp_driver;

/* A driver's object starts with this. */
struct sp_provider {
	const struct sp_driver *driver;
};

/* One setting of a provider, "host" or "api_key": from configuration or environment. */
struct sp_setting {
	const char *key;
	const char *value;
};

struct sp_provider_config {
	const struct sp_setting *settings;
	size_t setting_count;
	const char *state_dir; /* absolute, exists, 0700, ours: for locks and caches */
	/* For what outlives sandboxes and reboots: absolute; made, 0700, by who uses it. */
	const char *store_dir;
	const char *data_dir;    /* where recipes and profiles are, absolute */
	const char *libexec_dir; /* where our helper programs are, absolute */
	/* Progress of long work; NULL is silent.  total 0 is unknown. */
	void (*on_progress)(void *ctx, const char *what, uint64_t done, uint64_t total);
	void *progress_ctx;
};

/* What a provider can do beyond create, exec, destroy.  A bit each; names in provider.c. */
enum sp_capability {
	SP_CAP_STDIN = 1u << 0, /* standard input of a command */
	SP_CAP_SEPARATE_STDERR = 1u << 1,
	SP_CAP_USER = 1u << 2,  /* commands as another user */
	SP_CAP_FILES = 1u << 3, /* archives in and out */
	SP_CAP_LABELS = 1u << 4,
	SP_CAP_LIST = 1u << 5,
	SP_CAP_TTL = 1u << 6,    /* ends by itself */
	SP_CAP_MOUNTS = 1u << 7, /* host folders inside */
	SP_CAP_LIMITS = 1u << 8, /* memory, CPU, processes */
	SP_CAP_DISK_LIMIT = 1u << 9,
	SP_CAP_SECCOMP_PROFILE = 1u << 10,
	SP_CAP_NETWORK_NONE = 1u << 11,
	SP_CAP_NETWORK_NAT = 1u << 12,
	SP_CAP_NETWORK_HOST = 1u << 13,
	SP_CAP_IMAGES = 1u << 14,   /* OCI references */
	SP_CAP_ROOT_DIR = 1u << 15, /* a folder of this machine as the image */
	SP_CAP_OFFLINE = 1u << 16,  /* works with no network at all */
	SP_CAP_NETWORK_ALLOW = 1u << 17,
	SP_CAP_PORTS = 1u << 18,      /* reached from this machine */
	SP_CAP_TTY = 1u << 19,        /* terminals */
	SP_CAP_BACKGROUND = 1u << 20, /* processes that others list, follow and end */
	SP_CAP_PAUSE = 1u << 21,
	SP_CAP_TIMEOUT = 1u << 22, /* the time to live of a running one changes */
	SP_CAP_STATS = 1u << 23,
	SP_CAP_SNAPSHOT = 1u << 24,
	SP_CAP_FORK = 1u << 25,
	SP_CAP_VOLUMES = 1u << 26,
	SP_CAP_EVENTS = 1u << 27,
	SP_CAP_FILE_OPS = 1u << 28, /* list, read, write and so on without a shell */
	SP_CAP_POOL = 1u << 29,     /* prepared sandboxes */
	SP_CAP_CPU_TIME = 1u << 30, /* limits of CPU time and of a file's size */
	SP_CAP_REQUIRE = 1u << 31,  /* tells of each layer whether it is enforced */
};

/*
 * Steps a run() notes in the command's timeline beside its own, so that what the sandbox
 * cost can be told from what the command took.
 */
#define SP_MARK_STARTED "exec"   /* the sandbox is there, the command begins */
#define SP_MARK_ENDED   "exited" /* the command is over, the sandbox goes */

/* One command, complete: what the layers above leave open they fill in first. */
struct sp_command {
	const char *const
		*argv; /* NULL-terminated, argv[0] looked up on the PATH inside */
	const char *const *env;  /* on top of the sandbox's own, or NULL */
	const char *workdir;     /* or NULL: the sandbox's */
	const char *user;        /* or NULL: the sandbox's */
	int64_t timeout_ms;      /* 0 is none */
	int stdin_fd;            /* -1: empty */
	int cancel_fd;           /* -1: none; readable means stop */
	bool tty;                /* a terminal: all output is SP_STDOUT */
	struct sp_window window; /* never 0 */
	bool has_resize;         /* struct sp_window comes from resize_fd */
	int resize_fd;
	uint64_t keep_bytes; /* start(): output kept of it, both streams together */
	/* Never NULL but for start(); not called again after it returned non-zero. */
	sp_output_fn *on_output;
	void *on_output_ctx;
	struct sp_timeline *timeline; /* or NULL */
	int64_t timeline_start_us;
};

/* How it ended.  A command that failed or was killed is a success of the op. */
struct sp_outcome {
	int exit_code; /* 128+N for a signal; 126 not executable; 127 not there */
	int signal;
	bool timed_out;
	bool oom_killed;
	bool disk_full, pids_exceeded, cpu_time_exceeded;
	bool cancelled;
	int64_t wall_us;
};

/* What of a background process' output is wanted, and who takes it. */
struct sp_logs {
	bool follow; /* until its end, or cancel_fd */
	bool has_tail;
	uint64_t tail_bytes;
	int cancel_fd; /* -1: none */
	sp_output_fn *on_output;
	void *on_output_ctx;
};

/* One operation on files inside; what of the fields counts is said at each. */
enum sp_file_op {
	SP_FILE_LIST = 1, /* path, depth: an entry for each in it */
	SP_FILE_STAT,     /* path: one entry, a link at its end followed */
	SP_FILE_READ,     /* path, offset, length: bytes to sink */
	SP_FILE_WRITE,    /* path, mode: bytes from source */
	SP_FILE_MKDIR,    /* path */
	SP_FILE_REMOVE,   /* path */
	SP_FILE_RENAME,   /* path, to */
	SP_FILE_FIND,     /* path, pattern: an entry for each */
	SP_FILE_WATCH,    /* path, recursive: on_change until cancel_fd */
};
struct sp_file_request {
	enum sp_file_op op;
	const char *path, *to, *pattern;
	uint32_t depth, mode;
	uint64_t offset, length; /* length 0: to the end */
	bool recursive;
	int cancel_fd;                  /* -1: none */
	const struct sp_sink *sink;     /* READ */
	const struct sp_source *source; /* WRITE */
	/* LIST, STAT, FIND; the entry is the driver's.  Non-zero stops. */
	int (*on_entry)(void *ctx, const struct sp_entry *entry, struct sp_error *err);
	sp_change_fn *on_change; /* WATCH */
	void *ctx;               /* of either */
};

/* What a path inside is, a link at its end followed. */
enum sp_file_type {
	SP_FILE_REGULAR = 1,
	SP_FILE_FOLDER,
	SP_FILE_OTHER, /* device, FIFO, socket */
};
struct sp_file_stat {
	enum sp_file_type type;
	uint64_t size;
	uint32_t mode;   /* permission bits */
	int64_t mtime_s; /* since 1970 */
};

struct sp_health {
	bool ok;
	char version[64]; /* of what answers */
	char detail[256]; /* why not, or what is degraded; one line */
	int64_t latency_us;
};

struct sp_driver {
	const char *name;
	uint32_t capabilities; /* what it can do at its best; health tells the rest */

	/* Check the settings and remember them: no network, no disk before the first op. */
	int (*open)(const struct sp_provider_config *cfg, struct sp_provider **out,
		struct sp_error *err);
	void (*close)(struct sp_provider *self);

	/* Is it there, and could it create a sandbox now?  A no is a success with !ok. */
	int (*health)(struct sp_provider *self, int64_t timeout_ms,
		struct sp_health *out, struct sp_error *err);

	/* Is the image at hand or to be had?  NOT_FOUND with what to do, if not. */
	int (*has_image)(
		struct sp_provider *self, const char *image, struct sp_error *err);

	/*
	 * Make a sandbox that lives until destroyed.  Retry only when err->not_sent: a second
	 * sandbox costs money.  After a failure nothing is left of it.
	 */
	int (*create)(struct sp_provider *self, const struct sp_sandbox_spec *spec,
		char id[static SP_SANDBOX_ID_MAX], struct sp_error *err);

	/*
	 * Create, run one command, destroy, in one go, where that is faster than the three.
	 * NULL: the wrapper does the three.  id is set as soon as it is known.
	 */
	int (*run)(struct sp_provider *self, const struct sp_sandbox_spec *spec,
		const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
		struct sp_outcome *out, struct sp_error *err);

	/*
	 * Run one command in a sandbox.  At the deadline, or when cancelled, the command's
	 * whole process tree is dead and its streams are closed before the call returns.
	 */
	int (*exec)(struct sp_provider *self, const char *id,
		const struct sp_command *command, struct sp_outcome *out,
		struct sp_error *err);

	/* NOT_FOUND when there is none.  The caller clears *out. */
	int (*get)(struct sp_provider *self, const char *id,
		struct sp_sandbox_info *out, struct sp_error *err);

	/* Those that carry all these labels.  The caller clears *out. */
	int (*list)(struct sp_provider *self, const struct sp_label *labels,
		size_t label_count, struct sp_sandbox_list *out, struct sp_error *err);

	/* Everything known, one JSON object. */
	int (*inspect)(struct sp_provider *self, const char *id, struct sp_buf *json,
		struct sp_error *err);

	/*
	 * The file or folder at path as a tar stream, whose members begin with its last
	 * component.  NOT_FOUND when it is not there.
	 */
	int (*get_archive)(struct sp_provider *self, const char *id, const char *path,
		const struct sp_sink *sink, struct sp_error *err);

	/*
	 * Unpack a tar stream into the folder at path, which is there or is made.  A folder
	 * never takes the place of something else, nor the reverse: EXISTS.
	 */
	int (*put_archive)(struct sp_provider *self, const char *id, const char *path,
		const struct sp_source *source, struct sp_error *err);

	/* Links are followed, as far as they stay inside.  NOT_FOUND when nothing is there. */
	int (*stat)(struct sp_provider *self, const char *id, const char *path,
		struct sp_file_stat *out, struct sp_error *err);

	/* Safe to retry: destroying what is gone is a success. */
	int (*destroy)(struct sp_provider *self, const char *id, struct sp_error *err);

	/*
	 * Processes in the background.  Any process may call these for any number: nothing
	 * depends on who started it.  NOT_FOUND when there is no such number.
	 */
	int (*start)(struct sp_provider *self, const char *id,
		const struct sp_command *command, uint32_t *number,
		struct sp_error *err);
	int (*processes)(struct sp_provider *self, const char *id,
		struct sp_process_list *out, struct sp_error *err);
	int (*logs)(struct sp_provider *self, const char *id, uint32_t number,
		const struct sp_logs *logs, struct sp_error *err);
	/* TIMEOUT when it still runs after timeout_ms; 0 is no limit. */
	int (*wait)(struct sp_provider *self, const char *id, uint32_t number,
		int64_t timeout_ms, struct sp_process_info *out, struct sp_error *err);
	int (*signal)(struct sp_provider *self, const char *id, uint32_t number,
		int signal, struct sp_error *err);
	/* Of command: stdin, cancel (detaches: out->cancelled), resize, on_output. */
	int (*attach)(struct sp_provider *self, const char *id, uint32_t number,
		const struct sp_command *command, struct sp_outcome *out,
		struct sp_error *err);

	/* Each twice is a success. */
	int (*pause)(struct sp_provider *self, const char *id, struct sp_error *err);
	int (*resume)(struct sp_provider *self, const char *id, struct sp_error *err);
	/* From now; 0 is never. */
	int (*set_ttl)(struct sp_provider *self, const char *id, int64_t ttl_ms,
		struct sp_error *err);
	int (*stats)(struct sp_provider *self, const char *id, struct sp_stats *out,
		struct sp_error *err);

	int (*snapshot)(struct sp_provider *self, const char *id, const char *name,
		struct sp_error *err);
	int (*fork)(struct sp_provider *self, const char *id,
		char fork_id[static SP_SANDBOX_ID_MAX], struct sp_error *err);
	int (*stored)(struct sp_provider *self, enum sp_stored_kind kind,
		struct sp_stored_list *out, struct sp_error *err);
	int (*stored_remove)(struct sp_provider *self, enum sp_stored_kind kind,
		const char *name, struct sp_error *err);
	int (*volume_create)(
		struct sp_provider *self, const char *name, struct sp_error *err);

	/* opts->handle is an id here, or NULL; events name PROVIDER:ID. */
	int (*events)(struct sp_provider *self, const struct sp_events_opts *opts,
		struct sp_error *err);

	int (*file)(struct sp_provider *self, const char *id,
		const struct sp_file_request *request, struct sp_error *err);

	/* As sp_sandbox_port(). */
	int (*port)(struct sp_provider *self, const char *id,
		const struct sp_port *port, int cancel_fd,
		void (*on_ready)(void *ctx, const struct sp_port *port), void *ctx,
		struct sp_error *err);

	int (*pool_fill)(struct sp_provider *self, const struct sp_sandbox_spec *spec,
		const struct sp_pool_opts *opts, struct sp_pool_info *out,
		struct sp_error *err);
	int (*pools)(struct sp_provider *self, struct sp_pool_list *out,
		struct sp_error *err);
	/* name NULL is all. */
	int (*pool_drain)(
		struct sp_provider *self, const char *name, struct sp_error *err);
};

/* The wrappers everyone above calls.  They check arguments and fill "op provider:id" in. */
int sp_provider_health(struct sp_provider *p, int64_t timeout_ms, struct sp_health *out,
	struct sp_error *err);
int sp_provider_has_image(
	struct sp_provider *p, const char *image, struct sp_error *err);
int sp_provider_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err);
int sp_provider_run(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err);
int sp_provider_exec(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err);
/* The second half of a run: exec in what create made, then destroy it. */
int sp_provider_run_created(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err);
int sp_provider_get(struct sp_provider *p, const char *id, struct sp_sandbox_info *out,
	struct sp_error *err);
int sp_provider_list(struct sp_provider *p, const struct sp_label *labels,
	size_t label_count, struct sp_sandbox_list *out, struct sp_error *err);
int sp_provider_inspect(struct sp_provider *p, const char *id, struct sp_buf *json,
	struct sp_error *err);
int sp_provider_get_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_sink *sink, struct sp_error *err);
int sp_provider_put_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err);
int sp_provider_stat(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *out, struct sp_error *err);
int sp_provider_destroy(struct sp_provider *p, const char *id, struct sp_error *err);
void sp_provider_close(struct sp_provider *p);

/* background.c */
int sp_provider_start(struct sp_provider *p, const char *id,
	const struct sp_command *command, uint32_t *number, struct sp_error *err);
int sp_provider_processes(struct sp_provider *p, const char *id,
	struct sp_process_list *out, struct sp_error *err);
int sp_provider_logs(struct sp_provider *p, const char *id, uint32_t number,
	const struct sp_logs *logs, struct sp_error *err);
int sp_provider_wait(struct sp_provider *p, const char *id, uint32_t number,
	int64_t timeout_ms, struct sp_process_info *out, struct sp_error *err);
int sp_provider_signal(struct sp_provider *p, const char *id, uint32_t number,
	int signal, struct sp_error *err);
int sp_provider_attach(struct sp_provider *p, const char *id, uint32_t number,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err);

/* life.c */
int sp_provider_pause(struct sp_provider *p, const char *id, struct sp_error *err);
int sp_provider_resume(struct sp_provider *p, const char *id, struct sp_error *err);
int sp_provider_set_ttl(
	struct sp_provider *p, const char *id, int64_t ttl_ms, struct sp_error *err);
int sp_provider_stats(struct sp_provider *p, const char *id, struct sp_stats *out,
	struct sp_error *err);
int sp_provider_snapshot(
	struct sp_provider *p, const char *id, const char *name, struct sp_error *err);
int sp_provider_fork(struct sp_provider *p, const char *id,
	char fork_id[static SP_SANDBOX_ID_MAX], struct sp_error *err);
int sp_provider_stored(struct sp_provider *p, enum sp_stored_kind kind,
	struct sp_stored_list *out, struct sp_error *err);
int sp_provider_stored_remove(struct sp_provider *p, enum sp_stored_kind kind,
	const char *name, struct sp_error *err);
int sp_provider_volume_create(
	struct sp_provider *p, const char *name, struct sp_error *err);
int sp_provider_events(
	struct sp_provider *p, const struct sp_events_opts *opts, struct sp_error *err);
int sp_provider_file(struct sp_provider *p, const char *id,
	const struct sp_file_request *request, struct sp_error *err);
int sp_provider_port(struct sp_provider *p, const char *id, const struct sp_port *port,
	int cancel_fd, void (*on_ready)(void *ctx, const struct sp_port *port),
	void *ctx, struct sp_error *err);
int sp_provider_pool_fill(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_pool_opts *opts, struct sp_pool_info *out,
	struct sp_error *err);
int sp_provider_pools(
	struct sp_provider *p, struct sp_pool_list *out, struct sp_error *err);
int sp_provider_pool_drain(
	struct sp_provider *p, const char *name, struct sp_error *err);

/* Append an owned label; NOMEM. */
int sp_sandbox_info_label(struct sp_sandbox_info *info, const char *key,
	const char *value, struct sp_error *err);
/* Append *info to the list, taking what it owns. */
int sp_sandbox_list_add(struct sp_sandbox_list *list, struct sp_sandbox_info *info,
	struct sp_error *err);
/* The same for the other lists: lists.c. */
int sp_process_list_add(struct sp_process_list *list, struct sp_process_info *item,
	struct sp_error *err);
int sp_stored_list_add(
	struct sp_stored_list *list, struct sp_stored *item, struct sp_error *err);
int sp_entry_list_add(
	struct sp_entry_list *list, struct sp_entry *item, struct sp_error *err);
int sp_pool_list_add(
	struct sp_pool_list *list, struct sp_pool_info *item, struct sp_error *err);
/* Does it carry all these labels?  Of none is true. */
bool sp_labels_match(const struct sp_sandbox_info *info, const struct sp_label *labels,
	size_t label_count);

/* Does the request make sense?  The wrappers ask before any op sees it. */
int sp_spec_check(const struct sp_sandbox_spec *spec, struct sp_error *err);
int sp_command_check(const struct sp_command *command, struct sp_error *err);
/* Can a provider with these capabilities do all of it?  UNSUPPORTED names what not. */
int sp_spec_supported(uint32_t capabilities, const struct sp_sandbox_spec *spec,
	struct sp_error *err);
int sp_command_supported(
	uint32_t capabilities, const struct sp_command *command, struct sp_error *err);

#define sp_autoinfo SP_AUTO(sp_sandbox_info_clear)
#define sp_autolist SP_AUTO(sp_sandbox_list_clear)

/* Split PROVIDER:ID; ID alone leaves provider empty.  Names are checked, INVALID otherwise. */
int sp_handle_parse(const char *text, char provider[static SP_PROVIDER_NAME_MAX],
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err);

/*
 * What a loadable module gives: its drivers, NULL-terminated.  version is SP_VERSION of
 * its build, and a module of another build is refused.
 */
#define SP_MODULE_ENTRY "sp_module_open"
struct sp_module {
	const char *version;
	const struct sp_driver *const *drivers;
};
typedef const struct sp_module *sp_module_open_fn(const struct sp_log_sink *sink);

#endif
