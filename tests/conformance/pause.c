/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping a sandbox, what it uses, and limits that are told in the outcome. */
#include <stdio.h>

#include "tests/conformance/conformance.h"

static enum sp_sandbox_state state_of(struct world *w, const char *id)
{
	sp_autoinfo struct sp_sandbox_info info = {0};

	if (sp_provider_get(w->p, id, &info, &w->err) < 0)
		return SP_STATE_DEAD;
	return info.state;
}

static enum verdict a_paused_sandbox_is_one_and_takes_no_commands(struct world *w)
{
	const struct sp_sandbox_spec spec = {0};
	autosandbox own = {0};
	autoresult refused = RESULT_INIT, r = RESULT_INIT;

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(sp_provider_pause(w->p, own.id, &w->err) == 0);
	EXPECT(state_of(w, own.id) == SP_STATE_PAUSED);
	EXPECT(execute(w, own.id, shell("echo no"), &refused) == SP_ERR_UNAVAILABLE);
	EXPECT(strstr(w->err.msg, "resume it first"));
	EXPECT(sp_provider_resume(w->p, own.id, &w->err) == 0);
	EXPECT(state_of(w, own.id) == SP_STATE_RUNNING);
	EXPECT(execute(w, own.id, shell("echo yes"), &r) == 0);
	EXPECT(is_text(&r.out, "yes\n"));
	return HOLDS;
}

static enum verdict pausing_and_resuming_twice_is_fine(struct world *w)
{
	const struct sp_sandbox_spec spec = {0};
	autosandbox own = {0};

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(sp_provider_resume(w->p, own.id, &w->err) == 0);
	EXPECT(sp_provider_pause(w->p, own.id, &w->err) == 0);
	EXPECT(sp_provider_pause(w->p, own.id, &w->err) == 0);
	EXPECT(sp_provider_resume(w->p, own.id, &w->err) == 0);
	EXPECT(sp_provider_resume(w->p, own.id, &w->err) == 0);
	EXPECT(state_of(w, own.id) == SP_STATE_RUNNING);
	return HOLDS;
}

static enum verdict a_paused_sandbox_can_be_destroyed(struct world *w)
{
	const struct sp_sandbox_spec spec = {0};
	autosandbox own = {0};
	struct sp_sandbox_info info = {0};

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(sp_provider_pause(w->p, own.id, &w->err) == 0);
	EXPECT(sp_provider_destroy(w->p, own.id, &w->err) == 0);
	EXPECT(sp_provider_get(w->p, own.id, &info, &w->err) == SP_ERR_NOT_FOUND);
	return HOLDS;
}

static enum verdict what_is_not_there_is_not_found(struct world *w)
{
	struct sp_stats stats;

	if (w->driver->capabilities & SP_CAP_PAUSE) {
		EXPECT(sp_provider_pause(w->p, "sb-nothere", &w->err) ==
			SP_ERR_NOT_FOUND);
		EXPECT(sp_provider_resume(w->p, "sb-nothere", &w->err) ==
			SP_ERR_NOT_FOUND);
	}
	EXPECT(sp_provider_stats(w->p, "sb-nothere", &stats, &w->err) ==
		SP_ERR_NOT_FOUND);
	return HOLDS;
}

static enum verdict stats_grow_with_what_is_used(struct world *w)
{
	const struct sp_sandbox_spec spec = {.limits.disk_bytes = 16u << 20};
	struct sp_stats before, after;
	autosandbox own = {0};
	autoresult r = RESULT_INIT;

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(sp_provider_stats(w->p, own.id, &before, &w->err) == 0);
	EXPECT(execute(w, own.id,
		       shell("head -c 5000000 /dev/zero >/tmp/x; i=0; "
			     "while [ $i -lt 300000 ]; do i=$((i+1)); done"),
		       &r) == 0);
	EXPECT(sp_provider_stats(w->p, own.id, &after, &w->err) == 0);
	EXPECT(after.at_ms >= before.at_ms && before.at_ms > 0);
	EXPECT(after.cpu_us > before.cpu_us && after.cpu_us != UINT64_MAX);
	EXPECT(after.memory_bytes >= before.memory_bytes + 4000000);
	EXPECT(after.processes >= 1 && after.processes != UINT64_MAX);
	EXPECT(after.disk_bytes >= before.disk_bytes + 4000000);
	EXPECT(after.disk_limit_bytes == 16u << 20);
	EXPECT(after.received_bytes == 0 && after.sent_bytes == 0);
	return HOLDS;
}

static enum verdict cpu_time_that_is_used_up_ends_the_command(struct world *w)
{
	const struct sp_sandbox_spec spec = {.limits.cpu_time_ms = 1000};
	autosandbox own = {0};
	autoresult r = RESULT_INIT;

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(execute(w, own.id, shell("while :; do :; done"), &r) == 0);
	EXPECT(r.outcome.cpu_time_exceeded && r.outcome.signal != 0);
	EXPECT(!r.outcome.timed_out);
	return HOLDS;
}

static enum verdict a_file_ends_where_its_limit_is(struct world *w)
{
	const struct sp_sandbox_spec spec = {.limits.file_bytes = 65536};
	autosandbox own = {0};
	autoresult r = RESULT_INIT;

	EXPECT(own_create(w, &spec, &own) == 0);
	EXPECT(execute(w, own.id,
		       shell("head -c 100000 /dev/zero >/tmp/x; stat -c %s /tmp/x"),
		       &r) == 0);
	EXPECT(is_text(&r.out, "65536\n"));
	return HOLDS;
}

static const struct behaviour list[] = {
	{"a paused sandbox is one and takes no commands", SP_CAP_PAUSE,
		a_paused_sandbox_is_one_and_takes_no_commands},
	{"pausing and resuming twice is fine", SP_CAP_PAUSE,
		pausing_and_resuming_twice_is_fine},
	{"a paused sandbox can be destroyed", SP_CAP_PAUSE,
		a_paused_sandbox_can_be_destroyed},
	{"stats of what is not there are not found", SP_CAP_STATS,
		what_is_not_there_is_not_found},
	{"stats grow with what is used", SP_CAP_STATS, stats_grow_with_what_is_used},
	{"CPU time that is used up ends the command", SP_CAP_CPU_TIME,
		cpu_time_that_is_used_up_ends_the_command},
	{"a file ends where its limit is", SP_CAP_CPU_TIME,
		a_file_ends_where_its_limit_is},
};

const struct behaviours pause_behaviours = SP_BEHAVIOURS(list);
