/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping all that is in a cgroup, and telling whether that is so: the kernel's word. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "runtime/cgroup.h"

/* A process in the middle of slow input or output stops when that is over. */
#define SETTLE_MS 5000
#define LOOK_NS   1000000
#define TEXT_SIZE 256

/* What was asked for, which is kept by the kernel. */
enum sp_freeze sp_cgroup_frozen(const struct sp_cgroup_set *set)
{
	const struct sp_cgroup *c = sp_cgroup_for(set, SP_CGROUP_FREEZE);
	char text[TEXT_SIZE];

	if (!c ||
		!sp_cgroup_read(c->path,
			c->is_v2 ? "cgroup.freeze" : "freezer.self_freezing", text,
			sizeof(text)))
		return SP_FREEZE_NONE;
	return text[0] == '1' ? SP_FREEZE_ON : SP_FREEZE_OFF;
}

/* Is it so for every process by now? */
static bool has_settled(const struct sp_cgroup *c, bool on)
{
	char text[TEXT_SIZE];

	if (c->is_v2)
		return sp_cgroup_read(c->path, "cgroup.events", text, sizeof(text)) &&
			strstr(text, on ? "frozen 1" : "frozen 0") != NULL;
	return sp_cgroup_read(c->path, "freezer.state", text, sizeof(text)) &&
		strcmp(text, on ? "FROZEN\n" : "THAWED\n") == 0;
}

static int ask(const struct sp_cgroup *c, bool on)
{
	if (c->is_v2)
		return sp_cgroup_write(c->path, "cgroup.freeze", on ? "1" : "0");
	return sp_cgroup_write(c->path, "freezer.state", on ? "FROZEN" : "THAWED");
}

int sp_cgroup_freeze(const struct sp_cgroup_set *set, bool on, struct sp_error *err)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	const struct sp_cgroup *c = sp_cgroup_for(set, SP_CGROUP_FREEZE);
	int64_t deadline_ms = sp_deadline_in(SETTLE_MS);

	if (!c)
		return sp_fail(err, SP_ERR_UNSUPPORTED, "no cgroup to stop it with");
	if (ask(c, on) < 0)
		return sp_fail_errno(
			err, "%s cgroup %s", on ? "freeze" : "thaw", c->path);
	while (!has_settled(c, on)) {
		if (sp_deadline_poll_ms(deadline_ms) == 0) {
			if (on)
				(void)ask(c, false);
			return sp_fail(err, SP_ERR_TIMEOUT,
				"not all of its processes %s within %d s",
				on ? "stopped" : "went on", SETTLE_MS / 1000);
		}
		nanosleep(&pause, NULL);
	}
	return 0;
}
