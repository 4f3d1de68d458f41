/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/clock.h"
#include "base/http_client.h"

/* One server with its replies, one client of it. */
struct pair {
	struct fake_server *server;
	struct sp_http *http;
	struct sp_http_reply reply;
	struct sp_error err;
};

static struct pair with_replies(const struct fake_reply *replies, size_t count)
{
	struct pair p = {.server = fake_start(replies, count)};
	struct sp_http_opts opts = {.url = p.server->url};

	assert_int_equal(sp_http_open(&opts, &p.http, &p.err), 0);
	return p;
}

static struct pair with_reply(const char *text, enum fake_after after)
{
	static struct fake_reply reply;

	reply = (struct fake_reply){.text = text, .after = after};
	return with_replies(&reply, 1);
}

static void end(struct pair *p)
{
	sp_http_reply_clear(&p->reply);
	sp_http_close(p->http);
	fake_free(p->server);
}

static int get(struct pair *p, const struct sp_http_request *req)
{
	return sp_http_call(p->http, "GET", req, &p->reply, &p->err, "/thing");
}

static const char *request(struct pair *p, size_t i)
{
	fake_stop(p->server);
	return p->server->requests[i];
}

/* The code of a GET that is answered so; what else is told of it must hold together. */
static int code_of(const char *text, enum fake_after after)
{
	struct sp_http_request req = {.timeout_ms = 5000, .max_body = 1000};
	struct pair p = with_reply(text, after);
	int rc = get(&p, &req);

	if (rc < 0) {
		assert_int_equal(p.err.code, rc);
		assert_false(p.err.not_sent);
		assert_true(p.err.msg[0]);
	}
	end(&p);
	return rc;
}

/* --- Replies ------------------------------------------------------------------------- */

#define OK_REPLY "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

static const struct fake_reply two_ok[] = {{.text = OK_REPLY}, {.text = OK_REPLY}};

static void takes_a_reply_with_headers_and_body(void **state)
{
	struct pair p = with_reply("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n"
				   "X-Thing:  some value \r\n\r\nhello",
		FAKE_KEEP);
	char text[32];

	(void)state;
	assert_int_equal(get(&p, NULL), 0);
	assert_int_equal(p.reply.status, 201);
	assert_string_equal(sp_buf_str(&p.reply.body), "hello");
	assert_true(sp_http_header(&p.reply, "x-thing", text, sizeof(text)));
	assert_string_equal(text, "some value");
	assert_false(sp_http_header(&p.reply, "x-thin", text, sizeof(text)));
	assert_string_equal(text, "");
	assert_int_equal(sp_http_check(&p.reply, &p.err), 0);
	end(&p);
}

static void sends_method_path_headers_and_body_as_given(void **state)
{
	struct pair p = with_reply("HTTP/1.1 204 No Content\r\n\r\n", FAKE_KEEP);
	const char *const headers[] = {"X-One: 1", NULL};
	struct sp_http_request req = {.headers = headers, .body = "{}", .body_len = 2};

	(void)state;
	assert_int_equal(sp_http_call(p.http, "PUT", &req, &p.reply, &p.err,
				 "/a/%d?b=%s", 7, "c"),
		0);
	assert_ptr_equal(
		strstr(request(&p, 0), "PUT /a/7?b=c HTTP/1.1\r\n"), request(&p, 0));
	assert_non_null(strstr(request(&p, 0), "X-One: 1\r\n"));
	assert_non_null(strstr(request(&p, 0), "Content-Type: application/json\r\n"));
	assert_non_null(strstr(request(&p, 0), "\r\n\r\n{}"));
	end(&p);
}

static void sends_an_empty_post_with_its_length(void **state)
{
	struct pair p = with_reply("HTTP/1.1 204 No Content\r\n\r\n", FAKE_KEEP);

	(void)state;
	assert_int_equal(sp_http_call(p.http, "POST", NULL, &p.reply, &p.err, "/s"), 0);
	assert_non_null(strstr(request(&p, 0), "Content-Length: 0\r\n"));
	assert_null(strstr(request(&p, 0), "Content-Type"));
	end(&p);
}

