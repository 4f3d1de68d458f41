/* SPDX-License-Identifier: Apache-2.0 */
/* Building the runner's specification: a header, then all text behind it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/io.h"
#include "runtime/spec_build.h"

#define SPARE_PIDS_MIN 32

/* Where the next text goes; the header is filled in at the end. */
static uint32_t add_text(struct sp_buf *b, const char *text)
{
	uint32_t at = (uint32_t)b->len;

	if (!text)
		return 0;
	sp_buf_add(b, text, strlen(text) + 1);
	return at;
}

static uint32_t add_list(struct sp_buf *b, const char *const *list, uint32_t *count)
{
	uint32_t at = (uint32_t)b->len;

	*count = 0;
	for (; list && *list; list++, (*count)++)
		add_text(b, *list);
	return *count ? at : 0;
}

/* The sandbox's environment with the command's on top. */
static int add_env(struct sp_buf *b, const struct sp_launch *l,
	struct sp_runner_spec *s, struct sp_error *err)
{
	sp_autostrv struct sp_strv env = {0};

	sp_strv_add_all(&env, sp_strv_list(&l->sandbox->env));
	for (const char *const *e = l->env; e && *e; e++)
		sp_strv_set_env(&env, *e);
	s->env = add_list(b, sp_strv_list(&env), &s->envc);
	return sp_strv_ok(&env, err);
}

static void fill_limits(struct sp_runner_spec *s, const struct sp_record *r)
{
	s->outer_uid = r->outer_uid;
	s->outer_gid = r->outer_gid;
	s->id_count = r->id_count;
	s->range_uid = r->range_uid;
	s->range_gid = r->range_gid;
	s->capabilities = r->capabilities;
	s->disk_bytes = r->limits.disk_bytes;
	s->nofile = r->limits.nofile;
	s->file_bytes = r->limits.file_bytes;
	s->cpu_time_ms = r->limits.cpu_time_ms;
	/* Where no cgroup counts, each process is limited by itself. */
	if (!r->cgroups.holds[SP_CGROUP_MEMORY])
		s->address_bytes = r->limits.memory_bytes;
	if (!r->cgroups.holds[SP_CGROUP_PIDS])
		s->processes = r->limits.pids;
	if (r->limits.cpu_time_ms && !sp_cgroup_for(&r->cgroups, SP_CGROUP_USAGE))
		s->cpu_seconds = (uint64_t)(r->limits.cpu_time_ms + 999) / 1000;
	if (r->network == SP_NETWORK_HOST)
		s->flags |= SP_RF_HOST_NETWORK;
	if (r->is_privileged)
		s->flags |= SP_RF_PRIVILEGED;
}

static void add_cgroups(
	struct sp_buf *b, struct sp_runner_spec *s, const struct sp_cgroup_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		struct sp_runner_cgroup *c = &s->cgroups[s->cgroup_count++];

		c->path = add_text(b, set->items[i].path);
		c->is_v2 = set->items[i].is_v2;
		c->kinds = set->items[i].kinds;
	}
}

/* Open a host object once; the runner works from this descriptor. */
static int open_source(const char *path, int *fd, struct stat *st, struct sp_error *err)
{
	*fd = open(path, O_PATH | O_CLOEXEC);
	if (*fd < 0 || fstat(*fd, st) < 0)
		return sp_fail_errno(err, "%s", path);
	if (!S_ISDIR(st->st_mode) && !S_ISREG(st->st_mode))
		return sp_fail(err, SP_ERR_INVALID,
			"%s is no folder and no regular file", path);
	return 0;
}

static int add_layers(struct sp_buf *b, const struct sp_launch *l,
	struct sp_runner_spec *s, struct sp_spec_files *files, struct sp_error *err)
{
	struct stat st;

	if (l->layer_count > SP_RUNNER_LAYERS_MAX)
		return sp_fail(err, SP_ERR_LIMIT,
			"image has %zu layers, and %d is the most", l->layer_count,
			SP_RUNNER_LAYERS_MAX);
	if (l->host_view)
		s->flags |= SP_RF_HOST_VIEW;
	for (size_t i = 0; i < l->layer_count; i++) {
		struct sp_runner_layer *to = &s->layers[s->layer_count++];
		int rc = open_source(
			l->layers[i], &files->fds[files->count++], &st, err);

		if (rc < 0)
			return sp_wrap(err, rc, "layer");
		to->source = add_text(b, l->layers[i]);
		to->dev = st.st_dev;
		to->ino = st.st_ino;
	}
	return 0;
}

static int add_root(struct sp_buf *b, const struct sp_launch *l,
	struct sp_runner_spec *s, struct sp_spec_files *files, struct sp_error *err)
{
	struct stat st;
	int rc;

	if (!l->root)
		return 0;
	rc = open_source(l->root, &files->fds[files->count++], &st, err);
	if (rc < 0)
		return sp_wrap(err, rc, "image");
	s->root = add_text(b, l->root);
	s->root_dev = st.st_dev;
	s->root_ino = st.st_ino;
	return 0;
}

