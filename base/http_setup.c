/* SPDX-License-Identifier: Apache-2.0 */
/* One client's settings: checked, kept, given to curl, and what curl answers put in words. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/http_internal.h"

#define CONNECT_TIMEOUT_MS 5000
#define TIMEOUT_MS         60000
#define BUFFER_BYTES       (128L << 10)

int sp_http_global_init(struct sp_error *err)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return sp_fail(err, SP_ERR_SYSTEM, "start libcurl");
	return 0;
}

static bool has_blank_or_control(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s <= ' ' || *s == 0x7f)
			return true;
	return false;
}

/* unix:///path: the path, with room for it in a socket address. */
static int set_socket(struct sp_http *http, const char *path, struct sp_error *err)
{
	const struct sockaddr_un *address = NULL;

	if (path[0] != '/')
		return sp_fail(err, SP_ERR_INVALID, "\"%s\" needs an absolute path",
			http->url);
	if (strlen(path) >= sizeof(address->sun_path))
		return sp_fail(err, SP_ERR_INVALID,
			"the socket path of \"%s\" is over %zu bytes", http->url,
			sizeof(address->sun_path) - 1);
	http->socket_path = strdup(path);
	http->base = strdup("http://localhost");
	if (!http->socket_path || !http->base)
		return sp_fail(err, SP_ERR_NOMEM, "open %s", http->url);
	return 0;
}

/* Let curl judge the rest: host, port, no user name, no query. */
static int check_url(const char *url, struct sp_error *err)
{
	CURLU *parts = curl_url();
	sp_autofree char *query = NULL;
	CURLUcode rc;

	if (!parts)
		return sp_fail(err, SP_ERR_NOMEM, "read \"%s\"", url);
	rc = curl_url_set(parts, CURLUPART_URL, url, CURLU_DISALLOW_USER);
	if (!rc)
		curl_url_get(parts, CURLUPART_QUERY, &query, 0);
	curl_url_cleanup(parts);
	if (rc)
		return sp_fail(err, SP_ERR_INVALID, "\"%s\" is no address (%s)", url,
			curl_url_strerror(rc));
	if (query || strchr(url, '#'))
		return sp_fail(err, SP_ERR_INVALID,
			"\"%s\" must not have a query or a fragment", url);
	return 0;
}

static int set_host(struct sp_http *http, const char *scheme, const char *rest,
	struct sp_error *err)
{
	size_t len = strlen(rest);

	while (len > 0 && rest[len - 1] == '/')
		len--;
	if (len == 0)
		return sp_fail(err, SP_ERR_INVALID, "\"%s\" names no host", http->url);
	if (asprintf(&http->base, "%s%.*s", scheme, (int)len, rest) < 0) {
		http->base = NULL;
		return sp_fail(err, SP_ERR_NOMEM, "open %s", http->url);
	}
	return check_url(http->base, err);
}

static int set_url(
	struct sp_http *http, const struct sp_http_opts *o, struct sp_error *err)
{
	static const struct {
		const char *prefix, *plain, *tls;
	} schemes[] = {
		{"tcp://", "http://", "https://"},
		{"http://", "http://", "https://"},
		{"https://", "https://", "https://"},
	};

	if (has_blank_or_control(http->url))
		return sp_fail(err, SP_ERR_INVALID, "blank or control in the address");
	if (!strncmp(http->url, "unix://", 7))
		return set_socket(http, http->url + 7, err);
	for (size_t i = 0; i < SP_COUNT(schemes); i++) {
		size_t len = strlen(schemes[i].prefix);

		if (!strncmp(http->url, schemes[i].prefix, len))
			return set_host(http,
				o->use_tls ? schemes[i].tls : schemes[i].plain,
				http->url + len, err);
	}
	return sp_fail(err, SP_ERR_UNSUPPORTED,
		"\"%s\" is not an address we can use: unix://, tcp://, http://, "
		"https://",
		http->url);
}

static bool copy_string(char **to, const char *from)
{
	if (from)
		*to = strdup(from);
	return !from || *to;
}

static int fill(
	struct sp_http *http, const struct sp_http_opts *o, struct sp_error *err)
{
	int rc = sp_http_check_headers(o->headers, err);

