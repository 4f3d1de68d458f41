/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in the version 2 hierarchy the cgroups of sandboxes go.
 *
 * Root on the machine itself takes a folder at the top.  Everybody else has what was
 * delegated to them: their own cgroup and those above it, as far as they may be written.
 * A cgroup with processes in it gives its children no controllers, so a place beside the
 * own one is looked for first; where there is none, whoever is in the own cgroup moves
 * into a leaf below it, as the rules for a delegated cgroup provide.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "runtime/cgroup.h"

#define TOP       "sandpit"
#define LEAF      "sandpit-callers"
#define LIST_MAX  512
#define PROCS_MAX (1u << 20)
#define MOVES_MAX 8
#define DEPTH_MAX 32

static const struct {
	enum sp_cgroup_kind kind;
	const char *name;
} controllers[] = {
	{SP_CGROUP_MEMORY, "memory"},
	{SP_CGROUP_PIDS, "pids"},
	{SP_CGROUP_CPU, "cpu"},
	{SP_CGROUP_IO, "io"},
};

static bool has_word(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; *at; at += strspn(at, " \n")) {
		size_t n = strcspn(at, " \n");

		if (n == len && strncmp(at, word, len) == 0)
			return true;
		at += n;
	}
	return false;
}

static uint32_t read_controllers(const char *folder, const char *file)
{
	char list[LIST_MAX];
	uint32_t kinds = 0;

	(void)sp_cgroup_read(folder, file, list, sizeof(list));
	for (size_t i = 0; i < SP_COUNT(controllers); i++)
		if (has_word(list, controllers[i].name))
			kinds |= 1u << controllers[i].kind;
	return kinds;
}

/* Are there processes in it that would compete with its children?  The top is exempt. */
static bool is_inhabited(const char *folder)
{
	char text[32];

	return sp_cgroup_read(folder, "cgroup.type", text, sizeof(text)) &&
		sp_cgroup_read(folder, "cgroup.procs", text, sizeof(text)) &&
		text[0] != '\0';
}

/*
 * Let the children of folder have these; which of them they have then.  errno says why.
 * Some could be handed down past processes, but only to threads: the cgroups below would
 * be of no use to a sandbox, nor to those who are to make room for one.
 */
static uint32_t hand_down(const char *folder, uint32_t kinds)
{
	uint32_t on = read_controllers(folder, "cgroup.subtree_control");

	if (kinds & ~on && is_inhabited(folder)) {
		errno = EBUSY;
		return on & kinds;
	}
	for (size_t i = 0; i < SP_COUNT(controllers); i++) {
		uint32_t bit = 1u << controllers[i].kind;
		char word[16];

		if (!(kinds & bit & ~on))
			continue;
		snprintf(word, sizeof(word), "+%s", controllers[i].name);
		if (sp_cgroup_write(folder, "cgroup.subtree_control", word) == 0)
			on |= bit;
	}
	return on & kinds;
}

/* What the kinds that could not be had are called, and where they are missing. */
static void explain(struct sp_cgroup_place *out, uint32_t missing, int sys_errno)
{
	uint32_t there = read_controllers(out->path, "cgroup.controllers");
	bool is_busy = (missing & there) != 0;
	int len = snprintf(out->why, sizeof(out->why), "%.120s %s", out->path,
		is_busy ? "gives no" : "has no");

	for (size_t i = 0; i < SP_COUNT(controllers); i++)
		if (missing >> controllers[i].kind & 1)
			len += snprintf(out->why + len, sizeof(out->why) - (size_t)len,
				" %s", controllers[i].name);
	if (is_busy)
		snprintf(out->why + len, sizeof(out->why) - (size_t)len, " (%s)",
			strerrordesc_np(sys_errno));
	else
		snprintf(out->why + len, sizeof(out->why) - (size_t)len,
			" (delegate it: \"systemctl edit user@.service\", [Service] "
			"Delegate=yes)");
}

/* The host's own top, not the top of what a container sees. */
static bool is_top_of_all(const char *mount)
{
	char path[SP_CGROUP_PATH_MAX];

	snprintf(path, sizeof(path), "%s/cgroup.events", mount);
	return access(path, F_OK) < 0;
}

static bool find_at_top(const char *mount, uint32_t kinds, struct sp_cgroup_place *out)
{
	snprintf(out->path, sizeof(out->path), "%.100s/" TOP, mount);
	/* As it is from the second time on. */
	out->kinds = read_controllers(out->path, "cgroup.subtree_control") & kinds;
	if (out->kinds == kinds && access(out->path, F_OK) == 0)
		return true;
	(void)hand_down(mount, kinds);
	if (mkdir(out->path, 0755) < 0 && errno != EEXIST) {
		snprintf(out->why, sizeof(out->why), "make cgroup %.200s: %s",
			out->path, strerrordesc_np(errno));
		return false;
	}
	out->kinds = hand_down(out->path, kinds);
	if (out->kinds != kinds)
		explain(out, kinds & ~out->kinds, errno);
	return true;
}

/* The own path of "0::PATH", which begins a line; "/.." is outside of what is seen. */
static bool own_path(const char *mount, const char *table, char *out, size_t size)
{
	const char *at = strncmp(table, "0::", 3) == 0 ? table : strstr(table, "\n0::");
	int len;

	if (!at)
		return false;
	at = strchr(at, '/');
	if (!at || strncmp(at, "/..", 3) == 0)
		return false;
	len = snprintf(out, size, "%s%.*s", mount, (int)strcspn(at, "\n"), at);
	if (len >= (int)size)
		return false; /* cut short it would be another's */
	while (len > 0 && out[len - 1] == '/')
		out[--len] = '\0';
	/* What is mounted may be a part that begins further down. */
	if (access(out, F_OK) < 0)
		snprintf(out, size, "%s", mount);
	return true;
}

