/* SPDX-License-Identifier: Apache-2.0 */
/* One request and its reply over libcurl, in the caller's thread, with a way out. */
#include "base/http_client.h"

#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/http_internal.h"

/* curl names its own next timer; this is only the longest it may sleep. */
#define POLL_MS            1000
#define CURLE_IS_TOO_LARGE 100 /* CURLE_TOO_LARGE, from libcurl 8.6 on */
#define MAX_RETRY_AFTER_MS (24 * 3600 * 1000ll)

/* One call under way.  rc is a failure of ours or of a callback, which curl only passes on. */
struct transfer {
	struct sp_http *http;
	const struct sp_http_request *req;
	struct sp_http_reply *reply;
	struct sp_http_target target;
	struct sp_error *err;
	struct curl_slist *headers;
	size_t header_count;
	bool head_ended;
	int64_t active_ms; /* when bytes last moved */
	int rc;
	char text[CURL_ERROR_SIZE];
};

int sp_http_path(struct sp_buf *out, const char *fmt, va_list ap, struct sp_error *err)
{
	sp_buf_vaddf(out, fmt, ap);
	if (sp_buf_ok(out, err) < 0)
		return sp_wrap(err, SP_ERR_LIMIT, "the request's path");
	if (sp_buf_str(out)[0] != '/')
		return sp_fail(err, SP_ERR_INVALID,
			"the request's path does not begin with a slash");
	for (const char *p = out->data; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || *p == '#')
			return sp_fail(err, SP_ERR_INVALID,
				"a character in the request's path is not escaped");
	return 0;
}

bool sp_http_is_readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0) > 0;
}

/* --- What curl calls while it runs ------------------------------------------------ */

static int current_status(const struct transfer *t)
{
	long status = 0;

	curl_easy_getinfo(t->http->easy, CURLINFO_RESPONSE_CODE, &status);
	return (int)status;
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t all = size * count;
	size_t len = all;

	t->active_ms = sp_clock_ms();
	while (len && (line[len - 1] == '\n' || line[len - 1] == '\r'))
		len--;
	/* A "100 Continue" came before: what counts is the last head. */
	if (len >= 5 && !memcmp(line, "HTTP/", 5)) {
		sp_buf_clear(&t->reply->headers);
		t->header_count = 0;
		t->head_ended = false;
		return all;
	}
	t->head_ended |= len == 0;
	t->rc = sp_http_take_header(t->reply, &t->header_count, line, len, t->err);
	return t->rc < 0 ? 0 : all;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;
	int status = current_status(t);

	t->active_ms = sp_clock_ms();
	if (t->req->sink && status >= 200 && status < 300) {
		t->rc = t->req->sink->write(t->req->sink->ctx, data, len, t->err);
		t->active_ms = sp_clock_ms(); /* its time is not the server's */
		return t->rc < 0 ? CURL_WRITEFUNC_ERROR : len;
	}
	if (len > t->reply->body.max - t->reply->body.len) {
		t->rc = sp_fail(t->err, SP_ERR_LIMIT, "an answer of over %zu bytes",
			t->reply->body.max);
		return CURL_WRITEFUNC_ERROR;
	}
	sp_buf_add(&t->reply->body, data, len);
	t->rc = sp_buf_ok(&t->reply->body, t->err);
	return t->rc < 0 ? CURL_WRITEFUNC_ERROR : len;
}

static size_t on_source(char *to, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	ssize_t n = t->req->source->read(t->req->source->ctx, to, size * count, t->err);

	t->active_ms = sp_clock_ms();
	if (n >= 0)
		return (size_t)n;
	t->rc = (int)n;
	return CURL_READFUNC_ABORT;
}

/* --- The request ------------------------------------------------------------------- */

static bool add_header(struct transfer *t, const char *line)
{
	struct curl_slist *all = curl_slist_append(t->headers, line);

	if (all)
		t->headers = all;
	return all;
}

