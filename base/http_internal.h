/* SPDX-License-Identifier: Apache-2.0 */
/* What http_client.c and http_duplex.c share: one client's settings, and curl's words. */
#ifndef SP_BASE_HTTP_INTERNAL_H
#define SP_BASE_HTTP_INTERNAL_H

#include <curl/curl.h>

#include "base/http_client.h"
#include "base/strv.h"

/* Both are far above what any engine or vendor sends. */
#define SP_HTTP_MAX_HEAD_BYTES (64u << 10)
#define SP_HTTP_MAX_HEADERS    128
#define SP_HTTP_MAX_PATH       (16u << 10)

struct sp_http {
	CURLM *multi; /* keeps the idle connections */
	CURL *easy;
	char *url;         /* as given */
	char *base;        /* as curl wants it: http://localhost for a Unix socket */
	char *socket_path; /* or NULL */
	char *ca_file, *cert_file, *key_file;
	struct sp_strv headers;
	bool no_verify, use_proxy;
	int64_t connect_timeout_ms, timeout_ms;
};

/* Where one request goes and how long it may take. */
struct sp_http_target {
	const char *method;
	const char *path;
	int64_t timeout_ms; /* of all of it; 0 none */
};

/* Reset easy and set where to connect, how, and how long that may take. */
int sp_http_prepare(CURL *easy, const struct sp_http *http,
	const struct sp_http_target *target, char text[static CURL_ERROR_SIZE],
	struct sp_error *err);

/* What curl's result of easy means, with everything known about it in *err. */
int sp_http_curl_error(CURL *easy, CURLcode result, const struct sp_http *http,
	const struct sp_http_target *target, const char *text, struct sp_error *err);

/* "METHOD /path" made and checked. */
int sp_http_path(struct sp_buf *out, const char *fmt, va_list ap, struct sp_error *err)
	__attribute__((format(printf, 2, 0)));
int sp_http_check_headers(const char *const *headers, struct sp_error *err);

/* One line of a reply's head, without its end; a line without colon is passed over. */
int sp_http_take_header(struct sp_http_reply *reply, size_t *count, const char *line,
	size_t len, struct sp_error *err);

/* A whole head as it came: status line and headers.  PROTOCOL when it is not HTTP/1. */
int sp_http_take_head(struct sp_http_reply *reply, const char *head, size_t len,
	struct sp_error *err);

/* The timeout a request gets: its own, the client's, or 0 for none. */
int64_t sp_http_timeout(const struct sp_http *http, const struct sp_http_request *req);

/* Is a descriptor readable, or closed by its other end, now? */
bool sp_http_is_readable(int fd);

#endif
