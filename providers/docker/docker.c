/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/docker.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

void sp_docker_name(char out[static SP_DOCKER_NAME_MAX], const char *id)
{
	snprintf(out, SP_DOCKER_NAME_MAX, SP_DOCKER_NAME_PREFIX "%s", id);
}

/* What to do about a host that does not answer. */
static const char *advice(const char *host)
{
	return strncmp(host, "unix:", 5) == 0 ? "start dockerd, or use -p local"
					      : "check DOCKER_HOST, or use -p local";
}

int sp_docker_explain(const struct sp_docker *d, int rc, struct sp_error *err)
{
	const char *host = sp_engine_host(d->engine);
	size_t used;

	if (rc >= 0 || !err)
		return rc;
	if (rc == SP_ERR_NOT_FOUND && strstr(err->msg, "No such container"))
		return sp_fail(err, rc, "no such sandbox on the engine at %s", host);
	if (!strstr(err->msg, host))
		sp_wrap(err, rc, "engine at %s", host);
	if (rc != SP_ERR_UNAVAILABLE || !err->not_sent)
		return rc;
	used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used, "; %s", advice(host));
	return rc;
}

int sp_docker_lock(const struct sp_docker *d, const char *name, struct sp_error *err)
{
	sp_autofree char *path = NULL;
	sp_autoclose int fd = -1;

	if (asprintf(&path, "%s/%s", d->state_dir, name) < 0)
		return sp_fail(err, SP_ERR_NOMEM, "path of a lock");
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return sp_fail_errno(err, "open lock %s", path);
	if (flock(fd, LOCK_EX) < 0)
		return sp_fail_errno(err, "lock %s", path);
	return sp_take_fd(fd);
}
