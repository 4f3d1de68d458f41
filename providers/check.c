/* SPDX-License-Identifier: Apache-2.0 */
/* Requests are looked at once, here, before any provider acts on a part of them. */
#include <string.h>

#include "base/enc.h"
#include "providers/provider.h"

#define ENV_MAX         4096
#define ENV_VALUE_MAX   (128 * 1024 - 1) /* the kernel's limit of one string */
#define LABELS_MAX      64
#define LABEL_VALUE_MAX 4096
#define MOUNTS_MAX      64
#define TEXT_MAX        4095 /* of paths, image references, users */
#define ARGS_MAX        65536
#define CPU_MILLIS_MAX  (4096 * 1000)
#define NOFILE_MAX      (1u << 20)
#define PIDS_MAX        (1u << 22)
#define MEMORY_MIN      (4u << 20) /* below this not even a shell starts */
#define DISK_MIN        (64u << 10)
#define ALLOW_MAX       128
#define PORTS_MAX       64
#define TTL_MAX_MS      ((int64_t)10 * 365 * 24 * 3600 * 1000)

static int check_text(const char *what, const char *text, struct sp_error *err)
{
	if (!text)
		return 0;
	if (!*text)
		return sp_fail(err, SP_ERR_INVALID, "%s is empty", what);
	if (strlen(text) > TEXT_MAX)
		return sp_fail(err, SP_ERR_INVALID, "%s is longer than %d bytes", what,
			TEXT_MAX);
	return 0;
}

/* An absolute path inside; ".." has no meaning there that two programs agree on. */
static int check_inside(const char *what, const char *path, struct sp_error *err)
{
	int rc = check_text(what, path, err);

	if (rc < 0 || !path)
		return rc;
	if (path[0] != '/')
		return sp_fail(err, SP_ERR_INVALID, "%s \"%s\" does not begin with /",
			what, path);
	for (const char *part = path; *part; part += strcspn(part, "/")) {
		part += strspn(part, "/");
		if (strcspn(part, "/") == 2 && strncmp(part, "..", 2) == 0)
			return sp_fail(
				err, SP_ERR_INVALID, "%s \"%s\" holds ..", what, path);
	}
	return 0;
}

static int check_env(const char *const *env, struct sp_error *err)
{
	size_t count = 0;

	for (; env && env[count]; count++) {
		const char *equals = strchr(env[count], '=');

		if (!equals || equals == env[count])
			return sp_fail(err, SP_ERR_INVALID,
				"environment \"%.64s\" is not KEY=VALUE", env[count]);
		if (strlen(env[count]) > ENV_VALUE_MAX)
			return sp_fail(err, SP_ERR_INVALID,
				"environment \"%.*s\" is longer than %d bytes",
				(int)(equals - env[count] > 64 ? 64
							       : equals - env[count]),
				env[count], ENV_VALUE_MAX);
	}
	if (count > ENV_MAX)
		return sp_fail(err, SP_ERR_INVALID,
			"more than %d environment variables", ENV_MAX);
	return 0;
}

static int check_label(const struct sp_label *l, struct sp_error *err)
{
	if (!l->key || !l->value || !sp_name_ok(l->key))
		return sp_fail(err, SP_ERR_INVALID,
			"label key \"%.64s\" is not made of letters, digits, _ . -",
			l->key ? l->key : "");
	if (strlen(l->value) > LABEL_VALUE_MAX)
		return sp_fail(err, SP_ERR_INVALID, "label %s is longer than %d bytes",
			l->key, LABEL_VALUE_MAX);
	if (!sp_utf8_valid(l->value, strlen(l->value)))
		return sp_fail(err, SP_ERR_INVALID, "label %s is not UTF-8", l->key);
	return 0;
}

static int check_labels(
	const struct sp_label *labels, size_t count, struct sp_error *err)
{
	if (count > LABELS_MAX)
		return sp_fail(err, SP_ERR_INVALID, "more than %d labels", LABELS_MAX);
	for (size_t i = 0; i < count; i++) {
		int rc = check_label(&labels[i], err);

		if (rc < 0)
			return rc;
		for (size_t k = 0; k < i; k++)
			if (strcmp(labels[i].key, labels[k].key) == 0)
				return sp_fail(err, SP_ERR_INVALID,
					"label %s is given twice", labels[i].key);
	}
	return 0;
}

