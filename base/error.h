/* SPDX-License-Identifier: Apache-2.0 */
/* Fill, extend and name the one error struct. */
#ifndef SP_BASE_ERROR_H
#define SP_BASE_ERROR_H

#include "include/sandpit.h"

/* Set *err (may be NULL) to code and a message; returns code. */
int sp_fail(struct sp_error *err, enum sp_code code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same from errno: the code that fits it, and ": " with its text after the message. */
int sp_fail_errno(struct sp_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Put "clause: " before the message that is there, keep everything else; returns rc. */
int sp_wrap(struct sp_error *err, int rc, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "EPERM" and its like; "errno" for one that sandboxes do not meet. */
const char *sp_errno_name(int sys_errno);

/* The code that fits an errno. */
enum sp_code sp_code_of_errno(int sys_errno);

#endif
