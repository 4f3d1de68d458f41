/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives come from people and from inside sandboxes, and become files of this machine.
 * The first byte chooses the options; the rest is the archive.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/io.h"
#include "images/layer.h"
#include "images/remove_tree.h"
#include "images/tar_layout.h"
#include "images/unpack.h"

/* Small enough for a file system in memory, large enough to reach every limit. */
#define BYTES_MAX   (1u << 20)
#define MEMBERS_MAX 64
#define DEPTH_MAX   16

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char base_path[] = "/dev/shm/sp-fuzz-XXXXXX";
static int base = -1;

static void remove_base(void)
{
	close(base);
	sp_remove_tree(AT_FDCWD, base_path, NULL);
}

static void make_base(void)
{
	if (!mkdtemp(base_path))
		abort();
	base = open(base_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	umask(0);
	atexit(remove_base);
}

/* A fuzzer does not guess checksums, and they protect nothing. */
static int archive_of(const uint8_t *data, size_t size)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	for (size_t at = 0; at < size; at += SP_TAR_BLOCK) {
		size_t len = size - at < SP_TAR_BLOCK ? size - at : SP_TAR_BLOCK;
		struct sp_tar_header h = {0};

		memcpy(&h, data + at, len);
		if (len == SP_TAR_BLOCK && memcmp(h.magic, "ustar", 5) == 0) {
			unsigned int sum = sp_tar_checksum(&h);

			for (int i = 5; i >= 0; i--, sum /= 8)
				h.checksum[i] = (char)('0' + sum % 8);
			h.checksum[6] = '\0';
			h.checksum[7] = ' ';
		}
		if (sp_write_all(fd, &h, len, NULL) < 0)
			abort();
	}
	lseek(fd, 0, SEEK_SET);
	return fd;
}

/* Files, folders and links, with harmless modes and no temporary names; layers have marks. */
static void check_tree(int folder, bool layer)
{
	DIR *dir = fdopendir(folder);
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		struct stat st;

		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
			strncmp(e->d_name, ".sandpit-", 9) == 0)
			abort();
		if (layer && sp_layer_is_gone(&st))
			continue;
		if (layer && S_ISDIR(st.st_mode))
			st.st_mode &= ~01000u;
		if (layer && sp_layer_mark_of(e->d_name))
			abort();
		if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode) &&
			!S_ISLNK(st.st_mode))
			abort();
		if (!S_ISLNK(st.st_mode) && st.st_mode & 07000)
			abort();
		if (S_ISREG(st.st_mode) && st.st_size > BYTES_MAX)
			abort();
		if (S_ISDIR(st.st_mode))
			check_tree(openat(folder, e->d_name,
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW),
				layer);
	}
	if (dir)
		closedir(dir);
}

static void check_nothing_beside(void)
{
	DIR *dir = fdopendir(openat(base, ".", O_RDONLY | O_DIRECTORY));
	struct dirent *e;

	while (dir && (e = readdir(dir)))
		if (e->d_name[0] != '.' && strcmp(e->d_name, "root") != 0)
			abort();
	if (dir)
		closedir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_unpack_opts opts = {.limits = {BYTES_MAX, MEMBERS_MAX, DEPTH_MAX}};
	struct sp_tar_stats stats = {0};
	struct sp_error err = {0};
	int root, archive, rc;

	if (base < 0)
		make_base();
	if (size == 0)
		return 0;
	opts.as = data[0] & 1 ? "as" : NULL;
	opts.keep_kinds = data[0] & 2;
	opts.mask = data[0] & 4 ? 022 : 0;
	opts.layer = data[0] & 8 && !opts.as;
	if (mkdirat(base, "root", 0755) < 0)
		abort();
	root = openat(base, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	archive = archive_of(data + 1, size - 1);
	rc = sp_unpack(root, archive, &opts, &stats, &err);
	if (rc != (int)err.code || (rc < 0 && !err.msg[0]))
		abort();
	if (stats.bytes > BYTES_MAX || stats.members > MEMBERS_MAX)
		abort();
	close(archive);
	check_tree(root, opts.layer);
	check_nothing_beside();
	if (sp_remove_tree(base, "root", NULL) < 0)
		abort();
	return 0;
}