static void uses_a_connection_again(void **state)
{
	struct pair p = with_replies(two_ok, 2);

	(void)state;
	assert_int_equal(get(&p, NULL), 0);
	assert_int_equal(get(&p, NULL), 0);
	fake_stop(p.server);
	assert_int_equal(p.server->request_count, 2);
	assert_int_equal(p.server->connection_count, 1);
	end(&p);
}

static void gives_what_must_not_arrive_twice_its_own_connection(void **state)
{
	/* The second connection comes while the first waits for its next request. */
	struct sp_http_request once = {.once = true, .timeout_ms = 100};
	struct pair p = with_replies(two_ok, 2);

	(void)state;
	assert_int_equal(get(&p, NULL), 0);
	assert_int_equal(get(&p, &once), SP_ERR_TIMEOUT);
	fake_stop(p.server);
	assert_int_equal(p.server->request_count, 1);
	end(&p);
}

static void takes_a_reply_in_single_bytes(void **state)
{
	static const struct fake_reply reply = {.text = OK_REPLY, .dribble = true};
	struct pair p = with_replies(&reply, 1);

	(void)state;
	assert_int_equal(get(&p, NULL), 0);
	assert_string_equal(sp_buf_str(&p.reply.body), "ok");
	end(&p);
}

static void does_not_follow_redirects(void **state)
{
	struct pair p = with_reply("HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n"
				   "Content-Length: 0\r\n\r\n",
		FAKE_KEEP);

	(void)state;
	assert_int_equal(get(&p, NULL), 0);
	assert_int_equal(p.reply.status, 302);
	assert_int_equal(sp_http_check(&p.reply, &p.err), SP_ERR_PROTOCOL);
	assert_int_equal(p.err.http_status, 302);
	end(&p);
}

static void has_a_code_for_every_status(void **state)
{
	static const struct {
		int status;
		enum sp_code code;
	} cases[] = {
		{0, SP_ERR_PROTOCOL},
		{101, SP_OK},
		{200, SP_OK},
		{304, SP_OK},
		{400, SP_ERR_INVALID},
		{401, SP_ERR_DENIED},
		{403, SP_ERR_DENIED},
		{404, SP_ERR_NOT_FOUND},
		{408, SP_ERR_TIMEOUT},
		{409, SP_ERR_EXISTS},
		{418, SP_ERR_INVALID},
		{422, SP_ERR_INVALID},
		{429, SP_ERR_LIMIT},
		{500, SP_ERR_UNAVAILABLE},
		{501, SP_ERR_UNSUPPORTED},
		{503, SP_ERR_UNAVAILABLE},
		{504, SP_ERR_TIMEOUT},
		{599, SP_ERR_UNAVAILABLE},
		{600, SP_ERR_PROTOCOL},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++)
		assert_int_equal(sp_http_code(cases[i].status), cases[i].code);
}

static void tells_when_to_try_again_and_what_the_server_said(void **state)
{
	struct pair p = with_reply(
		"HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n"
		"Content-Length: 25\r\n\r\n slow \x1b[31mdown\nsecond li",
		FAKE_KEEP);

	(void)state;
	assert_int_equal(get(&p, NULL), 0);
	assert_int_equal(sp_http_check(&p.reply, &p.err), SP_ERR_LIMIT);
	assert_int_equal(p.err.retry_after_ms, 7000);
	assert_int_equal(p.err.http_status, 429);
	assert_string_equal(p.err.msg, "answered 429: slow \\x1b[31mdown");
	end(&p);
}

/* --- Everything a server can do wrong -------------------------------------------------- */

static void refuses_what_is_not_http(void **state)
{
	(void)state;
	assert_int_equal(code_of("hello\n", FAKE_CLOSE), SP_ERR_PROTOCOL);
	assert_int_equal(
		code_of("\x16\x03\x01\x02\x01\r\n\r\n", FAKE_CLOSE), SP_ERR_PROTOCOL);
	assert_int_equal(code_of("HTTP/1.1 abc\r\n\r\n", FAKE_CLOSE), SP_ERR_PROTOCOL);
}

