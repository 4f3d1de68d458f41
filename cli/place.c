/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/place.h"

#include <stdbool.h>
#include <string.h>

/* What begins like a path is one, whatever colons it has. */
static bool is_here(const char *word)
{
	return word[0] == '/' || word[0] == '.' || strcmp(word, "-") == 0 ||
		!strchr(word, ':');
}

static bool is_provider(const char *word, size_t len)
{
	for (const char *const *name = sp_client_provider_names(); *name; name++)
		if (strlen(*name) == len && strncmp(*name, word, len) == 0)
			return true;
	return false;
}

int place_parse(const char *word, struct place *out, struct sp_error *err)
{
	const char *colon = strchr(word, ':');

	if (!*word)
		return sp_fail(err, SP_ERR_INVALID, "one of the paths is empty");
	if (is_here(word)) {
		*out = (struct place){.path = word};
		return 0;
	}
	/* The first colon is the handle's own where a provider is before it. */
	if (is_provider(word, (size_t)(colon - word)))
		colon = strchr(colon + 1, ':');
	if (!colon || !colon[1])
		return sp_fail(err, SP_ERR_INVALID,
			"\"%.128s\" has no path: write SANDBOX:/PATH (or ./NAME for a "
			"file here)",
			word);
	if (colon[1] != '/')
		return sp_fail(err, SP_ERR_INVALID,
			"path \"%.128s\" in the sandbox does not begin with /",
			colon + 1);
	*out = (struct place){
		.sandbox = word,
		.sandbox_len = (size_t)(colon - word),
		.path = colon + 1,
	};
	return 0;
}
