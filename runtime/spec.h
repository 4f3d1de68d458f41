/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the caller hands to sandpit-runner: plain data in one sealed memory file, and
 * descriptors at fixed numbers.  Both sides are built together, so the layout is a struct.
 */
#ifndef SP_RUNTIME_SPEC_H
#define SP_RUNTIME_SPEC_H

#include "include/sandpit.h"

#define SP_RUNNER_MAGIC       0x73707237u
#define SP_RUNNER_MOUNTS_MAX  16
#define SP_RUNNER_LAYERS_MAX  20
#define SP_RUNNER_CGROUPS_MAX 8
#define SP_RUNNER_SPEC_MAX    (8u * 1024 * 1024)
#define SP_RUNNER_MARKS_MAX   24
#define SP_RUNNER_REFILL_MAX  8

enum sp_runner_mode {
	SP_RUNNER_RUN = 1, /* a sandbox around one command, gone with it */
	SP_RUNNER_CREATE,  /* a sandbox that stays */
	SP_RUNNER_ENTER,   /* one command in a sandbox that is there: control.h */
};

/* Descriptors of the runner; the first three are the command's own. */
enum sp_runner_fd {
	SP_RFD_CONTROL = 3, /* SOCK_SEQPACKET: events out, SP_RUNNER_STOP in */
	SP_RFD_SPEC,
	SP_RFD_FILTER,  /* struct sock_filter[] */
	SP_RFD_LOCK,    /* the sandbox's lock file, flock held through it */
	SP_RFD_CGROUP,  /* cgroup v2 folder to be born in, or /dev/null */
	SP_RFD_EXE,     /* ENTER: program to run instead of argv[0], or /dev/null */
	SP_RFD_STORE,   /* locks on the layers and volumes in use, or anything */
	SP_RFD_SOURCES, /* O_PATH of the image root, each layer and each mount */
};

/* The supervisor keeps the sandbox's namespaces open here, for those who join later. */
#define SP_RUNNER_NS_FD 48
enum { SP_NS_USER, SP_NS_MNT, SP_NS_PID, SP_NS_NET, SP_NS_IPC, SP_NS_UTS, SP_NS_COUNT };

/* And the folder that everything written goes to, where no mount hides anything of it. */
#define SP_RUNNER_LAYER_FD (SP_RUNNER_NS_FD + SP_NS_COUNT)
_Static_assert(SP_RFD_SOURCES + 1 + SP_RUNNER_LAYERS_MAX + SP_RUNNER_MOUNTS_MAX <=
		SP_RUNNER_NS_FD,
	"what the runner is given lies below what it keeps");

#define SP_RUNNER_STOP 'S'

/*
 * A launch starts its runner with what is settled early, and makes the rest meanwhile.  The
 * runner waits for that in one message on its control socket with these descriptors; until
 * then something else has their numbers.
 */
#define SP_RUNNER_GO_FDS \
	{ \
		SP_RFD_FILTER, SP_RFD_LOCK, SP_RFD_CGROUP \
	}

/* Files in a sandbox's state folder. */
#define SP_STATE_RECORD    "record"     /* what it was asked to be: state.h */
#define SP_STATE_NEW       "record.new" /* a record about to take its place */
#define SP_STATE_LOCK      "lock"    /* flock held by the supervisor while it lives */
#define SP_STATE_INIT      "init"    /* "SUPERVISOR_PID TICKS INIT_PID\n" */
#define SP_STATE_GATE      "gate"    /* who its gate is: providers/local/network.c */
#define SP_STATE_DENIED    "denied"  /* what the gate refused, a line each */
#define SP_STATE_CONTROL   "control" /* its supervisor's socket: control.h */
#define SP_STATE_PROCS     "procs" /* a folder for each background process: job_wire.h */
#define SP_STATE_PROCS_MAX 10000u

enum sp_runner_flag {
	SP_RF_HOST_NETWORK = 1u << 0,
	SP_RF_HAS_EXE = 1u << 1,     /* SP_RFD_EXE is a program */
	SP_RF_HAS_CGROUP2 = 1u << 2, /* SP_RFD_CGROUP is a folder */
	SP_RF_PRIVILEGED =
		1u << 3, /* the caller is root on the host: mounts are mapped */
	SP_RF_HOST_VIEW = 1u << 4, /* layers: the host's view lies on top of them */
	SP_RF_TTY =
		1u << 5, /* a terminal; descriptor 0 is the socket its master goes to */
	SP_RF_BACKGROUND = 1u << 6,  /* ENTER: its supervisor keeps it and its output */
	SP_RF_TAKES_INPUT = 1u << 7, /* with BACKGROUND: who attaches may write to it */
	/* The filter lets a command of root be prepared behind it. */
	SP_RF_SETTLES = 1u << 8,
	SP_RF_MAY_SPARE = 1u << 9, /* prepare one ahead once commands come */
	SP_RF_SPARE = 1u << 10,    /* and the first before */
};

