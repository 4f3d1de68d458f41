/* SPDX-License-Identifier: Apache-2.0 */
#include "images/tar_extension.h"

#include <string.h>

#include "images/tar_layout.h"

void sp_tar_extension_forget(struct sp_tar_extension *x)
{
	x->has_name = x->has_link = x->has_size = x->has_mtime = false;
	x->has_uid = x->has_gid = false;
	sp_sparse_clear(&x->sparse);
}

void sp_tar_extension_clear(struct sp_tar_extension *x)
{
	sp_buf_clear(&x->name);
	sp_buf_clear(&x->link);
	sp_tar_extension_forget(x);
}

int sp_tar_bad_number(const char *what, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_PROTOCOL, "archive member has a malformed %s", what);
}

/* "[-]SECONDS[.FRACTION]" as pax writes times; digits beyond nanoseconds are dropped. */
static bool pax_time(const char *text, size_t len, struct timespec *out)
{
	bool negative = len > 0 && text[0] == '-';
	const char *dot = memchr(text, '.', len);
	size_t whole = dot ? (size_t)(dot - text) : len;
	long nsec = 0, unit = 100000000;
	uint64_t sec;

	if (!sp_tar_decimal(text + negative, whole - negative, &sec))
		return false;
	for (size_t i = whole + 1; i < len; i++, unit /= 10) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		nsec += (text[i] - '0') * unit;
	}
	out->tv_sec = negative ? -(time_t)sec - (nsec > 0) : (time_t)sec;
	out->tv_nsec = negative && nsec ? 1000000000 - nsec : nsec;
	return true;
}

int sp_tar_set_name(
	struct sp_buf *b, bool *has, const char *text, size_t len, struct sp_error *err)
{
	if (*has)
		return sp_fail(err, SP_ERR_PROTOCOL, "archive member is named twice");
	if (memchr(text, '\0', len))
		return sp_fail(
			err, SP_ERR_PROTOCOL, "name of archive member contains a NUL");
	if (len > SP_TAR_NAME_MAX)
		return sp_fail(err, SP_ERR_LIMIT,
			"name of archive member is longer than %d bytes",
			SP_TAR_NAME_MAX);
	sp_buf_drop(b, b->len);
	sp_buf_add(b, text, len);
	sp_buf_addc(b, '\0');
	*has = true;
	return sp_buf_ok(b, err);
}

static int pax_path(
	struct sp_tar_extension *x, const char *v, size_t len, struct sp_error *err)
{
	return sp_tar_set_name(&x->name, &x->has_name, v, len, err);
}

static int pax_linkpath(
	struct sp_tar_extension *x, const char *v, size_t len, struct sp_error *err)
{
	return sp_tar_set_name(&x->link, &x->has_link, v, len, err);
}

static int pax_size(
	struct sp_tar_extension *x, const char *v, size_t len, struct sp_error *err)
{
	if (x->has_size || !sp_tar_decimal(v, len, &x->size))
		return sp_tar_bad_number("size", err);
	x->has_size = true;
	return 0;
}

static int pax_mtime(
	struct sp_tar_extension *x, const char *v, size_t len, struct sp_error *err)
{
	if (!pax_time(v, len, &x->mtime))
		return sp_tar_bad_number("time", err);
	x->has_mtime = true;
	return 0;
}

static int pax_owner(
	bool *has, uint64_t *id, const char *v, size_t len, struct sp_error *err)
{
	if (!sp_tar_decimal(v, len, id))
		return sp_tar_bad_number("owner", err);
	*has = true;
	return 0;
}

static int pax_uid(
	struct sp_tar_extension *x, const char *v, size_t len, struct sp_error *err)
{
	return pax_owner(&x->has_uid, &x->uid, v, len, err);
}

static int pax_gid(
	struct sp_tar_extension *x, const char *v, size_t len, struct sp_error *err)
{
	return pax_owner(&x->has_gid, &x->gid, v, len, err);
}

/* Names of owners, ACLs and extended attributes of an archive are nobody's business here. */
static const struct pax_key {
	const char *key;
	int (*read)(struct sp_tar_extension *x, const char *value, size_t len,
		struct sp_error *err);
} pax_keys[] = {
	{"path", pax_path},
	{"linkpath", pax_linkpath},
	{"size", pax_size},
	{"mtime", pax_mtime},
	{"uid", pax_uid},
	{"gid", pax_gid},
};

static int pax_record(struct sp_tar_extension *x, const char *text, size_t len,
	bool global, struct sp_error *err)
{
	const char *equals = memchr(text, '=', len);
	size_t key_len = equals ? (size_t)(equals - text) : 0;

	if (key_len == 0)
		return sp_fail(err, SP_ERR_PROTOCOL, "malformed pax record in archive");
	if (key_len > 11 && !global && memcmp(text, "GNU.sparse.", 11) == 0)
		return sp_sparse_pax(&x->sparse, text + 11, key_len - 11, equals + 1,
			len - key_len - 1, err);
	for (size_t i = 0; i < SP_COUNT(pax_keys); i++) {
		const struct pax_key *k = &pax_keys[i];

		if (strlen(k->key) != key_len || memcmp(k->key, text, key_len) != 0)
			continue;
		if (global)
			return sp_fail(err, SP_ERR_UNSUPPORTED,
				"archive gives %s for all its members", k->key);
		return k->read(x, equals + 1, len - key_len - 1, err);
	}
	return 0;
}

/* Records of the form "LENGTH KEY=VALUE\n", the length being that of the whole record. */
static int pax_records(struct sp_tar_extension *x, const char *text, size_t len,
	bool global, struct sp_error *err)
{
	while (len > 0) {
		const char *blank = memchr(text, ' ', len < 20 ? len : 20);
		size_t digits = blank ? (size_t)(blank - text) : 0;
		uint64_t size;
		int rc;

		if (!sp_tar_decimal(text, digits, &size) || size > len ||
			size < digits + 3 || text[size - 1] != '\n')
			return sp_fail(err, SP_ERR_PROTOCOL,
				"malformed pax record in archive");
		rc = pax_record(x, blank + 1, (size_t)size - digits - 2, global, err);
		if (rc < 0)
			return rc;
		text += size;
		len -= size;
	}
	return 0;
}

/* GNU long names end with a NUL that is counted. */
static int long_name(
	struct sp_buf *b, bool *has, const char *text, size_t len, struct sp_error *err)
{
	if (len > 0 && text[len - 1] == '\0')
		len--;
	return sp_tar_set_name(b, has, text, len, err);
}

int sp_tar_extension_read(struct sp_tar_extension *x, char type, const char *text,
	size_t len, struct sp_error *err)
{
	switch (type) {
	case 'L':
		return long_name(&x->name, &x->has_name, text, len, err);
	case 'K':
		return long_name(&x->link, &x->has_link, text, len, err);
	default:
		return pax_records(x, text, len, type == 'g', err);
	}
}
