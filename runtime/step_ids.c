/* SPDX-License-Identifier: Apache-2.0 */
/* User and group ids: the maps, written by the parent, and becoming root inside them. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "runtime/runner.h"

static int write_proc_file(
	const struct runner *r, pid_t child, const char *name, const char *text)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%d/%s", child, name);
	fd = openat(r->proc_fd, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n < 0 ? -1 : 0;
}

int write_id_maps(const struct runner *r, pid_t child, struct sp_error *err)
{
	const struct sp_runner_spec *s = r->spec;
	char map[64];

	/* Without privilege a map is only granted to those who give up setgroups. */
	if (!(s->flags & SP_RF_PRIVILEGED) &&
		write_proc_file(r, child, "setgroups", "deny") < 0)
		return sp_fail_errno(err, "deny setgroups");
	snprintf(map, sizeof(map), "0 %u %u\n", s->outer_gid, s->id_count);
	if (write_proc_file(r, child, "gid_map", map) < 0)
		return sp_fail_errno(
			err, "map group ids %u+%u", s->outer_gid, s->id_count);
	snprintf(map, sizeof(map), "0 %u %u\n", s->outer_uid, s->id_count);
	if (write_proc_file(r, child, "uid_map", map) < 0)
		return sp_fail_errno(
			err, "map user ids %u+%u", s->outer_uid, s->id_count);
	return 0;
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
