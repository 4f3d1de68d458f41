/* SPDX-License-Identifier: Apache-2.0 */
/* What happens to a sandbox between its making and its end: the wrappers around a driver's ops. */
#include "providers/call.h"

#include "base/enc.h"

int sp_provider_pause(struct sp_provider *p, const char *id, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "pause", err);
	rc = p->driver->pause ? p->driver->pause(p, id, err) : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "pause", id, err);
}

int sp_provider_resume(struct sp_provider *p, const char *id, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "resume", err);
	rc = p->driver->resume ? p->driver->resume(p, id, err)
			       : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "resume", id, err);
}

int sp_provider_set_ttl(
	struct sp_provider *p, const char *id, int64_t ttl_ms, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "set the time to live", err);
	rc = p->driver->set_ttl ? p->driver->set_ttl(p, id, ttl_ms, err)
				: sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "set the time to live of", id, err);
}

int sp_provider_stats(struct sp_provider *p, const char *id, struct sp_stats *out,
	struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "measure", err);
	rc = p->driver->stats ? p->driver->stats(p, id, out, err)
			      : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "measure", id, err);
}

static int check_stored_name(const char *name, struct sp_error *err)
{
	if (!name || !sp_name_ok(name))
		return sp_call_unsent(sp_fail(err, SP_ERR_INVALID,
					      "\"%.64s\" is no name: letters, digits, "
					      "_ . -, beginning with a letter or digit",
					      name ? name : ""),
			err);
	return 0;
}

int sp_provider_snapshot(
	struct sp_provider *p, const char *id, const char *name, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "snapshot", err);
	rc = check_stored_name(name, err);
	if (rc < 0)
		return sp_call_on_sandbox(p, rc, "snapshot", id, err);
	rc = p->driver->snapshot ? p->driver->snapshot(p, id, name, err)
				 : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "snapshot", id, err);
}

int sp_provider_fork(struct sp_provider *p, const char *id,
	char fork_id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "fork", err);
	rc = p->driver->fork ? p->driver->fork(p, id, fork_id, err)
			     : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "fork", id, err);
}

int sp_provider_stored(struct sp_provider *p, enum sp_stored_kind kind,
	struct sp_stored_list *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = p->driver->stored ? p->driver->stored(p, kind, out, err)
			       : sp_call_not_offered(err);
	return sp_call_on_provider(p, rc, "list", err);
}

int sp_provider_stored_remove(struct sp_provider *p, enum sp_stored_kind kind,
	const char *name, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = check_stored_name(name, err);
	if (rc == 0)
		rc = p->driver->stored_remove
			? p->driver->stored_remove(p, kind, name, err)
			: sp_call_not_offered(err);
	return sp_call_on_provider(p, rc, "remove", err);
}

int sp_provider_volume_create(
	struct sp_provider *p, const char *name, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = check_stored_name(name, err);
	if (rc == 0)
		rc = p->driver->volume_create ? p->driver->volume_create(p, name, err)
					      : sp_call_not_offered(err);
	return sp_call_on_provider(p, rc, "create volume", err);
}

int sp_provider_events(
	struct sp_provider *p, const struct sp_events_opts *opts, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = opts->handle ? sp_call_check_id(opts->handle, err) : 0;
	if (rc == 0)
		rc = p->driver->events ? p->driver->events(p, opts, err)
				       : sp_call_not_offered(err);
	return sp_call_on_provider(p, rc, "events", err);
}

int sp_provider_file(struct sp_provider *p, const char *id,
	const struct sp_file_request *request, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "files", err);
	rc = sp_call_check_path(request->path, err);
	if (rc == 0 && request->op == SP_FILE_RENAME)
		rc = sp_call_check_path(request->to, err);
	if (rc < 0)
		return sp_call_on_sandbox(p, rc, "files of", id, err);
	rc = p->driver->file ? p->driver->file(p, id, request, err)
			     : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "files of", id, err);
}

int sp_provider_port(struct sp_provider *p, const char *id, const struct sp_port *port,
	int cancel_fd, void (*on_ready)(void *ctx, const struct sp_port *port),
	void *ctx, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "reach a port", err);
	if (port->port == 0)
		return sp_call_on_sandbox(p,
			sp_call_unsent(
				sp_fail(err, SP_ERR_INVALID, "there is no port 0"),
				err),
			"reach a port of", id, err);
	rc = p->driver->port
		? p->driver->port(p, id, port, cancel_fd, on_ready, ctx, err)
		: sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "reach a port of", id, err);
}

int sp_provider_pool_fill(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	const struct sp_pool_opts *opts, struct sp_pool_info *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_spec_check(spec, err);
	if (rc == 0)
		rc = sp_spec_supported(p->driver->capabilities, spec, err);
	if (rc == 0)
		rc = p->driver->pool_fill
			? p->driver->pool_fill(p, spec, opts, out, err)
			: sp_call_not_offered(err);
	return sp_call_on_provider(p, rc, "fill a pool", err);
}

int sp_provider_pools(
	struct sp_provider *p, struct sp_pool_list *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = p->driver->pools ? p->driver->pools(p, out, err)
			      : sp_call_not_offered(err);
	return sp_call_on_provider(p, rc, "list pools", err);
}

int sp_provider_pool_drain(
	struct sp_provider *p, const char *name, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = name ? check_stored_name(name, err) : 0;
	if (rc == 0)
		rc = p->driver->pool_drain ? p->driver->pool_drain(p, name, err)
					   : sp_call_not_offered(err);
	return sp_call_on_provider(p, rc, "drain a pool", err);
}
