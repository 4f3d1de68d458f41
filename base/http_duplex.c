/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections taken over: curl connects (Unix socket, TCP, TLS alike), the request and
 * the head of its reply are handled here, and what follows belongs to the caller.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/enc.h"
#include "base/http_internal.h"

#define MAX_ERROR_BODY (64u << 10)
#define READ_BYTES     4096

struct sp_duplex {
	CURL *easy; /* holds the connection */
	int fd;
	struct sp_buf early; /* read along with the reply's head */
	size_t early_at;
	char text[CURL_ERROR_SIZE];
};

void sp_duplex_close(struct sp_duplex *d)
{
	if (!d)
		return;
	curl_easy_cleanup(d->easy);
	sp_buf_clear(&d->early);
	free(d);
}

int sp_duplex_fd(const struct sp_duplex *d)
{
	return d->fd;
}

static ssize_t take_early(struct sp_duplex *d, char *data, size_t len)
{
	size_t left = d->early.len - d->early_at;

	if (len > left)
		len = left;
	memcpy(data, d->early.data + d->early_at, len);
	d->early_at += len;
	if (d->early_at == d->early.len) {
		sp_buf_clear(&d->early);
		d->early_at = 0;
	}
	return (ssize_t)len;
}

ssize_t sp_duplex_read(
	struct sp_duplex *d, char *data, size_t len, bool *ended, struct sp_error *err)
{
	CURLcode rc;
	size_t n = 0;

	*ended = false;
	if (d->early.len)
		return take_early(d, data, len);
	rc = curl_easy_recv(d->easy, data, len, &n);
	if (rc == CURLE_AGAIN)
		return 0;
	if (rc != CURLE_OK)
		return sp_fail(err, SP_ERR_UNAVAILABLE, "the connection broke: %s",
			d->text[0] ? d->text : curl_easy_strerror(rc));
	*ended = n == 0;
	return (ssize_t)n;
}

ssize_t sp_duplex_write(
	struct sp_duplex *d, const char *data, size_t len, struct sp_error *err)
{
	CURLcode rc;
	size_t n = 0;

	rc = curl_easy_send(d->easy, data, len, &n);
	if (rc == CURLE_AGAIN)
		return 0;
	if (rc != CURLE_OK)
		return sp_fail(err, SP_ERR_UNAVAILABLE,
			"the other side takes no more: %s",
			d->text[0] ? d->text : curl_easy_strerror(rc));
	return (ssize_t)n;
}

int sp_duplex_end_write(struct sp_duplex *d, struct sp_error *err)
{
	/*
	 * Under TLS too: curl cannot send a closing alert and go on reading, and a server
	 * takes the end of the connection for the end of the stream.
	 */
	if (shutdown(d->fd, SHUT_WR) < 0 && errno != ENOTCONN)
		return sp_fail_errno(err, "close the writing side");
	return 0;
}

/* --- Taking it over ------------------------------------------------------------------ */

/* The request under way. */
struct hijack {
	struct sp_http *http;
	const struct sp_http_request *req;
	struct sp_http_reply *reply;
	struct sp_http_target target;
	struct sp_duplex *d;
	struct sp_error *err;
	int64_t deadline_ms;
	size_t head_len; /* of the reply, with its empty line */
};

static int wait_for(const struct hijack *h, short events)
{
	struct pollfd p[2] = {
		{.fd = h->d->fd, .events = events},
		{.fd = h->req->has_cancel ? h->req->cancel_fd : -1, .events = POLLIN},
	};
	int n;

	do
		n = poll(p, 2, sp_deadline_poll_ms(h->deadline_ms));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sp_fail_errno(h->err, "wait for %s", h->http->url);
	if (n == 0)
		return sp_fail(h->err, SP_ERR_TIMEOUT, "no answer from %s in %lld ms",
			h->http->url, (long long)h->target.timeout_ms);
	if (p[1].revents)
		return sp_fail(h->err, SP_ERR_CANCELLED, "cancelled");
	return 0;
}

