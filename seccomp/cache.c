/* SPDX-License-Identifier: Apache-2.0 */
#include "seccomp/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/io.h"
#include "base/log.h"
#include "seccomp/compile.h"
#include "seccomp/judge.h"

#define PROGRAM_MAX_BYTES (BPF_MAXINSNS * sizeof(struct sock_filter))
#define KEY_MAX_BYTES     (SP_PROFILE_MAX_BYTES + 1024)
#define ENTRY_MAX_BYTES   (sizeof(struct entry) + KEY_MAX_BYTES + PROGRAM_MAX_BYTES)
#define NAME_MAX_BYTES    32

/*
 * An entry: this, the whole key, the program.  The file's name is only a hash of the
 * key, so the key itself is compared.
 */
struct entry {
	char magic[8];
	uint64_t key_len;
	uint64_t program_len;
	uint64_t checksum; /* of key and program */
};

static const char magic[8] = "SPBPF\0\0\1";

/* ----- the profile ----------------------------------------------------------- */

static bool is_shipped(const char *profile)
{
	return !strcmp(profile, "default") || !strcmp(profile, "strict");
}

static int open_profile(
	const struct sp_seccomp_request *req, const char *profile, struct sp_error *err)
{
	sp_autobuf struct sp_buf path = SP_BUF_INIT(PATH_MAX);
	int fd;

	if (is_shipped(profile))
		sp_buf_addf(&path, "%s/seccomp/%s.json", req->data_dir, profile);
	else
		sp_buf_adds(&path, profile);
	if (sp_buf_ok(&path, err) < 0)
		return sp_wrap(err, SP_ERR_INVALID, "the path is too long");
	/* Not blocking, for the name may turn out to be a FIFO's. */
	fd = open(sp_buf_str(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0)
		return fd;
	if (errno == ENOENT && !strchr(profile, '/') && !is_shipped(profile))
		return sp_fail(err, SP_ERR_NOT_FOUND,
			"neither default nor strict, nor a file that is there");
	return sp_fail_errno(err, "open %s", sp_buf_str(&path));
}

static int load_profile(
	const struct sp_seccomp_request *req, struct sp_buf *text, struct sp_error *err)
{
	const char *profile = req->profile ? req->profile : "default";
	sp_autoclose int fd = -1;
	struct stat st;
	int rc;

	fd = open_profile(req, profile, err);
	if (fd < 0)
		return sp_wrap(err, fd, "seccomp profile %s", profile);
	if (fstat(fd, &st) < 0)
		return sp_fail_errno(err, "seccomp profile %s", profile);
	if (!S_ISREG(st.st_mode))
		return sp_fail(err, SP_ERR_INVALID,
			"seccomp profile %s: not a regular file", profile);
	rc = sp_buf_read_fd(text, fd, err);
	return rc < 0 ? sp_wrap(err, rc, "seccomp profile %s", profile) : 0;
}

static int read_profile(const struct sp_seccomp_request *req, const struct sp_buf *text,
	struct sp_profile *out, struct sp_error *err)
{
	struct sp_profile_host host;
	int rc;

	rc = sp_profile_host_here(req->granted_caps, &host, err);
	if (rc < 0)
		return rc;
	return sp_profile_read(sp_buf_str(text), text->len, &host, out, err);
}

static int compile(const struct sp_seccomp_request *req, const struct sp_buf *text,
	struct sp_buf *program, struct sp_error *err)
{
	sp_autoprofile struct sp_profile profile = {0};
	int rc;

	rc = read_profile(req, text, &profile, err);
	if (rc == 0)
		rc = sp_seccomp_compile(&profile, program, err);
	if (rc < 0)
		return sp_wrap(err, rc, "seccomp profile %s",
			req->profile ? req->profile : "default");
	return 0;
}

/* ----- the key --------------------------------------------------------------- */

/* Everything the program depends on; the profile last, for it has no fixed length. */
static int make_key(const struct sp_seccomp_request *req, const struct sp_buf *text,
	struct sp_buf *key, struct sp_error *err)
{
	const struct scmp_version *lib = seccomp_version();
	struct utsname kernel;

	if (uname(&kernel) < 0)
		return sp_fail_errno(err, "ask for the kernel's version");
	sp_buf_addf(key, "sandpit %s.%d\nlibseccomp %u.%u.%u\nkernel %s %s\n",
		SP_VERSION, SP_SECCOMP_REVISION, lib ? lib->major : 0,
		lib ? lib->minor : 0, lib ? lib->micro : 0, kernel.release,
		kernel.machine);
	sp_buf_addf(key, "caps %llx\n", (unsigned long long)req->granted_caps);
	sp_buf_add(key, text->data, text->len);
	return sp_buf_ok(key, err);
}

/* FNV-1a by words: quick, and enough against accidents, which is all it is for. */
static uint64_t hash(uint64_t seed, const void *data, size_t len)
{
	const char *p = data;
	uint64_t word, h = seed;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = (h ^ word) * UINT64_C(0x100000001b3);
		h ^= h >> 29;
	}
	for (; len > 0; p++, len--)
		h = (h ^ (unsigned char)*p) * UINT64_C(0x100000001b3);
	return h;
}

#define HASH_SEED UINT64_C(0xcbf29ce484222325)

static void entry_name(const struct sp_buf *key, char name[static NAME_MAX_BYTES])
{
	snprintf(name, NAME_MAX_BYTES, "%016llx.bpf",
		(unsigned long long)hash(HASH_SEED, key->data, key->len));
}

