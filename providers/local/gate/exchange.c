/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests passed on one by one.  Each is read whole as far as its head goes, judged,
 * and written anew: what reaches a server was never only copied, so a request hidden in
 * another has nowhere to hide.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/auto.h"
#include "providers/local/gate/outer.h"
#include "providers/local/gate/tls.h"

#define CHUNK_LINE_MAX 256
#define TRAILERS_MAX   64
#define COPY_BYTES     (16 * 1024)
#define INTERIM_MAX    8

/* One client and the server it is connected with now. */
struct exchange {
	struct gate *g;
	struct stream *client, *server; /* server->fd -1: none */
	bool is_host; /* the client is connected with host: no other can be meant */
	bool is_tls;  /* by TLS */
	char host[GATE_HOST_MAX];
	uint16_t port;
	char server_host[GATE_HOST_MAX]; /* whom server is connected with */
	uint16_t server_port;
	const char *how;
};

/* One request of it. */
struct request {
	struct http_head head;
	char text[HTTP_HEAD_MAX + 1];
	char host[GATE_HOST_MAX];
	uint16_t port;
	const char *path;
	bool is_tls; /* towards the server */
	struct http_body body;
	const struct gate_credential *credential;
	bool is_head, upgrades;
	bool keeps; /* the client's connection goes on after it */
};

static bool answer(struct exchange *x, const char *status, const char *text)
{
	char out[1024];
	int len = snprintf(out, sizeof(out),
		"HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
		"X-Sandpit: refused\r\nConnection: close\r\n\r\n%s",
		status, strlen(text), text);

	(void)stream_write(x->client, out, (size_t)len);
	return false;
}

static bool answer_blocked(
	struct exchange *x, const char *host, uint16_t port, const char *why)
{
	char text[700];

	snprintf(text, sizeof(text),
		GATE_BLOCKED ": %s:%u %s; do not retry by other means\n", host, port,
		why);
	return answer(x, "403 Forbidden", text);
}

static bool answer_dial(
	struct exchange *x, const struct request *r, const struct dial *d)
{
	char text[700];

	if (d->result == DIAL_NOT_ALLOWED)
		return answer_blocked(x, r->host, r->port, d->why);
	snprintf(text, sizeof(text), "sandpit: %s:%u cannot be reached: %s\n", r->host,
		r->port, d->why);
	return answer(x, "502 Bad Gateway", text);
}

static bool bad(struct exchange *x, const char *what)
{
	char text[200];

	snprintf(text, sizeof(text), "sandpit: bad request: %s\n", what);
	denied_note(&x->g->denied, x->how, x->is_host ? x->host : "-", 0, what);
	return answer(x, "400 Bad Request", text);
}

/* --- Which host is meant ------------------------------------------------------------------ */

/* Of a client that is connected with one host: no request may name another. */
static bool route_host(struct exchange *x, struct request *r)
{
	bool twice;
	const char *field = http_value(&r->head, "Host", &twice);
	char named[GATE_HOST_MAX];
	uint16_t port = x->port;

	memcpy(r->host, x->host, sizeof(r->host));
	r->port = x->port;
	r->path = r->head.target;
	if (twice || (!field && r->head.minor == 1))
		return bad(x, "not one Host");
	if (field && !gate_host_port(field, strlen(field), named, &port))
		return bad(x, "no host is named like that");
	if (field && strcmp(named, x->host) != 0) {
		denied_note(&x->g->denied, x->how, named, port,
			"was named on a connection to another host");
		return answer_blocked(
			x, named, port, "was named on a connection to another host");
	}
	if (r->path[0] == '/' || strcmp(r->path, "*") == 0)
		return true;
	if (!http_absolute(r->head.target, named, &port, &r->path) ||
		strcmp(named, x->host) != 0)
		return bad(x, "a target that is no path");
	return true;
}

