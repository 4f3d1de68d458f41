/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /etc/subuid: whatever it says, no block begins among people's ids, ends beyond the last
 * number, or overlaps another.
 */
#include <stdlib.h>

#include "providers/local/subids.h"

#define PEOPLE 65536u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t blocks[LOCAL_BLOCKS_MAX];
	size_t count = local_subid_blocks((const char *)data, len, "ann", 1001, blocks);

	if (count > LOCAL_BLOCKS_MAX)
		abort();
	for (size_t i = 0; i < count; i++) {
		uint64_t end = (uint64_t)blocks[i] + LOCAL_BLOCK_IDS;

		if (blocks[i] < PEOPLE || end > UINT32_MAX)
			abort();
		for (size_t k = 0; k < i; k++)
			if (blocks[k] < end &&
				blocks[i] < (uint64_t)blocks[k] + LOCAL_BLOCK_IDS)
				abort();
	}
	return 0;
}
