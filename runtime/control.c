/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/control.h"

#include <string.h>

#include "base/error.h"

#define TTL_MAX_MS    ((int64_t)100 * 365 * 24 * 3600 * 1000)
#define EXEC_FDS      4
#define FLAGS_OF_EXEC (SP_CF_OTHER_USER | SP_CF_LAST)

int sp_control_check(
	const void *data, size_t len, size_t fd_count, struct sp_error *err)
{
	struct sp_control_request r;

	if (len != sizeof(r))
		return sp_fail(err, SP_ERR_PROTOCOL, "a request of %zu bytes", len);
	memcpy(&r, data, sizeof(r));
	if (r.magic != SP_CONTROL_MAGIC || r.size != sizeof(r))
		return sp_fail(err, SP_ERR_PROTOCOL, "a request of another version");
	if (r.kind == SP_CONTROL_EXEC && !(r.flags & ~(uint32_t)FLAGS_OF_EXEC) &&
		(fd_count == EXEC_FDS || fd_count == EXEC_FDS + 1))
		return 0;
	if (r.kind == SP_CONTROL_TTL && !r.flags && fd_count == 0 && r.value >= 0 &&
		r.value <= TTL_MAX_MS)
		return 0;
	return sp_fail(err, SP_ERR_PROTOCOL, "a request nobody understands");
}
