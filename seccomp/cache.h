/* SPDX-License-Identifier: Apache-2.0 */
/* The filter for a sandbox: compiled once for each profile, kernel and version. */
#ifndef SP_SECCOMP_CACHE_H
#define SP_SECCOMP_CACHE_H

#include "base/buf.h"
#include "base/strv.h"

struct sp_seccomp_request {
	const char *profile;   /* "default", "strict" or a file; NULL is the default */
	const char *data_dir;  /* has seccomp/default.json and seccomp/strict.json */
	const char *cache_dir; /* ours alone, mode 0700; NULL does without */
	uint64_t granted_caps; /* bit n is capability n */
};

/*
 * Append the program, an array of struct sock_filter, to *program.  Where it was
 * compiled before it is read, not compiled; a cache that cannot be trusted or written
 * is worked without.
 *
 * Errors: NOT_FOUND, DENIED, LIMIT (the profile file), INVALID, PROTOCOL, UNSUPPORTED
 * (what is in it); *program is then as it was
 */
int sp_seccomp_program(const struct sp_seccomp_request *req, struct sp_buf *program,
	struct sp_error *err);

/*
 * Add to *names what the profile opens of what the shipped ones keep shut, for inspect
 * and doctor.  Reads the profile each time.
 */
int sp_seccomp_opened(const struct sp_seccomp_request *req, struct sp_strv *names,
	struct sp_error *err);

#endif