static bool route_proxy(struct exchange *x, struct request *r)
{
	struct dial d = {0};

	if (!http_absolute(r->head.target, r->host, &r->port, &r->path))
		return bad(x, "a proxy is asked for http://HOST/PATH or by CONNECT");
	if (dial_allowed(x->g, x->how, r->host, r->port, &d))
		return true;
	return answer_dial(x, r, &d);
}

/*
 * A secret does not go through the net in the clear where it need not: a plain request is
 * sent on by TLS, unless a port was named.
 */
static void find_credential(struct exchange *x, struct request *r)
{
	r->credential = gate_plan_find(&x->g->plan, r->host);
	r->is_tls = x->is_tls;
	if (r->credential && !r->is_tls && r->port == 80 &&
		gate_rules_match(&x->g->plan.rules, r->host, 443)) {
		r->is_tls = true;
		r->port = 443;
	}
}

/* --- Heads, written anew ------------------------------------------------------------------ */

static void add_fields(struct sp_buf *out, const struct http_head *head,
	const char *const *but, bool keeps_upgrade)
{
	for (size_t i = 0; i < head->count; i++) {
		const struct http_field *f = &head->fields[i];
		bool left_out = http_is_hop_by_hop(head, f->name);

		if (keeps_upgrade && strcasecmp(f->name, "Upgrade") == 0)
			left_out = false;
		for (const char *const *name = but; !left_out && *name; name++)
			left_out = strcasecmp(f->name, *name) == 0;
		if (!left_out)
			sp_buf_addf(out, "%s: %s\r\n", f->name, f->value);
	}
}

static void add_framing(struct sp_buf *out, const struct http_body *body)
{
	if (body->kind == HTTP_CHUNKED)
		sp_buf_adds(out, "Transfer-Encoding: chunked\r\n");
}

static void add_host(struct sp_buf *out, const struct request *r)
{
	const bool is_ipv6 = strchr(r->host, ':') != NULL;

	sp_buf_addf(
		out, "Host: %s%s%s", is_ipv6 ? "[" : "", r->host, is_ipv6 ? "]" : "");
	if (r->port != (r->is_tls ? 443 : 80))
		sp_buf_addf(out, ":%u", r->port);
	sp_buf_adds(out, "\r\n");
}

static bool send_request(struct exchange *x, const struct request *r)
{
	sp_autobuf struct sp_buf out = SP_BUF_INIT(2 * HTTP_HEAD_MAX + (1u << 20));
	const char *const but[] = {
		"Host", "Expect", r->credential ? r->credential->header : NULL, NULL};
	bool ok;

	sp_buf_addf(&out, "%s %s HTTP/1.1\r\n", r->head.method, r->path);
	add_host(&out, r);
	add_fields(&out, &r->head, but, r->upgrades);
	if (r->upgrades)
		sp_buf_adds(&out, "Connection: Upgrade\r\n");
	if (r->credential)
		sp_buf_addf(&out, "%s: %s\r\n", r->credential->header,
			r->credential->value);
	add_framing(&out, &r->body);
	sp_buf_adds(&out, "\r\n");
	ok = !out.failed && stream_write(x->server, out.data, out.len);
	if (r->credential && out.data)
		explicit_bzero(out.data, out.len);
	return ok;
}

/* --- Bodies ---------------------------------------------------------------------------------- */

static bool copy_length(struct stream *from, struct stream *to, uint64_t left)
{
	char chunk[COPY_BYTES];

	while (left) {
		ssize_t n = stream_read(from, chunk,
			left < sizeof(chunk) ? (size_t)left : sizeof(chunk));

		if (n <= 0 || !stream_write(to, chunk, (size_t)n))
			return false;
		left -= (uint64_t)n;
	}
	return true;
}

static bool copy_to_end(struct stream *from, struct stream *to)
{
	char chunk[COPY_BYTES];
	ssize_t n;

	while ((n = stream_read(from, chunk, sizeof(chunk))) > 0)
		if (!stream_write(to, chunk, (size_t)n))
			return false;
	return n == 0;
}