static void calls_a_silent_end_unavailable(void **state)
{
	(void)state;
	assert_int_equal(code_of(NULL, FAKE_CLOSE), SP_ERR_UNAVAILABLE);
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void refuses_half_an_answer(void **state)
{
	(void)state;
	assert_int_equal(
		code_of("HTTP/1.1 200 OK\r\nConte", FAKE_CLOSE), SP_ERR_PROTOCOL);
	assert_int_equal(
		code_of("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", FAKE_CLOSE),
		SP_ERR_PROTOCOL);
	assert_int_equal(code_of(CHUNKED "5\r\nhal", FAKE_CLOSE), SP_ERR_PROTOCOL);
}

static void refuses_lengths_that_are_none(void **state)
{
	(void)state;
	assert_int_equal(
		code_of("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", FAKE_CLOSE),
		SP_ERR_PROTOCOL);
	assert_int_equal(code_of(CHUNKED "zz\r\n", FAKE_CLOSE), SP_ERR_PROTOCOL);
	assert_int_equal(
		code_of(CHUNKED "fffffffffffffffff\r\n", FAKE_CLOSE), SP_ERR_PROTOCOL);
}

static void refuses_heads_beyond_the_limits(void **state)
{
	sp_autobuf struct sp_buf many = SP_BUF_INIT(1 << 20);
	sp_autobuf struct sp_buf total = SP_BUF_INIT(1 << 20);
	sp_autobuf struct sp_buf one = SP_BUF_INIT(1 << 20);

	(void)state;
	sp_buf_adds(&many, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 129; i++)
		sp_buf_addf(&many, "X-%d: a\r\n", i);
	sp_buf_adds(&many, "\r\n");
	assert_int_equal(code_of(sp_buf_str(&many), FAKE_CLOSE), SP_ERR_LIMIT);

	sp_buf_adds(&total, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 70; i++)
		sp_buf_addf(&total, "X-%d: %01000d\r\n", i, 0);
	sp_buf_adds(&total, "\r\n");
	assert_int_equal(code_of(sp_buf_str(&total), FAKE_CLOSE), SP_ERR_LIMIT);

	sp_buf_addf(&one, "HTTP/1.1 200 OK\r\nX: %0300000d\r\n\r\n", 0);
	assert_int_equal(code_of(sp_buf_str(&one), FAKE_CLOSE), SP_ERR_LIMIT);
}

static void refuses_a_body_beyond_the_limit(void **state)
{
	sp_autobuf struct sp_buf over = SP_BUF_INIT(1 << 20);
	sp_autobuf struct sp_buf fits = SP_BUF_INIT(1 << 20);

	(void)state;
	sp_buf_addf(&over, "HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n%01001d", 0);
	assert_int_equal(code_of(sp_buf_str(&over), FAKE_KEEP), SP_ERR_LIMIT);
	sp_buf_addf(&fits, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n%01000d", 0);
	assert_int_equal(code_of(sp_buf_str(&fits), FAKE_KEEP), 0);
}

static void ends_at_its_deadline(void **state)
{
	struct sp_http_request req = {.timeout_ms = 60};
	struct pair p = with_reply("HTTP/1.1 200 OK\r\n", FAKE_HOLD);
	int64_t start = sp_clock_ms();

	(void)state;
	assert_int_equal(get(&p, &req), SP_ERR_TIMEOUT);
	assert_in_range(sp_clock_ms() - start, 50, FAKE_WAIT_MS / 2);
	assert_false(p.err.not_sent);
	assert_non_null(strstr(p.err.msg, "in 60 ms"));
	end(&p);
}

static void ends_when_nothing_moves(void **state)
{
	struct sp_http_request req = {
		.timeout_ms = SP_HTTP_NO_LIMIT, .idle_timeout_ms = 60};
	struct pair p = with_reply(
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", FAKE_HOLD);

	(void)state;
	assert_int_equal(get(&p, &req), SP_ERR_TIMEOUT);
	assert_non_null(strstr(p.err.msg, "nothing from"));
	end(&p);
}

/* Cancelled from the start nothing is sent; later, what was sent stays sent. */
static void ends_when_cancelled(void **state)
{
	struct pair p = with_reply(NULL, FAKE_HOLD);
	struct sp_http_request req = {.has_cancel = true};
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	req.cancel_fd = fds[0];
	close(fds[1]); /* its end counts as well */
	assert_int_equal(get(&p, &req), SP_ERR_CANCELLED);
	assert_true(p.err.not_sent);
	close(fds[0]);
	end(&p);
}

static int cancel_on_first_byte(
	void *ctx, const char *data, size_t len, struct sp_error *err)
{
	(void)data;
	(void)len;
	(void)err;
	return write(*(int *)ctx, "x", 1) == 1 ? 0 : SP_ERR_SYSTEM;
}

static void ends_when_cancelled_half_way(void **state)
{
	struct pair p = with_reply(
		"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", FAKE_HOLD);
	int fds[2];
	struct sp_sink sink = {cancel_on_first_byte, &fds[1]};
	struct sp_http_request req = {.has_cancel = true, .sink = &sink};

	(void)state;
	assert_int_equal(pipe(fds), 0);
	req.cancel_fd = fds[0];
	assert_int_equal(get(&p, &req), SP_ERR_CANCELLED);
	assert_false(p.err.not_sent);
	close(fds[0]);
	close(fds[1]);
	end(&p);
}

static void works_again_after_a_failure(void **state)
{
	static const struct fake_reply replies[] = {
		{.text = "nonsense", .after = FAKE_CLOSE}, {.text = OK_REPLY}};
	struct pair p = with_replies(replies, 2);

	(void)state;
	assert_int_equal(get(&p, NULL), SP_ERR_PROTOCOL);
	assert_int_equal(get(&p, NULL), 0);
	assert_string_equal(sp_buf_str(&p.reply.body), "ok");
	end(&p);
}

/* --- Nobody there ------------------------------------------------------------------------ */

static void check_not_sent(const char *url, enum sp_code code, const char *words)
{
	struct sp_http_opts opts = {.url = url};
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	struct sp_http *http = NULL;
	struct sp_duplex *d = NULL;
	struct sp_error err = {0};

	assert_int_equal(sp_http_open(&opts, &http, &err), 0);
	assert_int_equal(sp_http_call(http, "GET", NULL, &reply, &err, "/"), code);
	assert_true(err.not_sent);
	assert_non_null(strstr(err.msg, words));
	assert_non_null(strstr(err.msg, url));
	memset(&err, 0, sizeof(err));
	assert_int_equal(
		sp_http_hijack(http, "POST", NULL, &d, &reply, &err, "/"), code);
	assert_true(err.not_sent);
	assert_null(d);
	sp_http_close(http);
}

static void tells_that_there_is_no_socket(void **state)
{
	char dir[] = "/tmp/sp-http-XXXXXX", url[160];

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(url, sizeof(url), "unix://%s/none", dir);
	check_not_sent(url, SP_ERR_UNAVAILABLE, "no such socket");
	rmdir(dir);
}

static void tells_that_a_socket_is_dead(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char dir[] = "/tmp/sp-http-XXXXXX", url[160];
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/s", dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	snprintf(url, sizeof(url), "unix://%s", address.sun_path);
	check_not_sent(url, SP_ERR_UNAVAILABLE, "connection refused");
	unlink(address.sun_path);
	rmdir(dir);
}

static void tells_that_a_port_is_closed(void **state)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char url[64];

	(void)state;
	/* Bound and not listening: nobody else can get the port meanwhile. */
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%u", ntohs(address.sin_port));
	check_not_sent(url, SP_ERR_UNAVAILABLE, "connection refused");
	close(fd);
}

static void refuses_addresses_it_cannot_use(void **state)
{
	static const struct {
		const char *url;
		enum sp_code code;
	} cases[] = {
		{"ssh://host", SP_ERR_UNSUPPORTED},
		{"", SP_ERR_UNSUPPORTED},
		{"unix://relative", SP_ERR_INVALID},
		{"unix:///with blank", SP_ERR_INVALID},
		{"tcp://", SP_ERR_INVALID},
		{"http://user:secret@host", SP_ERR_INVALID},
		{"http://host:port", SP_ERR_INVALID},
		{"http://host?query", SP_ERR_INVALID},
		{"http://host/#part", SP_ERR_INVALID},
		{"unix:///"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
			SP_ERR_INVALID},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		struct sp_http_opts opts = {.url = cases[i].url};
		struct sp_http *http = NULL;
		struct sp_error err = {0};

		assert_int_equal(sp_http_open(&opts, &http, &err), cases[i].code);
		assert_null(http);
	}
}

static void refuses_requests_that_smuggle(void **state)
{
	static const char *const paths[] = {"x", "/a b", "/a\r\nX: y", "/a#b", ""};
	static const char *const headers[] = {"X: a\r\nY: b", NULL};
	struct sp_http_request req = {.headers = headers};
	struct pair p = with_replies(two_ok, 2);
	struct sp_duplex *d = NULL;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(paths); i++)
		assert_int_equal(sp_http_call(p.http, "GET", NULL, &p.reply, &p.err,
					 "%s", paths[i]),
			SP_ERR_INVALID);
	assert_int_equal(get(&p, &req), SP_ERR_INVALID);
	assert_int_equal(
		sp_http_hijack(p.http, "POST", &req, &d, &p.reply, &p.err, "/x"),
		SP_ERR_INVALID);
	fake_stop(p.server);
	assert_int_equal(p.server->connection_count, 0);
	end(&p);
}

/* --- Streams ------------------------------------------------------------------------------ */

struct flow {
	size_t bytes;
	bool fails;
	char seen[64];
};

static ssize_t give(void *ctx, char *data, size_t len, struct sp_error *err)
{
	struct flow *f = ctx;
	size_t n = f->bytes < len ? f->bytes : len;

	if (f->fails && f->bytes == 0)
		return sp_fail(err, SP_ERR_DENIED, "the source is dry");
	memset(data, 'a', n);
	f->bytes -= n;
	return (ssize_t)n;
}

static int take(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	struct flow *f = ctx;

	if (f->fails)
		return sp_fail(err, SP_ERR_LIMIT, "the sink is full");
	if (f->bytes + len < sizeof(f->seen))
		memcpy(f->seen + f->bytes, data, len);
	f->bytes += len;
	return 0;
}

static void streams_both_ways(void **state)
{
	struct flow in = {.bytes = 30000}, out = {0};
	struct sp_source source = {give, &in};
	struct sp_sink sink = {take, &out};
	struct sp_http_request req = {
		.source = &source, .sink = &sink, .content_type = "application/x-tar"};
	struct pair p = with_reply(OK_REPLY, FAKE_KEEP);

	(void)state;
	assert_int_equal(
		sp_http_call(p.http, "PUT", &req, &p.reply, &p.err, "/tar"), 0);
	assert_string_equal(out.seen, "ok");
	assert_int_equal(p.reply.body.len, 0);
	assert_non_null(strstr(request(&p, 0), "PUT /tar HTTP/1.1\r\n"));
	assert_non_null(strstr(request(&p, 0), "Content-Type: application/x-tar\r\n"));
	assert_true(strlen(request(&p, 0)) > 30000);
	end(&p);
}

static void keeps_the_body_of_an_error_out_of_the_sink(void **state)
{
	struct flow out = {0};
	struct sp_sink sink = {take, &out};
	struct sp_http_request req = {.sink = &sink};
	struct pair p = with_reply(
		"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone", FAKE_KEEP);

	(void)state;
	assert_int_equal(get(&p, &req), 0);
	assert_int_equal(out.bytes, 0);
	assert_string_equal(sp_buf_str(&p.reply.body), "gone");
	end(&p);
}

static void fails_as_the_sink_does(void **state)
{
	struct flow out = {.fails = true};
	struct sp_sink sink = {take, &out};
	struct sp_http_request req = {.sink = &sink};
	struct pair p = with_reply(OK_REPLY, FAKE_KEEP);

	(void)state;
	assert_int_equal(get(&p, &req), SP_ERR_LIMIT);
	assert_non_null(strstr(p.err.msg, "the sink is full"));
	end(&p);
}

static void fails_as_the_source_does(void **state)
{
	struct flow in = {.bytes = 1000, .fails = true};
	struct sp_source source = {give, &in};
	struct sp_http_request req = {.source = &source};
	struct pair p = with_reply(OK_REPLY, FAKE_KEEP);

	(void)state;
	assert_int_equal(sp_http_call(p.http, "PUT", &req, &p.reply, &p.err, "/t"),
		SP_ERR_DENIED);
	assert_non_null(strstr(p.err.msg, "the source is dry"));
	end(&p);
}

/* --- Connections taken over ------------------------------------------------------------------ */

#define UPGRADED "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
#define RAW_200 \
	"HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n"

static int hijack(struct pair *p, struct sp_duplex **d)
{
	struct sp_http_request req = {.timeout_ms = 200, .body = "{}", .body_len = 2};

	*d = NULL;
	return sp_http_hijack(p->http, "POST", &req, d, &p->reply, &p->err, "/x/start");
}

/* Read until there are that many bytes or the stream ends; bounded. */
static size_t read_all(struct sp_duplex *d, char *text, size_t want)
{
	size_t len = 0;
	bool ended = false;

	while (len < want && !ended) {
		struct pollfd p = {.fd = sp_duplex_fd(d), .events = POLLIN};
		ssize_t n = sp_duplex_read(d, text + len, want - len, &ended, NULL);

		assert_true(n >= 0);
		len += (size_t)n;
		if (n == 0 && !ended)
			assert_int_equal(poll(&p, 1, FAKE_WAIT_MS), 1);
	}
	text[len] = '\0';
	return len;
}

static void takes_over_with_what_came_early(void **state)
{
	static const char *const heads[] = {
		UPGRADED "early",
		RAW_200 "early",
		"HTTP/1.1 100 Continue\r\n\r\n" UPGRADED "early",
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(heads); i++) {
		struct pair p = with_reply(heads[i], FAKE_ECHO);
		sp_autoduplex struct sp_duplex *d = NULL;
		int64_t start = sp_clock_ms();
		char text[32];

		assert_int_equal(hijack(&p, &d), 0);
		assert_non_null(d);
		assert_int_equal(sp_duplex_write(d, " and late", 9, &p.err), 9);
		assert_int_equal(sp_duplex_end_write(d, &p.err), 0);
		assert_int_equal(read_all(d, text, sizeof(text) - 1), 14);
		assert_string_equal(text, "early and late");
		/* The end came from ours, not from the server's patience. */
		assert_in_range(sp_clock_ms() - start, 0, FAKE_WAIT_MS / 2);
		assert_non_null(strstr(request(&p, 0), "Upgrade: tcp\r\n"));
		assert_non_null(strstr(request(&p, 0), "\r\n\r\n{}"));
		end(&p);
	}
}

static void takes_over_from_single_bytes(void **state)
{
	static const struct fake_reply reply = {
		.text = UPGRADED "early", .after = FAKE_ECHO, .dribble = true};
	struct pair p = with_replies(&reply, 1);
	sp_autoduplex struct sp_duplex *d = NULL;
	char text[8];

	(void)state;
	assert_int_equal(hijack(&p, &d), 0);
	assert_int_equal(read_all(d, text, 5), 5);
	assert_string_equal(text, "early");
	end(&p);
}

static void never_blocks_on_a_stream(void **state)
{
	struct pair p = with_reply(UPGRADED, FAKE_HOLD);
	sp_autoduplex struct sp_duplex *d = NULL;
	bool ended = true;
	char c;

	(void)state;
	assert_int_equal(hijack(&p, &d), 0);
	assert_int_equal(sp_duplex_read(d, &c, 1, &ended, &p.err), 0);
	assert_false(ended);
	end(&p);
}

static void gives_the_refusal_instead_of_a_stream(void **state)
{
	struct pair p = with_reply(
		"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\ngone", FAKE_KEEP);
	struct sp_duplex *d;

	(void)state;
	assert_int_equal(hijack(&p, &d), 0);
	assert_null(d);
	assert_int_equal(p.reply.status, 404);
	assert_int_equal(sp_http_check(&p.reply, &p.err), SP_ERR_NOT_FOUND);
	assert_non_null(strstr(p.err.msg, "gone"));
	end(&p);
}

static void does_not_take_over_what_is_not_handed_over(void **state)
{
	static const struct {
		const char *text;
		enum fake_after after;
		enum sp_code code;
	} cases[] = {
		{OK_REPLY, FAKE_KEEP, SP_ERR_PROTOCOL},
		{CHUNKED, FAKE_KEEP, SP_ERR_PROTOCOL},
		{"HTTP/1.1 204 No Content\r\n\r\n", FAKE_KEEP, SP_ERR_PROTOCOL},
		{"nonsense", FAKE_HOLD, SP_ERR_PROTOCOL},
		{"HTTP/1.1 2 OK\r\n\r\n", FAKE_HOLD, SP_ERR_PROTOCOL},
		{"HTTP/1.1 404 No\r\nContent-Length: 9\r\n\r\ngone", FAKE_CLOSE,
			SP_ERR_PROTOCOL},
		{"HTTP/1.1 404 No\r\nContent-Length: 99999999999\r\n\r\n", FAKE_HOLD,
			SP_ERR_PROTOCOL},
		{"HTTP/1.1 101 UP", FAKE_CLOSE, SP_ERR_PROTOCOL},
		{NULL, FAKE_CLOSE, SP_ERR_UNAVAILABLE},
		{NULL, FAKE_HOLD, SP_ERR_TIMEOUT},
		{"HTTP/1.1 101 UP\r\n", FAKE_HOLD, SP_ERR_TIMEOUT},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		struct pair p = with_reply(cases[i].text, cases[i].after);
		struct sp_duplex *d;

		assert_int_equal(hijack(&p, &d), cases[i].code);
		assert_null(d);
		assert_false(p.err.not_sent);
		end(&p);
	}
}

static void limits_the_head_before_a_stream(void **state)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(1 << 20);
	struct sp_duplex *d;
	struct pair p;

	(void)state;
	sp_buf_addf(&text, "HTTP/1.1 101 UP\r\nX: %0200000d", 0);
	p = with_reply(sp_buf_str(&text), FAKE_HOLD);
	assert_int_equal(hijack(&p, &d), SP_ERR_LIMIT);
	end(&p);
}

