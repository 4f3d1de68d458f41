/* SPDX-License-Identifier: Apache-2.0 */
/* Requests to a sandbox's supervisor, from whoever has its socket. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/control.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte tells how many descriptors came along. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sp_control_request r;
	struct sp_error err = {0};
	size_t fds;
	int rc;

	if (size == 0)
		return 0;
	fds = data[0];
	rc = sp_control_check(data + 1, size - 1, fds, &err);
	if (rc < 0) {
		if (rc != (int)err.code || !err.msg[0])
			abort();
		return 0;
	}
	/* What is taken has its size, and what it needs. */
	if (size - 1 != sizeof(r) || fds > SP_CONTROL_FDS_MAX)
		abort();
	memcpy(&r, data + 1, sizeof(r));
	if (r.kind == SP_CONTROL_EXEC ? fds < 4 : fds != 0 || r.value < 0)
		abort();
	return 0;
}
