/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where it can be, the command is static: what a program linked to shared libraries spends
 * before main is half a millisecond, a sixth of a whole run.  Modules it cannot load: what
 * may need one is handed to its twin, which is the same program linked the other way.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "cli/command.h"
#include "providers/registry.h"
#include "sandbox/dirs.h"

#define TWIN "sandpit-full"

/* Commands that ask every provider there is, whether it answers or not. */
#define ASKS_ALL (CLI_PROVIDERS | CLI_TEST)
/* Commands whose first word alone is a sandbox. */
#define ONE_SANDBOX (CLI_EXEC | CLI_SHELL)

/* The kernel loads no interpreter for a static program. */
static bool is_static(void)
{
	return getauxval(AT_BASE) == 0;
}

/* The provider that a handle begins with, or NULL. */
static const struct sp_registry_entry *provider_of(const char *word)
{
	const struct sp_registry *r = &sp_registry_builtin;

	for (size_t i = 0; i < r->count; i++) {
		size_t len = strlen(r->entries[i].name);

		if (strncmp(word, r->entries[i].name, len) == 0 && word[len] == ':')
			return &r->entries[i];
	}
	return NULL;
}

static bool some_module_answers(void)
{
	const struct sp_registry *r = &sp_registry_builtin;

	for (size_t i = 0; i < r->count; i++)
		if (r->entries[i].module && r->entries[i].answers &&
			r->entries[i].answers())
			return true;
	return false;
}

/* Handles say themselves where to look; anything else may be anywhere that answers. */
static bool words_need_module(const struct cli_args *args, unsigned int bit)
{
	size_t count = bit & ONE_SANDBOX ? args->word_count > 0 : args->word_count;
	bool all_named = count > 0;

	for (size_t i = 0; i < count; i++) {
		const struct sp_registry_entry *entry = provider_of(args->words[i]);

		if (entry && entry->module)
			return true;
		all_named &= entry != NULL;
	}
	return !all_named && some_module_answers();
}

static bool needs_module(const struct cli_args *args, unsigned int bit)
{
	const struct sp_registry_entry *entry;

	if (bit & (CLI_VERSION | CLI_HELP))
		return false;
	if (args->fallback.count)
		return true;
	if (args->provider) {
		entry = sp_registry_find(&sp_registry_builtin, args->provider);
		return entry && entry->module;
	}
	if (bit & ASKS_ALL)
		return true;
	/* Of these the words are a command, and none is a sandbox. */
	if (bit & (CLI_RUN | CLI_CREATE))
		return some_module_answers();
	return words_need_module(args, bit);
}

int cli_hand_over(const struct cli_args *args, unsigned int bit, char *const *argv,
	struct sp_error *err)
{
	struct sp_dirs dirs = {0};
	char path[4096];
	int rc;

	if (!is_static() || !needs_module(args, bit))
		return 0;
	rc = sp_dirs_find(NULL, &dirs, err);
	if (rc < 0)
		return rc;
	snprintf(path, sizeof(path), "%s/" TWIN, dirs.libexec);
	/* It lies elsewhere, and would look beside itself. */
	if (setenv("SANDPIT_LIBEXEC_DIR", dirs.libexec, 1) == 0 &&
		setenv("SANDPIT_DATA_DIR", dirs.data, 1) == 0)
		execv(path, argv);
	sp_dirs_clear(&dirs);
	return sp_fail_errno(err, "execute %s", path);
}
