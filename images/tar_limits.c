/* SPDX-License-Identifier: Apache-2.0 */
#include "images/tar.h"

int sp_tar_count(struct sp_tar_stats *stats, const struct sp_tar_limits *limits,
	uint64_t size, unsigned int depth, const char *name, struct sp_error *err)
{
	uint64_t bytes = limits->bytes ? limits->bytes : SP_TAR_BYTES_DEFAULT;
	uint64_t members = limits->members ? limits->members : SP_TAR_MEMBERS_DEFAULT;
	unsigned int deepest = limits->depth ? limits->depth : SP_TAR_DEPTH_DEFAULT;

	if (depth > deepest)
		return sp_fail(err, SP_ERR_LIMIT, "%.64s...: over %u folders deep",
			name, deepest);
	if (stats->members == members)
		return sp_fail(err, SP_ERR_LIMIT,
			"%s: more than %llu files and folders", name,
			(unsigned long long)members);
	if (size > bytes - stats->bytes)
		return sp_fail(err, SP_ERR_LIMIT, "%s: more than %llu bytes in all",
			name, (unsigned long long)bytes);
	stats->members++;
	stats->bytes += size;
	return 0;
}