static int connect_to(struct hijack *h)
{
	struct sp_duplex *d = h->d;
	curl_socket_t fd = CURL_SOCKET_BAD;
	CURLcode result;
	int rc = sp_http_prepare(d->easy, h->http, &h->target, d->text, h->err);

	if (rc < 0)
		return rc;
	if (curl_easy_setopt(d->easy, CURLOPT_CONNECT_ONLY, 1L) ||
		curl_easy_setopt(
			d->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1))
		return sp_fail(h->err, SP_ERR_SYSTEM, "prepare a connection");
	result = curl_easy_perform(d->easy);
	if (!result)
		result = curl_easy_getinfo(d->easy, CURLINFO_ACTIVESOCKET, &fd);
	if (result)
		return sp_http_curl_error(
			d->easy, result, h->http, &h->target, d->text, h->err);
	d->fd = fd;
	return 0;
}

static void add_headers(struct sp_buf *out, const char *const *headers)
{
	for (; headers && *headers; headers++)
		sp_buf_addf(out, "%s\r\n", *headers);
}

/* The name for "Host:", and the prefix of every path, out of http://host:port/prefix. */
static void split_base(
	const char *base, int *host_len, const char **host, const char **prefix)
{
	*host = strstr(base, "://") + 3;
	*host_len = (int)strcspn(*host, "/");
	*prefix = *host + *host_len;
}

static void print_request(struct sp_buf *out, const struct hijack *h)
{
	const struct sp_http_request *req = h->req;
	const char *host, *prefix;
	int host_len;

	split_base(h->http->base, &host_len, &host, &prefix);
	sp_buf_addf(out, "%s %s%s HTTP/1.1\r\nHost: %.*s\r\n", h->target.method, prefix,
		h->target.path, host_len, host);
	add_headers(out, sp_strv_list(&h->http->headers));
	add_headers(out, req->headers);
	sp_buf_adds(out, "Connection: Upgrade\r\nUpgrade: tcp\r\n");
	if (req->body)
		sp_buf_addf(out, "Content-Type: %s\r\n",
			req->content_type ? req->content_type : "application/json");
	sp_buf_addf(out, "Content-Length: %zu\r\n\r\n", req->body_len);
	sp_buf_add(out, req->body, req->body_len);
}

static int send_request(struct hijack *h)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(
		h->req->body_len + SP_HTTP_MAX_PATH + SP_HTTP_MAX_HEAD_BYTES);
	size_t at = 0;
	int rc;

	print_request(&text, h);
	rc = sp_buf_ok(&text, h->err);
	while (rc == 0 && at < text.len) {
		ssize_t n = sp_duplex_write(
			h->d, text.data + at, text.len - at, h->err);

		if (n > 0)
			at += (size_t)n;
		else
			rc = n < 0 ? (int)n : wait_for(h, POLLOUT);
	}
	if (rc < 0)
		h->err->not_sent = at == 0;
	return rc;
}

/* Add what comes next to the early bytes; waits for it.  PROTOCOL at the end. */
static int read_more(struct hijack *h)
{
	char data[READ_BYTES];
	size_t n = 0;
	CURLcode result;
	int rc;

	while ((result = curl_easy_recv(h->d->easy, data, sizeof(data), &n)) ==
		CURLE_AGAIN) {
		rc = wait_for(h, POLLIN);
		if (rc < 0)
			return rc;
	}
	if (result)
		return sp_fail(h->err, SP_ERR_UNAVAILABLE, "%s closed the connection",
			h->http->url);
	if (n == 0 && h->d->early.len == 0)
		return sp_fail(h->err, SP_ERR_UNAVAILABLE, "closed without an answer");
	if (n == 0)
		return sp_fail(h->err, SP_ERR_PROTOCOL, "the answer ends early");
	sp_buf_add(&h->d->early, data, n);
	return sp_buf_ok(&h->d->early, h->err);
}

static int read_head(struct hijack *h)
{
	const struct sp_buf *early = &h->d->early;
	const char *end;
	int rc;

	for (;;) {
		end = early->len ? memmem(early->data, early->len, "\r\n\r\n", 4)
				 : NULL;
		if (end) {
			h->head_len = (size_t)(end - early->data) + 4;
			return 0;
		}
		/* Say so at once when it is not HTTP: such a peer may never send that end. */
		if (early->len >= 5 && memcmp(early->data, "HTTP/", 5) != 0)
			return sp_fail(h->err, SP_ERR_PROTOCOL,
				"what answers does not speak HTTP");
		if (early->len >= SP_HTTP_MAX_HEAD_BYTES)
			return sp_fail(h->err, SP_ERR_LIMIT,
				"over %u bytes of headers in the answer",
				SP_HTTP_MAX_HEAD_BYTES);
		rc = read_more(h);
		if (rc < 0)
			return rc;
	}
}