	if (rc < 0)
		return rc;
	if (!copy_string(&http->url, o->url) ||
		!copy_string(&http->ca_file, o->ca_file) ||
		!copy_string(&http->cert_file, o->cert_file) ||
		!copy_string(&http->key_file, o->key_file))
		return sp_fail(err, SP_ERR_NOMEM, "open %s", o->url);
	sp_strv_add_all(&http->headers, o->headers);
	http->no_verify = o->tls_no_verify;
	http->use_proxy = o->use_proxy;
	http->connect_timeout_ms = o->connect_timeout_ms > 0 ? o->connect_timeout_ms
							     : CONNECT_TIMEOUT_MS;
	http->timeout_ms = o->timeout_ms ? o->timeout_ms : TIMEOUT_MS;
	rc = sp_strv_ok(&http->headers, err);
	return rc < 0 ? rc : set_url(http, o, err);
}

int sp_http_open(
	const struct sp_http_opts *opts, struct sp_http **out, struct sp_error *err)
{
	struct sp_http *http;
	int rc;

	if (!opts->url)
		return sp_fail(err, SP_ERR_INVALID, "no address to connect to");
	http = calloc(1, sizeof(*http));
	if (!http)
		return sp_fail(err, SP_ERR_NOMEM, "open %s", opts->url);
	rc = fill(http, opts, err);
	if (!rc) {
		http->multi = curl_multi_init();
		http->easy = curl_easy_init();
		if (!http->multi || !http->easy)
			rc = sp_fail(err, SP_ERR_NOMEM, "open %s", opts->url);
	}
	if (rc < 0) {
		sp_http_close(http);
		return rc;
	}
	*out = http;
	return 0;
}

void sp_http_close(struct sp_http *http)
{
	if (!http)
		return;
	curl_easy_cleanup(http->easy);
	curl_multi_cleanup(http->multi);
	sp_strv_clear(&http->headers);
	free(http->url);
	free(http->base);
	free(http->socket_path);
	free(http->ca_file);
	free(http->cert_file);
	free(http->key_file);
	free(http);
}

const char *sp_http_url(const struct sp_http *http)
{
	return http->url;
}

int64_t sp_http_timeout(const struct sp_http *http, const struct sp_http_request *req)
{
	int64_t ms = req && req->timeout_ms ? req->timeout_ms : http->timeout_ms;

	return ms > 0 ? ms : 0;
}

/* curl does not make its sockets close-on-exec by itself. */
static curl_socket_t open_socket(
	void *ctx, curlsocktype purpose, struct curl_sockaddr *address)
{
	(void)ctx;
	(void)purpose;
	return socket(
		address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

#define SET(option, value) (rc = rc ? rc : curl_easy_setopt(easy, option, value))

static CURLcode set_tls(CURL *easy, const struct sp_http *http)
{
	CURLcode rc = CURLE_OK;

	SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	SET(CURLOPT_SSL_VERIFYPEER, http->no_verify ? 0L : 1L);
	SET(CURLOPT_SSL_VERIFYHOST, http->no_verify ? 0L : 2L);
	if (http->ca_file)
		SET(CURLOPT_CAINFO, http->ca_file);
	if (http->cert_file)
		SET(CURLOPT_SSLCERT, http->cert_file);
	if (http->key_file)
		SET(CURLOPT_SSLKEY, http->key_file);
	return rc;
}

int sp_http_prepare(CURL *easy, const struct sp_http *http,
	const struct sp_http_target *target, char text[static CURL_ERROR_SIZE],
	struct sp_error *err)
{
	sp_autobuf struct sp_buf url = SP_BUF_INIT(SP_HTTP_MAX_PATH + 4096);
	CURLcode rc = CURLE_OK;

	sp_buf_adds(&url, http->base);
	sp_buf_adds(&url, target->path);
	text[0] = '\0';
	curl_easy_reset(easy);
	SET(CURLOPT_URL, sp_buf_str(&url));
	SET(CURLOPT_ERRORBUFFER, text);
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_BUFFERSIZE, BUFFER_BYTES);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_BYTES);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)http->connect_timeout_ms);
	if (http->socket_path)
		SET(CURLOPT_UNIX_SOCKET_PATH, http->socket_path);
	if (!http->use_proxy || http->socket_path)
		SET(CURLOPT_NOPROXY, "*");
	rc = rc ? rc : set_tls(easy, http);
	if (rc || sp_buf_ok(&url, NULL) < 0)
		return sp_fail(err, SP_ERR_NOMEM, "prepare %s %s: %s", target->method,
			target->path, curl_easy_strerror(rc));
	return 0;
}

