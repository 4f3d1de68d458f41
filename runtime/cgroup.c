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

#define ROOT       "/sys/fs/cgroup"
#define TEXT_MAX   8192
#define CPU_PERIOD 100000u
/* Ids are shorter; the bound is for the compiler. */
#define ID_SHOWN 24

#ifndef CGROUP_SUPER_MAGIC
#define CGROUP_SUPER_MAGIC 0x27e0eb
#endif

static const char *const v1_controllers[SP_CGROUP_KINDS] = {"memory", "pids", "cpu"};

static bool is_fs(const char *path, long type)
{
	struct statfs fs;

	return statfs(path, &fs) == 0 && fs.f_type == type;
}

static int write_text(const char *folder, const char *file, const char *text)
{
	char path[320];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

static int write_number(const char *folder, const char *file, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	return write_text(folder, file, text);
}

static void note(struct sp_cgroup_set *set, enum sp_cgroup_kind kind, const char *what,
	const char *where)
{
	snprintf(set->why_not[kind], sizeof(set->why_not[kind]), "%s %s: %s", what,
		where, strerrordesc_np(errno));
}

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
		if (write_number(path, "memory.limit_in_bytes", l->memory_bytes) < 0)
			return -1;
		if (write_number(path, "memory.memsw.limit_in_bytes", l->memory_bytes) <
			0)
			snprintf(set->swap_why_not, sizeof(set->swap_why_not),
				"memory.memsw.limit_in_bytes: %s",
				strerrordesc_np(errno));
		return 0;
	case SP_CGROUP_PIDS:
		return write_number(path, "pids.max", l->pids);
	default:
		if (write_number(path, "cpu.cfs_period_us", CPU_PERIOD) < 0)
			return -1;
		return write_number(path, "cpu.cfs_quota_us",
			(uint64_t)l->cpu_millis * CPU_PERIOD / 1000);
	}
}

static bool wanted(enum sp_cgroup_kind kind, const struct sp_cgroup_limits *l)
{
	const uint64_t values[] = {l->memory_bytes, l->pids, l->cpu_millis};

	return values[kind] != 0;
}

/*
 * A child of the cgroup this process is in, so that an outer limit stays one.  The mount
 * may show a part of the hierarchy only: then the path is taken from its top.
 */
static void plan_v1(const char *id, enum sp_cgroup_kind kind, const char *table,
	struct sp_cgroup_set *set)
{
	struct sp_cgroup *c = &set->items[set->count];
	char parent[208], own[128];
	int mount_len;

	mount_len = snprintf(parent, sizeof(parent), ROOT "/%s", v1_controllers[kind]);
	if (!is_fs(parent, CGROUP_SUPER_MAGIC) ||
		!own_v1_path(table, v1_controllers[kind], own, sizeof(own))) {
		snprintf(set->why_not[kind], sizeof(set->why_not[kind]),
			"no cgroup controller %s, or its path is too long",
			v1_controllers[kind]);
		return;
	}
	if (strcmp(own, "/") != 0)
		snprintf(parent + mount_len, sizeof(parent) - (size_t)mount_len, "%s",
			own);
	if (access(parent, F_OK) < 0)
		parent[mount_len] = '\0';
	if (access(parent, W_OK) < 0) {
		note(set, kind, "make a cgroup below", parent);
		return;
	}
	snprintf(c->path, sizeof(c->path), "%s/sandpit-%.*s", parent, ID_SHOWN, id);
	c->is_v2 = false;
	c->is_memory = kind == SP_CGROUP_MEMORY;
	c->kinds = 1u << kind;
	set->count++;
}

static int limit_v2(enum sp_cgroup_kind kind, const char *path,
	const struct sp_cgroup_limits *l, struct sp_cgroup_set *set)
{
	char text[48];

	switch (kind) {
	case SP_CGROUP_MEMORY:
		if (write_number(path, "memory.max", l->memory_bytes) < 0)
			return -1;
		/* Without swap in the kernel the file is missing, and so is the swap. */
		if (write_text(path, "memory.swap.max", "0") < 0 && errno != ENOENT)
			snprintf(set->swap_why_not, sizeof(set->swap_why_not),
				"memory.swap.max: %s", strerrordesc_np(errno));
		(void)write_text(path, "memory.oom.group", "1"); /* newer than 4.19 */
		return 0;
	case SP_CGROUP_PIDS:
		return write_number(path, "pids.max", l->pids);
	default:
		snprintf(text, sizeof(text), "%llu %u",
			(unsigned long long)l->cpu_millis * CPU_PERIOD / 1000,
			CPU_PERIOD);
		return write_text(path, "cpu.max", text);
	}
}

