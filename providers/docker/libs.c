/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/libs.h"

#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>

#include "base/buf.h"
#include "base/proc.h"

#define LIST_MAX_BYTES  (1u << 20)
#define LIST_TIMEOUT_MS 10000
#define PARTS_MAX       64

/* Fill out->loader from the part that names it, if there is one. */
static void find_loader(int fd, const ElfW(Ehdr) * head, struct sp_libs_elf *out)
{
	ElfW(Phdr) part;

	for (int i = 0; i < head->e_phnum && i < PARTS_MAX; i++) {
		off_t at = (off_t)(head->e_phoff + (size_t)i * sizeof(part));

		if (pread(fd, &part, sizeof(part), at) != (ssize_t)sizeof(part))
			return;
		if (part.p_type != PT_INTERP || part.p_filesz >= sizeof(out->loader))
			continue;
		if (pread(fd, out->loader, part.p_filesz, (off_t)part.p_offset) < 0)
			out->loader[0] = '\0';
		return;
	}
}

int sp_libs_look(const char *path, struct sp_libs_elf *out, struct sp_error *err)
{
	sp_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ElfW(Ehdr) head;

	memset(out, 0, sizeof(*out));
	if (fd < 0)
		return sp_fail_errno(err, "open %s", path);
	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head) ||
		memcmp(head.e_ident, ELFMAG, SELFMAG) != 0 ||
		head.e_phentsize != sizeof(ElfW(Phdr)))
		return 0;
	out->is_elf = true;
	find_loader(fd, &head, out);
	out->is_library = head.e_type == ET_DYN && !out->loader[0];
	return 0;
}

/* "\tlibc.so.6 => /lib/libc.so.6 (0x…)" or "\t/lib64/ld-linux.so.2 (0x…)". */
static void add_line(struct sp_strv *out, char *line)
{
	char *arrow = strstr(line, "=> ");
	char *path = arrow ? arrow + 3 : line + strspn(line, " \t");
	char *end = strstr(path, " (");

	if (path[0] != '/' || !end)
		return;
	*end = '\0';
	sp_strv_add(out, path);
}

int sp_libs_of(
	const char *path, const char *loader, struct sp_strv *out, struct sp_error *err)
{
	const char *const argv[] = {loader, "--list", path, NULL};
	sp_autobuf struct sp_buf text = SP_BUF_INIT(LIST_MAX_BYTES);
	char *save = NULL;
	int rc = sp_run_tool(argv, LIST_TIMEOUT_MS, &text, err);

	if (rc < 0)
		return sp_wrap(err, rc, "libraries of %s", path);
	if (!text.data)
		return 0;
	for (char *line = strtok_r(text.data, "\n", &save); line;
		line = strtok_r(NULL, "\n", &save))
		add_line(out, line);
	return sp_strv_ok(out, err);
}
