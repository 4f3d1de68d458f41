/* SPDX-License-Identifier: Apache-2.0 */
#include "images/unpack.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "images/layer.h"
#include "images/place.h"

struct unpacker {
	struct sp_tar_reader *in;
	const struct sp_unpack_opts *opts;
	struct sp_tar_stats *stats;
	struct sp_place place;
	char top[NAME_MAX + 1]; /* first component of all members, once one was seen */
	char path[SP_TAR_NAME_MAX + NAME_MAX + 2]; /* of the member, checked */
	char target[SP_TAR_NAME_MAX + NAME_MAX + 2];
};

/* --- Names -------------------------------------------------------------------------- */

/* With opts.as: the first component must be the same for all, and gets the new name. */
static int rename_top(
	struct unpacker *u, const char **component, size_t *len, struct sp_error *err)
{
	if (!u->top[0])
		memcpy(u->top, *component, *len);
	if (strlen(u->top) != *len || memcmp(u->top, *component, *len) != 0)
		return sp_fail(
			err, SP_ERR_PROTOCOL, "archive holds more than %s", u->top);
	*component = u->opts->as;
	*len = strlen(u->opts->as);
	return 0;
}

static int add_component(struct unpacker *u, char *out, size_t *used,
	const char *component, size_t len, struct sp_error *err)
{
	int rc = 0;

	if (len == 2 && memcmp(component, "..", 2) == 0)
		return sp_fail(err, SP_ERR_DENIED, "name contains \"..\"");
	if (len > NAME_MAX)
		return sp_fail(err, SP_ERR_LIMIT,
			"a component of the name is over %d bytes", NAME_MAX);
	if (*used == 0 && u->opts->as)
		rc = rename_top(u, &component, &len, err);
	if (rc < 0)
		return rc;
	if (*used > 0)
		out[(*used)++] = '/';
	memcpy(out + *used, component, len);
	*used += len;
	return 0;
}

/*
 * The name as this side uses it: relative, without empty and "." components.  Returns how
 * many components are left, 0 for the root itself.
 */
static int clean_name(
	struct unpacker *u, const char *name, char *out, struct sp_error *err)
{
	size_t used = 0;
	int depth = 0;

	if (!name[0])
		return sp_fail(err, SP_ERR_PROTOCOL, "empty name");
	for (const char *at = name; *at;) {
		size_t len = strcspn(at, "/");
		bool nothing = len == 0 || (len == 1 && at[0] == '.');
		int rc = nothing ? 0 : add_component(u, out, &used, at, len, err);

		if (rc < 0)
			return rc;
		depth += !nothing;
		at += len + (at[len] == '/');
	}
	out[used] = '\0';
	if (used > SP_TAR_NAME_MAX)
		return sp_fail(
			err, SP_ERR_LIMIT, "name is over %d bytes", SP_TAR_NAME_MAX);
	return depth;
}

/* --- Members ------------------------------------------------------------------------ */

static int write_at(
	int fd, const char *data, size_t len, uint64_t at, struct sp_error *err)
{
	while (len > 0) {
		ssize_t n = pwrite(fd, data, len, (off_t)at);

		if (n < 0 && errno != EINTR)
			return sp_fail_errno(err, "write");
		if (n > 0) {
			data += n;
			len -= (size_t)n;
			at += (uint64_t)n;
		}
	}
	return 0;
}

static int write_content(
	struct unpacker *u, int fd, uint64_t size, struct sp_error *err)
{
	uint64_t at, end = 0;
	const char *data;
	size_t len;
	int rc;

	while ((rc = sp_tar_read(u->in, &data, &len, &at, err)) > 0) {
		rc = write_at(fd, data, len, at, err);
		if (rc < 0)
			return rc;
		end = at + len;
	}
	/* A sparse file may end in a hole. */
	if (rc == 0 && end < size && ftruncate(fd, (off_t)size) < 0)
		return sp_fail_errno(err, "extend");
	return rc;
}

static int unpack_file(
	struct unpacker *u, const struct sp_tar_member *m, struct sp_error *err)
{
	SP_AUTO(sp_place_file_clear)
	struct sp_place_file f = SP_PLACE_FILE_INIT;
	int rc = sp_place_file_begin(&u->place, u->path, m->mode, &f, err);

	if (rc == 0)
		rc = write_content(u, f.fd, m->size, err);
	return rc < 0 ? rc : sp_place_file_commit(&u->place, &f, m->mtime, err);
}

/* No folder of a layer is named like a mark, and neither is what a hard link means. */
static int check_marks(const char *path, bool whole, struct sp_error *err)
{
	const char *last = strrchr(path, '/');

	for (const char *at = path; at; at = strchr(at, '/')) {
		at += *at == '/';
		if ((whole || at <= last) &&
			strncmp(at, SP_LAYER_GONE_PREFIX,
				strlen(SP_LAYER_GONE_PREFIX)) == 0)
			return sp_fail(err, SP_ERR_PROTOCOL,
				"a mark of a removed file stands for a folder");
	}
	return 0;
}

static int unpack_hardlink(
	struct unpacker *u, const struct sp_tar_member *m, struct sp_error *err)
{
	int rc = clean_name(u, m->link, u->target, err);

	if (rc < 0)
		return sp_wrap(err, rc, "target of the hard link");
	if (rc == 0)
		return sp_fail(err, SP_ERR_PROTOCOL, "hard link to the root");
	rc = u->opts->layer ? check_marks(u->target, true, err) : 0;
	if (rc < 0)
		return rc;
	return sp_place_hardlink(&u->place, u->path, u->target, err);
}