/* Nobody took the connection: why, as the kernel says it. */
static int connect_error(
	CURL *easy, const struct sp_http *http, const char *text, struct sp_error *err)
{
	long sys_errno = 0;
	int rc;

	curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &sys_errno);
	if (sys_errno == EACCES || sys_errno == EPERM)
		rc = sp_fail(err, SP_ERR_DENIED, "no permission to connect to %s",
			http->url);
	else if (sys_errno == ENOENT)
		rc = sp_fail(err, SP_ERR_UNAVAILABLE,
			"nothing answers on %s (no such socket)", http->url);
	else if (sys_errno == ECONNREFUSED)
		rc = sp_fail(err, SP_ERR_UNAVAILABLE,
			"nothing answers on %s (connection refused)", http->url);
	else
		rc = sp_fail(err, SP_ERR_UNAVAILABLE, "connect to %s: %s", http->url,
			sys_errno ? strerrordesc_np((int)sys_errno) : text);
	if (err)
		err->sys_errno = (int)sys_errno;
	return rc;
}

static int timeout_error(const struct sp_http *http,
	const struct sp_http_target *target, bool sent, struct sp_error *err)
{
	if (!sent)
		return sp_fail(err, SP_ERR_TIMEOUT,
			"%s takes no connection (waited %lld ms)", http->url,
			(long long)http->connect_timeout_ms);
	return sp_fail(err, SP_ERR_TIMEOUT, "%s %s: no whole answer from %s in %lld ms",
		target->method, target->path, http->url, (long long)target->timeout_ms);
}

/* The results worth a code of their own; the rest is SYSTEM. */
static const struct {
	CURLcode result;
	enum sp_code code;
	const char *what; /* NULL: curl's own words */
} results[] = {
	{CURLE_COULDNT_RESOLVE_HOST, SP_ERR_UNAVAILABLE, NULL},
	{CURLE_COULDNT_RESOLVE_PROXY, SP_ERR_UNAVAILABLE, NULL},
	{CURLE_GOT_NOTHING, SP_ERR_UNAVAILABLE, "closed without an answer"},
	{CURLE_SEND_ERROR, SP_ERR_UNAVAILABLE, "closed while we were sending"},
	{CURLE_RECV_ERROR, SP_ERR_UNAVAILABLE, NULL},
	{CURLE_SSL_CONNECT_ERROR, SP_ERR_UNAVAILABLE, NULL},
	{CURLE_PARTIAL_FILE, SP_ERR_PROTOCOL, "the answer ends early"},
	{CURLE_UNSUPPORTED_PROTOCOL, SP_ERR_PROTOCOL,
		"what answers does not speak HTTP"},
	{CURLE_WEIRD_SERVER_REPLY, SP_ERR_PROTOCOL, "what answers does not speak HTTP"},
	{CURLE_BAD_CONTENT_ENCODING, SP_ERR_PROTOCOL, NULL},
	{CURLE_HTTP2, SP_ERR_PROTOCOL, NULL},
	{CURLE_HTTP2_STREAM, SP_ERR_PROTOCOL, NULL},
	{CURLE_PEER_FAILED_VERIFICATION, SP_ERR_DENIED, NULL},
	{CURLE_SSL_CERTPROBLEM, SP_ERR_DENIED, NULL},
	{CURLE_SSL_CACERT_BADFILE, SP_ERR_DENIED, NULL},
	{CURLE_SSL_ISSUER_ERROR, SP_ERR_DENIED, NULL},
	{CURLE_OUT_OF_MEMORY, SP_ERR_NOMEM, NULL},
};

static int other_error(CURL *easy, CURLcode result, const struct sp_http *http,
	const struct sp_http_target *target, const char *text, struct sp_error *err)
{
	enum sp_code code = SP_ERR_SYSTEM;
	const char *what = NULL;
	long status = 0;

	for (size_t i = 0; i < SP_COUNT(results); i++)
		if (results[i].result == result) {
			code = results[i].code;
			what = results[i].what;
		}
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	/* A broken body, in chunks for one, is a read error to curl. */
	if (result == CURLE_RECV_ERROR && status)
		code = SP_ERR_PROTOCOL;
	if (!what)
		what = text[0] ? text : curl_easy_strerror(result);
	return sp_fail(err, code, "%s %s on %s: %s", target->method, target->path,
		http->url, what);
}

int sp_http_curl_error(CURL *easy, CURLcode result, const struct sp_http *http,
	const struct sp_http_target *target, const char *text, struct sp_error *err)
{
	long sent = 0, status = 0;
	int rc;

	curl_easy_getinfo(easy, CURLINFO_REQUEST_SIZE, &sent);
	curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
	if (result == CURLE_COULDNT_CONNECT)
		rc = connect_error(easy, http, text, err);
	else if (result == CURLE_OPERATION_TIMEDOUT)
		rc = timeout_error(http, target, sent > 0, err);
	else
		rc = other_error(easy, result, http, target, text, err);
	if (err) {
		err->not_sent = sent == 0;
		err->http_status = (int)status;
	}
	return rc;
}