static int check_mounts(const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	if (spec->mount_count > MOUNTS_MAX)
		return sp_fail(err, SP_ERR_INVALID, "more than %d mounts", MOUNTS_MAX);
	for (size_t i = 0; i < spec->mount_count; i++) {
		const struct sp_mount *m = &spec->mounts[i];
		int rc = check_text("mount source", m->source ? m->source : "", err);

		if (rc == 0)
			rc = check_inside(
				"mount target", m->target ? m->target : "", err);
		if (rc < 0)
			return rc;
		if (m->is_volume && !sp_name_ok(m->source))
			return sp_fail(err, SP_ERR_INVALID,
				"\"%.64s\" is no name of a volume", m->source);
		if (!m->is_volume && m->source[0] != '/')
			return sp_fail(err, SP_ERR_INVALID,
				"mount source \"%s\" does not begin with /", m->source);
		if (strspn(m->target, "/") == strlen(m->target))
			return sp_fail(err, SP_ERR_INVALID,
				"mount target \"%s\" would hide the whole image",
				m->target);
	}
	return 0;
}

/* HOST or *.HOST, with :PORT or without. */
static int check_host_rule(const char *rule, struct sp_error *err)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-._";
	const char *host = strncmp(rule, "*.", 2) == 0 ? rule + 2 : rule;
	const bool is_ipv6 = host[0] == '[';
	size_t len = is_ipv6 ? strcspn(host, "]") + 1 : strspn(host, letters);
	int64_t port;

	if (len == 0 || len > 253 || strlen(host) < len ||
		(host[len] != '\0' && host[len] != ':') ||
		(host[len] == ':' &&
			sp_parse_int(host + len + 1, 1, 65535, &port, NULL) < 0))
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.64s\" is not HOST[:PORT] or *.HOST[:PORT]", rule);
	return 0;
}

static int check_network(const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	const bool is_allow = spec->network == SP_NETWORK_ALLOW;

	if ((unsigned int)spec->network > SP_NETWORK_ALLOW)
		return sp_fail(err, SP_ERR_INVALID, "no such kind of network");
	if (!is_allow && (spec->allow || spec->credential_count))
		return sp_fail(err, SP_ERR_INVALID,
			"hosts and credentials are for network allow");
	if (is_allow && (!spec->allow || !spec->allow[0]))
		return sp_fail(err, SP_ERR_INVALID, "network allow names no host");
	for (size_t i = 0; is_allow && spec->allow[i]; i++) {
		int rc = i == ALLOW_MAX
			? sp_fail(err, SP_ERR_INVALID, "more than %d hosts", ALLOW_MAX)
			: check_host_rule(spec->allow[i], err);

		if (rc < 0)
			return rc;
	}
	if (spec->credential_count > ALLOW_MAX)
		return sp_fail(
			err, SP_ERR_INVALID, "more than %d credentials", ALLOW_MAX);
	for (size_t i = 0; i < spec->credential_count; i++) {
		const struct sp_credential *c = &spec->credentials[i];

		if (!c->host || !c->host[0] || !c->header || !c->header[0] ||
			!c->value || strpbrk(c->header, ": \t\r\n") ||
			strpbrk(c->value, "\r\n"))
			return sp_fail(err, SP_ERR_INVALID,
				"a credential is not a host, a header's name and its "
				"value");
	}
	return 0;
}

static int check_ports(const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	if (spec->port_count > PORTS_MAX)
		return sp_fail(err, SP_ERR_INVALID, "more than %d ports", PORTS_MAX);
	for (size_t i = 0; i < spec->port_count; i++) {
		if (spec->ports[i].port == 0)
			return sp_fail(err, SP_ERR_INVALID, "there is no port 0");
		for (size_t k = 0; k < i; k++)
			if (spec->ports[i].host_port &&
				spec->ports[i].host_port == spec->ports[k].host_port)
				return sp_fail(err, SP_ERR_INVALID,
					"port %u of this machine is given twice",
					spec->ports[i].host_port);
	}
	return 0;
}

static int check_limits(const struct sp_limits *l, struct sp_error *err)
{
	if (l->memory_bytes && l->memory_bytes < MEMORY_MIN)
		return sp_fail(err, SP_ERR_INVALID, "memory limit is below 4m");
	if (l->disk_bytes && l->disk_bytes < DISK_MIN)
		return sp_fail(err, SP_ERR_INVALID, "disk limit is below 64k");
	if (l->memory_bytes > INT64_MAX || l->disk_bytes > INT64_MAX)
		return sp_fail(err, SP_ERR_INVALID, "a limit is too large");
	if (l->file_bytes > INT64_MAX || l->cpu_time_ms < 0)
		return sp_fail(err, SP_ERR_INVALID, "a limit is too large");
	if (l->cpu_millis > CPU_MILLIS_MAX || (l->cpu_millis && l->cpu_millis < 10))
		return sp_fail(
			err, SP_ERR_INVALID, "CPU limit is not between 0.01 and 4096");
	if (l->nofile > NOFILE_MAX || (l->nofile && l->nofile < 8))
		return sp_fail(err, SP_ERR_INVALID,
			"open file limit is not between 8 and %u", NOFILE_MAX);
	if (l->pids > PIDS_MAX || (l->pids && l->pids < 4))
		return sp_fail(err, SP_ERR_INVALID,
			"process limit is not between 4 and %u", PIDS_MAX);
	return 0;
}

