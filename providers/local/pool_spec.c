/* SPDX-License-Identifier: Apache-2.0 */
/* "KEY=VALUE" lines, values percent-encoded, "end" last, as a record has them. */
#include "providers/local/pool_spec.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/enc.h"
#include "base/error.h"

#define VERSION    SP_VERSION "-1"
#define VALUES_MAX 4096 /* of all lists together */

void pool_spec_clear(struct pool_spec *p)
{
	sp_strv_clear(&p->texts);
	sp_strv_clear(&p->env);
	sp_strv_clear(&p->allow);
	sp_strv_clear(&p->require);
	free(p->mounts);
	*p = (struct pool_spec){.mounts = NULL};
}

static void print_text(struct sp_buf *out, const char *key, const char *value)
{
	if (!value)
		return;
	sp_buf_addf(out, "%s=", key);
	sp_enc_percent(out, value);
	sp_buf_addc(out, '\n');
}

static void print_list(struct sp_buf *out, const char *key, const char *const *list)
{
	for (; list && *list; list++)
		print_text(out, key, *list);
}

/* The numbers of a specification, for printing and for reading alike. */
#define NUMBER(key, member) \
	{ \
		key, offsetof(struct sp_sandbox_spec, member), \
			sizeof(((struct sp_sandbox_spec *)0)->member) \
	}
static const struct number {
	const char *key;
	size_t offset, size;
} numbers[] = {
	NUMBER("memory", limits.memory_bytes),
	NUMBER("disk", limits.disk_bytes),
	NUMBER("cpu_millis", limits.cpu_millis),
	NUMBER("pids", limits.pids),
	NUMBER("nofile", limits.nofile),
	NUMBER("file", limits.file_bytes),
	NUMBER("cpu_time", limits.cpu_time_ms),
	NUMBER("network", network),
};

static const struct text {
	const char *key;
	size_t offset;
} texts[] = {
	{"image", offsetof(struct sp_sandbox_spec, image)},
	{"workdir", offsetof(struct sp_sandbox_spec, workdir)},
	{"user", offsetof(struct sp_sandbox_spec, user)},
	{"seccomp", offsetof(struct sp_sandbox_spec, seccomp)},
};

/* By kind: of the host or a volume, then whether it can be written. */
static const char *const mount_keys[2][2] = {
	{"mount_ro", "mount_rw"}, {"volume_ro", "volume_rw"}};

/* A folder is named from where the caller is, and a profile is what is in its file. */
static int print_files(
	struct sp_buf *out, const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	sp_autofree char *real = NULL;
	struct stat st;

	if (spec->image && (spec->image[0] == '/' || spec->image[0] == '.')) {
		real = realpath(spec->image, NULL);
		if (!real)
			return sp_fail_errno(err, "image %s", spec->image);
	}
	print_text(out, "image", real ? real : spec->image ? spec->image : "host");
	if (!spec->seccomp || strcmp(spec->seccomp, "default") == 0)
		return 0;
	print_text(out, "seccomp", spec->seccomp);
	if (strcmp(spec->seccomp, "strict") != 0 && stat(spec->seccomp, &st) == 0)
		sp_buf_addf(out, "stamp=%llu-%llu-%lld.%09ld\n",
			(unsigned long long)st.st_ino, (unsigned long long)st.st_size,
			(long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
	return 0;
}

static void print_numbers(struct sp_buf *out, const struct sp_sandbox_spec *spec)
{
	for (size_t i = 0; i < SP_COUNT(numbers); i++) {
		uint64_t value = 0;

		memcpy(&value, (const char *)spec + numbers[i].offset, numbers[i].size);
		if (value)
			sp_buf_addf(out, "%s=%llu\n", numbers[i].key,
				(unsigned long long)value);
	}
}

int pool_spec_print(
	struct sp_buf *out, const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	int rc;

	if (spec->port_count || spec->credential_count)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"a sandbox with %s cannot be prepared ahead",
			spec->port_count ? "published ports" : "credentials");
	sp_buf_adds(out, "version=" VERSION "\n");
	rc = print_files(out, spec, err);
	if (rc < 0)
		return rc;
	print_text(out, "workdir", spec->workdir);
	print_text(out, "user", spec->user);
	print_numbers(out, spec);
	print_list(out, "env", spec->env);
	print_list(out, "allow", spec->allow);
	print_list(out, "require", spec->require);
	for (size_t i = 0; i < spec->mount_count; i++) {
		const struct sp_mount *m = &spec->mounts[i];

		print_text(out, mount_keys[m->is_volume][m->writable], m->source);
		print_text(out, "target", m->target);
	}
	sp_buf_adds(out, "end\n");
	return sp_buf_ok(out, err);
}

static int unknown(const char *key, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_PROTOCOL, "unknown line \"%.40s\"", key);
}

static int keep_number(struct pool_spec *p, const struct number *n, const char *text,
	struct sp_error *err)
{
	const int64_t max = n->size == 4 ? UINT32_MAX : INT64_MAX;
	int64_t value = 0;
	int rc = sp_parse_int(text, 1, max, &value, err);

	if (rc < 0)
		return sp_fail(err, SP_ERR_PROTOCOL, "%s is no number", n->key);
	memcpy((char *)&p->spec + n->offset, &value, n->size);
	return 0;
}