/* Offsets are from the start of the memory file; 0 is none.  Text ends with NUL. */
struct sp_runner_mount {
	uint32_t source, target;
	uint32_t is_writable;
	uint32_t is_folder;
	uint64_t dev, ino; /* of the source, when the caller resolved it */
};

/* What was written in another sandbox, read-only below this one's own layer. */
struct sp_runner_layer {
	uint32_t source;
	uint64_t dev, ino;
};

/* What a cgroup is there for; one of version 2 is there for several, a bit each. */
enum sp_cgroup_kind {
	SP_CGROUP_MEMORY, /* these limit */
	SP_CGROUP_PIDS,
	SP_CGROUP_CPU,
	SP_CGROUP_USAGE, /* tells the CPU time */
	SP_CGROUP_FREEZE,
	SP_CGROUP_IO, /* counts what is read and written */
	SP_CGROUP_KINDS
};

struct sp_runner_cgroup {
	uint32_t path;
	uint32_t is_v2;
	uint32_t kinds; /* bit for each sp_cgroup_kind */
};

struct sp_runner_spec {
	uint32_t magic, size;
	uint32_t mode, flags;
	int64_t timeout_ms, ttl_ms;
	uint32_t outer_uid, outer_gid,
		id_count; /* 0.. inside are outer_.. on the host; see struct sp_record */
	uint32_t range_uid, range_gid;
	uint32_t map_tools; /* folder of newuidmap and newgidmap, or 0 */
	uint32_t device_cgroup;
	uint32_t required; /* sp_runner_degraded that is an error here */
	uint64_t capabilities;
	uint64_t disk_bytes, nofile;
	uint64_t file_bytes; /* 0: none but the disk's */
	int64_t cpu_time_ms; /* of all processes together; 0 is none */
	/* Where no cgroup limits them, of each process; 0 otherwise. */
	uint64_t address_bytes, processes, cpu_seconds;
	uint32_t argc, argv;      /* argc strings, one after the other */
	uint32_t refillc, refill; /* program to start once it is used */
	uint32_t envc, env;
	uint32_t workdir, user;
	struct sp_window window;
	uint64_t keep_bytes; /* BACKGROUND: output stored */
	uint32_t root;       /* image folder; 0 is the host's own view */
	uint64_t root_dev, root_ino;
	uint32_t layer_count; /* the topmost first */
	struct sp_runner_layer layers[SP_RUNNER_LAYERS_MAX];
	uint32_t state_path;    /* the sandbox's folder, removed at its end */
	uint32_t events_path;   /* CREATE: the folder of the file of events */
	uint32_t claim_path;    /* of its id range, removed at its end */
	uint32_t hosts, resolv; /* texts of /etc/hosts and resolv.conf; 0: the usual */
	uint32_t cgroup_count;
	struct sp_runner_cgroup cgroups[SP_RUNNER_CGROUPS_MAX];
	uint32_t mount_count;
	struct sp_runner_mount mounts[SP_RUNNER_MOUNTS_MAX];
};

/* Steps of a launch with their time on the monotonic clock, shared with the child. */
struct sp_runner_marks {
	uint32_t count;
	struct {
		char name[20];
		int64_t at_us;
	} items[SP_RUNNER_MARKS_MAX];
};

enum sp_runner_event_kind {
	SP_EVENT_READY = 1, /* CREATE: the sandbox answers */
	SP_EVENT_ENDED,     /* the command, or the sandbox around it, is gone */
	SP_EVENT_FAILED,    /* nothing ran, nothing is left */
	SP_EVENT_STARTED,   /* BACKGROUND: it runs, and this is the last word of it */
};

/* What could not be set and has a fallback. */
enum sp_runner_degraded {
	SP_DEGRADED_IDMAP = 1u << 0,   /* mounts show foreign owners */
	SP_DEGRADED_KEYRING = 1u << 1, /* the caller's session keyring stays */
	SP_DEGRADED_OOM = 1u << 2,     /* memory runs out for the host as soon */
	SP_DEGRADED_DEVICES = 1u << 3, /* no device cgroup */
};

struct sp_runner_event {
	uint32_t kind;
	uint32_t degraded;
	int32_t status;  /* as waitpid gives it */
	uint32_t number; /* STARTED: of the process */
	bool timed_out, oom_killed, cancelled;
	bool disk_full, pids_exceeded, cpu_time_exceeded;
	bool has_survivors; /* ENTER: the tree could not be ended, the sandbox must be */
	struct sp_error error;
	struct sp_runner_marks marks;
};

#endif
