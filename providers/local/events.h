/* SPDX-License-Identifier: Apache-2.0 */
/* Telling what happens to kept sandboxes, and hearing of it. */
#ifndef SP_PROVIDERS_LOCAL_EVENTS_H
#define SP_PROVIDERS_LOCAL_EVENTS_H

#include "providers/local/local.h"

/* Note an event; value is any text, or NULL: "key=value". */
void local_note_event(const struct local *l, const char *id, const char *action,
	const char *key, const char *value);

int local_events(
	struct sp_provider *p, const struct sp_events_opts *opts, struct sp_error *err);

/* noted.c: ops of the driver that say what they did. */
int local_noted_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err);
int local_noted_exec(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err);
int local_noted_start(struct sp_provider *p, const char *id,
	const struct sp_command *command, uint32_t *number, struct sp_error *err);
int local_noted_pause(struct sp_provider *p, const char *id, struct sp_error *err);
int local_noted_resume(struct sp_provider *p, const char *id, struct sp_error *err);
int local_noted_set_ttl(
	struct sp_provider *p, const char *id, int64_t ttl_ms, struct sp_error *err);
int local_noted_destroy(struct sp_provider *p, const char *id, struct sp_error *err);
int local_noted_snapshot(
	struct sp_provider *p, const char *id, const char *name, struct sp_error *err);
int local_noted_fork(struct sp_provider *p, const char *id,
	char fork_id[static SP_SANDBOX_ID_MAX], struct sp_error *err);

#endif
