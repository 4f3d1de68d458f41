/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Docker Engine API: one connection's settings, the version both sides speak, and the
 * errors it answers with.
 *
 * Source: docs.docker.com/reference/api/engine, versions 1.24 to 1.51
 */
#ifndef SP_ENGINE_ENGINE_H
#define SP_ENGINE_ENGINE_H

#include "base/http_client.h"

#define SP_ENGINE_DEFAULT_HOST "unix:///var/run/docker.sock"
#define SP_ENGINE_ID_MAX       72 /* 64 hexadecimal digits, "sha256:", NUL */

struct sp_engine;

struct sp_engine_opts {
	const char *host;           /* unix:///path, tcp://host:port, http(s)://… */
	const char *cert_dir;       /* ca.pem, cert.pem, key.pem; NULL is plain */
	bool tls_no_verify;         /* TLS, but accept any certificate */
	int64_t connect_timeout_ms; /* default 5 s */
	int64_t timeout_ms;         /* of a short request; default 60 s */
};

/*
 * Fill what is empty from DOCKER_HOST, DOCKER_CERT_PATH and DOCKER_TLS_VERIFY, then with
 * the default.  Strings stay the environment's.
 */
void sp_engine_opts_from_env(struct sp_engine_opts *opts);

/*
 * Check the options.  Nothing is contacted: the API version is agreed on by the first
 * call that needs it.
 *
 * Owns:    caller closes *out; every duplex taken from it lives on its own
 * Thread:  one call at a time; open a second engine to wait beside another call
 */
int sp_engine_open(const struct sp_engine_opts *opts, struct sp_engine **out,
	struct sp_error *err);
void sp_engine_close(struct sp_engine *engine);

/* The host as given: for messages. */
const char *sp_engine_host(const struct sp_engine *engine);

struct sp_engine_version {
	char version[64];
	char api_version[16];
	char min_api_version[16];
	char os[32];
	char arch[32];
	char kernel[128];
};

/*
 * Is it there, and which version do we speak?  *api (may be NULL) stays the engine's.
 *
 * Errors:  UNAVAILABLE, TIMEOUT, DENIED, PROTOCOL, UNSUPPORTED (no version in common)
 */
int sp_engine_ping(struct sp_engine *engine, int64_t timeout_ms, const char **api,
	struct sp_error *err);

int sp_engine_version(struct sp_engine *engine, int64_t timeout_ms,
	struct sp_engine_version *out, struct sp_error *err);

/* What the engine says of its host that a sandbox depends on. */
struct sp_engine_info {
	char storage_driver[32];
	char cgroup_version[8]; /* "1", "2", empty when not said */
	char cgroup_driver[32];
	char default_runtime[64];
	int64_t cpus;
	int64_t memory_bytes;
	bool memory_limit, swap_limit, cpu_quota, pids_limit;
	bool has_init; /* InitBinary is named; only starting one proves it */
	bool rootless, has_seccomp, has_apparmor, has_userns;
	char warning[256]; /* the first of its warnings */
};

/* json, when not NULL, gets the whole answer. */
int sp_engine_info(struct sp_engine *engine, int64_t timeout_ms,
	struct sp_engine_info *out, struct sp_buf *json, struct sp_error *err);

/*
 * For the other files of this group: one call of the API, its path without version.
 * A status other than 2xx is an error with the engine's own message.  304 ("already so")
 * is a success.  reply may be NULL.
 */
int sp_engine_call(struct sp_engine *engine, const char *method,
	const struct sp_http_request *req, struct sp_http_reply *reply,
	struct sp_error *err, const char *path, ...)
	__attribute__((format(printf, 6, 7)));
int sp_engine_hijack(struct sp_engine *engine, const struct sp_http_request *req,
	struct sp_duplex **out, struct sp_error *err, const char *path, ...)
	__attribute__((format(printf, 5, 6)));

/* Agree on a version, unless that is done. */
int sp_engine_agree(struct sp_engine *engine, struct sp_error *err);

/* Is the agreed API version at least 1.minor? */
bool sp_engine_speaks(const struct sp_engine *engine, int minor);

/* A container's, exec's or image's name that is safe in a path; INVALID otherwise. */
int sp_engine_check_name(const char *name, struct sp_error *err);

#endif
