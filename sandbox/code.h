/* SPDX-License-Identifier: Apache-2.0 */
/* Languages: how they are told apart, and what runs them inside a sandbox. */
#ifndef SP_SANDBOX_CODE_H
#define SP_SANDBOX_CODE_H

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"

struct sp_language;

/* By name or alias; by a file's name; by "#!".  NULL: none of ours. */
const struct sp_language *sp_language_named(const char *name);
const struct sp_language *sp_language_of_file(const char *file_name);
const struct sp_language *sp_language_of_text(const char *text, size_t len);

const char *sp_language_name(const struct sp_language *l);

/* The program for sh: $1 is the file, the rest its arguments. */
void sp_language_script(const struct sp_language *l, struct sp_buf *out);

/* What the file is called inside: its own name where that is harmless. */
void sp_language_file_name(
	const struct sp_language *l, const char *name, struct sp_buf *out);

/* One folder, all rights, and one file in it, as a tar archive. */
void sp_code_archive(struct sp_buf *out, const char *folder, const char *file,
	const char *text, size_t len, int64_t mtime_s);

#endif
