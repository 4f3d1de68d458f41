/* SPDX-License-Identifier: Apache-2.0 */
#include "base/strv.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void sp_strv_clear(struct sp_strv *v)
{
	if (!v)
		return;
	for (size_t i = 0; i < v->count; i++)
		free(v->items[i]);
	free(v->items);
	*v = (struct sp_strv){0};
}

/* Append s, which is ours from here on; NULL is an allocation that failed. */
static void add_owned(struct sp_strv *v, char *s)
{
	if (!s || v->failed) {
		v->failed = true;
		free(s);
		return;
	}
	if (v->count + 2 > v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 8;
		char **items = realloc(v->items, cap * sizeof(*items));

		if (!items) {
			v->failed = true;
			free(s);
			return;
		}
		v->items = items;
		v->cap = cap;
	}
	v->items[v->count++] = s;
	v->items[v->count] = NULL;
}

void sp_strv_add(struct sp_strv *v, const char *s)
{
	add_owned(v, strdup(s));
}

void sp_strv_addf(struct sp_strv *v, const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	add_owned(v, s);
}

void sp_strv_add_all(struct sp_strv *v, const char *const *list)
{
	for (; list && *list; list++)
		sp_strv_add(v, *list);
}

void sp_strv_set_env(struct sp_strv *v, const char *assignment)
{
	size_t key = strcspn(assignment, "=");

	for (size_t i = 0; i < v->count; i++) {
		char *s;

		if (strncmp(v->items[i], assignment, key) != 0 ||
			v->items[i][key] != '=')
			continue;
		s = strdup(assignment);
		if (!s) {
			v->failed = true;
			return;
		}
		free(v->items[i]);
		v->items[i] = s;
		return;
	}
	sp_strv_add(v, assignment);
}

int sp_strv_ok(const struct sp_strv *v, struct sp_error *err)
{
	return v->failed ? sp_fail(err, SP_ERR_NOMEM, "out of memory") : 0;
}

const char *const *sp_strv_list(const struct sp_strv *v)
{
	static const char *const empty[] = {NULL};

	return v->items ? (const char *const *)v->items : empty;
}
