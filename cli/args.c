/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/args.h"

#include <limits.h>
#include <string.h>

#include "base/enc.h"

#define KEPT_TTL_MS ((int64_t)3600 * 1000)
#define TIMEOUT_MS  ((int64_t)120 * 1000)

int64_t cli_args_timeout(const struct cli_args *args)
{
	return args->timeout_ms >= 0 ? args->timeout_ms : TIMEOUT_MS;
}

void cli_args_clear(struct cli_args *args)
{
	sp_strv_clear(&args->fallback);
	sp_strv_clear(&args->require);
	sp_strv_clear(&args->env);
	sp_strv_clear(&args->labels);
	sp_strv_clear(&args->mounts);
	sp_strv_clear(&args->allow);
	sp_strv_clear(&args->ports);
	for (size_t i = 0; i < args->credentials.count; i++)
		explicit_bzero(
			args->credentials.items[i], strlen(args->credentials.items[i]));
	sp_strv_clear(&args->credentials);
}

void cli_spec_clear(struct cli_spec *spec)
{
	free(spec->labels);
	free(spec->mounts);
	free(spec->ports);
	free(spec->credentials);
	sp_strv_clear(&spec->paths);
}

int cli_args_labels(struct cli_args *args, struct sp_label **out, struct sp_error *err)
{
	struct sp_label *labels = calloc(args->labels.count + 1, sizeof(*labels));

	if (!labels)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < args->labels.count; i++) {
		char *equals = strchr(args->labels.items[i], '=');

		if (equals)
			*equals = '\0';
		labels[i].key = args->labels.items[i];
		labels[i].value = labels[i].key + strlen(labels[i].key) + 1;
	}
	*out = labels;
	return (int)args->labels.count;
}

/* A folder of the caller's is named from where the caller is. */
static const char *absolute(struct cli_spec *s, const char *path, struct sp_error *err)
{
	char cwd[PATH_MAX];

	if (path[0] == '/')
		return path;
	if (!getcwd(cwd, sizeof(cwd)) || cwd[0] != '/') {
		sp_fail_errno(err, "find the current folder");
		return NULL;
	}
	sp_strv_addf(&s->paths, "%s/%s", cwd, path);
	if (sp_strv_ok(&s->paths, err) < 0)
		return NULL;
	return s->paths.items[s->paths.count - 1];
}

static int bad_mount(const char *text, struct sp_error *err)
{
	return sp_fail(
		err, SP_ERR_INVALID, "mount \"%.128s\" is not SRC:DST[:ro|rw]", text);
}

static int parse_mount(
	struct cli_spec *s, char *text, struct sp_mount *out, struct sp_error *err)
{
	char *target = strchr(text, ':');
	char *mode = target ? strchr(target + 1, ':') : NULL;

	if (!target || target == text || !target[1] || target + 1 == mode)
		return bad_mount(text, err);
	if (mode && strcmp(mode, ":ro") != 0 && strcmp(mode, ":rw") != 0)
		return bad_mount(text, err);
	out->writable = mode && strcmp(mode, ":rw") == 0;
	if (mode)
		*mode = '\0';
	*target = '\0';
	out->target = target + 1;
	/* A path has a slash, or begins with a dot; a name has neither. */
	if (sp_name_ok(text)) {
		out->is_volume = true;
		out->writable = !mode || out->writable;
		out->source = text;
		return 0;
	}
	out->source = absolute(s, text, err);
	return out->source ? 0 : SP_ERR_SYSTEM;
}

static int parse_mounts(struct cli_args *args, struct cli_spec *s, struct sp_error *err)
{
	int rc = 0;

	if (args->mounts.count == 0)
		return 0;
	s->mounts = calloc(args->mounts.count, sizeof(*s->mounts));
	if (!s->mounts)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < args->mounts.count; i++)
		rc = parse_mount(s, args->mounts.items[i], &s->mounts[i], err);
	s->spec.mounts = s->mounts;
	s->spec.mount_count = args->mounts.count;
	return rc;
}

int cli_parse_port(const char *text, struct sp_port *out, struct sp_error *err)
{
	const char *colon = strchr(text, ':');
	sp_autofree char *before = colon ? strndup(text, (size_t)(colon - text)) : NULL;
	int64_t host_port = 0, port = 0;

	if (colon && !before)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	if (sp_parse_int(colon ? colon + 1 : text, 1, 65535, &port, NULL) < 0 ||
		(before && sp_parse_int(before, 1, 65535, &host_port, NULL) < 0))
		return sp_fail(err, SP_ERR_INVALID,
			"port \"%.64s\" is not [HOSTPORT:]PORT", text);
	*out = (struct sp_port){
		.port = (uint16_t)port, .host_port = (uint16_t)host_port};
	return 0;
}

static int parse_ports(struct cli_args *args, struct cli_spec *s, struct sp_error *err)
{
	int rc = 0;

	s->ports = calloc(args->ports.count + 1, sizeof(*s->ports));
	if (!s->ports)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < args->ports.count; i++)
		rc = cli_parse_port(args->ports.items[i], &s->ports[i], err);
	s->spec.ports = s->ports;
	s->spec.port_count = args->ports.count;
	return rc;
}

static int list_credentials(
	struct cli_args *args, struct cli_spec *s, struct sp_error *err)
{
	const size_t count = args->credentials.count / 3;

	s->credentials = calloc(count + 1, sizeof(*s->credentials));
	if (!s->credentials)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; i < count; i++) {
		char *const *items = args->credentials.items;

		s->credentials[i] = (struct sp_credential){.host = items[3 * i],
			.header = items[3 * i + 1],
			.value = items[3 * i + 2]};
	}
	s->spec.credentials = s->credentials;
	s->spec.credential_count = count;
	return 0;
}

int cli_args_spec(struct cli_args *args, struct cli_spec *out, struct sp_error *err)
{
	const bool is_kept = args->keep || args->reuse ||
		strcmp(args->command, "create") == 0;
	int n = 0;

	out->spec = (struct sp_sandbox_spec){
		.image = args->image,
		.env = args->env.count ? sp_strv_list(&args->env) : NULL,
		.workdir = args->workdir,
		.user = args->user,
		.seccomp = args->seccomp,
		.limits = args->limits,
		.network = args->network,
		.require = args->require.count ? sp_strv_list(&args->require) : NULL,
		.allow = args->allow.count ? sp_strv_list(&args->allow) : NULL,
		.ttl_ms = args->ttl_ms >= 0 ? args->ttl_ms
			: is_kept           ? KEPT_TTL_MS
					    : 0,
	};
	if (args->labels.count) {
		n = cli_args_labels(args, &out->labels, err);
		if (n < 0)
			return n;
		out->spec.labels = out->labels;
		out->spec.label_count = (size_t)n;
	}
	n = parse_ports(args, out, err);
	if (n == 0)
		n = list_credentials(args, out, err);
	return n < 0 ? n : parse_mounts(args, out, err);
}