static int add_mounts(struct sp_buf *b, const struct sp_launch *l,
	struct sp_runner_spec *s, struct sp_spec_files *files, struct sp_error *err)
{
	struct stat st;

	if (l->mount_count > SP_RUNNER_MOUNTS_MAX)
		return sp_fail(
			err, SP_ERR_LIMIT, "more than %d mounts", SP_RUNNER_MOUNTS_MAX);
	for (size_t i = 0; i < l->mount_count; i++) {
		struct sp_runner_mount *m = &s->mounts[s->mount_count++];
		int rc = open_source(
			l->mounts[i].source, &files->fds[files->count++], &st, err);

		if (rc < 0)
			return sp_wrap(err, rc, "mount");
		m->source = add_text(b, l->mounts[i].source);
		m->target = add_text(b, l->mounts[i].target);
		m->is_writable = l->mounts[i].writable;
		m->is_folder = S_ISDIR(st.st_mode);
		m->dev = st.st_dev;
		m->ino = st.st_ino;
	}
	return 0;
}

/* In the order of SP_RFD_SOURCES. */
static int add_sources(struct sp_buf *b, const struct sp_launch *l,
	struct sp_runner_spec *s, struct sp_spec_files *files, struct sp_error *err)
{
	int rc = add_root(b, l, s, files, err);

	if (rc == 0)
		rc = add_layers(b, l, s, files, err);
	return rc < 0 ? rc : add_mounts(b, l, s, files, err);
}

void sp_spec_files_clear(struct sp_spec_files *files)
{
	for (size_t i = 0; i < files->count; i++)
		sp_close_fd(&files->fds[i]);
	files->count = 0;
}

/*
 * What is done ahead of a command is done under the filter then: of those we know it lets
 * that pass.  A place that is held ready takes two of the processes that were granted.
 */
static uint32_t settling_flags(const struct sp_launch *l)
{
	const struct sp_record *r = l->sandbox;
	uint32_t flags = 0;

	if (r->seccomp &&
		(strcmp(r->seccomp, "default") == 0 ||
			strcmp(r->seccomp, "strict") == 0))
		flags |= SP_RF_SETTLES;
	if (l->mode == SP_RUNNER_CREATE && r->limits.pids >= SPARE_PIDS_MIN)
		flags |= SP_RF_MAY_SPARE | (l->refill[0] ? SP_RF_SPARE : 0);
	return flags;
}

int sp_spec_build(
	const struct sp_launch *l, struct sp_spec_files *files, struct sp_error *err)
{
	sp_autobuf struct sp_buf b = SP_BUF_INIT(SP_RUNNER_SPEC_MAX);
	struct sp_runner_spec s = {
		.magic = SP_RUNNER_MAGIC, .mode = l->mode, .timeout_ms = l->timeout_ms};
	const struct sp_record *r = l->sandbox;
	int rc;

	sp_buf_add(&b, &s, sizeof(s));
	fill_limits(&s, r);
	if (l->mode == SP_RUNNER_CREATE && r->expires_ms)
		s.ttl_ms = r->expires_ms - r->created_ms;
	s.flags |= settling_flags(l);
	s.argv = add_list(&b, l->argv, &s.argc);
	s.refill = add_list(&b, l->refill, &s.refillc);
	rc = add_env(&b, l, &s, err);
	if (rc < 0)
		return rc;
	s.window = l->window;
	s.keep_bytes = l->keep_bytes;
	if (l->tty)
		s.flags |= SP_RF_TTY;
	if (l->is_background)
		s.flags |= SP_RF_BACKGROUND;
	if (l->takes_input)
		s.flags |= SP_RF_TAKES_INPUT;
	s.workdir = add_text(&b, l->workdir ? l->workdir : r->workdir);
	s.user = add_text(&b, l->user ? l->user : r->user);
	s.state_path = add_text(&b, l->state_path);
	s.events_path = add_text(&b, l->events_path);
	s.claim_path = add_text(&b, r->claim);
	s.hosts = add_text(&b, l->hosts);
	s.resolv = add_text(&b, l->resolv);
	s.map_tools = add_text(&b, l->map_tools);
	s.device_cgroup = add_text(&b, r->device_cgroup);
	s.required = l->required;
	add_cgroups(&b, &s, &r->cgroups);
	if (l->exe_fd >= 0)
		s.flags |= SP_RF_HAS_EXE;
	if (r->cgroups.count && r->cgroups.items[0].is_v2 && l->mode != SP_RUNNER_ENTER)
		s.flags |= SP_RF_HAS_CGROUP2;
	rc = add_sources(&b, l, &s, files, err);
	if (rc < 0)
		return rc;
	rc = sp_buf_ok(&b, err);
	if (rc < 0)
		return sp_wrap(err, rc, "arguments and environment");
	s.size = (uint32_t)b.len;
	memcpy(b.data, &s, sizeof(s));
	return sp_sealed_memfd("sandpit-spec", b.data, b.len, err);
}
