/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside sandpit-runner: one static thread, no heap.  The steps of a launch are functions
 * that return 0 or fill an error; runner.c and init.c call them in the order that counts.
 */
#ifndef SP_RUNTIME_RUNNER_H
#define SP_RUNTIME_RUNNER_H

#include <sys/types.h>

#include "base/error.h"
#include "runtime/remove.h"
#include "runtime/spec.h"

struct runner {
	const struct sp_runner_spec *spec; /* the whole memory file, read-only */
	char *const *argv;
	char **env; /* two free places at its end, for HOME */
	size_t env_count;
	struct sp_runner_marks *marks; /* shared with the child */
	int proc_fd;                   /* the host's procfs, checked */
	int release[2];                /* socket pair: parent [0], child [1] */
	int status[2];                 /* pipe: messages of the child */
	int request[2];  /* joining: socket pair, outside [0], the command [1] */
	bool is_settled; /* joining: as root, with everything given up beforehand */
	bool is_last;    /* joining: the sandbox ends with the command */
	uint32_t degraded;
	int degraded_errno; /* of the last one */
	bool lacks_clone3;  /* then nobody is born in a control group */
	int devices_fd;     /* holds the device cgroup, or -1 */
	int layer_fd;       /* folder of what is written; process 1 sends it out */
};

/* Our own descriptors stand from here on: below, numbers have a meaning. */
#define OWN_FD 64

/* What the child tells: one write each, smaller than PIPE_BUF. */
enum status_kind { STATUS_READY = 1, STATUS_STARTED, STATUS_EXIT, STATUS_ERROR };
struct status_message {
	uint32_t kind;
	int32_t status;
	uint32_t degraded;
	struct sp_error error;
};

/* Descriptors the parent opened for the child, sent when it is released. */
#define SOURCES_MAX (1 + SP_RUNNER_LAYERS_MAX + SP_RUNNER_MOUNTS_MAX)
struct sources {
	int fds[SOURCES_MAX]; /* detached mounts, in the order of enum source_kind */
	size_t count;
};

static inline const char *spec_text(const struct runner *r, uint32_t offset)
{
	return offset ? (const char *)r->spec + offset : NULL;
}

/* runner.c */
void runner_mark(struct runner *r, const char *name);
int runner_send_status(const struct runner *r, uint32_t kind, int status,
	const struct sp_error *error);
/* Map what is at SP_RFD_SPEC, argv and env with it. */
int load_spec(struct runner *r, struct sp_error *err);
int new_marks(struct runner *r, struct sp_error *err);

/* supervise.c: wait for the end of one command, enforce its deadline, tell how it was. */
void supervise(
	struct runner *r, pid_t child, int child_fd, struct sp_runner_event *event);
void send_event(struct runner *r, struct sp_runner_event *event);
/* Everyone who may want an end asks with SIGTERM; it is read from here, never delivered. */
int open_signals(bool with_children);
/* The sandbox's cgroups, id range and state folder. */
void remove_traces(const struct runner *r);
int64_t now_ms(void); /* monotonic */

/*
 * keep.c: a command in the background.  First its number and its streams, which take the
 * place of those that were given; then instead of supervise(), telling the caller itself.
 */
int keep_prepare(struct runner *r, int streams[3], struct sp_error *err);
void keep(struct runner *r, pid_t child, int child_fd);

/* serve.c: the life of a sandbox that stays.  Returns the runner's exit status. */
int serve(struct runner *r, pid_t child, int child_fd);

/* tree.c: end a subreaper and all that descends from it; false if something stays. */
bool kill_tree(const struct runner *r, pid_t reaper);

/* init.c: process 1 of a new sandbox.  Does not return. */
_Noreturn void sandbox_init(struct runner *r);
/* The end of every reaper: fork the command, wait for it, tell how it ended. */
_Noreturn void start_command(struct runner *r);
/* For reapers: the status pipe moves to 0, a gate (or -1) to 1, the filter stays. */
void keep_only(struct runner *r, int gate);

/*
 * enter.c: join the sandbox and run a command there, which comes through channel; in a
 * child of the supervisor.  These are at fixed numbers, behind SP_RUNNER_NS_FD.
 */
enum {
	FIXED_PROC = SP_RUNNER_LAYER_FD + 1,
	FIXED_SANDBOX, /* pidfd of process 1 */
	FIXED_CHANNEL,
	FIXED_END,
};
struct entrance {
	int channel;
	pid_t supervisor;
	bool is_settled; /* only for commands of root */
	bool is_spare;   /* the command may never come */
};
_Noreturn void enter(struct runner *r, const struct entrance *e);
/* The supervisor hears of it and cleans up. */
void kill_sandbox(const struct runner *r);
/* Inside: wait for the command and become it. */
_Noreturn void join_command(struct runner *r);

/* command.c: the last steps of every command; returns only to fail. */
/* Die with the supervisor, also if that happened before it could be asked for. */
int tie_to_parent(const struct runner *r, struct sp_error *err);
int prepare_process(const struct runner *r, struct sp_error *err);
_Noreturn void run_command(struct runner *r);
int install_filter(struct sp_error *err);

/* terminal.c: the command's own terminal as its streams, where one is asked for. */
int open_terminal(const struct runner *r, struct sp_error *err);

/*
 * step_netns.c: the network namespace of process 1, made beside everything else by a task
 * of its own, and joined when it is there.
 */
int begin_netns(struct runner *r, struct sp_error *err);
int finish_netns(struct sp_error *err);

/*
 * step_degrade.c: what could not be done and has a fallback, with its errno; and the error
 * if the caller cannot do without.  The second is asked once the specification is there.
 */
