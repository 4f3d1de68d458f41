/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Skipping honestly: a test says which ability of the host it needs and why it cannot
 * do without.  SP_REQUIRE=userns,docker,... turns a skip for one of these into a failure,
 * so that a CI host cannot pass by being unable.
 *
 * Keys: userns root rootless cgroup docker tool.  Include after cmocka.h for sp_require().
 */
#ifndef SP_TESTS_REQUIRE_H
#define SP_TESTS_REQUIRE_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* Is key one of the comma-separated words of SP_REQUIRE? */
static inline bool sp_is_required(const char *key)
{
	const char *list = getenv("SP_REQUIRE");
	size_t len = strlen(key), word;

	for (; list && *list; list += word + (list[word] == ',')) {
		word = strcspn(list, ",");
		if (word == len && strncmp(list, key, len) == 0)
			return true;
	}
	return false;
}

/* Leave the cmocka test, skipped or failed, when the host cannot do what key names. */
#define sp_require(can, key, reason) \
	do { \
		if (can) \
			break; \
		print_message("# skip %s: %s\n", key, reason); \
		if (sp_is_required(key)) \
			fail_msg("SP_REQUIRE has %s: %s", key, reason); \
		skip(); \
	} while (0)

#endif