static void leaves_no_descriptor_behind(void **state)
{
	int before = dup(0), after;

	(void)state;
	close(before);
	for (int i = 0; i < 3; i++) {
		struct pair p = with_reply(UPGRADED "x", FAKE_ECHO);
		struct sp_duplex *d;

		assert_int_equal(hijack(&p, &d), 0);
		sp_duplex_close(d);
		end(&p);
	}
	after = dup(0);
	close(after);
	assert_int_equal(after, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_reply_with_headers_and_body),
		cmocka_unit_test(sends_method_path_headers_and_body_as_given),
		cmocka_unit_test(sends_an_empty_post_with_its_length),
		cmocka_unit_test(uses_a_connection_again),
		cmocka_unit_test(gives_what_must_not_arrive_twice_its_own_connection),
		cmocka_unit_test(takes_a_reply_in_single_bytes),
		cmocka_unit_test(does_not_follow_redirects),
		cmocka_unit_test(has_a_code_for_every_status),
		cmocka_unit_test(tells_when_to_try_again_and_what_the_server_said),
		cmocka_unit_test(refuses_what_is_not_http),
		cmocka_unit_test(calls_a_silent_end_unavailable),
		cmocka_unit_test(refuses_half_an_answer),
		cmocka_unit_test(refuses_lengths_that_are_none),
		cmocka_unit_test(refuses_heads_beyond_the_limits),
		cmocka_unit_test(refuses_a_body_beyond_the_limit),
		cmocka_unit_test(ends_at_its_deadline),
		cmocka_unit_test(ends_when_nothing_moves),
		cmocka_unit_test(ends_when_cancelled),
		cmocka_unit_test(ends_when_cancelled_half_way),
		cmocka_unit_test(works_again_after_a_failure),
		cmocka_unit_test(tells_that_there_is_no_socket),
		cmocka_unit_test(tells_that_a_socket_is_dead),
		cmocka_unit_test(tells_that_a_port_is_closed),
		cmocka_unit_test(refuses_addresses_it_cannot_use),
		cmocka_unit_test(refuses_requests_that_smuggle),
		cmocka_unit_test(streams_both_ways),
		cmocka_unit_test(keeps_the_body_of_an_error_out_of_the_sink),
		cmocka_unit_test(fails_as_the_sink_does),
		cmocka_unit_test(fails_as_the_source_does),
		cmocka_unit_test(takes_over_with_what_came_early),
		cmocka_unit_test(takes_over_from_single_bytes),
		cmocka_unit_test(never_blocks_on_a_stream),
		cmocka_unit_test(gives_the_refusal_instead_of_a_stream),
		cmocka_unit_test(does_not_take_over_what_is_not_handed_over),
		cmocka_unit_test(limits_the_head_before_a_stream),
		cmocka_unit_test(leaves_no_descriptor_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
