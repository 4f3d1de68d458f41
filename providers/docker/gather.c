/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/gather.h"

#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "providers/docker/libs.h"

#define LINKS_MAX   16
#define DEPTH_MAX   32
#define MEMBERS_MAX 200000

enum gather_libs {
	GATHER_LIBS,    /* look for what it loads */
	GATHER_NO_LIBS, /* it is a library: whoever loads it has named the others */
};

static int gather(struct sp_gather *g, const char *path, int links,
	enum gather_libs libs, struct sp_error *err);

void sp_gather_clear(struct sp_gather *g)
{
	for (size_t i = 0; i < g->inode_count; i++)
		free(g->inodes[i].name);
	free(g->inodes);
	sp_strv_clear(&g->skip);
	memset(g, 0, sizeof(*g));
}

/* The path with every link in its folders resolved, but not the last component. */
static bool resolve_folder(const char *path, char out[static PATH_MAX])
{
	const char *slash = strrchr(path, '/');
	sp_autofree char *folder = NULL;
	char real[PATH_MAX];
	int len;

	if (!slash || !slash[1])
		return false;
	folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
	if (!folder || !realpath(folder, real))
		return false;
	len = snprintf(
		out, PATH_MAX, "%s/%s", strcmp(real, "/") == 0 ? "" : real, slash + 1);
	return len > 0 && len < PATH_MAX;
}

static int add_libs(struct sp_gather *g, const char *path, struct sp_error *err)
{
	sp_autostrv struct sp_strv libs = {0};
	struct sp_libs_elf elf;
	int rc = sp_libs_look(path, &elf, err);

	if (rc < 0 || !elf.is_elf || (!elf.loader[0] && !elf.is_library))
		return rc;
	if (elf.loader[0]) {
		snprintf(g->loader, sizeof(g->loader), "%s", elf.loader);
		rc = gather(g, elf.loader, 0, GATHER_NO_LIBS, err);
	}
	if (rc < 0 || !g->loader[0])
		return rc;
	rc = sp_libs_of(path, g->loader, &libs, err);
	/* A plug-in may lack what only its host brings; a program may not. */
	if (rc < 0)
		return elf.is_library ? 0 : rc;
	for (size_t i = 0; i < libs.count && rc == 0; i++)
		rc = gather(g, libs.items[i], 0, GATHER_NO_LIBS, err);
	return rc;
}

/* The name this file is in under already, or NULL, and then it is remembered. */
static const char *known_inode(
	struct sp_gather *g, const struct stat *st, const char *name)
{
	struct sp_gather_inode *grown;

	if (st->st_nlink < 2)
		return NULL;
	for (size_t i = 0; i < g->inode_count; i++)
		if (g->inodes[i].ino == st->st_ino && g->inodes[i].dev == st->st_dev)
			return g->inodes[i].name;
	grown = realloc(g->inodes, (g->inode_count + 1) * sizeof(grown[0]));
	if (!grown)
		return NULL; /* twice in the image is no harm */
	g->inodes = grown;
	grown[g->inode_count] = (struct sp_gather_inode){
		st->st_dev, st->st_ino, strdup(name)};
	if (grown[g->inode_count].name)
		g->inode_count++;
	return NULL;
}

static int add_file(struct sp_gather *g, char *path, const struct stat *st,
	enum gather_libs libs, struct sp_error *err)
{
	const char *same;
	struct sp_tar_member m = {
		.type = SP_TAR_FILE,
		.name = path + 1,
		.source = path,
		.size = (uint64_t)st->st_size,
		.mode = st->st_mode & 0777, /* no set-id bits */
		.mtime = st->st_mtime,
	};

