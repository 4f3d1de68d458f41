/* SPDX-License-Identifier: Apache-2.0 */
/*
 * User and group ids: the maps, written by the parent, and becoming root inside them.  What
 * an ordinary user was granted is mapped by newuidmap and newgidmap, and read back.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/runner.h"

#define MAP_TEXT_MAX  256
#define TOOL_TEXT_MAX 200

/* One map: user ids or group ids. */
struct id_map {
	const char *file, *tool;
	uint32_t outer, range, count;
};

static int open_proc_file(
	const struct runner *r, pid_t child, const char *name, int flags)
{
	char path[48];

	snprintf(path, sizeof(path), "%d/%s", child, name);
	return openat(r->proc_fd, path, flags | O_CLOEXEC | O_NOFOLLOW);
}

static int write_proc_file(
	const struct runner *r, pid_t child, const char *name, const char *text)
{
	int fd = open_proc_file(r, child, name, O_WRONLY);
	ssize_t n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

static int write_map(const struct runner *r, pid_t child, const struct id_map *m,
	struct sp_error *err)
{
	char map[64];

	snprintf(map, sizeof(map), "0 %u %u\n", m->outer, m->count);
	if (write_proc_file(r, child, m->file, map) < 0)
		return sp_fail_errno(
			err, "write %s of %u+%u", m->file, m->outer, m->count);
	return 0;
}

/* --- What newuidmap and newgidmap map ------------------------------------------------- */

/* Id 0, then all others: two lines, or one where they are neighbours. */
#define LINES_MAX 2
struct map_line {
	uint32_t inside, outside, count;
};

static size_t lines_of(const struct id_map *m, struct map_line lines[LINES_MAX])
{
	if (m->outer == m->range) {
		lines[0] = (struct map_line){0, m->range, m->count};
		return 1;
	}
	lines[0] = (struct map_line){0, m->outer, 1};
	lines[1] = (struct map_line){1, m->range + 1, m->count - 1};
	return 2;
}

/* PATH PID, then three numbers for each line; no environment, no descriptor but its output. */
static _Noreturn void execute_tool(
	const struct runner *r, pid_t child, const struct id_map *m, int output)
{
	struct map_line lines[LINES_MAX];
	char path[64], numbers[2 + 3 * LINES_MAX][12];
	const char *argv[3 + 3 * LINES_MAX] = {path, numbers[0]};
	char *const env[] = {NULL};
	size_t count = lines_of(m, lines), n = 1;

	snprintf(
		path, sizeof(path), "%s/%s", spec_text(r, r->spec->map_tools), m->tool);
	snprintf(numbers[0], sizeof(numbers[0]), "%d", child);
	for (size_t i = 0; i < count; i++) {
		const uint32_t three[] = {
			lines[i].inside, lines[i].outside, lines[i].count};

		for (size_t k = 0; k < 3; k++, n++) {
			snprintf(numbers[n], sizeof(numbers[n]), "%u", three[k]);
			argv[n + 1] = numbers[n];
		}
	}
	if (dup2(output, 1) < 0 || dup2(output, 2) < 0)
		_exit(125);
	close(0);
	syscall(SYS_close_range, 3, ~0U, 0);
	execve(path, (char *const *)(uintptr_t)argv, env);
	dprintf(2, "%s\n", strerror(errno));
	_exit(125);
}

static pid_t start_tool(const struct runner *r, pid_t child, const struct id_map *m,
	int *output, struct sp_error *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return sp_fail_errno(err, "make a pipe");
	pid = fork();
	if (pid == 0)
		execute_tool(r, child, m, ends[1]);
	close(ends[1]);
	*output = ends[0];
	return pid < 0 ? sp_fail_errno(err, "fork") : pid;
}

/* Its first line tells what is wrong. */
static int finish_tool(
	pid_t pid, int output, const struct id_map *m, struct sp_error *err)
{
	char text[TOOL_TEXT_MAX] = "";
	ssize_t n = read(output, text, sizeof(text) - 1);
	int status = 0;

	close(output);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0)
		return 0;
	text[n > 0 ? n : 0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return sp_fail(err, SP_ERR_DENIED,
		"%s did not map %u+%u (try 'sandpit doctor'): %s", m->tool, m->range,
		m->count, text);
}

/* What holds is what the kernel shows, not what a program answered. */
static int check_map(const struct runner *r, pid_t child, const struct id_map *m,
	struct sp_error *err)
{
	int fd = open_proc_file(r, child, m->file, O_RDONLY);
	struct map_line meant[LINES_MAX], found;
	char text[MAP_TEXT_MAX];
	size_t count = lines_of(m, meant), at = 0;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return sp_fail_errno(err, "read %s", m->file);
	text[n] = '\0';
	for (size_t i = 0; i < count; i++) {
		int used = 0;

		if (sscanf(text + at, "%u %u %u%n", &found.inside, &found.outside,
			    &found.count, &used) != 3 ||
			found.inside != meant[i].inside ||
			found.outside != meant[i].outside ||
			found.count != meant[i].count)
			break;
		at += (size_t)used + 1;
		if (i + 1 == count && at >= (size_t)n)
			return 0;
	}
	return sp_fail(
		err, SP_ERR_SYSTEM, "%s is not what %s was told", m->file, m->tool);
}

/* Both at once: each is a program that takes a millisecond to begin. */
static int use_tools(const struct runner *r, pid_t child, const struct id_map maps[2],
	struct sp_error *err)
{
	int outputs[2] = {-1, -1};
	pid_t pids[2] = {-1, -1};
	int rc = 0;

	for (size_t i = 0; i < 2 && rc >= 0; i++)
		rc = pids[i] = start_tool(r, child, &maps[i], &outputs[i], err);
	for (size_t i = 0; i < 2; i++) {
		struct sp_error own = {0};
		int end = pids[i] > 0 ? finish_tool(pids[i], outputs[i], &maps[i], &own)
				      : 0;

		if (end < 0 && rc >= 0) {
			*err = own;
			rc = end;
		}
	}
	for (size_t i = 0; i < 2 && rc >= 0; i++)
		rc = check_map(r, child, &maps[i], err);
	return rc < 0 ? rc : 0;
}

int write_id_maps(const struct runner *r, pid_t child, struct sp_error *err)
{
	const struct sp_runner_spec *s = r->spec;
	const struct id_map maps[2] = {
		{"uid_map", "newuidmap", s->outer_uid, s->range_uid, s->id_count},
		{"gid_map", "newgidmap", s->outer_gid, s->range_gid, s->id_count},
	};
	int rc;

	if (s->range_uid && s->map_tools)
		return use_tools(r, child, maps, err);
	/* Without privilege a map is only granted to those who give up setgroups. */
	if (!(s->flags & SP_RF_PRIVILEGED) &&
		write_proc_file(r, child, "setgroups", "deny") < 0)
		return sp_fail_errno(err, "deny setgroups");
	rc = write_map(r, child, &maps[1], err);
	return rc < 0 ? rc : write_map(r, child, &maps[0], err);
}

int become_root(const struct runner *r, struct sp_error *err)
{
	/* Groups first: a group that is not mapped still grants what it grants. */
	if (r->spec->id_count > 1 && setgroups(0, NULL) < 0)
		return sp_fail_errno(err, "drop groups");
	if (setresgid(0, 0, 0) < 0)
		return sp_fail_errno(err, "become group 0 inside");
	if (setresuid(0, 0, 0) < 0)
		return sp_fail_errno(err, "become user 0 inside");
	return 0;
}
