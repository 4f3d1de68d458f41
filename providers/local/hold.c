/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"

static int open_switch(const struct sp_cgroup *c, struct sp_error *err)
{
	char path[sizeof(c->path) + 32];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", c->path,
		c->is_v2 ? "cgroup.freeze" : "freezer.state");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd < 0 ? sp_fail_errno(err, "open %s", path) : fd;
}

/* Before the freeze: there is no moment at which nobody would end it. */
static int start_guard(const struct local *l, const struct sp_cgroup *c, struct hold *h,
	struct sp_error *err)
{
	const char *const argv[] = {"sandpit-worker", "tell", "--fd", "3", "--",
		c->is_v2 ? "0" : "THAWED", NULL};
	sp_autoclose int theirs = -1, to = open_switch(c, err);
	int rc = to < 0 ? to : sp_pipe(&theirs, &h->alive, 0, err);
	const int fds[] = {theirs, -1, to};

	return rc < 0 ? rc : work_start(l, &h->guard, argv, fds, SP_COUNT(fds), err);
}

static int freeze(const struct local *l, const struct sp_record *r, struct hold *h,
	struct sp_error *err)
{
	const struct sp_cgroup *c = sp_cgroup_for(&r->cgroups, SP_CGROUP_FREEZE);
	int rc;

	if (!c)
		return sp_fail(err, SP_ERR_UNSUPPORTED, "no cgroup to stop it with");
	rc = start_guard(l, c, h, err);
	return rc < 0 ? rc : sp_cgroup_freeze(&r->cgroups, true, err);
}

void hold_begin(const struct local *l, const struct sp_record *r, struct hold *h)
{
	struct sp_error why = {0};

	if (sp_cgroup_frozen(&r->cgroups) == SP_FREEZE_ON)
		return; /* paused, and to stay so */
	if (freeze(l, r, h, &why) == 0) {
		h->record = r;
		return;
	}
	sp_log(SP_LOG_INFO, "copied without a pause", "sandbox=%s error=%s", r->id,
		why.msg);
	sp_close_fd(&h->alive);
	(void)work_end(&h->guard, NULL);
}

int hold_end(struct hold *h, struct sp_error *err)
{
	struct sp_error why = {0};
	int rc = 0;

	if (h->record)
		rc = sp_cgroup_freeze(&h->record->cgroups, false, &why);
	h->record = NULL;
	sp_close_fd(&h->alive);
	(void)work_end(&h->guard, NULL);
	/* A sandbox that ended meanwhile need not be woken. */
	if (rc < 0 && why.sys_errno == ENOENT)
		return 0;
	if (rc < 0)
		*err = why;
	return rc;
}
