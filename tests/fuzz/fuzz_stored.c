/* SPDX-License-Identifier: Apache-2.0 */
/* Records of snapshots and volumes, and the mounts on a sandbox's record. */
#include <stdlib.h>
#include <string.h>

#include "providers/local/mounts.h"
#include "providers/local/store.h"

#define TEXT_MAX (1u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Printing what was read and reading that again changes nothing any more. */
static void check_round_trip(const struct stored_record *r)
{
	sp_autobuf struct sp_buf first = SP_BUF_INIT(TEXT_MAX);
	sp_autobuf struct sp_buf second = SP_BUF_INIT(TEXT_MAX);
	sp_autostored again = {0};

	stored_record_print(&first, r);
	if (sp_buf_ok(&first, NULL) < 0 ||
		stored_record_parse(first.data, first.len, &again, NULL) < 0)
		abort();
	stored_record_print(&second, &again);
	if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0)
		abort();
}

static void check_mounts(const uint8_t *data, size_t size)
{
	sp_autofree char *line = strndup((const char *)data, size);
	sp_autostrv struct sp_strv lines = {0}, texts = {0};
	sp_autofree struct sp_mount *mounts = NULL;
	size_t count = 0;

	sp_strv_add(&lines, line ? line : "");
	if (mounts_read(&lines, &mounts, &count, &texts, NULL) == 0 &&
		(count != 1 || mounts[0].target[0] != '/'))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	sp_autostored r = {0};
	struct sp_error err = {0};
	int rc = stored_record_parse((const char *)data, size, &r, &err);

	if (rc != (int)err.code)
		abort();
	for (size_t i = 0; rc == 0 && i < r.below.count; i++)
		if (!store_name_ok(r.below.items[i]) || strchr(r.below.items[i], '/'))
			abort();
	if (rc == 0)
		check_round_trip(&r);
	check_mounts(data, size);
	return 0;
}
