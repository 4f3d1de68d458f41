/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/registry.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "providers/local/driver.h"

#define NET_MODULE     "libsandpit-net.so"
#define DOCKER_DEFAULT "unix:///var/run/docker.sock"
#define UNIX_SCHEME    "unix://"

/* Does somebody listen there?  Most often there is no such file: one system call. */
static bool socket_answers(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	sp_autoclose int fd = -1;
	struct stat st;

	if (strlen(path) >= sizeof(addr.sun_path) || stat(path, &st) < 0)
		return false;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return false;
	return connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == 0;
}

static bool docker_answers(void)
{
	const char *host = getenv("DOCKER_HOST");

	if (!host || !*host)
		host = DOCKER_DEFAULT;
	/* An address in the network was set by hand: worth a real request. */
	if (strncmp(host, UNIX_SCHEME, strlen(UNIX_SCHEME)) != 0)
		return true;
	return socket_answers(host + strlen(UNIX_SCHEME));
}

static bool local_answers(void)
{
	return true;
}

static const struct sp_registry_entry builtin[] = {
	{
		.name = "docker",
		.module = NET_MODULE,
		.answers = docker_answers,
	},
	{
		.name = "local",
		.driver = &sp_driver_local,
		.answers = local_answers,
	},
};

const struct sp_registry sp_registry_builtin = {builtin, SP_COUNT(builtin)};

const struct sp_registry_entry *sp_registry_find(
	const struct sp_registry *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (strcmp(r->entries[i].name, name) == 0)
			return &r->entries[i];
	return NULL;
}

void sp_registry_names(const struct sp_registry *r, struct sp_buf *out)
{
	for (size_t i = 0; i < r->count; i++)
		sp_buf_addf(out, "%s%s", i ? ", " : "", r->entries[i].name);
}

/* Code of another build has other structs: everything about it would be a guess. */
static int open_module(
	const char *path, const struct sp_module **out, struct sp_error *err)
{
	void *handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	sp_module_open_fn *entry = NULL;
	const struct sp_module *module = NULL;

	if (!handle)
		return sp_fail(err, SP_ERR_UNAVAILABLE, "open module: %s", dlerror());
	*(void **)&entry = dlsym(handle, SP_MODULE_ENTRY);
	if (entry)
		module = entry(sp_log_get());
	if (!module || !module->version || strcmp(module->version, SP_VERSION) != 0)
		return sp_fail(err, SP_ERR_UNAVAILABLE,
			"%s is of version %s, this is %s: install both again", path,
			module && module->version ? module->version : "unknown",
			SP_VERSION);
	*out = module;
	return 0;
}

static int find_in_module(const struct sp_registry_entry *entry,
	const char *libexec_dir, const struct sp_driver **out, struct sp_error *err)
{
	const struct sp_module *module = NULL;
	char path[PATH_MAX];
	int rc;

	if (snprintf(path, sizeof(path), "%s/%s", libexec_dir, entry->module) >=
		(int)sizeof(path))
		return sp_fail(
			err, SP_ERR_INVALID, "path of %s is too long", entry->module);
	rc = open_module(path, &module, err);
	if (rc < 0)
		return rc;
	for (const struct sp_driver *const *d = module ? module->drivers : NULL;
		d && *d; d++)
		if (strcmp((*d)->name, entry->name) == 0) {
			*out = *d;
			return 0;
		}
	return sp_fail(err, SP_ERR_UNAVAILABLE, "%s has no driver of that name", path);
}

int sp_registry_driver(const struct sp_registry_entry *entry, const char *libexec_dir,
	const struct sp_driver **out, struct sp_error *err)
{
	int rc = 0;

	if (entry->driver)
		*out = entry->driver;
	else
		rc = find_in_module(entry, libexec_dir, out, err);
	if (rc < 0 && err)
		err->not_sent = true;
	return rc;
}