static int take_one_head(struct hijack *h)
{
	int rc = read_head(h);

	if (rc == 0)
		rc = sp_http_take_head(h->reply, h->d->early.data, h->head_len, h->err);
	if (rc == 0)
		sp_buf_drop(&h->d->early, h->head_len);
	return rc;
}

/* The final head: whatever comes as "100 Continue" before is passed over. */
static int take_head(struct hijack *h)
{
	int rc;

	do
		rc = take_one_head(h);
	while (rc == 0 && h->reply->status >= 100 && h->reply->status < 200 &&
		h->reply->status != 101);
	return rc;
}

/* The body of a refusal, as far as its length is told: words for an error, no more. */
static int take_error_body(struct hijack *h)
{
	struct sp_buf *early = &h->d->early;
	char text[24];
	int64_t len = 0;

	if (!sp_http_header(h->reply, "Content-Length", text, sizeof(text)))
		return 0;
	if (sp_parse_int(text, 0, MAX_ERROR_BODY, &len, h->err) < 0)
		return sp_wrap(h->err, SP_ERR_PROTOCOL, "length of the answer");
	while (early->len < (size_t)len) {
		int rc = read_more(h);

		if (rc < 0)
			return rc;
	}
	sp_buf_add(&h->reply->body, sp_buf_str(early), (size_t)len);
	return sp_buf_ok(&h->reply->body, h->err);
}

/* 200 may also be an ordinary answer, from something that knows nothing of upgrades. */
static bool is_handed_over(const struct hijack *h)
{
	char text[32];

	return h->reply->status == 101 ||
		(h->reply->status == 200 &&
			!sp_http_header(
				h->reply, "Content-Length", text, sizeof(text)) &&
			!sp_http_header(
				h->reply, "Transfer-Encoding", text, sizeof(text)));
}

static int take_over(struct hijack *h, struct sp_duplex **out)
{
	int rc = connect_to(h);

	if (rc < 0)
		return rc;
	rc = send_request(h);
	rc = rc < 0 ? rc : take_head(h);
	if (rc < 0)
		return sp_wrap(h->err, rc, "%s %s", h->target.method, h->target.path);
	if (is_handed_over(h)) {
		*out = sp_take_ptr(h->d);
		return 0;
	}
	if (h->reply->status < 300)
		return sp_fail(h->err, SP_ERR_PROTOCOL,
			"%s %s: %s answered without handing the connection over",
			h->target.method, h->target.path, h->http->url);
	*out = NULL;
	return take_error_body(h);
}

static struct sp_duplex *new_duplex(void)
{
	struct sp_duplex *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->fd = -1;
	d->early.max = SP_HTTP_MAX_HEAD_BYTES + MAX_ERROR_BODY + READ_BYTES;
	d->easy = curl_easy_init();
	if (d->easy)
		return d;
	free(d);
	return NULL;
}

int sp_http_hijack(struct sp_http *http, const char *method,
	const struct sp_http_request *req, struct sp_duplex **out,
	struct sp_http_reply *reply, struct sp_error *err, const char *path, ...)
{
	static const struct sp_http_request nothing;
	sp_autobuf struct sp_buf where = SP_BUF_INIT(SP_HTTP_MAX_PATH);
	struct sp_error own = {0};
	struct hijack h = {.http = http, .reply = reply, .err = err ? err : &own};
	va_list ap;
	int rc;

	h.req = req ? req : &nothing;
	sp_http_reply_clear(reply);
	reply->headers.max = SP_HTTP_MAX_HEAD_BYTES;
	reply->body.max = MAX_ERROR_BODY;
	va_start(ap, path);
	rc = sp_http_path(&where, path, ap, h.err);
	va_end(ap);
	rc = rc < 0 ? rc : sp_http_check_headers(h.req->headers, h.err);
	if (rc < 0)
		return rc;
	h.target = (struct sp_http_target){
		method, sp_buf_str(&where), sp_http_timeout(http, req)};
	h.deadline_ms = sp_deadline_in(h.target.timeout_ms);
	h.d = new_duplex();
	if (!h.d)
		return sp_fail(err, SP_ERR_NOMEM, "open a connection");
	rc = take_over(&h, out);
	sp_duplex_close(h.d);
	return rc;
}
