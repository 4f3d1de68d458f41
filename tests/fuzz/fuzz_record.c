/* SPDX-License-Identifier: Apache-2.0 */
/* Records are read by whoever cleans up, perhaps while they are written. */
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "runtime/state.h"

#define TEXT_MAX (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is taken is fit to be used as it is: a name, paths and texts that end. */
static void check(const struct sp_record *r)
{
	if (!sp_name_ok(r->id) || r->cgroups.count > SP_RUNNER_CGROUPS_MAX)
		abort();
	for (size_t i = 0; i < r->cgroups.count; i++)
		if (!memchr(r->cgroups.items[i].path, '\0',
			    sizeof(r->cgroups.items[i].path)))
			abort();
	if (sp_strv_ok(&r->labels, NULL) < 0 || sp_strv_ok(&r->env, NULL) < 0)
		abort();
}

/* Printing what was read and reading that again changes nothing any more. */
static void check_round_trip(const struct sp_record *r)
{
	sp_autobuf struct sp_buf first = SP_BUF_INIT(TEXT_MAX);
	sp_autobuf struct sp_buf second = SP_BUF_INIT(TEXT_MAX);
	sp_autorecord struct sp_record again = {0};

	sp_record_print(&first, r);
	if (sp_buf_ok(&first, NULL) < 0 ||
		sp_record_parse(first.data, first.len, &again, NULL) < 0)
		abort();
	sp_record_print(&second, &again);
	if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sp_autorecord struct sp_record r = {0};
	struct sp_error err = {0};
	int rc = sp_record_parse((const char *)data, size, &r, &err);

	if (rc == 0) {
		check(&r);
		check_round_trip(&r);
	} else if (rc != (int)err.code || !err.msg[0] || r.id[0] || r.image) {
		abort();
	}
	return 0;
}