static uint64_t checksum(
	const char *key, size_t key_len, const char *program, size_t program_len)
{
	return hash(hash(HASH_SEED, key, key_len), program, program_len);
}

/* ----- the cache ------------------------------------------------------------- */

/* What others can write is not what we wrote. */
static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* The folder, or -1 when there is none to trust. */
static int open_cache(const char *path)
{
	sp_autoclose int fd = -1;
	struct stat st;

	if (!path)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) < 0 || !is_ours(&st)) {
		sp_log(SP_LOG_DEBUG, "filter cache not used", "dir=%s", path);
		return -1;
	}
	return sp_take_fd(fd);
}

/* Read the file whole if it has the right owner, kind and length. */
static bool read_entry(int dir, const char *name, size_t key_len, struct sp_buf *out)
{
	sp_autoclose int fd = -1;
	size_t least = sizeof(struct entry) + key_len + sizeof(struct sock_filter);
	struct stat st;
	char *room;

	fd = openat(
		dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
	if (fd < 0 || fstat(fd, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode) || !is_ours(&st) || st.st_size < (off_t)least ||
		st.st_size > (off_t)(least + PROGRAM_MAX_BYTES))
		return false;
	room = sp_buf_room(out, (size_t)st.st_size);
	if (!room || sp_read_exact(fd, room, (size_t)st.st_size, NULL) < 0)
		return false;
	sp_buf_grew(out, (size_t)st.st_size);
	return true;
}

/* The program within an entry that is whole and made for this key, or NULL. */
static const char *check_entry(
	const struct sp_buf *file, const struct sp_buf *key, size_t *len)
{
	struct entry head;
	const char *body = file->data + sizeof(head);
	size_t left = file->len - sizeof(head);

	memcpy(&head, file->data, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0)
		return NULL;
	if (head.key_len != key->len || head.program_len != left - key->len ||
		head.program_len > PROGRAM_MAX_BYTES ||
		head.program_len % sizeof(struct sock_filter) != 0)
		return NULL;
	if (memcmp(body, key->data, key->len) != 0)
		return NULL;
	*len = (size_t)head.program_len;
	if (head.checksum != checksum(body, key->len, body + key->len, *len))
		return NULL;
	return body + key->len;
}

static bool find(
	int dir, const char *name, const struct sp_buf *key, struct sp_buf *program)
{
	sp_autobuf struct sp_buf file = SP_BUF_INIT(ENTRY_MAX_BYTES);
	const char *found;
	size_t len;

	if (dir < 0 || !read_entry(dir, name, key->len, &file))
		return false;
	found = check_entry(&file, key, &len);
	if (!found) {
		sp_log(SP_LOG_DEBUG, "filter cache entry not used", "name=%s", name);
		return false;
	}
	sp_buf_add(program, found, len);
	return true;
}

/* A cache that cannot be written costs time, so it is noted and no more. */
static void keep(int dir, const char *name, const struct sp_buf *key,
	const struct sp_buf *program)
{
	sp_autobuf struct sp_buf file = SP_BUF_INIT(ENTRY_MAX_BYTES);
	struct entry head = {.key_len = key->len, .program_len = program->len};
	struct sp_error err = {0};

	if (dir < 0)
		return;
	memcpy(head.magic, magic, sizeof(magic));
	head.checksum = checksum(key->data, key->len, program->data, program->len);
	sp_buf_add(&file, &head, sizeof(head));
	sp_buf_add(&file, key->data, key->len);
	sp_buf_add(&file, program->data, program->len);
	if (sp_buf_ok(&file, &err) < 0 ||
		sp_write_file_at(dir, name, file.data, file.len, 0600, &err) < 0)
		sp_log(SP_LOG_DEBUG, "filter cache not written", "why=\"%s\"", err.msg);
}

int sp_seccomp_program(const struct sp_seccomp_request *req, struct sp_buf *program,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(SP_PROFILE_MAX_BYTES);
	sp_autobuf struct sp_buf key = SP_BUF_INIT(KEY_MAX_BYTES);
	sp_autobuf struct sp_buf fresh = SP_BUF_INIT(PROGRAM_MAX_BYTES);
	sp_autoclose int dir = -1;
	char name[NAME_MAX_BYTES];
	int rc;

	rc = load_profile(req, &text, err);
	if (rc < 0)
		return rc;
	rc = make_key(req, &text, &key, err);
	if (rc < 0)
		return rc;
	entry_name(&key, name);
	dir = open_cache(req->cache_dir);
	if (find(dir, name, &key, program))
		return sp_buf_ok(program, err);

	rc = compile(req, &text, &fresh, err);
	if (rc < 0)
		return rc;
	keep(dir, name, &key, &fresh);
	sp_buf_add(program, fresh.data, fresh.len);
	return sp_buf_ok(program, err);
}

int sp_seccomp_opened(const struct sp_seccomp_request *req, struct sp_strv *names,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(SP_PROFILE_MAX_BYTES);
	sp_autoprofile struct sp_profile profile = {0};
	int rc;

	rc = load_profile(req, &text, err);
	if (rc < 0)
		return rc;
	rc = read_profile(req, &text, &profile, err);
	if (rc < 0)
		return sp_wrap(err, rc, "seccomp profile %s",
			req->profile ? req->profile : "default");
	return sp_profile_opened(&profile, names, err);
}
