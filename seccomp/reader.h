/* SPDX-License-Identifier: Apache-2.0 */
/* Walk a profile's JSON by tables of fields, naming the place of whatever is wrong. */
#ifndef SP_SECCOMP_READER_H
#define SP_SECCOMP_READER_H

#include "base/json.h"
#include "seccomp/profile.h"

#define SP_PLACE_MAX 128

struct sp_reader {
	const struct sp_profile_host *host;
	struct sp_profile *profile;
	size_t name_count;
	struct sp_error *err;
};

typedef int sp_read_fn(
	struct sp_reader *r, const char *place, struct json_object *value, void *into);

/* One member an object may have; null counts as not there, as it does in Go. */
struct sp_field {
	const char *name;
	enum json_type type;
	sp_read_fn *read;
};

/* An action in the making: the errno may stand before or after it. */
struct sp_verdict {
	bool has_action, has_ret;
	uint32_t action;
	uint64_t ret;
};

/* Read each member by its field; one that has no field is an error. */
int sp_read_object(struct sp_reader *r, const char *place, struct json_object *object,
	const struct sp_field *fields, size_t count, void *into);

/* Call read for each element of a list, all of this type. */
struct sp_list_kind {
	size_t max;
	enum json_type type;
	sp_read_fn *read;
};
int sp_read_list(struct sp_reader *r, const char *place, struct json_object *list,
	const struct sp_list_kind *kind, void *into);

/* A word, borrowed: no NUL to hide its rest behind, and of sane length. */
int sp_read_word(struct sp_reader *r, const char *place, struct json_object *value,
	const char **out);
int sp_read_number(struct sp_reader *r, const char *place, struct json_object *value,
	uint64_t *out);

/* An action, and the errno that belongs to it; into is a struct sp_verdict. */
int sp_read_action(
	struct sp_reader *r, const char *place, struct json_object *value, void *into);
int sp_read_ret(
	struct sp_reader *r, const char *place, struct json_object *value, void *into);

/* Put the errno into the action; without one it is EPERM. */
int sp_read_settle(struct sp_reader *r, const char *place,
	const struct sp_verdict *verdict, uint32_t *out);

/* INVALID with the place, what is wrong, and the word in printable form. */
int sp_read_bad_word(
	struct sp_reader *r, const char *place, const char *what, const char *word);

/* The list at "syscalls": its rules, as far as they apply, go into r->profile. */
sp_read_fn sp_read_rules;

#endif