/* May children be made there, and processes be moved below it?  Not in a threaded one. */
static bool is_ours(const char *folder, struct sp_cgroup_place *out)
{
	char path[SP_CGROUP_PATH_MAX], type[32];

	snprintf(path, sizeof(path), "%s/cgroup.procs", folder);
	if (access(folder, W_OK) < 0 || access(path, W_OK) < 0) {
		snprintf(out->why, sizeof(out->why),
			"the own cgroup %.120s is not delegated: %s (start as: "
			"systemd-run --user --scope -p Delegate=yes sandpit ...)",
			folder, strerrordesc_np(errno));
		return false;
	}
	if (sp_cgroup_read(folder, "cgroup.type", type, sizeof(type)) &&
		strcmp(type, "domain\n") != 0) {
		snprintf(out->why, sizeof(out->why),
			"the own cgroup %.160s is of the type \"%.*s\", which limits "
			"threads only",
			folder, (int)strcspn(type, "\n"), type);
		return false;
	}
	return true;
}

/* Move all that is in folder into a leaf of it, so that it may have limited children. */
static void make_leaf(const char *folder)
{
	char leaf[SP_CGROUP_PATH_MAX], procs[SP_CGROUP_PATH_MAX + 16];

	snprintf(leaf, sizeof(leaf), "%s/" LEAF, folder);
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", folder);
	if (mkdir(leaf, 0755) < 0 && errno != EEXIST)
		return;
	/* Some fork meanwhile; whoever ends needs no moving. */
	for (int i = 0; i < MOVES_MAX; i++) {
		sp_autobuf struct sp_buf text = SP_BUF_INIT(PROCS_MAX);
		sp_autoclose int fd = open(procs, O_RDONLY | O_CLOEXEC);
		const char *at;

		if (fd < 0 || sp_buf_read_fd(&text, fd, NULL) < 0 || text.len == 0)
			return;
		for (at = sp_buf_str(&text); *at; at += strcspn(at, "\n") + 1)
			(void)sp_cgroup_write_number(
				leaf, "cgroup.procs", strtoull(at, NULL, 10));
	}
}

static bool is_delegated(const char *folder)
{
	char value[4];

	return getxattr(folder, "trusted.delegate", value, sizeof(value)) > 0 ||
		getxattr(folder, "user.delegate", value, sizeof(value)) > 0;
}

/* Take this one if it offers what the best so far does not. */
static void consider(const char *folder, uint32_t kinds, struct sp_cgroup_place *best,
	int *sys_errno)
{
	uint32_t got = hand_down(folder, kinds);

	if (best->path[0] == '\0')
		*sys_errno = errno;
	if (best->path[0] && (got & ~best->kinds) == 0)
		return;
	snprintf(best->path, sizeof(best->path), "%s", folder);
	best->kinds = got;
}

/* From below the mount upwards, as far as it is ours. */
static void climb(const char *mount, char *at, uint32_t kinds,
	struct sp_cgroup_place *out, int *sys_errno)
{
	struct sp_cgroup_place ignored;

	for (int i = 0; i < DEPTH_MAX && out->kinds != kinds; i++) {
		char *slash = strrchr(at, '/');

		if (!slash || (size_t)(slash - at) < strlen(mount))
			return;
		*slash = '\0';
		if (!is_ours(at, &ignored))
			return;
		consider(at, kinds, out, sys_errno);
	}
}

static bool find_in_own(
	const char *mount, const char *own, uint32_t kinds, struct sp_cgroup_place *out)
{
	char at[sizeof(out->path)];
	int sys_errno = 0;

	if (snprintf(at, sizeof(at), "%s", own) >= (int)sizeof(at)) {
		snprintf(out->why, sizeof(out->why), "the path of %.200s is too long",
			own);
		return false;
	}
	if (!is_ours(at, out))
		return false;
	consider(at, kinds, out, &sys_errno);
	/* A unit of root's own keeps its sandboxes in it; else a place beside will do. */
	if (out->kinds != kinds && is_delegated(own)) {
		make_leaf(own);
		consider(own, kinds, out, &sys_errno);
	}
	/* What is above a delegated unit is nobody's to take from, even for root. */
	if (geteuid() != 0 || !is_top_of_all(mount))
		climb(mount, at, kinds, out, &sys_errno);
	if (kinds & ~out->kinds & read_controllers(own, "cgroup.controllers")) {
		make_leaf(own);
		consider(own, kinds, out, &sys_errno);
	}
	if (out->kinds != kinds)
		explain(out, kinds & ~out->kinds, sys_errno);
	return true;
}

bool sp_cgroup_find_place(const char *mount, const char *table, uint32_t kinds,
	struct sp_cgroup_place *out)
{
	char own[SP_CGROUP_PATH_MAX];
	bool has_own = own_path(mount, table, own, sizeof(own));

	*out = (struct sp_cgroup_place){.kinds = 0};
	if (geteuid() == 0 && is_top_of_all(mount) &&
		!(has_own && strcmp(own, mount) != 0 && is_delegated(own)))
		return find_at_top(mount, kinds, out);
	if (has_own)
		return find_in_own(mount, own, kinds, out);
	snprintf(out->why, sizeof(out->why),
		"the own cgroup is outside of what is seen at %.100s", mount);
	return false;
}
