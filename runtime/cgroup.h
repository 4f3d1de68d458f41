/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control groups of one sandbox: found, made and limited before anything runs in them, on
 * hosts with version 2, version 1 or both.  Where neither can be used the reason is kept.
 */
#ifndef SP_RUNTIME_CGROUP_H
#define SP_RUNTIME_CGROUP_H

#include "base/buf.h"
#include "runtime/spec.h"

struct sp_cgroup_limits {
	uint64_t memory_bytes; /* swap included; 0 is no limit */
	uint32_t pids;
	uint32_t cpu_millis; /* 0 is no limit */
	/* Wanted without being a limit: the CPU time told, stopping, input and output. */
	bool usage, freeze, io;
};

#define SP_CGROUP_PATH_MAX 256
#define SP_CGROUP_WHY_MAX  320

/* What one sandbox has; zeroed is nothing. */
struct sp_cgroup_set {
	struct sp_cgroup {
		char path[SP_CGROUP_PATH_MAX];
		bool is_v2;
		uint32_t kinds;         /* bit for each sp_cgroup_kind it is for */
	} items[SP_RUNNER_CGROUPS_MAX]; /* one of version 2 is the first */
	size_t count;
	bool holds[SP_CGROUP_KINDS];
	/* For each kind that is wanted and does not hold. */
	char why_not[SP_CGROUP_KINDS][SP_CGROUP_WHY_MAX];
	char swap_why_not[160]; /* empty: swap is limited too */
};

/*
 * Decide where the cgroups of sandbox id go, without making any: the paths are on record
 * before the first exists.  A kind the host refuses is left out with its reason: the
 * caller decides whether that is an error.
 */
int sp_cgroup_plan(const char *id, const struct sp_cgroup_limits *limits,
	struct sp_cgroup_set *out, struct sp_error *err);

/* Make them and write the limits; false when not all could be done, *set says which. */
bool sp_cgroup_apply(struct sp_cgroup_set *set, const struct sp_cgroup_limits *limits);

/* Is it wanted at all? */
bool sp_cgroup_wanted(enum sp_cgroup_kind kind, const struct sp_cgroup_limits *limits);

/*
 * Remove them again, ending whatever a crash left in them; they must become empty within
 * two seconds.
 */
void sp_cgroup_remove(const struct sp_cgroup_set *set);

/* The one that is for this, or NULL. */
const struct sp_cgroup *sp_cgroup_for(
	const struct sp_cgroup_set *set, enum sp_cgroup_kind kind);

/* Memory used now, in bytes, or 0 where nothing counts it. */
uint64_t sp_cgroup_memory_now(const struct sp_cgroup_set *set);

/* --- Stopping: cgroup_freeze.c ------------------------------------------------------ */

enum sp_freeze { SP_FREEZE_NONE, SP_FREEZE_ON, SP_FREEZE_OFF }; /* NONE: cannot tell */
enum sp_freeze sp_cgroup_frozen(const struct sp_cgroup_set *set);

/* Stop all that is in it, or let it go on, and wait until that is so; TIMEOUT undoes it. */
int sp_cgroup_freeze(const struct sp_cgroup_set *set, bool on, struct sp_error *err);

/* --- Counting: cgroup_stats.c ------------------------------------------------------- */

/* Fill in what the cgroups count; the rest of *out stays as it is. */
void sp_cgroup_stats(const struct sp_cgroup_set *set, struct sp_stats *out);

/* --- What the files of this module share -------------------------------------------- */

#define SP_CGROUP_ROOT "/sys/fs/cgroup"

/* -1 with errno. */
int sp_cgroup_write(const char *folder, const char *file, const char *text);
int sp_cgroup_write_number(const char *folder, const char *file, uint64_t value);
/* The text of a small file, "" when it cannot be read; false then. */
bool sp_cgroup_read(const char *folder, const char *file, char *text, size_t size);

/*
 * cgroup_place.c: the folder below which a version 2 cgroup with these kinds goes, and
 * which of them it can have; mount is where version 2 is, table is /proc/self/cgroup.
 * false when there is none at all.  why: for the kinds it cannot have.
 */
struct sp_cgroup_place {
	char path[SP_CGROUP_PATH_MAX - 48];
	uint32_t kinds;
	char why[SP_CGROUP_WHY_MAX];
};
bool sp_cgroup_find_place(const char *mount, const char *table, uint32_t kinds,
	struct sp_cgroup_place *out);

#endif
