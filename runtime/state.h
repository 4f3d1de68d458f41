/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One folder for each sandbox, which any process can read and clean up after.
 *
 * Whether a sandbox lives is told by the lock its supervisor holds: the kernel gives it
 * up with the process, however that ends.  Makers hold the base folder's lock shared
 * until their own lock is taken; whoever cleans holds it exclusively while it looks.
 */
#ifndef SP_RUNTIME_STATE_H
#define SP_RUNTIME_STATE_H

#include <sys/types.h>

#include "base/strv.h"
#include "runtime/cgroup.h"

/* What a sandbox was asked to be, and what it got. */
struct sp_record {
	char id[SP_SANDBOX_ID_MAX];
	int64_t created_ms, expires_ms;
	char *image, *workdir, *user, *seccomp;
	struct sp_strv labels; /* "KEY=VALUE" */
	struct sp_strv env;
	struct sp_strv layers;    /* "NAME=STATE[: REASON]" */
	char *base;               /* what the image is at last: "host", or a folder */
	struct sp_strv snapshots; /* names of those on it, the topmost first */
	struct sp_strv require;   /* layers that had to be enforced */
	struct sp_strv mounts;    /* as they were asked for: providers/local/mounts.c */
	struct sp_limits limits;
	enum sp_network network;
	/*
	 * Ids 0.. inside are outer_uid.. on the host; where newuidmap mapped them, only 0 is
	 * that and 1.. are range_uid + 1.. (range_uid 0: it did not).
	 */
	uint32_t outer_uid, outer_gid, id_count;
	uint32_t range_uid, range_gid;
	uint64_t capabilities;
	bool is_privileged;
	bool is_kept;        /* has a life of its own, others may join */
	char *pool;          /* it was prepared for, or NULL */
	char *claim;         /* path of the id range's claim, or NULL */
	char *device_cgroup; /* shared with other sandboxes, or NULL */
	struct sp_cgroup_set cgroups;
};

void sp_record_clear(struct sp_record *r);
/* Is this host id one of those inside? */
bool sp_record_maps_uid(const struct sp_record *r, uint32_t uid);
bool sp_record_maps_gid(const struct sp_record *r, uint32_t gid);
#define sp_autorecord SP_AUTO(sp_record_clear)

/* Text of a record, and back; PROTOCOL for anything that does not parse to its end. */
void sp_record_print(struct sp_buf *out, const struct sp_record *r);
int sp_record_parse(
	const char *text, size_t len, struct sp_record *out, struct sp_error *err);

enum sp_liveness { SP_LIFE_STARTING, SP_LIFE_RUNNING, SP_LIFE_DEAD };

struct sp_supervisor {
	pid_t pid;
	uint64_t start_ticks;
	pid_t init_pid;
};

/* Open the folder all sandboxes are in, made 0700 if missing; it must be ours alone. */
int sp_state_open(const char *path, struct sp_error *err);

/* Open the folder of a sandbox that is there. */
int sp_state_folder(int base_fd, const char *id, struct sp_error *err);

/* Make the folder of r->id, locked, with its record.  Returns the lock's descriptor. */
int sp_state_begin(int base_fd, const struct sp_record *r, struct sp_error *err);

/* Replace its record, in one step. */
int sp_state_update(int base_fd, const struct sp_record *r, struct sp_error *err);

/* Note the supervisor of a sandbox whose caller stays with it. */
int sp_state_note_supervisor(int base_fd, const char *id, const struct sp_supervisor *s,
	struct sp_error *err);

int sp_state_read(
	int base_fd, const char *id, struct sp_record *out, struct sp_error *err);
int sp_state_life(int base_fd, const char *id, enum sp_liveness *life,
	struct sp_supervisor *s, struct sp_error *err);
int sp_state_ids(int base_fd, struct sp_strv *ids, struct sp_error *err);

/*
 * If the sandbox is dead, hold its lock and return the descriptor, so that one process
 * cleans up; -1 without error when it lives or is gone.
 */
int sp_state_lock_dead(int base_fd, const char *id, int *lock_fd, struct sp_error *err);

#endif