static int unpack_symlink(
	struct unpacker *u, const struct sp_tar_member *m, struct sp_error *err)
{
	if (!m->link[0])
		return sp_fail(err, SP_ERR_PROTOCOL, "symbolic link to nothing");
	return sp_place_symlink(&u->place, u->path, m->link, m->mtime, err);
}

/* The root is whatever the caller opened: its mode and date are not the archive's. */
static int unpack_root(
	struct unpacker *u, const struct sp_tar_member *m, struct sp_error *err)
{
	if (m->type != SP_TAR_FOLDER || u->opts->as)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"%s stands for the destination itself", m->name);
	return 0;
}

/* Ids that no sandbox has inside would be somebody's outside. */
#define LAYER_ID_MAX 65535u

static int take_owner(
	struct unpacker *u, const struct sp_tar_member *m, struct sp_error *err)
{
	if (m->uid > LAYER_ID_MAX || m->gid > LAYER_ID_MAX)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"its owner is beyond the ids of a sandbox, 0 to %u",
			LAYER_ID_MAX);
	u->place.uid = m->uid;
	u->place.gid = m->gid;
	return 0;
}

/* u->path ends in a mark; what it is about is beside it, or around it. */
static int place_mark(struct unpacker *u, enum sp_layer_mark mark, struct sp_error *err)
{
	char *slash = strrchr(u->path, '/');
	char *name = slash ? slash + 1 : u->path;
	const char *hidden = name + strlen(SP_LAYER_GONE_PREFIX);

	if (mark == SP_LAYER_RESERVED) {
		u->stats->skipped++;
		return 0;
	}
	if (mark == SP_LAYER_GONE) {
		if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
			return sp_fail(
				err, SP_ERR_PROTOCOL, "mark of a removed nothing");
		memmove(name, hidden, strlen(hidden) + 1);
		return sp_place_gone(&u->place, u->path, err);
	}
	if (!slash)
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"the layer hides the whole root below it");
	*slash = '\0';
	return sp_place_opaque(&u->place, u->path, err);
}

/* Of a layer: what comes before a member is placed.  1 when nothing is left to do. */
static int begin_layer_member(
	struct unpacker *u, const struct sp_tar_member *m, struct sp_error *err)
{
	const char *slash = strrchr(u->path, '/');
	enum sp_layer_mark mark = sp_layer_mark_of(slash ? slash + 1 : u->path);
	int rc = check_marks(u->path, false, err);

	if (rc == 0 && mark)
		rc = place_mark(u, mark, err);
	else if (rc == 0)
		rc = take_owner(u, m, err);
	return rc < 0 ? rc : mark != SP_LAYER_NO_MARK;
}

static int place_member(
	struct unpacker *u, const struct sp_tar_member *m, struct sp_error *err)
{
	if (u->opts->layer) {
		int rc = begin_layer_member(u, m, err);

		if (rc != 0)
			return rc < 0 ? rc : 0;
	}
	switch (m->type) {
	case SP_TAR_FILE:
		return unpack_file(u, m, err);
	case SP_TAR_HARDLINK:
		return unpack_hardlink(u, m, err);
	case SP_TAR_SYMLINK:
		return unpack_symlink(u, m, err);
	case SP_TAR_FOLDER:
		return sp_place_folder(&u->place, u->path, m->mode, m->mtime, err);
	case SP_TAR_SPECIAL:
		u->stats->skipped++;
		return 0;
	}
	return sp_fail(err, SP_ERR_PROTOCOL, "unknown type");
}

static int unpack_member(
	struct unpacker *u, const struct sp_tar_member *m, struct sp_error *err)
{
	int depth = clean_name(u, m->name, u->path, err);
	int rc;

	if (depth < 0)
		return sp_wrap(err, depth, "unpack %.200s", m->name);
	rc = sp_tar_count(
		u->stats, &u->opts->limits, m->size, (unsigned int)depth, m->name, err);
	if (rc < 0)
		return sp_wrap(err, rc, "unpack");
	rc = depth == 0 ? unpack_root(u, m, err) : place_member(u, m, err);
	return rc < 0 ? sp_wrap(err, rc, "unpack %.200s", m->name) : 0;
}

static int unpack_all(struct unpacker *u, struct sp_error *err)
{
	struct sp_tar_member m;
	int rc;

	while ((rc = sp_tar_next(u->in, &m, err)) > 0) {
		rc = unpack_member(u, &m, err);
		if (rc < 0)
			return rc;
	}
	if (rc == 0)
		rc = sp_place_finish(&u->place, err);
	return rc < 0 ? rc : sp_tar_drain(u->in, err);
}

int sp_unpack(int root_fd, int in_fd, const struct sp_unpack_opts *opts,
	struct sp_tar_stats *stats, struct sp_error *err)
{
	sp_autotarreader struct sp_tar_reader *in = NULL;
	sp_autofree struct unpacker *u = calloc(1, sizeof(*u));
	int rc = sp_tar_reader_new(in_fd, &in, err);

	if (rc < 0)
		return rc;
	if (!u)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	u->in = in;
	u->opts = opts;
	u->stats = stats;
	rc = sp_place_init(&u->place, root_fd, opts->mask, opts->keep_kinds, err);
	u->place.layer = opts->layer;
	u->place.keep_owner = opts->keep_owners;
	if (rc == 0)
		rc = unpack_all(u, err);
	sp_place_clear(&u->place);
	return rc;
}