/* Where children may be made: a group of ours at the top as root, else our own group. */
static bool v2_parent(const char *table, char *out, size_t size)
{
	const char *at = strstr(table, "0::");
	size_t len;

	if (geteuid() == 0) {
		snprintf(out, size, ROOT "/sandpit");
		(void)write_text(ROOT, "cgroup.subtree_control", "+memory +pids +cpu");
		if (mkdir(out, 0755) < 0 && errno != EEXIST)
			return false;
		(void)write_text(out, "cgroup.subtree_control", "+memory +pids +cpu");
		return true;
	}
	if (!at)
		return false;
	len = strcspn(at + 3, "\n");
	snprintf(out, size, ROOT "%.*s", (int)len, at + 3);
	return true;
}

static void plan_v2(const char *id, const char *table, const struct sp_cgroup_limits *l,
	struct sp_cgroup_set *set)
{
	struct sp_cgroup *c = &set->items[set->count];
	char parent[200] = ROOT;

	if (!v2_parent(table, parent, sizeof(parent)) || access(parent, W_OK) < 0) {
		for (int k = 0; k < SP_CGROUP_KINDS; k++)
			if (wanted((enum sp_cgroup_kind)k, l))
				note(set, (enum sp_cgroup_kind)k, "make cgroup below",
					parent);
		return;
	}
	snprintf(c->path, sizeof(c->path), "%s/sandpit-%.*s", parent, ID_SHOWN, id);
	c->is_v2 = true;
	for (int k = 0; k < SP_CGROUP_KINDS; k++)
		if (wanted((enum sp_cgroup_kind)k, l))
			c->kinds |= 1u << k;
	c->is_memory = c->kinds >> SP_CGROUP_MEMORY & 1;
	set->count++;
}

/* Make one planned group and write its limits; false when it could not be made. */
static bool apply_one(const struct sp_cgroup *c, const struct sp_cgroup_limits *l,
	struct sp_cgroup_set *set)
{
	bool made = mkdir(c->path, 0755) == 0;

	for (int k = 0; k < SP_CGROUP_KINDS; k++) {
		enum sp_cgroup_kind kind = (enum sp_cgroup_kind)k;
		int rc = -1;

		if (!(c->kinds >> k & 1))
			continue;
		if (made)
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
			!wanted((enum sp_cgroup_kind)k, limits) ||
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

int sp_cgroup_plan(const char *id, const struct sp_cgroup_limits *limits,
	struct sp_cgroup_set *out, struct sp_error *err)
{
	struct sp_bytes table = {0};
	sp_autofree char *owned = NULL;
	int rc = read_own_cgroups(&table, err);

	if (rc < 0)
		return rc;
	owned = table.data;
	memset(out, 0, sizeof(*out));
	/* Each controller is where it is mounted: many hosts have some here, some there. */
	if (is_fs(ROOT, CGROUP2_SUPER_MAGIC))
		plan_v2(id, owned, limits, out);
	else
		for (int k = 0; k < SP_CGROUP_KINDS; k++)
			if (wanted((enum sp_cgroup_kind)k, limits))
				plan_v1(id, (enum sp_cgroup_kind)k, owned, out);
	/* What is planned holds unless applying it shows otherwise. */
	for (size_t i = 0; i < out->count; i++)
		for (int k = 0; k < SP_CGROUP_KINDS; k++)
			out->holds[k] |= out->items[i].kinds >> k & 1;
	return 0;
}

void sp_cgroup_remove(const struct sp_cgroup_set *set)
{
	for (size_t i = 0; i < set->count; i++)
		(void)sp_remove_cgroup(set->items[i].path);
}

/* cgroup files tell no size, so they are read like a stream. */
static uint64_t read_number(const char *folder, const char *file)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(64);
	sp_autoclose int fd = -1;
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", folder, file);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || sp_buf_read_fd(&text, fd, NULL) < 0)
		return 0;
	return strtoull(sp_buf_str(&text), NULL, 10);
}

uint64_t sp_cgroup_memory_now(const struct sp_cgroup_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct sp_cgroup *c = &set->items[i];

		if (c->is_memory)
			return read_number(c->path,
				c->is_v2 ? "memory.current" : "memory.usage_in_bytes");
	}
	return 0;
}
