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
	const char *data_dir;  /* where recipes and profiles are, absolute */
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
	const char *const *env; /* on top of the sandbox's own, or NULL */
	const char *workdir;    /* or NULL: the sandbox's */
	const char *user;       /* or NULL: the sandbox's */
	int64_t timeout_ms;     /* 0 is none */
	int stdin_fd;           /* -1: empty */
	int cancel_fd;          /* -1: none; readable means stop */
	sp_output_fn *
		on_output; /* never NULL; not called again after it returned non-zero */
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
	bool cancelled;
	int64_t wall_us;
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

/* Append an owned label; NOMEM. */
int sp_sandbox_info_label(struct sp_sandbox_info *info, const char *key,
	const char *value, struct sp_error *err);
/* Append *info to the list, taking what it owns. */
int sp_sandbox_list_add(struct sp_sandbox_list *list, struct sp_sandbox_info *info,
	struct sp_error *err);
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
