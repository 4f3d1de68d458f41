/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of the local driver share. */
#ifndef SP_PROVIDERS_LOCAL_LOCAL_H
#define SP_PROVIDERS_LOCAL_LOCAL_H

#include "providers/local/driver.h"
#include "providers/local/network.h"
#include "providers/local/subids.h"
#include "runtime/launch.h"
#include "runtime/state.h"

#define LOCAL_IMAGE_HOST "host"

struct local {
	struct sp_provider base;
	char *sandboxes; /* folder of all state folders */
	char *state;     /* the folder these are in */
	char *store;     /* snapshots and volumes: store.h */
	char *ids;       /* folder of claims of id ranges */
	char *cache;     /* compiled filters */
	char *data_dir, *libexec_dir;
	char *runner, *worker, *gate, *refill; /* our helper programs */
	struct local_subids *subids;           /* of the caller, once somebody asked */
};

static inline struct local *local_of(struct sp_provider *p)
{
	return (struct local *)p;
}

/* How the program that fills a pool again is started: see refill/main.c. */
static inline void local_refill_argv(const struct local *l, const char *pool,
	const char *argv[static SP_RUNNER_REFILL_MAX])
{
	const char *const all[] = {
		l->refill, l->state, l->store, l->data_dir, l->libexec_dir, pool, NULL};

	for (size_t i = 0; i < SP_COUNT(all); i++)
		argv[i] = all[i];
}

/* ids.c: ids the sandbox's 0.. are on the host, claimed for it alone where that can be. */
struct local_ids {
	bool has_mounts; /* user 0 inside is to be the owner of what the caller shares */
	char why[320];   /* the range is not the sandbox's own: why; else empty */
};
int local_claim_ids(const struct local *l, struct local_ids *ids, struct sp_record *r,
	struct sp_error *err);
/* Remove claims that a crash left before their sandbox was on record; base: its folder. */
void local_drop_stale_claims(const struct local *l, int base);
/* Root, and of a user namespace that has the ranges: of most containers it has not. */
bool local_is_root(void);
/* Does the caller belong to groups that cannot be dropped? */
bool local_keeps_groups(const struct local *l);

/* image.c: what an image is made of. */
struct local_image {
	char *name;               /* as it is shown */
	char *base;               /* "host", or a folder */
	struct sp_strv snapshots; /* on it, the topmost first */
	struct sp_strv folders;   /* of these */
	char *changed; /* the snapshot whose base is another one by now, or NULL */
};
void local_image_clear(struct local_image *image);
#define local_autoimage SP_AUTO(local_image_clear) struct local_image
/* What "host", a folder or a snapshot's name means.  NOT_FOUND, with what to do. */
int local_image_find(const struct local *l, const char *text, struct local_image *out,
	struct sp_error *err);
/* The image of a sandbox, with one more layer of the store on top. */
int local_image_of(const struct local *l, const struct sp_record *r, const char *top,
	struct local_image *out, struct sp_error *err);

/* plan.c: from a specification to a record, and what is wrong with it. */
struct local_plan {
	struct sp_record record;
	struct local_image image; /* found by the caller, or by what the spec says */
	char *root;               /* its base, if that is a folder */
	struct sp_mount *mounts; /* absolute, checked; strings borrowed from resolved */
	size_t mount_count;
	struct sp_strv resolved;
	struct local_ids ids;
	uint32_t required;    /* layers, a bit each */
	char device_why[256]; /* there is no device cgroup: why; else empty */
	struct local_network network;
	int filter_fd;
	int base_fd, lock_fd;
	int store_fd; /* locks on what it uses of the store, or -1 */
	char *state_path;
};
#define LOCAL_PLAN_INIT \
	{ \
		.filter_fd = -1, .base_fd = -1, .lock_fd = -1, .store_fd = -1 \
	}
void local_plan_clear(struct local_plan *plan);
int local_plan_make(const struct local *l, const struct sp_sandbox_spec *spec,
	enum sp_runner_mode mode, struct local_plan *plan, struct sp_error *err);
/* The system call filter, which takes longer than the rest. */
int local_plan_filter(
	const struct local *l, struct local_plan *plan, struct sp_error *err);
/* A plan's limits as somebody would ask for them: defaults are not asked for. */
struct sp_limits local_asked_limits(const struct sp_limits *limits);

/* volumes.c: make what volumes are missing, and hold all that is used of the store. */
int local_use_store(
	const struct local *l, struct local_plan *plan, struct sp_error *err);

/* devices.c: before, and after, the sandbox's control groups are made. */
void local_plan_devices(struct local_plan *plan);
void local_guard_devices(struct local_plan *plan);

/* limits.c: which control groups a sandbox wants. */
struct sp_cgroup_limits local_cgroup_limits(const struct sp_record *r);

/* layers.c: every protection by its name, the same in records, doctor and --require. */
enum local_layer {
	LAYER_USER_NS,
	LAYER_MOUNT_NS,
	LAYER_PID_NS,
	LAYER_NET_NS,
	LAYER_IPC_NS,
	LAYER_UTS_NS,
	LAYER_CGROUP_NS,
	LAYER_ID_RANGE,
	LAYER_GROUPS,
	LAYER_CAPABILITIES,
	LAYER_NO_NEW_PRIVS,
	LAYER_FILTER,
	LAYER_LANDLOCK,
	LAYER_MASKS,
	LAYER_DEVICES,
	LAYER_KEYRING,
	LAYER_MOUNT_OWNERS,
	LAYER_MEMORY,
	LAYER_SWAP,
	LAYER_PROCESSES,
	LAYER_CPU,
	LAYER_DISK,
	LAYER_OOM,
	LAYER_CPU_TIME,
	LAYER_FILE_SIZE,
	LAYER_PAUSE,
	LAYER_IMAGE_BASE,
	LOCAL_LAYERS
};
const char *local_layer_name(enum local_layer layer);
/* Bits of the layers of these names, NULL-terminated or NULL; INVALID lists them all. */
int local_find_layers(const char *const *words, uint32_t *layers, struct sp_error *err);
/* Which of them the runner is to fail without: enum sp_runner_degraded. */
uint32_t local_required_bits(uint32_t layers);

