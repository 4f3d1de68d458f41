/* SPDX-License-Identifier: Apache-2.0 */
/* Heads as they come from inside a sandbox, and from servers. */
#include <stdlib.h>
#include <string.h>

#include "providers/local/gate/http.h"

static void check(bool claim)
{
	if (!claim)
		abort();
}

/* What was taken has nothing in it that would be two lines where it is written again. */
static void look_at(const struct http_head *head)
{
	char host[GATE_HOST_MAX];
	struct http_body body;
	const char *path;
	uint16_t port = 0;
	bool twice;

	for (size_t i = 0; i < head->count; i++) {
		check(head->fields[i].name[0]);
		check(!strpbrk(head->fields[i].name, " :\r\n"));
		check(!strpbrk(head->fields[i].value, "\r\n"));
		(void)http_is_hop_by_hop(head, head->fields[i].name);
	}
	(void)http_value(head, "Host", &twice);
	if (head->is_response) {
		check(head->status >= 100 && head->status <= 999);
		(void)http_response_body(head, false, &body);
		return;
	}
	check(!strpbrk(head->target, " \r\n"));
	(void)http_request_body(head, &body);
	if (http_absolute(head->target, host, &port, &path))
		check(port && path[0] == '/' && !strpbrk(host, "/@ "));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_head head;
	uint64_t size;

	for (int is_response = 0; is_response < 2; is_response++) {
		size_t whole = http_head_length((const char *)data, len);
		char *copy = malloc(whole ? whole : 1);

		if (copy && whole) {
			memcpy(copy, data, whole);
			/* It ends with CRLFCRLF, of which parsing makes the last NUL. */
			if (http_parse(copy, whole, is_response, &head))
				look_at(&head);
		}
		free(copy);
	}
	(void)http_chunk_size((const char *)data, len, &size);
	return 0;
}
