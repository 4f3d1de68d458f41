/* SPDX-License-Identifier: Apache-2.0 */
/* One side of cp: a path here, or SANDBOX:PATH, where a handle has a colon of its own. */
#ifndef SP_CLI_PLACE_H
#define SP_CLI_PLACE_H

#include "base/error.h"

struct place {
	const char *sandbox; /* sandbox_len bytes of the word, or NULL: this machine */
	size_t sandbox_len;
	const char *path;
};

/* All of it points into word. */
int place_parse(const char *word, struct place *out, struct sp_error *err);

#endif
