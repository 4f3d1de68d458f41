/* SPDX-License-Identifier: Apache-2.0 */
/* Changing what a running sandbox was made with: when it ends, what it is found by. */
#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "providers/local/local.h"

static int set_labels(
	struct sp_record *r, const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	sp_strv_clear(&r->labels);
	for (size_t i = 0; i < spec->label_count; i++)
		sp_strv_addf(&r->labels, "%s=%s", spec->labels[i].key,
			spec->labels[i].value);
	return sp_strv_ok(&r->labels, err);
}

/* One at a time: each reads the whole record and writes it again. */
static int lock_folder(int folder, const char *id, struct sp_error *err)
{
	while (flock(folder, LOCK_EX) < 0)
		if (errno != EINTR)
			return sp_fail_errno(err, "lock the record of %s", id);
	return 0;
}

int local_set_ttl(
	struct sp_provider *p, const char *id, int64_t ttl_ms, struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(local_of(p)->sandboxes, err);
	sp_autoclose int folder = base < 0 ? base : sp_state_folder(base, id, err);
	sp_autorecord struct sp_record r = {0};
	int rc = folder < 0 ? folder : lock_folder(folder, id, err);

	if (rc == 0)
		rc = sp_launch_set_ttl(folder, ttl_ms, err);
	if (rc == 0)
		rc = sp_state_read(base, id, &r, err);
	if (rc < 0)
		return rc;
	r.expires_ms = ttl_ms ? sp_clock_real_ms() + ttl_ms : 0;
	return sp_state_update(base, &r, err);
}

/*
 * The record first: whoever dies in between leaves a sandbox that can be seen, and whose
 * supervisor ends it as if it still waited in the pool.
 */
int local_make_ours(struct local *l, const char *id, const struct sp_sandbox_spec *spec,
	struct sp_error *err)
{
	sp_autoclose int base = sp_state_open(l->sandboxes, err);
	sp_autoclose int folder = base < 0 ? base : sp_state_folder(base, id, err);
	sp_autorecord struct sp_record r = {0};
	int rc = folder < 0 ? folder : lock_folder(folder, id, err);

	if (rc == 0)
		rc = sp_state_read(base, id, &r, err);
	if (rc == 0)
		rc = set_labels(&r, spec, err);
	if (rc < 0)
		return rc;
	r.created_ms = sp_clock_real_ms();
	r.expires_ms = spec->ttl_ms ? r.created_ms + spec->ttl_ms : 0;
	rc = sp_state_update(base, &r, err);
	return rc < 0 ? rc : sp_launch_set_ttl(folder, spec->ttl_ms, err);
}
