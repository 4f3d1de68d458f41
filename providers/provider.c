/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way from everyone above into a driver: no op sees an argument that was not checked,
 * and no error leaves without saying what was asked of which sandbox.
 */
#include "providers/provider.h"

#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "providers/call.h"

int sp_provider_health(struct sp_provider *p, int64_t timeout_ms, struct sp_health *out,
	struct sp_error *err)
{
	NEED_ERR(err);
	if (!p->driver->health)
		return sp_call_on_provider(p, sp_call_not_offered(err), "health", err);
	return sp_call_on_provider(
		p, p->driver->health(p, timeout_ms, out, err), "health", err);
}

int sp_provider_has_image(
	struct sp_provider *p, const char *image, struct sp_error *err)
{
	NEED_ERR(err);
	if (!p->driver->has_image)
		return sp_call_on_provider(
			p, sp_call_not_offered(err), "look for image", err);
	return sp_call_on_provider(
		p, p->driver->has_image(p, image, err), "image", err);
}

static int check_create(
	struct sp_provider *p, const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	int rc = sp_spec_check(spec, err);

	if (rc == 0)
		rc = sp_spec_supported(p->driver->capabilities, spec, err);
	if (rc == 0 && !p->driver->create)
		rc = sp_call_not_offered(err);
	return sp_call_unsent(rc, err);
}

int sp_provider_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = check_create(p, spec, err);
	if (rc == 0)
		rc = p->driver->create(p, spec, id, err);
	return sp_call_by_provider(p, rc, err);
}

static int check_exec(
	struct sp_provider *p, const struct sp_command *command, struct sp_error *err)
{
	int rc = sp_command_check(command, err);

	if (rc == 0 && !command->on_output)
		rc = sp_fail(err, SP_ERR_INVALID, "nobody takes the output");
	if (rc == 0)
		rc = sp_command_supported(p->driver->capabilities, command, err);
	if (rc == 0 && !p->driver->exec)
		rc = sp_call_not_offered(err);
	return sp_call_unsent(rc, err);
}

/* The sandbox goes whatever became of the command. */
int sp_provider_run_created(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err)
{
	struct sp_error second = {0};
	int rc, gone;

	NEED_ERR(err);
	sp_timeline_mark(
		command->timeline, command->timeline_start_us, SP_MARK_STARTED);
	rc = sp_provider_exec(p, id, command, out, err);
	/* The sandbox exists: whether to try elsewhere is not ours to say from here on. */
	if (rc < 0)
		err->not_sent = false;
	sp_timeline_mark(command->timeline, command->timeline_start_us, SP_MARK_ENDED);
	gone = sp_provider_destroy(p, id, &second);
	if (rc == 0 && gone < 0) {
		*err = second;
		rc = gone;
	}
	return rc;
}

static int run_in_steps(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err)
{
	int rc = sp_provider_create(p, spec, id, err);

	return rc < 0 ? rc : sp_provider_run_created(p, id, command, out, err);
}

int sp_provider_run(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_command *command, char id[static SP_SANDBOX_ID_MAX],
	struct sp_outcome *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = check_create(p, spec, err);
	if (rc == 0)
		rc = check_exec(p, command, err);
	if (rc < 0)
		return sp_call_by_provider(p, rc, err);
	id[0] = '\0';
	if (!p->driver->run)
		return run_in_steps(p, spec, command, id, out, err);
	return sp_call_by_provider(
		p, p->driver->run(p, spec, command, id, out, err), err);
}

int sp_provider_exec(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "exec", err);
	rc = check_exec(p, command, err);
	if (rc == 0)
		rc = p->driver->exec(p, id, command, out, err);
	return sp_call_on_sandbox(p, rc, "exec in", id, err);
}

int sp_provider_get(struct sp_provider *p, const char *id, struct sp_sandbox_info *out,
	struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "look up", err);
	rc = p->driver->get ? p->driver->get(p, id, out, err)
			    : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "look up", id, err);
}

int sp_provider_list(struct sp_provider *p, const struct sp_label *labels,
	size_t label_count, struct sp_sandbox_list *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	if (p->driver->list)
		rc = p->driver->list(p, labels, label_count, out, err);
	else
		rc = sp_call_not_offered(err);
	return sp_call_on_provider(p, rc, "list", err);
}

int sp_provider_inspect(struct sp_provider *p, const char *id, struct sp_buf *json,
	struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "inspect", err);
	rc = p->driver->inspect ? p->driver->inspect(p, id, json, err)
				: sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "inspect", id, err);
}

int sp_provider_get_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_sink *sink, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "copy from", err);
	rc = sp_call_check_path(path, err);
	if (rc == 0)
		rc = p->driver->get_archive
			? p->driver->get_archive(p, id, path, sink, err)
			: sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "copy from", id, err);
}

int sp_provider_put_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "copy to", err);
	rc = sp_call_check_path(path, err);
	if (rc == 0)
		rc = p->driver->put_archive
			? p->driver->put_archive(p, id, path, source, err)
			: sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "copy to", id, err);
}

int sp_provider_stat(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "look at a file", err);
	rc = sp_call_check_path(path, err);
	if (rc == 0)
		rc = p->driver->stat ? p->driver->stat(p, id, path, out, err)
				     : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "look at a file in", id, err);
}

int sp_provider_destroy(struct sp_provider *p, const char *id, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "destroy", err);
	rc = p->driver->destroy ? p->driver->destroy(p, id, err)
				: sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "destroy", id, err);
}

void sp_provider_close(struct sp_provider *p)
{
	if (p)
		p->driver->close(p);
}

/* One part of a handle into its place; the ID alone may be longer than a provider. */
static bool take_name(char *to, size_t size, const char *from, size_t len)
{
	if (len == 0 || len >= size)
		return false;
	memcpy(to, from, len);
	to[len] = '\0';
	return strlen(to) == len && sp_name_ok(to);
}

int sp_handle_parse(const char *text, char provider[static SP_PROVIDER_NAME_MAX],
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	char new_provider[SP_PROVIDER_NAME_MAX] = "", new_id[SP_SANDBOX_ID_MAX];
	const char *colon = strchr(text, ':');
	const char *rest = colon ? colon + 1 : text;
	bool ok = true;

	if (colon)
		ok = take_name(new_provider, sizeof(new_provider), text,
			(size_t)(colon - text));
	if (!ok || !take_name(new_id, sizeof(new_id), rest, strlen(rest)))
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is not a sandbox: PROVIDER:ID or ID", text);
	memcpy(provider, new_provider, sizeof(new_provider));
	memcpy(id, new_id, strlen(new_id) + 1);
	return 0;
}
