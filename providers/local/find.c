/* SPDX-License-Identifier: Apache-2.0 */
/* Finding sandboxes again, and ending them: also what a crash left. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "providers/local/events.h"
#include "providers/local/pool.h"
#include "runtime/devices.h"
#include "runtime/remove.h"

/* A supervisor that was asked to end has this long; then it is made to. */
#define END_MS   5000
#define RETRY_NS 2000000

int local_find_alive(const struct local *l, const char *id, struct sp_record *record,
	struct sp_supervisor *supervisor, struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(l->sandboxes, err);
	enum sp_liveness life;
	int rc = base < 0 ? base : sp_state_life(base, id, &life, supervisor, err);

	if (rc < 0)
		return rc;
	if (life == SP_LIFE_DEAD)
		return sp_fail(err, SP_ERR_NOT_FOUND, "sandbox %s has ended", id);
	if (life == SP_LIFE_STARTING)
		return sp_fail(
			err, SP_ERR_UNAVAILABLE, "sandbox %s is still starting", id);
	return sp_state_read(base, id, record, err);
}

static enum sp_sandbox_state state_of(enum sp_liveness life)
{
	return life == SP_LIFE_RUNNING ? SP_STATE_RUNNING
		: life == SP_LIFE_DEAD ? SP_STATE_DEAD
				       : SP_STATE_STARTING;
}

static int copy_labels(
	struct sp_sandbox_info *info, const struct sp_record *r, struct sp_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->labels.count; i++) {
		char *equals = strchr(r->labels.items[i], '=');

		if (!equals)
			continue;
		*equals = '\0';
		rc = sp_sandbox_info_label(info, r->labels.items[i], equals + 1, err);
		*equals = '=';
	}
	return rc;
}

/* A record that cannot be read is shown as what it is, so that it can be removed. */
static int fill_info(const struct local *l, int base, const char *id,
	struct sp_sandbox_info *info, bool *is_waiting, struct sp_error *err)
{
	sp_autorecord struct sp_record record = {0};
	struct sp_supervisor supervisor = {0};
	enum sp_liveness life;
	int rc = sp_state_life(base, id, &life, &supervisor, err);

	if (rc < 0)
		return rc;
	snprintf(info->provider, sizeof(info->provider), "local");
	snprintf(info->id, sizeof(info->id), "%s", id);
	info->state = state_of(life);
	rc = sp_state_read(base, id, &record, err);
	if (rc == SP_ERR_NOT_FOUND && life != SP_LIFE_DEAD)
		return rc; /* about to begin, or just gone */
	if (life == SP_LIFE_RUNNING && rc == 0 && local_is_paused(&record, &supervisor))
		info->state = SP_STATE_PAUSED;
	info->image = strdup(rc == 0 ? record.image : "");
	if (!info->image)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	*is_waiting = record.pool && life != SP_LIFE_DEAD &&
		(life == SP_LIFE_STARTING || pool_has(l, record.pool, id));
	info->created_ms = record.created_ms;
	info->expires_ms = record.expires_ms;
	return copy_labels(info, &record, err);
}

int local_get(struct sp_provider *p, const char *id, struct sp_sandbox_info *out,
	struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(local_of(p)->sandboxes, err);
	sp_autoinfo struct sp_sandbox_info info = {0};
	bool is_waiting = false;
	int rc = base < 0 ? base
			  : fill_info(local_of(p), base, id, &info, &is_waiting, err);

	if (rc < 0)
		return rc;
	*out = info;
	memset(&info, 0, sizeof(info));
	return 0;
}

int local_list(struct sp_provider *p, const struct sp_label *labels, size_t label_count,
	struct sp_sandbox_list *out, struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(local_of(p)->sandboxes, err);
	sp_autostrv struct sp_strv ids = {0};
	sp_autolist struct sp_sandbox_list list = {0};
	int rc = base < 0 ? base : sp_state_ids(base, &ids, err);

	if (rc == 0)
		local_drop_stale_claims(local_of(p), base);
	for (size_t i = 0; rc == 0 && i < ids.count; i++) {
		sp_autoinfo struct sp_sandbox_info info = {0};
		bool is_waiting = false;

		rc = fill_info(
			local_of(p), base, ids.items[i], &info, &is_waiting, err);
		if (rc == SP_ERR_NOT_FOUND) {
			rc = 0;
			continue;
		}
		/* What waits in a pool is nobody's yet: see sandpit pool list. */
		if (rc == 0 && !is_waiting &&
			sp_labels_match(&info, labels, label_count))
			rc = sp_sandbox_list_add(&list, &info, err);
	}
	if (rc < 0)
		return rc;
	*out = list;
	memset(&list, 0, sizeof(list));
	return 0;
}

