/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Snapshots and forks: what was written in a sandbox, and nothing else, goes as one stream
 * from a worker that reads with the sandbox's own rights into one that fills a layer of the
 * store.  Neither asks anything of the sandbox, and the image is not touched.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/enc.h"
#include "base/io.h"
#include "base/proc.h"
#include "providers/local/hold.h"
#include "providers/local/mounts.h"
#include "providers/local/stored.h"
#include "providers/local/work.h"

#define STREAM_BYTES ((size_t)1024 * 1024)
#define FORK_RANDOM  12
#define NUMBER_MAX   32

/* --- From where ------------------------------------------------------------------------ */

/* A sandbox that can be copied: its record, and handles its supervisor keeps. */
struct origin {
	struct sp_record record;
	int layer, user_ns;
};
#define ORIGIN_INIT \
	{ \
		.layer = -1, .user_ns = -1 \
	}

static void origin_clear(struct origin *o)
{
	sp_record_clear(&o->record);
	sp_close_fd(&o->layer);
	sp_close_fd(&o->user_ns);
}

static int open_of_supervisor(
	const struct sp_supervisor *s, int number, int flags, struct sp_error *err)
{
	char path[48];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", s->pid, number);
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? sp_fail_errno(err, "open %s of the sandbox's supervisor", path)
		      : fd;
}

static int open_handles(
	const struct sp_supervisor *s, struct origin *o, struct sp_error *err)
{
	o->layer = open_of_supervisor(s, SP_RUNNER_LAYER_FD, O_PATH, err);
	if (o->layer < 0)
		return o->layer;
	o->user_ns = open_of_supervisor(s, SP_RUNNER_NS_FD + SP_NS_USER, O_RDONLY, err);
	if (o->user_ns < 0)
		return o->user_ns;
	/* After opening, not before: what was opened belonged to this process and no other. */
	if (sp_proc_start_ticks(s->pid) != s->start_ticks)
		return sp_fail(err, SP_ERR_NOT_FOUND, "the sandbox ended");
	return 0;
}

static int find_origin(
	const struct local *l, const char *id, struct origin *o, struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(l->sandboxes, err);
	struct sp_supervisor s = {0};
	enum sp_liveness life;
	int rc = base < 0 ? base : sp_state_life(base, id, &life, &s, err);

	if (rc < 0)
		return rc;
	if (life == SP_LIFE_DEAD)
		return sp_fail(err, SP_ERR_NOT_FOUND, "sandbox %s has ended", id);
	if (life == SP_LIFE_STARTING)
		return sp_fail(
			err, SP_ERR_UNAVAILABLE, "sandbox %s is still starting", id);
	rc = sp_state_read(base, id, &o->record, err);
	if (rc == 0 && !o->record.is_kept)
		rc = sp_fail(err, SP_ERR_UNSUPPORTED,
			"sandbox %s belongs to one command of 'run'", id);
	if (rc == 0 && o->record.snapshots.count >= SP_RUNNER_LAYERS_MAX)
		rc = sp_fail(err, SP_ERR_LIMIT,
			"sandbox %s lies on %zu snapshots already, and that is the "
			"most",
			id, o->record.snapshots.count);
	return rc < 0 ? rc : open_handles(&s, o, err);
}

/* --- The stream ------------------------------------------------------------------------- */

static int start_packer(const struct local *l, const struct origin *o, int to,
	struct work *w, struct sp_error *err)
{
	static const char *const argv[] = {"sandpit-worker", "pack", "--layer", "--fd",
		"3", "--userns", "4", NULL};
	const int fds[] = {-1, to, o->layer, o->user_ns};

	return work_start(l, w, argv, fds, SP_COUNT(fds), err);
}

/*
 * It has the store's locks as well: should we be killed, nobody takes what it still fills
 * for something left behind.  Without privilege all files become the caller's.
 */
static int start_unpacker(const struct local *l, const struct store *s, int from,
	int tree, int result, struct work *w, struct sp_error *err)
{
	static const char *const as_root[] = {
		"sandpit-worker", "unpack", "--layer", "--owners", "--fd", "3", NULL};
	static const char *const as_user[] = {
		"sandpit-worker", "unpack", "--layer", "--fd", "3", NULL};
	const int fds[] = {from, result, tree, s->uses};

	return work_start(
		l, w, geteuid() == 0 ? as_root : as_user, fds, SP_COUNT(fds), err);
}

static int start_stream(const struct local *l, const struct store *s,
	const struct origin *o, int tree, int result, struct work workers[2],
	struct sp_error *err)
{
	sp_autoclose int from = -1, to = -1;
	int rc = sp_pipe(&from, &to, STREAM_BYTES, err);

