/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The head of a reply on a connection that is taken over, and looking headers up in it:
 * the one piece of HTTP that we read ourselves.
 */
#include <stdlib.h>
#include <string.h>

#include "base/http_internal.h"

static void check(bool claim)
{
	if (!claim)
		abort();
}

/* Every line kept can be found again, and its value is one line. */
static void look_up(const struct sp_http_reply *reply)
{
	static const char *const names[] = {
		"Content-Length", "content-type", "X", "", "Transfer-Encoding"};
	char value[64];

	for (size_t i = 0; i < SP_COUNT(names); i++) {
		bool found = sp_http_header(reply, names[i], value, sizeof(value));

		check(memchr(value, 0, sizeof(value)) && !strchr(value, '\n'));
		check(found || !value[0]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	sp_autoreply struct sp_http_reply reply = SP_HTTP_REPLY_INIT;
	char *exact = malloc(len ? len : 1); /* so that reading past the end is seen */
	int rc;

	if (!exact)
		return 0;
	memcpy(exact, data, len);
	reply.headers.max = SP_HTTP_MAX_HEAD_BYTES;
	rc = sp_http_take_head(&reply, exact, len, NULL);
	free(exact);
	if (rc == 0 && len)
		check(reply.status >= 0 && reply.status <= 999);
	check(reply.headers.len <= SP_HTTP_MAX_HEAD_BYTES);
	look_up(&reply);
	sp_http_check(&reply, NULL);
	return 0;
}