int sp_spec_check(const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	int rc = check_text("image", spec->image, err);

	if (rc == 0)
		rc = check_env(spec->env, err);
	if (rc == 0)
		rc = check_labels(spec->labels, spec->label_count, err);
	if (rc == 0)
		rc = check_mounts(spec, err);
	if (rc == 0)
		rc = check_inside("work directory", spec->workdir, err);
	if (rc == 0)
		rc = check_text("user", spec->user, err);
	if (rc == 0)
		rc = check_text("seccomp profile", spec->seccomp, err);
	if (rc == 0)
		rc = check_limits(&spec->limits, err);
	if (rc < 0)
		return rc;
	rc = check_network(spec, err);
	if (rc == 0)
		rc = check_ports(spec, err);
	if (rc < 0)
		return rc;
	if (spec->ttl_ms < 0 || spec->ttl_ms > TTL_MAX_MS)
		return sp_fail(err, SP_ERR_INVALID,
			"time to live is not between 0 and ten years");
	return 0;
}

int sp_command_check(const struct sp_command *command, struct sp_error *err)
{
	size_t count = 0;
	int rc;

	if (!command->argv || !command->argv[0] || !command->argv[0][0])
		return sp_fail(err, SP_ERR_INVALID, "there is no command");
	while (command->argv[count])
		count++;
	if (count > ARGS_MAX)
		return sp_fail(err, SP_ERR_INVALID, "more than %d arguments", ARGS_MAX);
	if (command->timeout_ms < 0)
		return sp_fail(err, SP_ERR_INVALID, "the time limit is negative");
	rc = check_env(command->env, err);
	if (rc == 0)
		rc = check_inside("work directory", command->workdir, err);
	if (rc == 0)
		rc = check_text("user", command->user, err);
	return rc;
}

/* The first thing asked for whose bit is missing. */
struct need {
	uint32_t capability;
	bool asked;
	const char *what;
};

static int check_needs(uint32_t capabilities, const struct need *needs, size_t count,
	struct sp_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (needs[i].asked && !(capabilities & needs[i].capability))
			return sp_fail(err, SP_ERR_UNSUPPORTED,
				"this provider does not offer %s (see its "
				"capabilities)",
				needs[i].what);
	return 0;
}

int sp_spec_supported(
	uint32_t capabilities, const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	const struct sp_limits *l = &spec->limits;
	const bool profile = spec->seccomp && strcmp(spec->seccomp, "default") != 0;
	bool host_folders = false, volumes = false;
	const bool no_network = spec->network == SP_NETWORK_DEFAULT ||
		spec->network == SP_NETWORK_NONE;

	for (size_t i = 0; i < spec->mount_count; i++)
		*(spec->mounts[i].is_volume ? &volumes : &host_folders) = true;
	const struct need needs[] = {
		{SP_CAP_USER, spec->user != NULL, "a user"},
		{SP_CAP_LABELS, spec->label_count > 0, "labels"},
		{SP_CAP_TTL, spec->ttl_ms > 0, "a time to live"},
		{SP_CAP_MOUNTS, host_folders, "host folders"},
		{SP_CAP_VOLUMES, volumes, "volumes"},
		{SP_CAP_PORTS, spec->port_count > 0, "published ports"},
		{SP_CAP_CPU_TIME, l->cpu_time_ms || l->file_bytes,
			"limits of CPU time and file size"},
		{SP_CAP_LIMITS, l->memory_bytes || l->cpu_millis || l->pids, "limits"},
		{SP_CAP_DISK_LIMIT, l->disk_bytes > 0, "a disk limit"},
		{SP_CAP_SECCOMP_PROFILE, profile, "a seccomp profile"},
		{SP_CAP_NETWORK_NONE, no_network, "a sandbox without network"},
		{SP_CAP_NETWORK_NAT, spec->network == SP_NETWORK_NAT, "network nat"},
		{SP_CAP_REQUIRE, spec->require && spec->require[0],
			"layers that are required"},
		{SP_CAP_NETWORK_ALLOW, spec->network == SP_NETWORK_ALLOW,
			"network allow"},
		{SP_CAP_NETWORK_HOST, spec->network == SP_NETWORK_HOST, "network host"},
	};

	return check_needs(capabilities, needs, SP_COUNT(needs), err);
}

int sp_command_supported(
	uint32_t capabilities, const struct sp_command *command, struct sp_error *err)
{
	const struct need needs[] = {
		{SP_CAP_USER, command->user != NULL, "a user"},
		{SP_CAP_STDIN, command->stdin_fd >= 0, "standard input"},
		{SP_CAP_TTY, command->tty, "terminals"},
	};

	return check_needs(capabilities, needs, SP_COUNT(needs), err);
}