static bool add_headers(struct transfer *t, const char *const *lines)
{
	for (; lines && *lines; lines++)
		if (!add_header(t, *lines))
			return false;
	return true;
}

static bool make_headers(struct transfer *t)
{
	const struct sp_http_request *req = t->req;
	char type[160];

	snprintf(type, sizeof(type), "Content-Type: %s",
		req->content_type ? req->content_type : "application/json");
	/* Without a body there is no type: nor the one of forms, which curl would add. */
	if (!add_header(t, req->body || req->source ? type : "Content-Type:"))
		return false;
	/* A body at hand is not worth asking for; a long stream is, so that a refusal
	 * arrives before it, not instead of it. */
	if (!req->source && !add_header(t, "Expect:"))
		return false;
	return add_headers(t, sp_strv_list(&t->http->headers)) &&
		add_headers(t, req->headers);
}

static CURLcode set_body(CURL *easy, struct transfer *t)
{
	const struct sp_http_request *req = t->req;
	const char *method = t->target.method;
	CURLcode rc = CURLE_OK;

#define SET(option, value) (rc = rc ? rc : curl_easy_setopt(easy, option, value))
	if (req->source) {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_READFUNCTION, on_source);
		SET(CURLOPT_READDATA, t);
	} else if (req->body || !strcmp(method, "POST") || !strcmp(method, "PUT")) {
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
		SET(CURLOPT_POSTFIELDS, req->body ? (const char *)req->body : "");
	} else if (!strcmp(method, "HEAD")) {
		SET(CURLOPT_NOBODY, 1L);
	}
	SET(CURLOPT_CUSTOMREQUEST, method);
	/* curl repeats a request by itself when a reused connection turns out dead. */
	SET(CURLOPT_FRESH_CONNECT, req->once || req->source ? 1L : 0L);
	SET(CURLOPT_HTTPHEADER, t->headers);
	SET(CURLOPT_TIMEOUT_MS, (long)t->target.timeout_ms);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, t);
	SET(CURLOPT_WRITEFUNCTION, on_body);
	SET(CURLOPT_WRITEDATA, t);
#undef SET
	return rc;
}

static int prepare(struct transfer *t)
{
	CURL *easy = t->http->easy;
	int rc = sp_http_check_headers(t->req->headers, t->err);

	if (rc < 0)
		return rc;
	rc = sp_http_prepare(easy, t->http, &t->target, t->text, t->err);
	if (rc < 0)
		return rc;
	if (!make_headers(t) || set_body(easy, t))
		return sp_fail(t->err, SP_ERR_NOMEM, "prepare %s %s", t->target.method,
			t->target.path);
	return 0;
}

/* --- The wait ---------------------------------------------------------------------- */

static int stop_wanted(const struct transfer *t, int *wait_ms)
{
	const struct sp_http_request *req = t->req;
	int64_t left;

	*wait_ms = POLL_MS;
	if (req->has_cancel && sp_http_is_readable(req->cancel_fd))
		return sp_fail(t->err, SP_ERR_CANCELLED, "%s %s: cancelled",
			t->target.method, t->target.path);
	if (req->idle_timeout_ms <= 0)
		return 0;
	left = t->active_ms + req->idle_timeout_ms - sp_clock_ms();
	if (left <= 0)
		return sp_fail(t->err, SP_ERR_TIMEOUT,
			"%s %s: nothing from %s in %lld ms", t->target.method,
			t->target.path, t->http->url, (long long)req->idle_timeout_ms);
	*wait_ms = left < POLL_MS ? (int)left : POLL_MS;
	return 0;
}

