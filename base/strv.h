/* SPDX-License-Identifier: Apache-2.0 */
/* A NULL-terminated vector of owned strings, as argv and envp are. */
#ifndef SP_BASE_STRV_H
#define SP_BASE_STRV_H

#include "base/auto.h"
#include "base/error.h"

struct sp_strv {
	char **items; /* NULL-terminated, or NULL while empty */
	size_t count;
	size_t cap;
	bool failed;
};

void sp_strv_clear(struct sp_strv *v);
#define sp_autostrv SP_AUTO(sp_strv_clear)

void sp_strv_add(struct sp_strv *v, const char *s);
void sp_strv_addf(struct sp_strv *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Add each of a NULL-terminated list; NULL is an empty list. */
void sp_strv_add_all(struct sp_strv *v, const char *const *list);

/* Set "KEY=value" in an environment, replacing the KEY that is there. */
void sp_strv_set_env(struct sp_strv *v, const char *assignment);

int sp_strv_ok(const struct sp_strv *v, struct sp_error *err);

/* The list itself, for exec and for functions that only read; never NULL. */
const char *const *sp_strv_list(const struct sp_strv *v);

#endif
