/* SPDX-License-Identifier: Apache-2.0 */
/* The providers there are, by name, and how to get at their drivers. */
#ifndef SP_PROVIDERS_REGISTRY_H
#define SP_PROVIDERS_REGISTRY_H

#include "providers/provider.h"

#define SP_PROVIDERS_MAX 16

struct sp_registry_entry {
	const char *name;
	const struct sp_driver *driver; /* linked in; or NULL */
	const char *module; /* then it is in this file of the libexec folder */
	/*
	 * Looks from afar, at the cost of a system call or two, as if it could be used
	 * without being named.  NULL: never, for it costs money.
	 */
	bool (*answers)(void);
};

/* Entries in the order in which they are chosen when nobody says; at most SP_PROVIDERS_MAX. */
struct sp_registry {
	const struct sp_registry_entry *entries;
	size_t count;
};

extern const struct sp_registry sp_registry_builtin;

/* The entry, or NULL. */
const struct sp_registry_entry *sp_registry_find(
	const struct sp_registry *r, const char *name);

/*
 * The driver of an entry, its module opened on first use.  A module stays for the life
 * of the process: what it linked cannot be unloaded safely.
 */
int sp_registry_driver(const struct sp_registry_entry *entry, const char *libexec_dir,
	const struct sp_driver **out, struct sp_error *err);

/* "a, b, c" for messages. */
void sp_registry_names(const struct sp_registry *r, struct sp_buf *out);

#endif
