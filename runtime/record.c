/* SPDX-License-Identifier: Apache-2.0 */
/* A record as text: lines of base/lines.h. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/enc.h"
#include "base/lines.h"
#include "runtime/state.h"

#define RECORD_VERSION "1"

void sp_record_clear(struct sp_record *r)
{
	if (!r)
		return;
	free(r->image);
	free(r->workdir);
	free(r->user);
	free(r->seccomp);
	free(r->pool);
	free(r->claim);
	free(r->device_cgroup);
	free(r->base);
	sp_strv_clear(&r->snapshots);
	sp_strv_clear(&r->require);
	sp_strv_clear(&r->mounts);
	sp_strv_clear(&r->labels);
	sp_strv_clear(&r->env);
	sp_strv_clear(&r->layers);
	memset(r, 0, sizeof(*r));
}

static bool maps(uint32_t id, uint32_t outer, uint32_t range, uint32_t count)
{
	if (range == 0)
		return id - outer < count;
	return id == outer || id - range - 1 < count - 1;
}

bool sp_record_maps_uid(const struct sp_record *r, uint32_t uid)
{
	return maps(uid, r->outer_uid, r->range_uid, r->id_count);
}

bool sp_record_maps_gid(const struct sp_record *r, uint32_t gid)
{
	return maps(gid, r->outer_gid, r->range_gid, r->id_count);
}

static void print_list(struct sp_buf *out, const char *key, const struct sp_strv *list)
{
	for (size_t i = 0; i < list->count; i++)
		sp_lines_add(out, key, list->items[i]);
}

static int keep_text(char **to, const char *value, struct sp_error *err)
{
	free(*to);
	*to = strdup(value);
	return *to ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

/* "VERSION:KINDS:PATH", the kinds as a number of bits. */
static int keep_cgroup(struct sp_record *r, const char *value, struct sp_error *err)
{
	struct sp_cgroup *c = &r->cgroups.items[r->cgroups.count];
	char *end = NULL;
	unsigned long kinds;

	if (r->cgroups.count == SP_RUNNER_CGROUPS_MAX)
		return sp_fail(err, SP_ERR_PROTOCOL, "too many cgroups");
	if ((value[0] != '1' && value[0] != '2') || value[1] != ':' || value[2] < '0' ||
		value[2] > '9')
		return sp_fail(err, SP_ERR_PROTOCOL, "cgroup \"%.40s\"", value);
	kinds = strtoul(value + 2, &end, 10);
	if (*end != ':' || end[1] != '/' || kinds >= 1ul << SP_CGROUP_KINDS ||
		strlen(end + 1) >= sizeof(c->path))
		return sp_fail(err, SP_ERR_PROTOCOL, "cgroup \"%.40s\"", value);
	*c = (struct sp_cgroup){.is_v2 = value[0] == '2', .kinds = (uint32_t)kinds};
	memcpy(c->path, end + 1, strlen(end + 1) + 1);
	r->cgroups.count++;
	return 0;
}

static void print_cgroup(struct sp_buf *out, const struct sp_cgroup *c)
{
	char text[sizeof(c->path) + 16];

	snprintf(text, sizeof(text), "%d:%u:%s", c->is_v2 ? 2 : 1, c->kinds, c->path);
	sp_lines_add(out, "cgroup", text);
}

/* The numbers of a record, for printing and for parsing alike. */
#define NUMBER(key, member) \
	{ \
		key, offsetof(struct sp_record, member), \
			sizeof(((struct sp_record *)0)->member) \
	}
static const struct number {
	const char *key;
	size_t offset, size;
} numbers[] = {
	NUMBER("created_ms", created_ms),
	NUMBER("expires_ms", expires_ms),
	NUMBER("memory", limits.memory_bytes),
	NUMBER("disk", limits.disk_bytes),
	NUMBER("cpu_millis", limits.cpu_millis),
	NUMBER("pids", limits.pids),
	NUMBER("nofile", limits.nofile),
	NUMBER("file", limits.file_bytes),
	NUMBER("cpu_time_ms", limits.cpu_time_ms),
	NUMBER("network", network),
	NUMBER("outer_uid", outer_uid),
	NUMBER("outer_gid", outer_gid),
	NUMBER("id_count", id_count),
	NUMBER("range_uid", range_uid),
	NUMBER("range_gid", range_gid),
	NUMBER("capabilities", capabilities),
	NUMBER("privileged", is_privileged),
	NUMBER("kept", is_kept),
	NUMBER("holds_memory", cgroups.holds[SP_CGROUP_MEMORY]),
	NUMBER("holds_pids", cgroups.holds[SP_CGROUP_PIDS]),
	NUMBER("holds_cpu", cgroups.holds[SP_CGROUP_CPU]),
};