	if (rc == 0)
		rc = start_packer(l, o, to, &workers[0], err);
	if (rc == 0)
		rc = start_unpacker(l, s, from, tree, result, &workers[1], err);
	return rc;
}

/* Why it failed is said by who failed first; the other one only lost its stream. */
static int end_stream(struct work workers[2], struct sp_error *err)
{
	struct sp_error packing = {0}, unpacking = {0};
	int rc = work_end(&workers[1], &unpacking);
	int packed = work_end(&workers[0], &packing);
	bool is_cut = rc == SP_ERR_PROTOCOL;

	if (packed < 0 && (rc == 0 || is_cut)) {
		*err = packing;
		return packed;
	}
	if (rc < 0)
		*err = unpacking;
	return rc;
}

static int read_result(int result, uint64_t *bytes, struct sp_error *err)
{
	char text[NUMBER_MAX] = "";
	ssize_t n = pread(result, text, sizeof(text) - 1, 0);
	int64_t value = 0;

	if (n <= 1 || text[n - 1] != '\n')
		return sp_fail(
			err, SP_ERR_PROTOCOL, "the file worker did not say how much");
	text[n - 1] = '\0';
	if (sp_parse_int(text, 0, INT64_MAX, &value, err) < 0)
		return (int)err->code;
	*bytes = (uint64_t)value;
	return 0;
}

static int copy_layer(const struct local *l, const struct store *s,
	const struct origin *o, int folder, uint64_t *bytes, struct sp_error *err)
{
	sp_autoclose int result = memfd_create("sandpit-result", MFD_CLOEXEC);
	struct work workers[2] = {WORK_INIT, WORK_INIT};
	sp_autoclose int tree = -1;
	struct sp_error why = {0};
	int rc, ended;

	if (result < 0 || mkdirat(folder, STORE_TREE, 0755) < 0)
		return sp_fail_errno(err, "make a layer");
	tree = openat(folder, STORE_TREE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (tree < 0)
		return sp_fail_errno(err, "open a layer");
	rc = start_stream(l, s, o, tree, result, workers, err);
	ended = end_stream(workers, &why);
	if (rc == 0 && ended < 0)
		*err = why;
	rc = rc < 0 ? rc : ended;
	return rc < 0 ? rc : read_result(result, bytes, err);
}

/* --- What comes of it ------------------------------------------------------------------ */

static int describe(const struct origin *o, uint64_t bytes, struct stored_record *r,
	struct sp_error *err)
{
	const struct sp_record *from = &o->record;
	const char *base = from->base ? from->base : from->image;

	*r = (struct stored_record){.created_ms = sp_clock_real_ms(),
		.bytes = bytes,
		.image = strdup(from->image),
		.base = strdup(base),
		.base_mark = base_mark(base)};
	sp_strv_add_all(&r->below, sp_strv_list(&from->snapshots));
	if (!r->image || !r->base)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	return sp_strv_ok(&r->below, err);
}

/* The parents must not go while the child is made, even if the sandbox does. */
static int hold_below(
	const struct store *s, const struct origin *o, struct sp_error *err)
{
	const struct sp_strv *below = &o->record.snapshots;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < below->count; i++)
		rc = store_hold(s, SP_STORED_SNAPSHOT, below->items[i], err);
	return rc;
}

static int fill_layer(const struct local *l, const struct store *s,
	const struct origin *o, const struct store_new *n, uint64_t *bytes,
	struct sp_error *err)
{
	struct hold hold = HOLD_INIT;
	struct sp_error why = {0};
	int rc, ended;

	hold_begin(l, &o->record, &hold);
	rc = copy_layer(l, s, o, n->fd, bytes, err);
	ended = hold_end(&hold, &why);
	if (rc == 0 && ended < 0) {
		*err = why;
		rc = ended;
	}
	return rc;
}

/* What was written in it, under this name in the store. */
static int keep_layer(const struct local *l, const struct store *s,
	const struct origin *o, const char *name, struct sp_error *err)
{
	sp_autostored r = {0};
	struct store_new n = {.fd = -1};
	uint64_t bytes = 0;
	int rc = hold_below(s, o, err);

	if (rc == 0)
		rc = store_begin(s, SP_STORED_SNAPSHOT, &n, err);
	if (rc == 0)
		rc = fill_layer(l, s, o, &n, &bytes, err);
	if (rc == 0)
		rc = describe(o, bytes, &r, err);
	if (rc == 0)
		rc = store_commit(s, &n, name, &r, err);
	store_abandon(l, s, &n);
	return rc;
}