static int wait_end(int pidfd, int timeout_ms)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};
	int64_t deadline = sp_deadline_in(timeout_ms);
	int n;

	do
		n = poll(&p, 1, sp_deadline_poll_ms(deadline));
	while (n < 0 && errno == EINTR);
	return n;
}

/* Ask the supervisor to end the sandbox and wait for it; make it, when it does not. */
static void end_supervisor(const struct sp_supervisor *s)
{
	sp_autoclose int pidfd = (int)syscall(SYS_pidfd_open, s->pid, 0);

	/* The number may be another's by now; the descriptor cannot change any more. */
	if (pidfd < 0 || sp_proc_start_ticks(s->pid) != s->start_ticks)
		return;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0);
	if (wait_end(pidfd, END_MS) > 0)
		return;
	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	(void)wait_end(pidfd, END_MS);
}

/* Of a sandbox whose record is lost: where they would be, for one with every limit. */
static void remove_unknown_cgroups(const char *id)
{
	const struct sp_cgroup_limits all = {.memory_bytes = 1,
		.pids = 1,
		.cpu_millis = 1,
		.usage = true,
		.freeze = true,
		.io = true};
	struct sp_cgroup_set set = {0};

	if (sp_cgroup_plan(id, &all, &set, NULL) == 0)
		sp_cgroup_remove(&set);
}

/* What a supervisor would have taken away. */
static int clean_dead(
	const struct local *l, int base, const char *id, struct sp_error *err)
{
	sp_autorecord struct sp_record record = {0};
	sp_autoclose int lock = -1;
	sp_autofree char *path = NULL;
	int rc = sp_state_lock_dead(base, id, &lock, err);

	if (rc < 0 || lock < 0)
		return rc;
	if (asprintf(&path, "%s/%s", l->sandboxes, id) < 0)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	/* Dead it looks as well to whom its lock was taken away. */
	local_end_holders(path);
	if (sp_state_read(base, id, &record, NULL) == 0) {
		sp_cgroup_remove(&record.cgroups);
		if (record.device_cgroup)
			sp_devices_drop(record.device_cgroup);
		if (record.claim)
			(void)unlink(record.claim);
	} else {
		remove_unknown_cgroups(id);
	}
	if (!sp_remove_state(path))
		return sp_fail_errno(err, "remove state of %s", id);
	if (record.is_kept)
		local_note_event(l, id, "destroyed", "reason", "died");
	return 0;
}

/* One try: end it if it runs, clean up if it is dead; NOT_FOUND once nothing is left. */
static int destroy_once(
	const struct local *l, int base, const char *id, struct sp_error *err)
{
	struct sp_supervisor supervisor = {0};
	enum sp_liveness life;
	int rc = sp_state_life(base, id, &life, &supervisor, err);
	int gate;

	if (rc < 0)
		return rc;
	gate = local_network_hold(base, id);
	if (life == SP_LIFE_RUNNING)
		end_supervisor(&supervisor);
	local_network_end(gate);
	rc = clean_dead(l, base, id, err);
	return rc < 0 ? rc : sp_state_life(base, id, &life, NULL, err);
}

/* NOT_FOUND once nothing is left; 0 when that takes too long. */
static int destroy_within(
	const struct local *l, int base, const char *id, struct sp_error *err)
{
	const struct timespec pause = {.tv_nsec = RETRY_NS};
	int64_t deadline_ms = sp_deadline_in(END_MS);
	int rc;

	while ((rc = destroy_once(l, base, id, err)) == 0) {
		if (sp_deadline_poll_ms(deadline_ms) == 0)
			return 0;
		nanosleep(&pause, NULL);
	}
	return rc;
}

/*
 * It may just be starting, or ending by itself or by another's hand: that is waited for,
 * since all of it is short.  What lasts longer has lost the file that names its supervisor.
 */
int local_destroy(struct sp_provider *p, const char *id, struct sp_error *err)
{
	struct local *l = local_of(p);
	sp_autoclose int base = sp_state_open(l->sandboxes, err);
	sp_autofree char *path = NULL;
	struct sp_error why = {0};
	int rc;

	if (base < 0)
		return base;
	if (asprintf(&path, "%s/%s", l->sandboxes, id) < 0)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	rc = destroy_within(l, base, id, &why);
	if (rc == 0) {
		local_end_holders(path);
		rc = destroy_within(l, base, id, &why);
	}
	if (rc == SP_ERR_NOT_FOUND)
		return 0;
	if (rc == 0)
		return sp_fail(err, SP_ERR_UNAVAILABLE,
			"sandbox %s is being started or ended by another process", id);
	if (err)
		*err = why;
	return rc;
}
