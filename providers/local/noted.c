/* SPDX-License-Identifier: Apache-2.0 */
/* Ops of the driver that say what they did; what a supervisor does it says itself. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/enc.h"
#include "providers/local/events.h"
#include "providers/local/pool.h"
#include "providers/local/stored.h"
#include "runtime/event.h"

/* Of a value, before it is encoded, which may make three of each. */
#define VALUE_MAX 200

void local_note_event(const struct local *l, const char *id, const char *action,
	const char *key, const char *value)
{
	sp_autobuf struct sp_buf details = SP_BUF_INIT(SP_EVENT_LINE_MAX);
	char cut[VALUE_MAX];

	if (value) {
		snprintf(cut, sizeof(cut), "%s", value);
		sp_buf_addf(&details, "%s=", key);
		sp_enc_percent(&details, cut);
	}
	sp_event_append(l->state, id, action, sp_buf_str(&details));
}

int local_noted_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	int rc = local_warm_create(p, spec, id, err);

	if (rc == 0)
		local_note_event(local_of(p), id, "created", "image",
			spec->image ? spec->image : LOCAL_IMAGE_HOST);
	return rc;
}

static void note_end(
	const struct local *l, const char *id, const struct sp_outcome *outcome)
{
	char text[64];

	if (outcome->timed_out)
		local_note_event(l, id, "timeout", NULL, NULL);
	if (outcome->oom_killed)
		local_note_event(l, id, "oom", NULL, NULL);
	snprintf(text, sizeof(text), "status=%d", outcome->exit_code);
	if (outcome->signal)
		snprintf(text, sizeof(text), "status=%d signal=%d", outcome->exit_code,
			outcome->signal);
	sp_event_append(l->state, id, "exited", text);
}

/* The program's name only: arguments may be secrets. */
int local_noted_exec(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err)
{
	const struct local *l = local_of(p);
	int rc;

	local_note_event(l, id, "exec", "command", command->argv[0]);
	rc = local_exec(p, id, command, out, err);
	if (rc == 0)
		note_end(l, id, out);
	else
		local_note_event(
			l, id, "exited", "error", sp_code_name((enum sp_code)rc));
	return rc;
}

int local_noted_start(struct sp_provider *p, const char *id,
	const struct sp_command *command, uint32_t *number, struct sp_error *err)
{
	int rc = local_start(p, id, command, number, err);
	char text[32];

	if (rc < 0)
		return rc;
	snprintf(text, sizeof(text), "number=%u", *number);
	sp_event_append(local_of(p)->state, id, "started", text);
	return 0;
}

int local_noted_pause(struct sp_provider *p, const char *id, struct sp_error *err)
{
	int rc = local_pause(p, id, err);

	if (rc == 0)
		local_note_event(local_of(p), id, "paused", NULL, NULL);
	return rc;
}

int local_noted_resume(struct sp_provider *p, const char *id, struct sp_error *err)
{
	int rc = local_resume(p, id, err);

	if (rc == 0)
		local_note_event(local_of(p), id, "resumed", NULL, NULL);
	return rc;
}

int local_noted_set_ttl(
	struct sp_provider *p, const char *id, int64_t ttl_ms, struct sp_error *err)
{
	int rc = local_set_ttl(p, id, ttl_ms, err);
	char text[32];

	if (rc < 0)
		return rc;
	snprintf(text, sizeof(text), "ttl_ms=%lld", (long long)ttl_ms);
	sp_event_append(local_of(p)->state, id, "timeout-set", text);
	return 0;
}

static bool is_on_fork(const struct local *l, const char *id)
{
	sp_autoclose int base = sp_state_open(l->sandboxes, NULL);
	sp_autorecord struct sp_record r = {0};

	if (base < 0 || sp_state_read(base, id, &r, NULL) < 0)
		return false;
	for (size_t i = 0; i < r.snapshots.count; i++)
		if (strncmp(r.snapshots.items[i], STORE_FORK, strlen(STORE_FORK)) == 0)
			return true;
	return false;
}

/* Its end is told by its supervisor; the layer of a fork goes with the last who has it. */
int local_noted_destroy(struct sp_provider *p, const char *id, struct sp_error *err)
{
	bool was_on_fork = is_on_fork(local_of(p), id);
	int rc = local_destroy(p, id, err);

	if (rc == 0 && was_on_fork)
		store_sweep(local_of(p));
	return rc;
}

int local_noted_snapshot(
	struct sp_provider *p, const char *id, const char *name, struct sp_error *err)
{
	int rc = local_snapshot(p, id, name, err);

	if (rc == 0)
		local_note_event(local_of(p), id, "snapshot", "name", name);
	return rc;
}

int local_noted_fork(struct sp_provider *p, const char *id,
	char fork_id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	int rc = local_fork(p, id, fork_id, err);

	if (rc < 0)
		return rc;
	local_note_event(local_of(p), id, "forked", "fork", fork_id);
	local_note_event(local_of(p), fork_id, "created", "from", id);
	return 0;
}
