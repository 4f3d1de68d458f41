/* SPDX-License-Identifier: Apache-2.0 */
/* Making, finding and ending sandboxes, and files in and out of them. */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "sandbox/files.h"

#define INSPECT_MAX_BYTES (1u << 20)
#define HEALTH_TIMEOUT_MS 5000
#define REUSE_LOCK        "reuse.lock"

int sp_sandbox_create(struct sp_client *client, const struct sp_sandbox_spec *spec,
	char handle[SP_HANDLE_MAX], struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *where = NULL;
	int rc = sp_manager_create(client->manager, spec, &where, id, err);

	if (rc == 0)
		sp_handle_make(handle, where, id);
	return rc;
}

/*
 * Held until the descriptor is closed.  Whoever has it only finds and creates, and loses
 * it with its life, so nobody waits for ever.
 */
static int lock_reuse(const struct sp_client *client, int *fd, struct sp_error *err)
{
	sp_autoclose int dir = open(
		client->dirs.state, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0)
		*fd = openat(dir, REUSE_LOCK, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
			0600);
	if (*fd < 0)
		return sp_fail_errno(err, "open %s/%s", client->dirs.state, REUSE_LOCK);
	while (flock(*fd, LOCK_EX) < 0)
		if (errno != EINTR)
			return sp_fail_errno(
				err, "lock %s/%s", client->dirs.state, REUSE_LOCK);
	return 0;
}

static const struct sp_sandbox_info *first_running(const struct sp_sandbox_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].state == SP_STATE_RUNNING)
			return &list->items[i];
	return NULL;
}

int sp_sandbox_reuse(struct sp_client *client, const struct sp_sandbox_spec *spec,
	char handle[SP_HANDLE_MAX], bool *reused, struct sp_error *err)
{
	sp_autolist struct sp_sandbox_list list = {0};
	const struct sp_sandbox_info *found;
	sp_autoclose int lock = -1;
	int rc = sp_spec_check(spec, err);

	if (rc < 0)
		return rc;
	if (spec->label_count == 0)
		return sp_fail(err, SP_ERR_INVALID,
			"reuse needs a label to know the sandbox by");
	rc = lock_reuse(client, &lock, err);
	if (rc == 0)
		rc = sp_sandbox_find(
			client, spec->labels, spec->label_count, &list, err);
	if (rc < 0)
		return rc;
	found = first_running(&list);
	if (found) {
		const struct sp_driver named = {.name = found->provider};
		const struct sp_provider p = {.driver = &named};

		sp_handle_make(handle, &p, found->id);
	} else {
		rc = sp_sandbox_create(client, spec, handle, err);
	}
	if (rc == 0 && reused)
		*reused = found != NULL;
	return rc;
}

int sp_sandbox_get(struct sp_client *client, const char *handle,
	struct sp_sandbox_info *out, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc : sp_provider_get(p, id, out, err);
}

/* Append what one provider has; what it cannot give is left out of the list. */
static int find_on(struct sp_client *client, const char *name,
	const struct sp_label *labels, size_t label_count, struct sp_sandbox_list *list,
	struct sp_error *err)
{
	sp_autolist struct sp_sandbox_list part = {0};
	struct sp_provider *p = NULL;
	int rc = sp_manager_provider(client->manager, name, &p, err);

	if (rc == 0)
		rc = sp_provider_list(p, labels, label_count, &part, err);
	for (size_t i = 0; rc == 0 && i < part.count; i++)
		rc = sp_sandbox_list_add(list, &part.items[i], err);
	return rc;
}

int sp_sandbox_find(struct sp_client *client, const struct sp_label *labels,
	size_t label_count, struct sp_sandbox_list *out, struct sp_error *err)
{
	sp_autolist struct sp_sandbox_list list = {0};
	const char *names[SP_PROVIDERS_MAX];
	size_t count = sp_manager_places(client->manager, names);
	const struct sp_sandbox_spec wanted = {
		.labels = labels, .label_count = label_count};
	int rc = sp_spec_check(&wanted, err);
	size_t failed = 0;

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		struct sp_error why = {0};

		rc = find_on(client, names[i], labels, label_count, &list, &why);
		if (rc == 0)
			continue;
		if (++failed == count || rc == SP_ERR_NOMEM) {
			if (err)
				*err = why;
			return rc;
		}
		sp_log(SP_LOG_WARN, "provider left out of the list",
			"provider=%s error=%s", names[i], why.msg);
	}
	*out = list;
	list = (struct sp_sandbox_list){0};
	return 0;
}

int sp_sandbox_inspect(
	struct sp_client *client, const char *handle, char **json, struct sp_error *err)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(INSPECT_MAX_BYTES);
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	if (rc == 0)
		rc = sp_provider_inspect(p, id, &text, err);
	if (rc == 0)
		rc = sp_buf_ok(&text, err);
	if (rc == 0)
		*json = sp_buf_take(&text);
	return rc;
}

/* An ID that nobody has is gone already, which is what was asked for. */
int sp_sandbox_destroy(
	struct sp_client *client, const char *handle, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	if (rc == SP_ERR_NOT_FOUND)
		return 0;
	return rc < 0 ? rc : sp_provider_destroy(p, id, err);
}

int sp_sandbox_copy_in(struct sp_client *client, const char *handle, const char *from,
	const char *to, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc
		      : sp_files_copy_in(p, id, client->dirs.libexec, from, to, err);
}

int sp_sandbox_copy_out(struct sp_client *client, const char *handle, const char *from,
	const char *to, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc
		      : sp_files_copy_out(p, id, client->dirs.libexec, from, to, err);
}

int sp_sandbox_unpack_fd(struct sp_client *client, const char *handle, int fd,
	const char *to, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc
		      : sp_files_unpack_fd(p, id, client->dirs.libexec, fd, to, err);
}

int sp_sandbox_pack_fd(struct sp_client *client, const char *handle, const char *from,
	int fd, struct sp_error *err)
{
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = sp_client_locate(client, handle, &p, id, err);

	return rc < 0 ? rc
		      : sp_files_pack_fd(p, id, client->dirs.libexec, from, fd, err);
}

int sp_client_report(struct sp_client *client, const char *provider,
	struct sp_provider_report *out, struct sp_error *err)
{
	struct sp_provider_report report = {.ok = false};
	struct sp_health health = {.ok = false};
	struct sp_provider *p = NULL;
	int rc = sp_manager_provider(client->manager, provider, &p, err);

	if (rc == 0)
		rc = sp_provider_health(p, HEALTH_TIMEOUT_MS, &health, err);
	if (rc < 0)
		return rc;
	memccpy(report.name, p->driver->name, '\0', sizeof(report.name) - 1);
	memcpy(report.version, health.version, sizeof(report.version));
	memcpy(report.detail, health.detail, sizeof(report.detail));
	report.ok = health.ok;
	report.latency_us = health.latency_us;
	report.capabilities = p->driver->capabilities;
	*out = report;
	return 0;
}