static uint64_t load_number(const struct sp_record *r, const struct number *n)
{
	uint64_t value = 0;

	memcpy(&value, (const char *)r + n->offset,
		n->size); /* little endian, see below */
	return value;
}

static int keep_number(struct sp_record *r, const struct number *n, const char *text,
	struct sp_error *err)
{
	uint64_t max = n->size == 1 ? 1 : n->size == 4 ? UINT32_MAX : UINT64_MAX;
	uint64_t value;
	int rc = sp_lines_number(n->key, text, max, &value, err);

	if (rc < 0)
		return rc;
	memcpy((char *)r + n->offset, &value, n->size);
	return 0;
}

/* Both supported machines, x86-64 and arm64, are little endian. */
_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied by width");

static int keep_line(
	void *ctx, const char *key, const char *value, struct sp_error *err)
{
	struct sp_record *r = ctx;
	const struct {
		const char *key;
		char **text;
		struct sp_strv *list;
	} texts[] = {
		{"image", &r->image, NULL},
		{"workdir", &r->workdir, NULL},
		{"user", &r->user, NULL},
		{"seccomp", &r->seccomp, NULL},
		{"pool", &r->pool, NULL},
		{"claim", &r->claim, NULL},
		{"device_cgroup", &r->device_cgroup, NULL},
		{"base", &r->base, NULL},
		{"label", NULL, &r->labels},
		{"env", NULL, &r->env},
		{"layer", NULL, &r->layers},
		{"snapshot", NULL, &r->snapshots},
		{"require", NULL, &r->require},
		{"mount", NULL, &r->mounts},
	};

	for (size_t i = 0; i < SP_COUNT(texts); i++) {
		if (strcmp(key, texts[i].key) != 0)
			continue;
		if (texts[i].text)
			return keep_text(texts[i].text, value, err);
		sp_strv_add(texts[i].list, value);
		return sp_strv_ok(texts[i].list, err);
	}
	for (size_t i = 0; i < SP_COUNT(numbers); i++)
		if (strcmp(key, numbers[i].key) == 0)
			return keep_number(r, &numbers[i], value, err);
	if (strcmp(key, "cgroup") == 0)
		return keep_cgroup(r, value, err);
	if (strcmp(key, "id") == 0 && sp_name_ok(value)) {
		memcpy(r->id, value, strlen(value) + 1);
		return 0;
	}
	if (strcmp(key, "version") == 0 && strcmp(value, RECORD_VERSION) == 0)
		return 0;
	return sp_fail(err, SP_ERR_PROTOCOL, "unknown line \"%.40s\"", key);
}

int sp_record_parse(
	const char *text, size_t len, struct sp_record *out, struct sp_error *err)
{
	sp_autorecord struct sp_record r = {0};
	int rc = sp_lines_parse(text, len, keep_line, &r, err);

	if (rc < 0)
		return rc;
	if (!r.id[0])
		return sp_fail(err, SP_ERR_PROTOCOL, "record names no sandbox");
	*out = r;
	memset(&r, 0, sizeof(r));
	return 0;
}

void sp_record_print(struct sp_buf *out, const struct sp_record *r)
{
	sp_lines_add(out, "version", RECORD_VERSION);
	sp_lines_add(out, "id", r->id);
	sp_lines_add(out, "image", r->image);
	sp_lines_add(out, "workdir", r->workdir);
	sp_lines_add(out, "user", r->user);
	sp_lines_add(out, "seccomp", r->seccomp);
	sp_lines_add(out, "pool", r->pool);
	sp_lines_add(out, "claim", r->claim);
	sp_lines_add(out, "device_cgroup", r->device_cgroup);
	sp_lines_add(out, "base", r->base);
	print_list(out, "label", &r->labels);
	print_list(out, "env", &r->env);
	print_list(out, "layer", &r->layers);
	print_list(out, "snapshot", &r->snapshots);
	print_list(out, "require", &r->require);
	print_list(out, "mount", &r->mounts);
	for (size_t i = 0; i < SP_COUNT(numbers); i++)
		sp_lines_add_number(out, numbers[i].key, load_number(r, &numbers[i]));
	for (size_t i = 0; i < r->cgroups.count; i++)
		print_cgroup(out, &r->cgroups.items[i]);
	sp_lines_end(out);
}