/* Owned by p->texts, whose items stay where they are. */
static const char *keep_text(struct pool_spec *p, const char *value)
{
	sp_strv_add(&p->texts, value);
	return p->texts.failed ? NULL : p->texts.items[p->texts.count - 1];
}

static int add_mount(
	struct pool_spec *p, const char *key, const char *source, struct sp_error *err)
{
	struct sp_mount *more = reallocarray(
		p->mounts, p->spec.mount_count + 1, sizeof(*p->mounts));

	if (!more)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	p->mounts = more;
	p->mounts[p->spec.mount_count++] = (struct sp_mount){
		.source = keep_text(p, source),
		.is_volume = key[0] == 'v',
		.writable = key[strlen(key) - 1] == 'w',
	};
	return sp_strv_ok(&p->texts, err);
}

static int keep_target(struct pool_spec *p, const char *value, struct sp_error *err)
{
	struct sp_mount *last = p->spec.mount_count
		? &p->mounts[p->spec.mount_count - 1]
		: NULL;

	if (!last || last->target)
		return unknown("target", err);
	last->target = keep_text(p, value);
	return sp_strv_ok(&p->texts, err);
}

static bool is_mount(const char *key)
{
	for (int i = 0; i < 4; i++)
		if (strcmp(key, mount_keys[i / 2][i % 2]) == 0)
			return true;
	return false;
}

static int keep_line(
	struct pool_spec *p, const char *key, const char *value, struct sp_error *err)
{
	const struct {
		const char *key;
		struct sp_strv *list;
	} lists[] = {{"env", &p->env}, {"allow", &p->allow}, {"require", &p->require}};

	for (size_t i = 0; i < SP_COUNT(numbers); i++)
		if (strcmp(key, numbers[i].key) == 0)
			return keep_number(p, &numbers[i], value, err);
	for (size_t i = 0; i < SP_COUNT(lists); i++)
		if (strcmp(key, lists[i].key) == 0) {
			sp_strv_add(lists[i].list, value);
			return sp_strv_ok(lists[i].list, err);
		}
	for (size_t i = 0; i < SP_COUNT(texts); i++)
		if (strcmp(key, texts[i].key) == 0) {
			const char *text = keep_text(p, value);

			memcpy((char *)&p->spec + texts[i].offset, &text, sizeof(text));
			return sp_strv_ok(&p->texts, err);
		}
	if (is_mount(key))
		return add_mount(p, key, value, err);
	if (strcmp(key, "target") == 0)
		return keep_target(p, value, err);
	if (strcmp(key, "stamp") == 0 ||
		(strcmp(key, "version") == 0 && strcmp(value, VERSION) == 0))
		return 0;
	return unknown(key, err);
}

static int parse_line(
	struct pool_spec *p, const char *line, size_t len, struct sp_error *err)
{
	sp_autobuf struct sp_buf value = SP_BUF_INIT(POOL_SPEC_MAX);
	const char *equals = memchr(line, '=', len);
	size_t key_len = equals ? (size_t)(equals - line) : 0;
	char key[16];
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
	return keep_line(p, key, sp_buf_str(&value), err);
}

static int finish(struct pool_spec *p, struct sp_error *err)
{
	for (size_t i = 0; i < p->spec.mount_count; i++)
		if (!p->mounts[i].target)
			return sp_fail(err, SP_ERR_PROTOCOL, "a mount without target");
	p->spec.mounts = p->mounts;
	p->spec.env = p->env.count ? sp_strv_list(&p->env) : NULL;
	p->spec.allow = p->allow.count ? sp_strv_list(&p->allow) : NULL;
	p->spec.require = p->require.count ? sp_strv_list(&p->require) : NULL;
	return 0;
}

int pool_spec_parse(
	const char *text, size_t len, struct pool_spec *out, struct sp_error *err)
{
	autopoolspec struct pool_spec p = {.mounts = NULL};
	const char *end = text + len;
	size_t lines = 0;

	for (const char *at = text; at < end && lines < VALUES_MAX; lines++) {
		const char *line_end = memchr(at, '\n', (size_t)(end - at));
		int rc;

		if (!line_end)
			break;
		if (line_end - at == 3 && memcmp(at, "end", 3) == 0 &&
			line_end + 1 == end) {
			rc = finish(&p, err);
			if (rc == 0) {
				*out = p;
				p = (struct pool_spec){.mounts = NULL};
			}
			return rc;
		}
		rc = parse_line(&p, at, (size_t)(line_end - at), err);
		if (rc < 0)
			return rc;
		at = line_end + 1;
	}
	return sp_fail(err, SP_ERR_PROTOCOL, "specification ends early");
}

/* FNV-1a; two texts of one name are told apart by comparing them. */
void pool_spec_name(char name[static POOL_NAME_SIZE], const struct sp_buf *text)
{
	uint64_t h = 14695981039346656037ull;

	for (size_t i = 0; i < text->len; i++)
		h = (h ^ (unsigned char)text->data[i]) * 1099511628211ull;
	snprintf(name, POOL_NAME_SIZE, "pool-%016llx", (unsigned long long)h);
}