static int check_free(const struct store *s, const char *name, struct sp_error *err)
{
	if (faccessat(s->kinds[SP_STORED_SNAPSHOT], name, F_OK, AT_SYMLINK_NOFOLLOW) <
		0)
		return 0;
	return sp_fail(err, SP_ERR_EXISTS, "there is a snapshot %s already", name);
}

int local_snapshot(
	struct sp_provider *p, const char *id, const char *name, struct sp_error *err)
{
	struct local *l = local_of(p);
	SP_AUTO(origin_clear) struct origin o = ORIGIN_INIT;
	sp_autostore s = STORE_INIT;
	int rc = find_origin(l, id, &o, err);

	if (rc == 0 && strcmp(name, LOCAL_IMAGE_HOST) == 0)
		rc = sp_fail(err, SP_ERR_INVALID,
			"\"host\" is what images call the host itself");
	if (rc == 0)
		rc = store_open(l, &s, err);
	/* Before the work, and again at its end. */
	if (rc == 0)
		rc = check_free(&s, name, err);
	if (rc < 0)
		return rc;
	store_sweep(l);
	return keep_layer(l, &s, &o, name, err);
}

/* --- Forks ------------------------------------------------------------------------------ */

/* A specification whose texts are the record's; the rest of it is owned. */
struct remake {
	struct sp_sandbox_spec spec;
	struct sp_mount *mounts;
	struct sp_label *labels;
	struct sp_strv texts, allow;
};

static void remake_clear(struct remake *m)
{
	free(m->mounts);
	free(m->labels);
	sp_strv_clear(&m->texts);
	sp_strv_clear(&m->allow);
}

static int remake_labels(
	const struct sp_record *r, struct remake *m, struct sp_error *err)
{
	m->labels = calloc(r->labels.count + 1, sizeof(*m->labels));
	if (!m->labels)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < r->labels.count; i++) {
		const char *text = r->labels.items[i];
		size_t key = strcspn(text, "=");

		sp_strv_addf(&m->texts, "%.*s", (int)key, text);
		if (sp_strv_ok(&m->texts, err) < 0)
			return (int)err->code;
		m->labels[i].key = m->texts.items[m->texts.count - 1];
		m->labels[i].value = text + key + (text[key] == '=');
	}
	m->spec.labels = m->labels;
	m->spec.label_count = r->labels.count;
	return 0;
}

static int remake_spec(
	const struct sp_record *r, struct remake *m, struct sp_error *err)
{
	int rc;

	m->spec = (struct sp_sandbox_spec){.env = sp_strv_list(&r->env),
		.workdir = r->workdir,
		.user = r->user,
		.seccomp = r->seccomp,
		.limits = local_asked_limits(&r->limits),
		.network = r->network,
		.ttl_ms = r->expires_ms ? r->expires_ms - r->created_ms : 0};
	rc = mounts_read(&r->mounts, &m->mounts, &m->spec.mount_count, &m->texts, err);
	m->spec.mounts = m->mounts;
	return rc < 0 ? rc : remake_labels(r, m, err);
}

static int fork_from(struct local *l, const struct origin *o, const char *layer,
	char fork_id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	SP_AUTO(remake_clear) struct remake m = {.mounts = NULL};
	local_autoimage image = {0};
	int rc = remake_spec(&o->record, &m, err);

	if (rc == 0)
		rc = local_network_again(l, &o->record, &m.allow, err);
	m.spec.allow = m.allow.count ? sp_strv_list(&m.allow) : NULL;
	if (rc == 0)
		rc = local_image_of(l, &o->record, layer, &image, err);
	return rc < 0 ? rc : local_create_from(l, &image, &m.spec, fork_id, err);
}

/*
 * The layer has no name that anybody could say, and goes with its last user.  Until the
 * fork holds it, the lock of *s does.
 */
int local_fork(struct sp_provider *p, const char *id,
	char fork_id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	struct local *l = local_of(p);
	SP_AUTO(origin_clear) struct origin o = ORIGIN_INIT;
	char layer[STORE_NAME_MAX] = STORE_FORK;
	sp_autostore s = STORE_INIT;
	int rc = find_origin(l, id, &o, err);

	if (rc == 0)
		rc = sp_random_name(layer + strlen(STORE_FORK), FORK_RANDOM, err);
	if (rc == 0)
		rc = store_open(l, &s, err);
	if (rc < 0)
		return rc;
	store_sweep(l);
	rc = keep_layer(l, &s, &o, layer, err);
	if (rc == 0)
		rc = fork_from(l, &o, layer, fork_id, err);
	if (rc < 0) {
		store_close(&s);
		store_sweep(l);
	}
	return rc;
}
