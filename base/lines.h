/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small files of ours: "KEY=VALUE" lines, values percent-encoded, "end" last.  Without
 * its end such a file is half of one.
 */
#ifndef SP_BASE_LINES_H
#define SP_BASE_LINES_H

#include "base/buf.h"

/* A value that is NULL is left out. */
void sp_lines_add(struct sp_buf *out, const char *key, const char *value);
void sp_lines_add_number(struct sp_buf *out, const char *key, uint64_t value);
void sp_lines_end(struct sp_buf *out);

/* Called for each line; value holds no NUL but its last. */
typedef int sp_line_fn(
	void *ctx, const char *key, const char *value, struct sp_error *err);
int sp_lines_parse(const char *text, size_t len, sp_line_fn *on_line, void *ctx,
	struct sp_error *err);

/* Decimal digits and nothing else, up to max. */
int sp_lines_number(const char *key, const char *text, uint64_t max, uint64_t *out,
	struct sp_error *err);

#endif
