/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as text: base64, percent, UTF-8, terminal-safe, random names. */
#ifndef SP_BASE_ENC_H
#define SP_BASE_ENC_H

#include "base/buf.h"

void sp_enc_base64(struct sp_buf *out, const void *data, size_t len);
int sp_dec_base64(
	struct sp_buf *out, const char *text, size_t len, struct sp_error *err);

/* Everything but letters, digits and "-._~" as %XX, as a URL component. */
void sp_enc_percent(struct sp_buf *out, const char *s);
int sp_dec_percent(
	struct sp_buf *out, const char *text, size_t len, struct sp_error *err);

bool sp_utf8_valid(const char *data, size_t len);

/* Untrusted text for a terminal or a log: controls, bidi marks and bad UTF-8 as \xNN. */
void sp_enc_printable(struct sp_buf *out, const char *data, size_t len);

/* A random name of len characters [a-z2-7] plus its NUL into out[len + 1]. */
int sp_random_name(char *out, size_t len, struct sp_error *err);

/* One component, [A-Za-z0-9][A-Za-z0-9_.-]{0,127}: safe to be a file's name. */
bool sp_name_ok(const char *name);

/*
 * A number with unit: "512m", "2g", "100k", "1073741824" are bytes (powers of 1024).
 * Nothing else may follow.
 */
int sp_parse_size(const char *text, uint64_t *bytes, struct sp_error *err);

/* A decimal number within the bounds, whole text. */
int sp_parse_int(
	const char *text, int64_t min, int64_t max, int64_t *out, struct sp_error *err);

#endif