/* Drive curl until the transfer ends; *result is how. */
static int drive(struct transfer *t, CURLcode *result)
{
	struct curl_waitfd cancel = {
		.fd = t->req->cancel_fd, .events = CURL_WAIT_POLLIN};
	unsigned int extra = t->req->has_cancel ? 1 : 0;
	CURLM *multi = t->http->multi;
	int running = 1, wait_ms, queued, rc;
	CURLMsg *msg;

	for (;;) {
		rc = stop_wanted(t, &wait_ms);
		if (rc < 0)
			return rc;
		if (curl_multi_perform(multi, &running))
			return sp_fail(t->err, SP_ERR_SYSTEM, "run the request");
		if (!running)
			break;
		if (curl_multi_poll(
			    multi, extra ? &cancel : NULL, extra, wait_ms, NULL))
			return sp_fail(t->err, SP_ERR_SYSTEM, "wait for the answer");
	}
	msg = curl_multi_info_read(multi, &queued);
	*result = msg && msg->msg == CURLMSG_DONE ? msg->data.result : CURLE_RECV_ERROR;
	return 0;
}

static bool was_not_sent(struct transfer *t)
{
	long sent = 0;

	curl_easy_getinfo(t->http->easy, CURLINFO_REQUEST_SIZE, &sent);
	return sent == 0;
}

/* The head that is too long for curl itself is out of memory to it. */
static bool head_was_too_long(struct transfer *t, CURLcode result)
{
	return (result == CURLE_OUT_OF_MEMORY || (int)result == CURLE_IS_TOO_LARGE) &&
		!was_not_sent(t);
}

static int judge(struct transfer *t, CURLcode result)
{
	if (t->rc < 0)
		return sp_wrap(
			t->err, t->rc, "%s %s", t->target.method, t->target.path);
	if (head_was_too_long(t, result))
		return sp_fail(t->err, SP_ERR_LIMIT,
			"%s %s on %s: a header of the answer is too long",
			t->target.method, t->target.path, t->http->url);
	/* To curl, a connection closed within the head ends an answer like any other. */
	if (result == CURLE_OK && !t->head_ended)
		result = CURLE_PARTIAL_FILE;
	if (result != CURLE_OK)
		return sp_http_curl_error(
			t->http->easy, result, t->http, &t->target, t->text, t->err);
	return 0;
}

static void note_reply(struct transfer *t)
{
	curl_off_t after = 0;

	t->reply->status = current_status(t);
	curl_easy_getinfo(t->http->easy, CURLINFO_RETRY_AFTER, &after);
	if (after > 0)
		t->reply->retry_after_ms = after < MAX_RETRY_AFTER_MS / 1000
			? after * 1000
			: MAX_RETRY_AFTER_MS;
}

static int run(struct transfer *t)
{
	CURLcode result = CURLE_OK;
	int rc = prepare(t);

	if (rc < 0)
		return rc;
	if (curl_multi_add_handle(t->http->multi, t->http->easy))
		return sp_fail(t->err, SP_ERR_NOMEM, "start the request");
	t->active_ms = sp_clock_ms();
	rc = drive(t, &result);
	if (rc < 0) {
		t->err->not_sent = was_not_sent(t);
	} else {
		rc = judge(t, result);
		note_reply(t);
	}
	curl_multi_remove_handle(t->http->multi, t->http->easy);
	return rc;
}

int sp_http_call(struct sp_http *http, const char *method,
	const struct sp_http_request *req, struct sp_http_reply *reply,
	struct sp_error *err, const char *path, ...)
{
	static const struct sp_http_request nothing;
	sp_autobuf struct sp_buf where = SP_BUF_INIT(SP_HTTP_MAX_PATH);
	struct sp_error own = {0};
	struct transfer t = {.http = http, .reply = reply, .err = err ? err : &own};
	va_list ap;
	int rc;

	t.req = req ? req : &nothing;
	sp_http_reply_clear(reply);
	reply->headers.max = SP_HTTP_MAX_HEAD_BYTES;
	reply->body.max = t.req->max_body ? t.req->max_body : SP_HTTP_MAX_BODY;
	va_start(ap, path);
	rc = sp_http_path(&where, path, ap, t.err);
	va_end(ap);
	if (rc < 0)
		return rc;
	t.target = (struct sp_http_target){
		method, sp_buf_str(&where), sp_http_timeout(http, req)};
	rc = run(&t);
	curl_slist_free_all(t.headers);
	return rc;
}
