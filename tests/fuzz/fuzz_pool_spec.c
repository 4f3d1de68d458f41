/* SPDX-License-Identifier: Apache-2.0 */
/* Specifications of pools are read by whoever fills them again. */
#include <stdlib.h>
#include <string.h>

#include "providers/local/pool_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken is fit to be used as it is. */
static void check(const struct sp_sandbox_spec *s)
{
	for (size_t i = 0; i < s->mount_count; i++)
		if (!s->mounts[i].source || !s->mounts[i].target)
			abort();
	for (const char *const *e = s->env; e && *e; e++)
		if (strlen(*e) > POOL_SPEC_MAX)
			abort();
	if (s->label_count || s->port_count || s->credential_count || s->ttl_ms)
		abort();
}

/* Images and profiles are files of this machine: those that are none of these print alike. */
static bool is_only_text(const struct sp_sandbox_spec *s)
{
	return (!s->image || (s->image[0] != '/' && s->image[0] != '.')) && !s->seccomp;
}

static void check_round_trip(const struct sp_sandbox_spec *s)
{
	sp_autobuf struct sp_buf first = SP_BUF_INIT(8 * POOL_SPEC_MAX);
	sp_autobuf struct sp_buf second = SP_BUF_INIT(8 * POOL_SPEC_MAX);
	autopoolspec struct pool_spec again = {.mounts = NULL};

	if (pool_spec_print(&first, s, NULL) < 0 ||
		pool_spec_parse(first.data, first.len, &again, NULL) < 0 ||
		pool_spec_print(&second, &again.spec, NULL) < 0)
		abort();
	if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	autopoolspec struct pool_spec p = {.mounts = NULL};
	struct sp_error err = {0};
	int rc = pool_spec_parse((const char *)data, size, &p, &err);

	if (rc == 0) {
		check(&p.spec);
		if (is_only_text(&p.spec))
			check_round_trip(&p.spec);
	} else if (rc != (int)err.code || !err.msg[0] || p.mounts) {
		abort();
	}
	return 0;
}