/* Trailers are for who asked with TE, which is not passed on: read, and left out. */
static bool skip_trailers(struct stream *from)
{
	char line[CHUNK_LINE_MAX * 4];

	for (int i = 0; i < TRAILERS_MAX; i++) {
		ssize_t n = stream_line(from, line, sizeof(line));

		if (n <= 0)
			return n == 0;
	}
	return false;
}

static bool copy_chunks(struct stream *from, struct stream *to)
{
	char line[CHUNK_LINE_MAX], end[2];

	for (;;) {
		ssize_t n = stream_line(from, line, sizeof(line));
		uint64_t size;
		int len;

		if (n < 0 || !http_chunk_size(line, (size_t)n, &size))
			return false;
		if (size == 0)
			return skip_trailers(from) && stream_write(to, "0\r\n\r\n", 5);
		len = snprintf(
			line, sizeof(line), "%llx\r\n", (unsigned long long)size);
		if (!stream_write(to, line, (size_t)len) ||
			!copy_length(from, to, size) ||
			!stream_read_all(from, end, 2) || memcmp(end, "\r\n", 2) != 0 ||
			!stream_write(to, "\r\n", 2))
			return false;
	}
}

static bool copy_body(
	struct stream *from, struct stream *to, const struct http_body *body)
{
	switch (body->kind) {
	case HTTP_LENGTH:
		return copy_length(from, to, body->length);
	case HTTP_CHUNKED:
		return copy_chunks(from, to);
	case HTTP_TO_END:
		return copy_to_end(from, to);
	default:
		return true;
	}
}

/* --- Responses --------------------------------------------------------------------------------- */

static bool read_head(
	struct stream *s, char *text, bool is_response, struct http_head *head)
{
	ssize_t len = stream_head(s);

	if (len <= 0 || len > HTTP_HEAD_MAX || !stream_read_all(s, text, (size_t)len))
		return false;
	text[len] = '\0';
	return http_parse(text, (size_t)len, is_response, head);
}

static bool send_response(struct exchange *x, const struct http_head *head,
	const struct http_body *body, bool keeps)
{
	static const char *const but[] = {NULL};
	sp_autobuf struct sp_buf out = SP_BUF_INIT(2 * HTTP_HEAD_MAX);
	const bool upgrades = head->status == 101;

	sp_buf_addf(&out, "HTTP/1.1 %d %s\r\n", head->status, head->reason);
	add_fields(&out, head, but, upgrades);
	add_framing(&out, body);
	if (upgrades)
		sp_buf_adds(&out, "Connection: Upgrade\r\n");
	else if (head->status >= 200)
		sp_buf_addf(&out, "Connection: %s\r\n", keeps ? "keep-alive" : "close");
	sp_buf_adds(&out, "\r\n");
	return !out.failed && stream_write(x->client, out.data, out.len);
}

static bool server_keeps(const struct http_head *head, const struct http_body *body)
{
	return head->minor == 1 && body->kind != HTTP_TO_END &&
		!http_has_word(head, "Connection", "close");
}

/*
 * The server's answers up to the last; true when the client may ask again.  The request's
 * head has been sent: its text makes room for theirs.
 */
static bool relay_response(struct exchange *x, struct request *r)
{
	struct http_head head;
	struct http_body body;

	for (int i = 0; i < INTERIM_MAX; i++) {
		bool keeps;

		if (!read_head(x->server, r->text, true, &head) ||
			!http_response_body(&head, r->is_head, &body))
			return answer(x, "502 Bad Gateway",
				"sandpit: the server's answer cannot be understood\n");
		if (head.status == 101 && r->upgrades) {
			if (send_response(x, &head, &body, true))
				tunnel(x->client, x->server);
			return false;
		}
		keeps = r->keeps && body.kind != HTTP_TO_END;
		if (!send_response(x, &head, &body, keeps))
			return false;
		if (head.status < 200)
			continue;
		if (!copy_body(x->server, x->client, &body))
			return false;
		if (!server_keeps(&head, &body))
			stream_close(x->server);
		return keeps;
	}
	return false;
}