void degrade(struct runner *r, enum sp_runner_degraded what);
int check_required(const struct runner *r, struct sp_error *err);

/* step_devices.c: the parent holds the device cgroup, the child joins it. */
/* Hold it, and open the way in for process 1 as open_cgroup_doors() does. */
void open_device_door(struct runner *r, int *fds, size_t *count);
int join_devices(const struct runner *r, struct sp_error *err);

/* step_ids.c */
int write_id_maps(const struct runner *r, pid_t child, struct sp_error *err);
int become_root(const struct runner *r, struct sp_error *err);
struct identity {
	uid_t uid;
	gid_t gid;
	gid_t groups[32];
	size_t group_count;
	char home[256];
};
/* step_user.c: who "U[:G]" is, by the sandbox's own files. */
int find_identity(const struct runner *r, struct identity *who, struct sp_error *err);

/* step_sources.c: mounts of host objects, made by the parent or by the child. */
int open_sources(
	struct runner *r, pid_t child, struct sources *out, struct sp_error *err);
int send_sources(const struct runner *r, const struct sources *s, struct sp_error *err);
int receive_sources(const struct runner *r, struct sources *out, struct sp_error *err);
enum source_kind { SOURCE_ROOT, SOURCE_LAYER, SOURCE_MOUNT };
/* The i-th of its kind, as a detached mount. */
int clone_source(const struct runner *r, enum source_kind kind, size_t i,
	const struct sources *s, struct sp_error *err);

/* step_root.c, step_proc.c, step_dev.c: the file tree. */
int build_root(struct runner *r, const struct sources *s, struct sp_error *err);
/* step_overlay.c: the root as an overlay over image and layers; its descriptor. */
int mount_overlay(struct runner *r, const struct sources *s, struct sp_error *err);
/* Where everything written goes; its size is the disk limit. */
int new_writable(const struct runner *r, struct sp_error *err);
/* Send the layer's folder out of process 1, and keep it in the supervisor. */
int send_layer(const struct runner *r, struct sp_error *err);
int keep_layer(const struct runner *r, struct sp_error *err);
int mount_proc(int root_fd, struct sp_error *err);
int mount_dev(const struct runner *r, int root_fd, struct sp_error *err);

/* New file systems and clones, as detached descriptors; all take root_fd-relative targets. */
struct mount_option {
	const char *key, *value; /* value NULL: a flag */
};
int new_fs(const char *type, const struct mount_option *options,
	unsigned int attributes, struct sp_error *err);
int clone_tree(int dirfd, const char *path, uint64_t attributes, bool recursive,
	struct sp_error *err);
int attach(int mount_fd, int dirfd, const char *target, struct sp_error *err);
/* Open what will be mounted on: a real folder or file beneath the root, never a link. */
int open_target(
	int root_fd, const char *path, bool folder, bool create, struct sp_error *err);

int loopback_up(struct sp_error *err);
/* The names its network has, in place of an image's own, which are of another. */
int name_hosts(const struct runner *r, int root_fd, struct sp_error *err);
int set_limits(const struct runner *r, struct sp_error *err);
int reset_process(struct sp_error *err);
/* First all but what is needed to change the user, then all that is not kept. */
int drop_capabilities(uint64_t keep, struct sp_error *err);
int keep_capabilities(uint64_t keep, struct sp_error *err);
/* Once the root is the sandbox's own: nothing but what is beneath it, and no devices. */
int restrict_landlock(const struct runner *r, struct sp_error *err);
/* Of the calling process, which has one thread. */
int join_cgroups(const struct runner *r, struct sp_error *err);
/*
 * The same in two: opened outside, where the right to it is, and put behind the count that
 * are in fds; entered by one who would have it no more.
 */
size_t count_cgroup_doors(const struct runner *r);
int open_cgroup_doors(
	const struct runner *r, int *fds, size_t *count, struct sp_error *err);
int enter_cgroup_doors(const int *fds, size_t count, struct sp_error *err);
/* fork(), with the child in the version 2 cgroup from birth where there is one. */
pid_t fork_into_cgroup(const struct runner *r, struct sp_error *err);
/* Processes the memory limit killed, and forks the process limit refused, so far. */
uint64_t count_oom_kills(const struct runner *r);
uint64_t count_refused_forks(const struct runner *r);
/* The file that tells the CPU time of all together, or -1; and what it tells now. */
int open_cpu_usage(const struct runner *r);
uint64_t read_cpu_usage_us(int fd);
/*
 * Stop all inside, so that nothing forks while it is ended.  NONE: nothing here can; WAS:
 * somebody had stopped it before.
 */
enum freeze { FREEZE_NONE, FREEZE_DONE, FREEZE_WAS };
enum freeze freeze_all(const struct runner *r);
void thaw_all(const struct runner *r);
/* What was killed while it is stopped must run to die, where the kernel has it so. */
void let_die(const struct runner *r);

/* watch.c: what the limits did while a command ran. */
struct limit_watch {
	uint64_t oom_kills, refused_forks; /* before it */
	int cpu_fd;
	uint64_t cpu_limit_us, processors;
	uint64_t last_used_us, last_look_us;
	bool cpu_is_used_up;
};
void watch_limits(struct limit_watch *w, const struct runner *r);
/* When the CPU time must be looked at again; 0: it is used up; -1: never. */
int watch_cpu_left_ms(struct limit_watch *w);
/* Note in the event what there is to tell; to be asked while the cgroups are there. */
void tell_limits(
	struct limit_watch *w, const struct runner *r, struct sp_runner_event *event);

#endif