	if (access(path, R_OK) < 0)
		return 0;
	same = known_inode(g, st, m.name);
	if (same) {
		sp_autofree char *link = strdup(same);

		m = (struct sp_tar_member){.type = SP_TAR_HARD_LINK,
			.name = m.name,
			.link = link,
			.mode = m.mode,
			.mtime = m.mtime};
		sp_tar_add(g->tar, &m);
		return 0;
	}
	sp_tar_add(g->tar, &m);
	if (libs == GATHER_NO_LIBS || st->st_size < 64)
		return 0;
	return add_libs(g, path, err);
}

static int add_link(struct sp_gather *g, char *path, const struct stat *st, int links,
	enum gather_libs libs, struct sp_error *err)
{
	char text[PATH_MAX], target[PATH_MAX];
	ssize_t n = readlink(path, text, sizeof(text) - 1);
	int len;

	if (n < 0 || links >= LINKS_MAX)
		return 0;
	text[n] = '\0';
	sp_tar_add(g->tar,
		&(struct sp_tar_member){.type = SP_TAR_LINK,
			.name = path + 1,
			.link = text,
			.mode = 0777,
			.mtime = st->st_mtime});
	if (text[0] == '/')
		return gather(g, text, links + 1, libs, err);
	len = snprintf(target, sizeof(target), "%.*s/%s",
		(int)(strrchr(path, '/') - path), path, text);
	if (len < 0 || (size_t)len >= sizeof(target))
		return 0;
	return gather(g, target, links + 1, libs, err);
}

static int gather(struct sp_gather *g, const char *path, int links,
	enum gather_libs libs, struct sp_error *err)
{
	char full[PATH_MAX];
	struct stat st;

	if (g->tar->count > MEMBERS_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "more than %d files", MEMBERS_MAX);
	if (!resolve_folder(path, full) || lstat(full, &st) < 0 ||
		sp_tar_has(g->tar, full + 1))
		return 0;
	if (S_ISLNK(st.st_mode))
		return add_link(g, full, &st, links, libs, err);
	if (S_ISREG(st.st_mode))
		return add_file(g, full, &st, libs, err);
	if (S_ISDIR(st.st_mode))
		sp_tar_add(g->tar,
			&(struct sp_tar_member){.type = SP_TAR_FOLDER,
				.name = full + 1,
				.mode = 0755,
				.mtime = st.st_mtime});
	return 0;
}

int sp_gather_path(struct sp_gather *g, const char *path, struct sp_error *err)
{
	return gather(g, path, 0, GATHER_LIBS, err);
}

static bool is_skipped(const struct sp_gather *g, const char *name)
{
	for (size_t i = 0; i < g->skip.count; i++)
		if (fnmatch(g->skip.items[i], name, 0) == 0)
			return true;
	return false;
}

static int gather_below(
	struct sp_gather *g, const char *path, int depth, struct sp_error *err);

static int gather_entry(struct sp_gather *g, const char *folder, const struct dirent *e,
	int depth, struct sp_error *err)
{
	sp_autofree char *path = NULL;
	struct stat st;
	int rc;

	if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 ||
		is_skipped(g, e->d_name))
		return 0;
	if (asprintf(&path, "%s/%s", folder, e->d_name) < 0)
		return sp_fail(err, SP_ERR_NOMEM, "path");
	rc = sp_gather_path(g, path, err);
	if (rc == 0 && lstat(path, &st) == 0 && S_ISDIR(st.st_mode))
		rc = gather_below(g, path, depth + 1, err);
	return rc;
}

static int gather_below(
	struct sp_gather *g, const char *path, int depth, struct sp_error *err)
{
	DIR *dir = depth < DEPTH_MAX ? opendir(path) : NULL;
	const struct dirent *e;
	int rc = 0;

	if (!dir)
		return 0;
	while (rc == 0 && (e = readdir(dir)))
		rc = gather_entry(g, path, e, depth, err);
	closedir(dir);
	return rc;
}

int sp_gather_tree(struct sp_gather *g, const char *path, struct sp_error *err)
{
	int rc = sp_gather_path(g, path, err);

	return rc < 0 ? rc : gather_below(g, path, 0, err);
}