/* --- Requests ---------------------------------------------------------------------------------- */

static bool is_connected(const struct exchange *x, const struct request *r)
{
	return x->server->fd >= 0 && x->server_port == r->port &&
		(x->server->tls != NULL) == r->is_tls &&
		strcmp(x->server_host, r->host) == 0 && !stream_is_stale(x->server);
}

static bool connect_server(struct exchange *x, struct request *r)
{
	struct dial d = {0};
	int fd;

	if (is_connected(x, r))
		return true;
	stream_close(x->server);
	fd = dial_host(x->g, x->how, r->host, r->port, &d);
	if (fd < 0)
		return answer_dial(x, r, &d);
	stream_open(x->server, fd);
	stream_patience(x->server, IDLE_MS);
	if (r->is_tls && !tls_connect(x->g->tls, x->server, r->host, d.why)) {
		d.result = DIAL_FAILED;
		return answer_dial(x, r, &d);
	}
	memcpy(x->server_host, r->host, sizeof(r->host));
	x->server_port = r->port;
	return true;
}

/* Nobody waits for leave to go on: it is given here. */
static bool expect_body(struct exchange *x, const struct request *r)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";

	if (r->body.kind == HTTP_NO_BODY ||
		!http_has_word(&r->head, "Expect", "100-continue"))
		return true;
	return stream_write(x->client, go_on, sizeof(go_on) - 1);
}

/* One request and its answer; true when another may follow. */
static bool pass_one(struct exchange *x, struct request *r)
{
	ssize_t len = stream_head(x->client);

	if (len == 0)
		return false;
	if (len < 0 || !read_head(x->client, r->text, false, &r->head))
		return bad(x, "no head that can be read");
	if (!http_request_body(&r->head, &r->body))
		return bad(x, "a body whose end is in doubt");
	if (strcmp(r->head.method, "CONNECT") == 0)
		return bad(x, "CONNECT within a connection");
	if (!(x->is_host ? route_host(x, r) : route_proxy(x, r)))
		return false;
	find_credential(x, r);
	r->is_head = strcmp(r->head.method, "HEAD") == 0;
	r->upgrades = http_has_word(&r->head, "Connection", "upgrade");
	r->keeps = r->head.minor == 1 &&
		!http_has_word(&r->head, "Connection", "close") &&
		!http_has_word(&r->head, "Proxy-Connection", "close");
	if (!connect_server(x, r) || !expect_body(x, r))
		return false;
	/* It may have answered before it had read all, and said why. */
	if (!send_request(x, r) || !copy_body(x->client, x->server, &r->body))
		r->keeps = false;
	return relay_response(x, r);
}

static void exchange(struct exchange *x)
{
	struct request *r = malloc(sizeof(*r));
	struct stream *server = malloc(sizeof(*server));

	if (r && server) {
		stream_open(server, -1);
		x->server = server;
		while (pass_one(x, r))
			stream_patience(x->client, IDLE_MS);
		stream_close(server);
	}
	free(r);
	free(server);
}

void exchange_host(struct gate *g, struct stream *client, const char *host,
	uint16_t port, bool is_tls)
{
	struct exchange x = {.g = g,
		.client = client,
		.is_host = true,
		.is_tls = is_tls,
		.port = port,
		.how = is_tls ? "https" : "http"};

	memcpy(x.host, host, strlen(host) + 1);
	exchange(&x);
}

void exchange_proxy(struct gate *g, struct stream *client)
{
	struct exchange x = {.g = g, .client = client, .how = "http"};

	exchange(&x);
}
