/* SPDX-License-Identifier: Apache-2.0 */
/* The file of events is appended to by many, and read after crashes. */
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "runtime/event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_event_line e = {0};
	struct sp_error err = {0};
	char *line = malloc(size + 1);
	int rc;

	if (!line)
		return 0;
	memcpy(line, data, size);
	line[size] = '\0';
	rc = sp_event_parse(line, size, &e, &err);
	if (rc != (int)err.code)
		abort();
	/* What is taken can be shown to anybody, and its name be looked up. */
	if (rc == 0) {
		if (e.at_ms < 0 || !sp_name_ok(e.id) || !e.action[0] ||
			e.details < line || e.details > line + size)
			abort();
		for (const char *at = e.details; *at; at++)
			if (*at < ' ' || *at > '~')
				abort();
	}
	free(line);
	return 0;
}
