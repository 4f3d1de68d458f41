/* SPDX-License-Identifier: Apache-2.0 */
/* A record as text: "KEY=VALUE" lines, values percent-encoded, "end" last. */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/enc.h"
#include "runtime/state.h"

#define RECORD_VERSION "1"
#define VALUE_MAX \
	(2 * 1024 * 1024) /* as long as a whole record: what is written is read */

void sp_record_clear(struct sp_record *r)
{
	if (!r)
		return;
	free(r->image);
	free(r->workdir);
	free(r->user);
	free(r->seccomp);
	free(r->claim);
	free(r->device_cgroup);
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

static void print_text(struct sp_buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	sp_buf_adds(out, key);
	sp_buf_addc(out, '=');
	sp_enc_percent(out, value);
	sp_buf_addc(out, '\n');
}

static void print_list(struct sp_buf *out, const char *key, const struct sp_strv *list)
{
	for (size_t i = 0; i < list->count; i++)
		print_text(out, key, list->items[i]);
}

/* By version, then by whether it is the one that limits memory. */
static const char *const cgroup_keys[2][2] = {
	{"cgroup1", "cgroup1m"}, {"cgroup2", "cgroup2m"}};

static int keep_text(char **to, const char *value, struct sp_error *err)
{
	free(*to);
	*to = strdup(value);
	return *to ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int keep_cgroup(
	struct sp_record *r, const char *key, const char *value, struct sp_error *err)
{
	struct sp_cgroup *c = &r->cgroups.items[r->cgroups.count];

	if (r->cgroups.count == SP_RUNNER_CGROUPS_MAX ||
		strlen(value) >= sizeof(c->path))
		return sp_fail(err, SP_ERR_PROTOCOL, "too many or too long cgroups");
	memcpy(c->path, value, strlen(value) + 1);
	c->is_v2 = key[6] == '2';
	c->is_memory = key[7] == 'm';
	r->cgroups.count++;
	return 0;
}

static bool is_cgroup_key(const char *key)
{
	for (int i = 0; i < 4; i++)
		if (strcmp(key, cgroup_keys[i / 2][i % 2]) == 0)
			return true;
	return false;
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
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	/* Digits only: strtoull would take a sign and turn it round. */
	if (*text < '0' || *text > '9' || *end || errno || value > max)
		return sp_fail(err, SP_ERR_PROTOCOL, "%s is \"%.40s\"", n->key, text);
	memcpy((char *)r + n->offset, &value, n->size);
	return 0;
}

/* Both supported machines, x86-64 and arm64, are little endian. */
_Static_assert(
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "numbers are copied by width");

static int keep_line(
	struct sp_record *r, const char *key, const char *value, struct sp_error *err)
{
	const struct {
		const char *key;
		char **text;
		struct sp_strv *list;
	} texts[] = {
		{"image", &r->image, NULL},
		{"workdir", &r->workdir, NULL},
		{"user", &r->user, NULL},
		{"seccomp", &r->seccomp, NULL},
		{"claim", &r->claim, NULL},
		{"device_cgroup", &r->device_cgroup, NULL},
		{"label", NULL, &r->labels},
		{"env", NULL, &r->env},
		{"layer", NULL, &r->layers},
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
	if (is_cgroup_key(key))
		return keep_cgroup(r, key, value, err);
	if (strcmp(key, "id") == 0 && sp_name_ok(value)) {
		memcpy(r->id, value, strlen(value) + 1);
		return 0;
	}
	if (strcmp(key, "version") == 0 && strcmp(value, RECORD_VERSION) == 0)
		return 0;
	return sp_fail(err, SP_ERR_PROTOCOL, "unknown line \"%.40s\"", key);
}

/* One "KEY=VALUE" without its newline. */
static int parse_line(
	const char *line, size_t len, struct sp_record *r, struct sp_error *err)
{
	sp_autobuf struct sp_buf value = SP_BUF_INIT(VALUE_MAX);
	const char *equals = memchr(line, '=', len);
	char key[32];
	size_t key_len = equals ? (size_t)(equals - line) : 0;
	int rc;

	if (key_len == 0 || key_len >= sizeof(key))
		return sp_fail(err, SP_ERR_PROTOCOL, "a line without a key");
	memcpy(key, line, key_len);
	key[key_len] = '\0';
	rc = sp_dec_percent(&value, equals + 1, len - key_len - 1, err);
	if (rc < 0)
		return rc;
	if (memchr(sp_buf_str(&value), '\0', value.len))
		return sp_fail(err, SP_ERR_PROTOCOL, "a zero byte in %s", key);
	return keep_line(r, key, sp_buf_str(&value), err);
}

int sp_record_parse(
	const char *text, size_t len, struct sp_record *out, struct sp_error *err)
{
	sp_autorecord struct sp_record r = {0};
	const char *at = text;
	const char *end = text + len;

	while (at < end) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		int rc;

		if (!line_end)
			break;
		if (line_end - at == 3 && memcmp(at, "end", 3) == 0 &&
			line_end + 1 == end) {
			if (!r.id[0])
				break;
			*out = r;
			memset(&r, 0, sizeof(r));
			return 0;
		}
		rc = parse_line(at, (size_t)(line_end - at), &r, err);
		if (rc < 0)
			return rc;
		at = line_end + 1;
	}
	return sp_fail(err, SP_ERR_PROTOCOL, "record ends early");
}

void sp_record_print(struct sp_buf *out, const struct sp_record *r)
{
	print_text(out, "version", RECORD_VERSION);
	print_text(out, "id", r->id);
	print_text(out, "image", r->image);
	print_text(out, "workdir", r->workdir);
	print_text(out, "user", r->user);
	print_text(out, "seccomp", r->seccomp);
	print_text(out, "claim", r->claim);
	print_text(out, "device_cgroup", r->device_cgroup);
	print_list(out, "label", &r->labels);
	print_list(out, "env", &r->env);
	print_list(out, "layer", &r->layers);
	for (size_t i = 0; i < SP_COUNT(numbers); i++)
		sp_buf_addf(out, "%s=%llu\n", numbers[i].key,
			(unsigned long long)load_number(r, &numbers[i]));
	for (size_t i = 0; i < r->cgroups.count; i++) {
		const struct sp_cgroup *c = &r->cgroups.items[i];

		print_text(out, cgroup_keys[c->is_v2][c->is_memory], c->path);
	}
	sp_buf_adds(out, "end\n");
}
