/* SPDX-License-Identifier: Apache-2.0 */
/* How much is below a folder that somebody inside filled. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "providers/local/store.h"

/* Deeper, and more, is not counted: nobody may keep us busy for ever. */
#define DEPTH_MAX   256
#define ENTRIES_MAX 2000000
#define BLOCK_BYTES 512

struct usage {
	uint64_t bytes;
	size_t entries;
};

static void add_folder(struct usage *u, int fd, unsigned int depth);

static void add_entry(struct usage *u, int dirfd, const char *name, unsigned int depth)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	u->bytes += (uint64_t)st.st_blocks * BLOCK_BYTES /
		(S_ISDIR(st.st_mode) || st.st_nlink == 0 ? 1 : st.st_nlink);
	if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		add_folder(u,
			openat(dirfd, name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
			depth + 1);
}

/* Takes fd over. */
static void add_folder(struct usage *u, int fd, unsigned int depth)
{
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;

	if (!dir) {
		sp_close_fd(&fd);
		return;
	}
	while ((e = readdir(dir)) && u->entries++ < ENTRIES_MAX)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			add_entry(u, dirfd(dir), e->d_name, depth);
	closedir(dir);
}

uint64_t store_usage(int folder)
{
	struct usage u = {0};

	add_folder(&u, openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
	return u.bytes;
}
