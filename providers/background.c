/* SPDX-License-Identifier: Apache-2.0 */
/* Processes in the background: the wrappers around the ops of a driver. */
#include "providers/call.h"

#define SIGNAL_MAX 64

static int check_number(uint32_t number, struct sp_error *err)
{
	if (number == 0)
		return sp_call_unsent(
			sp_fail(err, SP_ERR_INVALID, "processes count from 1"), err);
	return 0;
}

static int check_start(
	struct sp_provider *p, const struct sp_command *command, struct sp_error *err)
{
	int rc = sp_command_check(command, err);

	if (rc == 0)
		rc = sp_command_supported(p->driver->capabilities, command, err);
	if (rc == 0 && !p->driver->start)
		rc = sp_call_not_offered(err);
	return sp_call_unsent(rc, err);
}

int sp_provider_start(struct sp_provider *p, const char *id,
	const struct sp_command *command, uint32_t *number, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "start", err);
	rc = check_start(p, command, err);
	if (rc == 0)
		rc = p->driver->start(p, id, command, number, err);
	return sp_call_on_sandbox(p, rc, "start in", id, err);
}

int sp_provider_processes(struct sp_provider *p, const char *id,
	struct sp_process_list *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "list processes", err);
	rc = p->driver->processes ? p->driver->processes(p, id, out, err)
				  : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "list processes of", id, err);
}

int sp_provider_logs(struct sp_provider *p, const char *id, uint32_t number,
	const struct sp_logs *logs, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "read output", err);
	rc = check_number(number, err);
	if (rc < 0)
		return sp_call_on_sandbox(p, rc, "read output in", id, err);
	rc = p->driver->logs ? p->driver->logs(p, id, number, logs, err)
			     : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "read output in", id, err);
}

int sp_provider_wait(struct sp_provider *p, const char *id, uint32_t number,
	int64_t timeout_ms, struct sp_process_info *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "wait", err);
	rc = check_number(number, err);
	if (rc < 0)
		return sp_call_on_sandbox(p, rc, "wait in", id, err);
	rc = p->driver->wait ? p->driver->wait(p, id, number, timeout_ms, out, err)
			     : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "wait in", id, err);
}

int sp_provider_signal(struct sp_provider *p, const char *id, uint32_t number,
	int signal, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "signal", err);
	rc = check_number(number, err);
	if (rc < 0)
		return sp_call_on_sandbox(p, rc, "signal in", id, err);
	if (signal < 1 || signal > SIGNAL_MAX)
		return sp_call_on_sandbox(p,
			sp_call_unsent(sp_fail(err, SP_ERR_INVALID,
					       "there is no signal %d", signal),
				err),
			"signal in", id, err);
	rc = p->driver->signal ? p->driver->signal(p, id, number, signal, err)
			       : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "signal in", id, err);
}

int sp_provider_attach(struct sp_provider *p, const char *id, uint32_t number,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err)
{
	int rc;

	NEED_ERR(err);
	rc = sp_call_check_id(id, err);
	if (rc < 0)
		return sp_call_on_provider(p, rc, "attach", err);
	rc = check_number(number, err);
	if (rc < 0)
		return sp_call_on_sandbox(p, rc, "attach in", id, err);
	rc = p->driver->attach ? p->driver->attach(p, id, number, command, out, err)
			       : sp_call_not_offered(err);
	return sp_call_on_sandbox(p, rc, "attach in", id, err);
}
