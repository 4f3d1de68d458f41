/* SPDX-License-Identifier: Apache-2.0 */
#include "images/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "images/kernel_fs.h"
#include "images/layer.h"
#include "images/pack_holes.h"
#include "images/pack_links.h"

/* A FIFO or a device must not make us wait, or become our terminal. */
#define OPEN_FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

struct packer {
	struct sp_tar_writer *out;
	const struct sp_pack_opts *opts;
	struct sp_tar_stats *stats;
	struct sp_pack_links links;
	dev_t device; /* of the folder being packed */
	size_t len;
	char path[SP_TAR_NAME_MAX + 1]; /* of the member being packed */
};

/* --- Start ------------------------------------------------------------------------ */

static bool is_dots(const char *name)
{
	return name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static int open_folder(const char *path, int *fd, struct sp_error *err)
{
	*fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? sp_fail_errno(err, "open folder %s", path) : 0;
}

int sp_pack_open(const char *path, struct sp_pack_start *start, struct sp_error *err)
{
	sp_autofree char *copy = strdup(path);
	size_t len = strlen(path);
	char *slash, *name;

	if (!copy)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	while (len > 1 && copy[len - 1] == '/')
		copy[--len] = '\0';
	slash = strrchr(copy, '/');
	name = slash ? slash + 1 : copy;
	start->follow = strlen(path) > len;
	if (len == 0)
		return sp_fail(err, SP_ERR_INVALID, "the path is empty");
	if (strlen(name) > NAME_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "name in %.64s... is too long", path);
	if (is_dots(name)) {
		memcpy(start->name, ".", 2);
		return open_folder(path, &start->fd, err);
	}
	memcpy(start->name, name, strlen(name) + 1);
	if (slash == copy)
		return open_folder("/", &start->fd, err);
	if (slash)
		*slash = '\0';
	return open_folder(slash ? copy : ".", &start->fd, err);
}

/* --- Members ---------------------------------------------------------------------- */

static int failed(const struct packer *p, const char *what, struct sp_error *err)
{
	return sp_fail_errno(err, "%s %s", what, p->path);
}

/* Append "/name" to the path of the member. */
static int path_push(struct packer *p, const char *name, struct sp_error *err)
{
	size_t len = strlen(name);

	if (p->len + 1 + len > SP_TAR_NAME_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "path %.64s... is over %d bytes",
			p->path, SP_TAR_NAME_MAX);
	if (p->len > 0)
		p->path[p->len++] = '/';
	memcpy(p->path + p->len, name, len + 1);
	p->len += len;
	return 0;
}

static void path_cut(struct packer *p, size_t len)
{
	p->len = len;
	p->path[len] = '\0';
}

static struct sp_tar_member member_of(
	const struct packer *p, enum sp_tar_type type, const struct stat *st)
{
	return (struct sp_tar_member){
		.type = type,
		.name = p->path,
		.link = "",
		.mode = st->st_mode & 07777,
		.uid = p->opts->layer ? st->st_uid : 0,
		.gid = p->opts->layer ? st->st_gid : 0,
		.size = type == SP_TAR_FILE ? (uint64_t)st->st_size : 0,
		.mtime = st->st_mtim,
	};
}

static int skip_special(struct packer *p, unsigned int depth, struct sp_error *err)
{
	if (depth == 0)
		return sp_fail(err, SP_ERR_INVALID,
			"%s is no file, folder or link: devices, FIFOs and sockets "
			"are not copied",
			p->path);
	p->stats->skipped++;
	return 0;
}

/* Mounts on the tree are no part of the layer. */
static bool is_elsewhere(
	const struct packer *p, const struct stat *st, unsigned int depth)
{
	return p->opts->layer && depth > 0 && st->st_dev != p->device;
}

/* A member that stands for a mark of the overlay: an empty file. */
static int pack_mark(struct packer *p, const char *name, struct sp_error *err)
{
	const struct stat empty = {.st_mode = S_IFREG};
	size_t len = p->len;
	int rc = path_push(p, name, err);

	if (rc == 0) {
		const struct sp_tar_member m = member_of(p, SP_TAR_FILE, &empty);

		rc = sp_tar_write_member(p->out, &m, err);
	}
	path_cut(p, len);
	return rc;
}

/* The path is of what is gone; its mark stands beside it. */
static int pack_gone(struct packer *p, const char *name, struct sp_error *err)
{
	char mark[sizeof(SP_LAYER_GONE_PREFIX) + NAME_MAX];

	snprintf(mark, sizeof(mark), SP_LAYER_GONE_PREFIX "%s", name);
	if (strlen(mark) > NAME_MAX)
		return sp_fail(err, SP_ERR_LIMIT,
			"%.64s... was removed, and its name is too long to say so in a "
			"layer",
			p->path);
	path_cut(p, p->len - strlen(name) - 1);
	return pack_mark(p, mark, err);
}

static int pack_content(struct packer *p, int fd, const struct sp_tar_member *m,
	const struct stat *st, struct sp_error *err)
{
	SP_AUTO(sp_pack_holes_clear) struct sp_pack_holes holes = {0};
	uint64_t missing = 0;
	int rc;

	if (p->opts->layer && sp_pack_holes_find(&holes, fd, st)) {
		rc = sp_tar_write_sparse(
			p->out, m, fd, holes.pieces, holes.count, &missing, err);
	} else {
		rc = sp_tar_write_member(p->out, m, err);
		if (rc == 0)
			rc = sp_tar_write_file(p->out, fd, m->size, &missing, err);
	}
	p->stats->shrunk += missing > 0;
	return rc < 0 ? sp_wrap(err, rc, "pack %s", p->path) : 0;
}

static int pack_file(
	struct packer *p, int fd, const struct stat *st, struct sp_error *err)
{
	struct sp_tar_member m = member_of(p, SP_TAR_FILE, st);
	int rc;

	if (st->st_nlink > 1) {
		const char *first = NULL;

		rc = sp_pack_links_seen(&p->links, st, p->path, &first, err);
		if (rc < 0)
			return rc;
		if (first) {
			m.type = SP_TAR_HARDLINK;
			m.link = first;
			m.size = 0;
			return sp_tar_write_member(p->out, &m, err);
		}
	}
	return pack_content(p, fd, &m, st, err);
}

/* Its text and its date through one descriptor, so that both are of the same link. */
static int pack_symlink(struct packer *p, int dirfd, const char *name,
	unsigned int depth, struct sp_error *err)
{
	sp_autoclose int fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	char text[SP_TAR_NAME_MAX + 1];
	struct sp_tar_member m;
	struct stat st;
	ssize_t len;

	if (fd < 0)
		return errno == ENOENT ? 0 : failed(p, "open", err);
	if (fstat(fd, &st) < 0)
		return failed(p, "stat", err);
	if (!S_ISLNK(st.st_mode) || is_elsewhere(p, &st, depth))
		return 0; /* swapped since; what it is now came after us */
	len = readlinkat(fd, "", text, sizeof(text));
	if (len < 0)
		return failed(p, "read link", err);
	if (len == sizeof(text))
		return sp_fail(err, SP_ERR_LIMIT, "link %s is over %d bytes", p->path,
			SP_TAR_NAME_MAX);
	text[len] = '\0';
	m = member_of(p, SP_TAR_SYMLINK, &st);
	m.mode = 0777;
	m.link = text;
	return sp_tar_write_member(p->out, &m, err);
}

static int pack_entry(struct packer *p, int dirfd, const char *name, int hint,
	unsigned int depth, struct sp_error *err);

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int pack_children(
	struct packer *p, int *fd, unsigned int depth, struct sp_error *err)
{
	SP_AUTO(close_dir) DIR *dir = fdopendir(*fd);
	size_t len = p->len;
	int rc = 0;

	if (!dir)
		return failed(p, "read folder", err);
	*fd = -1; /* closedir() has it now */
	while (rc == 0) {
		struct dirent *e;

		errno = 0;
		e = readdir(dir);
		if (!e)
			return errno ? failed(p, "read folder", err) : 0;
		if (is_dots(e->d_name))
			continue;
		rc = path_push(p, e->d_name, err);
		if (rc == 0 && p->opts->layer && sp_layer_mark_of(e->d_name))
			rc = sp_fail(err, SP_ERR_INVALID,
				"%s: in a layer that name would mean a removed file",
				p->path);
		if (rc == 0)
			rc = pack_entry(
				p, dirfd(dir), e->d_name, e->d_type, depth + 1, err);
		if (rc == 0)
			path_cut(p, len);
	}
	return rc;
}

/* Takes *fd over where it goes into the folder. */
static int pack_folder(struct packer *p, int *fd, const struct stat *st,
	unsigned int depth, struct sp_error *err)
{
	struct sp_tar_member m = member_of(p, SP_TAR_FOLDER, st);
	dev_t outer = p->device;
	size_t len = p->len;
	int rc = path_push(p, "", err);

	if (rc < 0)
		return rc;
	rc = sp_tar_write_member(p->out, &m, err);
	path_cut(p, len);
	if (rc < 0 || (st->st_dev != p->device && sp_is_kernel_fs(*fd)))
		return rc;
	p->device = st->st_dev;
	if (p->opts->layer && sp_layer_is_opaque(*fd))
		rc = pack_mark(p, SP_LAYER_OPAQUE_NAME, err);
	if (rc == 0)
		rc = pack_children(p, fd, depth, err);
	p->device = outer;
	return rc;
}

/* Act on what the open descriptor is, whatever the folder said. */
static int pack_open_file(
	struct packer *p, int *fd, unsigned int depth, struct sp_error *err)
{
	struct stat st;
	int rc;

	if (fstat(*fd, &st) < 0)
		return failed(p, "stat", err);
	if (is_elsewhere(p, &st, depth))
		return 0;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return skip_special(p, depth, err);
	rc = sp_tar_count(p->stats, &p->opts->limits,
		S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0, depth, p->path, err);
	if (rc < 0)
		return rc;
	if (S_ISREG(st.st_mode))
		return pack_file(p, *fd, &st, err);
	return pack_folder(p, fd, &st, depth, err);
}

/*
 * hint is the d_type of the entry: it spares devices the side effects of being opened and
 * decides nothing else.
 */
static int pack_entry(struct packer *p, int dirfd, const char *name, int hint,
	unsigned int depth, struct sp_error *err)
{
	sp_autoclose int fd = -1;
	struct stat st;

	if (hint == DT_UNKNOWN && fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		hint = IFTODT(st.st_mode);
	if (hint == DT_CHR && p->opts->layer && depth > 0 &&
		fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		sp_layer_is_gone(&st))
		return pack_gone(p, name, err);
	if (hint == DT_FIFO || hint == DT_SOCK || hint == DT_CHR || hint == DT_BLK)
		return skip_special(p, depth, err);
	if (hint != DT_LNK)
		fd = openat(dirfd, name, OPEN_FLAGS);
	if (fd >= 0)
		return pack_open_file(p, &fd, depth, err);
	if (hint == DT_LNK || errno == ELOOP) {
		int rc = sp_tar_count(
			p->stats, &p->opts->limits, 0, depth, p->path, err);

		return rc < 0 ? rc : pack_symlink(p, dirfd, name, depth, err);
	}
	if (errno == ENXIO)
		return skip_special(p, depth, err); /* swapped for a socket */
	if (errno == ENOENT && depth > 0)
		return 0; /* gone between listing and opening: never seen */
	return failed(p, "open", err);
}

/* The start itself: fd as it is, a link followed because of its slash, or an entry. */
static int pack_start(
	struct packer *p, const struct sp_pack_start *start, struct sp_error *err)
{
	bool whole = strcmp(start->name, ".") == 0;
	sp_autoclose int fd = -1;
	int rc = path_push(p, p->opts->as ? p->opts->as : start->name, err);

	if (rc < 0)
		return rc;
	if (!whole && !start->follow)
		return pack_entry(p, start->fd, start->name, DT_UNKNOWN, 0, err);
	fd = openat(start->fd, start->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(p, "open folder", err);
	return pack_open_file(p, &fd, 0, err);
}

int sp_pack(const struct sp_pack_start *start, const struct sp_pack_opts *opts,
	int out_fd, struct sp_tar_stats *stats, struct sp_error *err)
{
	sp_autotarwriter struct sp_tar_writer *out = NULL;
	sp_autofree struct packer *p = calloc(1, sizeof(*p));
	int rc = sp_tar_writer_new(out_fd, &out, err);

	if (rc < 0)
		return rc;
	if (!p)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	p->out = out;
	p->opts = opts;
	p->stats = stats;
	rc = pack_start(p, start, err);
	sp_pack_links_clear(&p->links);
	return rc < 0 ? rc : sp_tar_write_end(out, err);
}