/* The state of each as lines of the record; again, after something changed. */
void local_note_layers(const struct local *l, struct local_plan *plan);
void local_note_degraded(struct sp_record *r, uint32_t bits);
/* UNSUPPORTED when one that is required is not enforced, with what would mend it. */
int local_check_layers(const struct local_plan *plan, struct sp_error *err);

/* Landlock's ABI, or -1 with errno; from this one on it knows all rights of files. */
#define LOCAL_LANDLOCK_FILES 5
long local_landlock_abi(void);

/* launch.c */
int local_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err);
/* One that waits in a pool. */
int local_create_for_pool(struct local *l, const struct sp_sandbox_spec *spec,
	const char *pool, char id[static SP_SANDBOX_ID_MAX], struct sp_error *err);
int local_run(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err);

/* The same from an image that was put together already, which it takes. */
int local_create_from(struct local *l, struct local_image *image,
	const struct sp_sandbox_spec *spec, char id[static SP_SANDBOX_ID_MAX],
	struct sp_error *err);

/* join.c */
int local_exec(struct sp_provider *p, const char *id, const struct sp_command *command,
	struct sp_outcome *out, struct sp_error *err);
/* The sandbox ends with it.  err->not_sent: it certainly did not run. */
int local_exec_last(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err);
/* Run what launch says of a command in the sandbox, with its streams. */
int local_join(const struct local *l, const char *id, struct sp_launch *launch,
	const struct sp_relay *relay, struct sp_runner_event *event,
	struct sp_error *err);
void local_outcome(
	const struct sp_runner_event *event, int64_t start_us, struct sp_outcome *out);
void local_timeline(
	const struct sp_command *command, const struct sp_runner_event *event);

/* files.c */
int local_get_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_sink *sink, struct sp_error *err);
int local_put_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err);
int local_stat(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *out, struct sp_error *err);
int local_file(struct sp_provider *p, const char *id,
	const struct sp_file_request *request, struct sp_error *err);

/* pause.c */
int local_pause(struct sp_provider *p, const char *id, struct sp_error *err);
int local_resume(struct sp_provider *p, const char *id, struct sp_error *err);
bool local_is_paused(const struct sp_record *r, const struct sp_supervisor *s);
/* UNAVAILABLE, with what to do, when it is. */
int local_check_not_paused(
	const struct sp_record *r, const struct sp_supervisor *s, struct sp_error *err);
/* stats.c */
int local_stats(struct sp_provider *p, const char *id, struct sp_stats *out,
	struct sp_error *err);

/* network.c */
int local_port(struct sp_provider *p, const char *id, const struct sp_port *port,
	int cancel_fd, void (*on_ready)(void *ctx, const struct sp_port *port),
	void *ctx, struct sp_error *err);
/* The folder of a sandbox that can be joined, with its record, or why it cannot. */
int local_find_running(const struct local *l, const char *id, struct sp_record *record,
	struct sp_error *err);

/* background.c */
int local_start(struct sp_provider *p, const char *id, const struct sp_command *command,
	uint32_t *number, struct sp_error *err);
int local_processes(struct sp_provider *p, const char *id, struct sp_process_list *out,
	struct sp_error *err);
int local_logs(struct sp_provider *p, const char *id, uint32_t number,
	const struct sp_logs *logs, struct sp_error *err);
int local_wait(struct sp_provider *p, const char *id, uint32_t number,
	int64_t timeout_ms, struct sp_process_info *out, struct sp_error *err);
int local_signal(struct sp_provider *p, const char *id, uint32_t number, int signal,
	struct sp_error *err);
int local_attach(struct sp_provider *p, const char *id, uint32_t number,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err);

/* ttl.c */
/* One that waited in a pool gets the labels and the time to live that are asked for. */
int local_make_ours(struct local *l, const char *id, const struct sp_sandbox_spec *spec,
	struct sp_error *err);
int local_set_ttl(
	struct sp_provider *p, const char *id, int64_t ttl_ms, struct sp_error *err);

/* find.c */
/* The record and the supervisor of one that runs, or why there is none. */
int local_find_alive(const struct local *l, const char *id, struct sp_record *record,
	struct sp_supervisor *supervisor, struct sp_error *err);
int local_get(struct sp_provider *p, const char *id, struct sp_sandbox_info *out,
	struct sp_error *err);
int local_list(struct sp_provider *p, const struct sp_label *labels, size_t label_count,
	struct sp_sandbox_list *out, struct sp_error *err);
int local_destroy(struct sp_provider *p, const char *id, struct sp_error *err);
/* holders.c: end the supervisors that hold a file in a sandbox's folder, removed or not */
void local_end_holders(const char *folder);
/* inspect.c */
int local_inspect(struct sp_provider *p, const char *id, struct sp_buf *json,
	struct sp_error *err);

#endif
