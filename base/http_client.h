/* SPDX-License-Identifier: Apache-2.0 */
/*
 * HTTP requests over Unix sockets, TCP and TLS, with limits on whatever the other side
 * controls, and connections taken over for a stream of bytes both ways.
 *
 * Requests are data; sending, deadlines and status codes are this module's business.
 * Redirects are not followed, replies are not decompressed.
 */
#ifndef SP_BASE_HTTP_CLIENT_H
#define SP_BASE_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/io.h"

struct sp_http;
struct sp_duplex;

#define SP_HTTP_MAX_BODY (8u << 20)
#define SP_HTTP_NO_LIMIT (-1) /* as a timeout */

/* Where to, and what goes for every request.  Strings are copied. */
struct sp_http_opts {
	/* unix:///path, tcp://host:port, http://host[:port][/prefix] or https://… */
	const char *url;
	const char *const *headers; /* "Name: value" of every request, or NULL */
	bool use_tls;               /* tcp:// means https */
	bool tls_no_verify;         /* accept any certificate */
	const char *ca_file;        /* PEM; NULL is the system's store */
	const char *cert_file;      /* our own certificate and key, PEM, or NULL */
	const char *key_file;
	bool use_proxy;             /* honour http_proxy and its kin */
	int64_t connect_timeout_ms; /* default 5 s */
	int64_t timeout_ms;         /* of a whole request; default 60 s */
};

/* What a request carries beyond method and path.  Zeroed is complete. */
struct sp_http_request {
	const char *const *headers; /* "Name: value", NULL-terminated, or NULL */
	const char *content_type;   /* default application/json where there is a body */
	const void *body;
	size_t body_len;
	const struct sp_source *source; /* streamed instead of body, until its end */
	const struct sp_sink *sink;     /* gets the body of a 2xx reply instead of it */
	size_t max_body;                /* of reply->body; default SP_HTTP_MAX_BODY */
	int64_t timeout_ms;      /* of all of it; default the client's, or NO_LIMIT */
	int64_t idle_timeout_ms; /* with no byte either way; 0 is none */
	bool once;               /* must not arrive twice: no reused connection */
	bool has_cancel;         /* stop with CANCELLED once cancel_fd is readable */
	int cancel_fd;
};

struct sp_http_reply {
	int status;             /* 0: none came */
	int64_t retry_after_ms; /* 0: not said */
	struct sp_buf headers;  /* "Name: value" and a newline, each */
	struct sp_buf body;
};

#define SP_HTTP_REPLY_INIT \
	{ \
		0 \
	}
void sp_http_reply_clear(struct sp_http_reply *reply);
#define sp_autoreply SP_AUTO(sp_http_reply_clear)

/*
 * Check the options.  Nothing is contacted.  The caller closes *out.
 *
 * Errors:  UNSUPPORTED (scheme)
 * Thread:  one call at a time for each client; a duplex taken from it is on its own
 */
int sp_http_open(
	const struct sp_http_opts *opts, struct sp_http **out, struct sp_error *err);
void sp_http_close(struct sp_http *http);

/* The url it was opened with: for messages. */
const char *sp_http_url(const struct sp_http *http);

/*
 * Send one request and take its reply, whatever its status: that is sp_http_check()'s
 * question.  path begins with "/"; what is put into it is the caller's to escape
 * (sp_enc_percent), and a path with blanks or controls is refused.  req may be NULL.
 *
 * Owns:    caller clears *reply (sp_autoreply), also after a failure
 * Errors:  UNAVAILABLE, TIMEOUT, PROTOCOL (what came is not HTTP, or ends early), LIMIT
 *          (reply too long), DENIED (socket, certificate), CANCELLED, and whatever source
 *          or sink fail with
 * Retry:   when err->not_sent
 */
int sp_http_call(struct sp_http *http, const char *method,
	const struct sp_http_request *req, struct sp_http_reply *reply,
	struct sp_error *err, const char *path, ...)
	__attribute__((format(printf, 6, 7)));

/*
 * 0 for a status of 2xx, else the code that fits, with status, retry_after_ms and the
 * first line of the body in *err.
 */
int sp_http_check(const struct sp_http_reply *reply, struct sp_error *err);

/* The code that fits a status; SP_OK for 1xx to 3xx. */
enum sp_code sp_http_code(int status);

/* The value of a header into out, cut to fit.  False, and out empty, when it is not there. */
bool sp_http_header(
	const struct sp_http_reply *reply, const char *name, char *out, size_t size);

/*
 * Send a request with "Upgrade: tcp" on a connection of its own and, when 101 or 200
 * comes, hand out the connection as a stream.  Any other status is a success without a
 * stream: *out is NULL, and reply has its body for sp_http_check().
 *
 * Owns:    caller closes *out (sp_autoduplex) and clears *reply
 * Errors:  as sp_http_call()
 */
int sp_http_hijack(struct sp_http *http, const char *method,
	const struct sp_http_request *req, struct sp_duplex **out,
	struct sp_http_reply *reply, struct sp_error *err, const char *path, ...)
	__attribute__((format(printf, 7, 8)));

/*
 * Bytes both ways, never blocking.  Always read until it has nothing before waiting on
 * the descriptor: TLS, and the end of the reply's head, may hold bytes back.
 */

/* Read what is there: its length, or 0 with *ended telling "nothing yet" from the end. */
ssize_t sp_duplex_read(
	struct sp_duplex *d, char *data, size_t len, bool *ended, struct sp_error *err);

/* Write what fits: its length, 0 when nothing does now.  UNAVAILABLE when it is closed. */
ssize_t sp_duplex_write(
	struct sp_duplex *d, const char *data, size_t len, struct sp_error *err);

/* Tell the other side that nothing more comes; reading goes on. */
int sp_duplex_end_write(struct sp_duplex *d, struct sp_error *err);

/* For poll(); stays the duplex's. */
int sp_duplex_fd(const struct sp_duplex *d);

void sp_duplex_close(struct sp_duplex *d);

static inline void sp_auto_duplex_(struct sp_duplex **d)
{
	sp_duplex_close(*d);
}
#define sp_autoduplex SP_AUTO(sp_auto_duplex_)

/* Once for the process, before any thread: the TLS library underneath. */
int sp_http_global_init(struct sp_error *err);

#endif
