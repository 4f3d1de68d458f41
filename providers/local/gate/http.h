/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Heads of HTTP/1 messages, read strictly: two readers of one message must not come to
 * different ends of it, so what is doubtful is refused and never passed on.
 */
#ifndef SP_PROVIDERS_LOCAL_GATE_HTTP_H
#define SP_PROVIDERS_LOCAL_GATE_HTTP_H

#include "base/buf.h"
#include "providers/local/gate/rules.h"

#define HTTP_HEAD_MAX   (32 * 1024)
#define HTTP_FIELDS_MAX 128

struct http_field {
	const char *name, *value;
};

/* What it points to is in the text that was parsed. */
struct http_head {
	bool is_response;
	const char *method, *target; /* of a request */
	int status;                  /* of a response */
	const char *reason;
	int minor; /* HTTP/1.minor */
	struct http_field fields[HTTP_FIELDS_MAX];
	size_t count;
};

/* Length of a head with its empty line at the front of data, or 0 while it is not whole. */
size_t http_head_length(const char *data, size_t len);

/* Take text[0..len), all of one head, apart in place; false when it is none. */
bool http_parse(char *text, size_t len, bool is_response, struct http_head *out);

/* The one value of a field; NULL when it is missing.  *twice: there is more than one. */
const char *http_value(const struct http_head *head, const char *name, bool *twice);
/* Does a comma-separated field have this word in it? */
bool http_has_word(const struct http_head *head, const char *name, const char *word);

enum http_body_kind { HTTP_NO_BODY, HTTP_LENGTH, HTTP_CHUNKED, HTTP_TO_END };
struct http_body {
	enum http_body_kind kind;
	uint64_t length;
};

/* Where the body ends; false when the head does not say so without doubt. */
bool http_request_body(const struct http_head *head, struct http_body *out);
bool http_response_body(
	const struct http_head *head, bool answers_head, struct http_body *out);

/* The size in a chunk's first line, without its end; false when it is none. */
bool http_chunk_size(const char *line, size_t len, uint64_t *size);

/* "http://HOST[:PORT]PATH": *path is its rest, at least "/" (static); no user in it. */
bool http_absolute(const char *target, char host[static GATE_HOST_MAX], uint16_t *port,
	const char **path);

/* Is it about one connection only, so that it must not be passed on? */
bool http_is_hop_by_hop(const struct http_head *head, const char *name);

#endif
