/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/io.h"
#include "runtime/remove.h"

#define TEXT_MAX   8192
#define CPU_PERIOD 100000u
/* Ids are shorter; the bound is for the compiler. */
#define ID_SHOWN 24
/* Where version 2 is beside version 1: an own folder, as systemd has it. */
#define UNIFIED SP_CGROUP_ROOT "/unified"

#ifndef CGROUP_SUPER_MAGIC
#define CGROUP_SUPER_MAGIC 0x27e0eb
#endif

#define BIT(kind) (1u << (kind))
/* What version 2 has without any controller. */
#define CORE_KINDS (BIT(SP_CGROUP_USAGE) | BIT(SP_CGROUP_FREEZE))

static const char *const v1_controllers[SP_CGROUP_KINDS] = {
	"memory", "pids", "cpu", "cpuacct", "freezer", "blkio"};

static bool is_fs(const char *path, long type)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == type;
}

static int open_file(const char *folder, const char *file, int flags)
{
	char path[SP_CGROUP_PATH_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	return open(path, flags | O_CLOEXEC | O_NOFOLLOW);
}

int sp_cgroup_write(const char *folder, const char *file, const char *text)
{
	int fd = open_file(folder, file, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

int sp_cgroup_write_number(const char *folder, const char *file, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return sp_cgroup_write(folder, file, text);
}

bool sp_cgroup_read(const char *folder, const char *file, char *text, size_t size)
{
	int fd = open_file(folder, file, O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n >= 0;
}

static void note(struct sp_cgroup_set *set, enum sp_cgroup_kind kind, const char *what,
	const char *where)
{
	snprintf(set->why_not[kind], sizeof(set->why_not[kind]), "%s %.240s: %s", what,
		where, strerrordesc_np(errno));
}

bool sp_cgroup_wanted(enum sp_cgroup_kind kind, const struct sp_cgroup_limits *l)
{
	const bool wanted[SP_CGROUP_KINDS] = {l->memory_bytes != 0, l->pids != 0,
		l->cpu_millis != 0, l->usage, l->freeze, l->io};

	return wanted[kind];
}

/* --- Version 1 ----------------------------------------------------------------------- */

/* The path of this process in one v1 hierarchy, from "ID:CONTROLLERS:PATH" lines. */
static bool own_v1_path(
	const char *table, const char *controller, char *out, size_t size)
{
	size_t want = strlen(controller);

	for (const char *line = table; *line;) {
		const char *names = strchr(line, ':');
		const char *path = names ? strchr(names + 1, ':') : NULL;
		const char *end = strchr(line, '\n');

		if (!path || !end)
			return false;
		for (const char *p = names + 1; p < path;) {
			size_t len = strcspn(p, ",:");

			if (len == want && strncmp(p, controller, len) == 0) {
				/* A path cut short would be another group's. */
				return snprintf(out, size, "%.*s",
					       (int)(end - path - 1),
					       path + 1) < (int)size;
			}
			p += len + 1;
		}
		line = end + 1;
	}
	return false;
}

static int limit_v1(enum sp_cgroup_kind kind, const char *path,
	const struct sp_cgroup_limits *l, struct sp_cgroup_set *set)
{
	switch (kind) {
	case SP_CGROUP_MEMORY:
		if (sp_cgroup_write_number(
			    path, "memory.limit_in_bytes", l->memory_bytes) < 0)
			return -1;
		if (sp_cgroup_write_number(
			    path, "memory.memsw.limit_in_bytes", l->memory_bytes) < 0)
			snprintf(set->swap_why_not, sizeof(set->swap_why_not),
				"memory.memsw.limit_in_bytes: %s",
				strerrordesc_np(errno));
		return 0;
	case SP_CGROUP_PIDS:
		return sp_cgroup_write_number(path, "pids.max", l->pids);
	case SP_CGROUP_CPU:
		if (sp_cgroup_write_number(path, "cpu.cfs_period_us", CPU_PERIOD) < 0)
			return -1;
		return sp_cgroup_write_number(path, "cpu.cfs_quota_us",
			(uint64_t)l->cpu_millis * CPU_PERIOD / 1000);
	default:
		return 0;
	}
}

/*
 * A child of the cgroup this process is in, so that an outer limit stays one.  The mount
 * may show a part of the hierarchy only: then the path is taken from its top.
 */
static bool find_v1(enum sp_cgroup_kind kind, const char *table, char *parent,
	size_t size, struct sp_cgroup_set *set)
{
	char own[128];
	int mount_len = snprintf(
		parent, size, SP_CGROUP_ROOT "/%s", v1_controllers[kind]);

	if (!is_fs(parent, CGROUP_SUPER_MAGIC) ||
		!own_v1_path(table, v1_controllers[kind], own, sizeof(own))) {
		snprintf(set->why_not[kind], sizeof(set->why_not[kind]),
			"no cgroup controller %s, or its path is too long",
			v1_controllers[kind]);
		return false;
	}
	if (strcmp(own, "/") != 0)
		snprintf(parent + mount_len, size - (size_t)mount_len, "%s", own);
	if (access(parent, F_OK) < 0)
		parent[mount_len] = '\0';
	if (access(parent, W_OK) == 0)
		return true;
	note(set, kind, "make a cgroup below", parent);
	return false;
}

/* Two controllers may be one hierarchy, seen under two names. */
static struct sp_cgroup *same_folder(struct sp_cgroup_set *set, const char *parent)
{
	struct stat wanted, there;

	if (stat(parent, &wanted) < 0)
		return NULL;
	for (size_t i = 0; i < set->count; i++) {
		char other[SP_CGROUP_PATH_MAX];

		if (set->items[i].is_v2)
			continue;
		snprintf(other, sizeof(other), "%.*s",
			(int)(strrchr(set->items[i].path, '/') - set->items[i].path),
			set->items[i].path);
		if (stat(other, &there) == 0 && there.st_dev == wanted.st_dev &&
			there.st_ino == wanted.st_ino)
			return &set->items[i];
	}
	return NULL;
}

static void plan_v1(const char *id, enum sp_cgroup_kind kind, const char *table,
	struct sp_cgroup_set *set)
{
	char parent[208], why_not_v2[SP_CGROUP_WHY_MAX];
	struct sp_cgroup *c;

	memcpy(why_not_v2, set->why_not[kind], sizeof(why_not_v2));
	if (!find_v1(kind, table, parent, sizeof(parent), set)) {
		/* What would mend that is more than can be said of version 1. */
		if (why_not_v2[0])
			memcpy(set->why_not[kind], why_not_v2, sizeof(why_not_v2));
		return;
	}
	c = same_folder(set, parent);
	if (!c) {
		c = &set->items[set->count++];
		snprintf(c->path, sizeof(c->path), "%s/sandpit-%.*s", parent, ID_SHOWN,
			id);
	}
	c->kinds |= BIT(kind);
}

/* --- Version 2 ----------------------------------------------------------------------- */

static int limit_v2(enum sp_cgroup_kind kind, const char *path,
	const struct sp_cgroup_limits *l, struct sp_cgroup_set *set)
{
	char text[48];

	switch (kind) {
	case SP_CGROUP_MEMORY:
		if (sp_cgroup_write_number(path, "memory.max", l->memory_bytes) < 0)
			return -1;
		/* Without swap in the kernel the file is missing, and so is the swap. */
		if (sp_cgroup_write(path, "memory.swap.max", "0") < 0 &&
			errno != ENOENT)
			snprintf(set->swap_why_not, sizeof(set->swap_why_not),
				"memory.swap.max: %s", strerrordesc_np(errno));
		/* newer than 4.19 */
		(void)sp_cgroup_write(path, "memory.oom.group", "1");
		return 0;
	case SP_CGROUP_PIDS:
		return sp_cgroup_write_number(path, "pids.max", l->pids);
	case SP_CGROUP_CPU:
		snprintf(text, sizeof(text), "%llu %u",
			(unsigned long long)l->cpu_millis * CPU_PERIOD / 1000,
			CPU_PERIOD);
		return sp_cgroup_write(path, "cpu.max", text);
	default:
		return 0;
	}
}

static void plan_v2(const char *id, const char *mount, const char *table,
	uint32_t kinds, struct sp_cgroup_set *set)
{
	struct sp_cgroup *c = &set->items[0];
	struct sp_cgroup_place place;
	bool found = sp_cgroup_find_place(mount, table, kinds & ~CORE_KINDS, &place);
	uint32_t have = found ? place.kinds | CORE_KINDS : 0;

	for (int k = 0; k < SP_CGROUP_KINDS; k++)
		if (kinds & ~have & BIT(k))
			snprintf(set->why_not[k], sizeof(set->why_not[k]), "%s",
				place.why);
	/* Empty of what was asked for, it would be a folder more and nothing else. */
	if (!(have & kinds))
		return;
	snprintf(c->path, sizeof(c->path), "%s/sandpit-%.*s", place.path, ID_SHOWN, id);
	c->is_v2 = true;
	c->kinds = have;
	set->count = 1;
}

/* --- Both ---------------------------------------------------------------------------- */

/* Make one planned group and write its limits; false when it could not be made. */
static bool apply_one(const struct sp_cgroup *c, const struct sp_cgroup_limits *l,
	struct sp_cgroup_set *set)
{
	bool made = mkdir(c->path, 0755) == 0;
	int sys_errno = errno;

	for (int k = 0; k < SP_CGROUP_KINDS; k++) {
		enum sp_cgroup_kind kind = (enum sp_cgroup_kind)k;
		int rc = -1;

		if (!(c->kinds >> k & 1))
			continue;
		errno = sys_errno;
		if (made && !sp_cgroup_wanted(kind, l))
			rc = 0;
		else if (made)
			rc = c->is_v2 ? limit_v2(kind, c->path, l, set)
				      : limit_v1(kind, c->path, l, set);
		set->holds[kind] = rc == 0;
		if (rc < 0)
			note(set, kind, made ? "limit" : "make", c->path);
	}
	return made;
}

bool sp_cgroup_apply(struct sp_cgroup_set *set, const struct sp_cgroup_limits *limits)
{
	size_t made = 0;
	bool as_planned = true;

	for (size_t i = 0; i < set->count; i++)
		if (apply_one(&set->items[i], limits, set))
			set->items[made++] = set->items[i];
	as_planned = made == set->count;
	set->count = made;
	for (int k = 0; k < SP_CGROUP_KINDS; k++)
		as_planned &= set->holds[k] ||
			!sp_cgroup_wanted((enum sp_cgroup_kind)k, limits) ||
			set->why_not[k][0] == '\0';
	return as_planned;
}

static int read_own_cgroups(struct sp_bytes *table, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(TEXT_MAX);
	sp_autoclose int fd = open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
	int rc;

	if (fd < 0)
		return sp_fail_errno(err, "open /proc/self/cgroup");
	rc = sp_buf_read_fd(&text, fd, err);
	if (rc < 0)
		return sp_wrap(err, rc, "read /proc/self/cgroup");
	table->len = text.len;
	table->data = sp_buf_take(&text);
	return table->data ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

/* Where version 2 is mounted, or NULL. */
static const char *unified_mount(void)
{
	return is_fs(SP_CGROUP_ROOT, CGROUP2_SUPER_MAGIC) ? SP_CGROUP_ROOT
		: is_fs(UNIFIED, CGROUP2_SUPER_MAGIC)     ? UNIFIED
							  : NULL;
}

/*
 * Each controller is where it is mounted: many hosts have some here, some there.  A
 * controller that version 1 has is not to be had in version 2.
 */
static uint32_t kinds_of_v2(const char *mount, uint32_t wanted)
{
	uint32_t kinds = wanted;

	if (!mount)
		return 0;
	if (strcmp(mount, SP_CGROUP_ROOT) == 0)
		return wanted;
	for (int k = 0; k < SP_CGROUP_KINDS; k++) {
		char path[64];

		snprintf(path, sizeof(path), SP_CGROUP_ROOT "/%s", v1_controllers[k]);
		if (!(CORE_KINDS & BIT(k)) && is_fs(path, CGROUP_SUPER_MAGIC))
			kinds &= ~BIT(k);
	}
	return kinds;
}

int sp_cgroup_plan(const char *id, const struct sp_cgroup_limits *limits,
	struct sp_cgroup_set *out, struct sp_error *err)
{
	struct sp_bytes table = {0};
	sp_autofree char *owned = NULL;
	const char *mount = unified_mount();
	uint32_t wanted = 0, v2;
	int rc = read_own_cgroups(&table, err);

	if (rc < 0)
		return rc;
	owned = table.data;
	memset(out, 0, sizeof(*out));
	for (int k = 0; k < SP_CGROUP_KINDS; k++)
		if (sp_cgroup_wanted((enum sp_cgroup_kind)k, limits))
			wanted |= BIT(k);
	v2 = kinds_of_v2(mount, wanted);
	if (v2)
		plan_v2(id, mount, owned, v2, out);
	/* What a place in version 2 was not found for may have one in version 1. */
	for (int k = 0; k < SP_CGROUP_KINDS; k++)
		if (wanted & BIT(k) && !(out->count && out->items[0].kinds & BIT(k)) &&
			(!(v2 & BIT(k)) || CORE_KINDS & BIT(k)))
			plan_v1(id, (enum sp_cgroup_kind)k, owned, out);
	/* What is planned holds unless applying it shows otherwise. */
	for (size_t i = 0; i < out->count; i++)
		for (int k = 0; k < SP_CGROUP_KINDS; k++)
			out->holds[k] |= out->items[i].kinds >> k & 1;
	for (int k = 0; k < SP_CGROUP_KINDS; k++)
		if (out->holds[k])
			out->why_not[k][0] = '\0';
	return 0;
}

/* Whoever is still inside is to end, and a frozen process of version 1 does not even die. */
static void end_inside(const struct sp_cgroup_set *set)
{
	const struct sp_cgroup *c = sp_cgroup_for(set, SP_CGROUP_FREEZE);

	if (c && c->is_v2)
		(void)sp_cgroup_write(c->path, "cgroup.kill", "1");
	else if (c)
		(void)sp_cgroup_write(c->path, "freezer.state", "THAWED");
}

void sp_cgroup_remove(const struct sp_cgroup_set *set)
{
	/* First: the same processes are in all of them. */
	end_inside(set);
	for (size_t i = 0; i < set->count; i++)
		(void)sp_remove_cgroup(set->items[i].path);
}

const struct sp_cgroup *sp_cgroup_for(
	const struct sp_cgroup_set *set, enum sp_cgroup_kind kind)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->items[i].kinds & BIT(kind))
			return &set->items[i];
	return NULL;
}

uint64_t sp_cgroup_memory_now(const struct sp_cgroup_set *set)
{
	const struct sp_cgroup *c = sp_cgroup_for(set, SP_CGROUP_MEMORY);
	char text[32] = "";

	if (c)
		(void)sp_cgroup_read(c->path,
			c->is_v2 ? "memory.current" : "memory.usage_in_bytes", text,
			sizeof(text));
	return strtoull(text, NULL, 10);
}
