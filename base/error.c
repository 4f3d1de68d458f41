/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Fill the message, one line: what a server sent must not start a second one. */
static void set_message(struct sp_error *err, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

static void set_message(struct sp_error *err, const char *fmt, va_list ap)
{
	vsnprintf(err->msg, sizeof(err->msg), fmt, ap);
	for (char *p = err->msg; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
}

/* Add ": text" as far as it fits: the front of a message says most. */
static void append(struct sp_error *err, const char *text)
{
	size_t used = strlen(err->msg);
	size_t left = sizeof(err->msg) - 1 - used;
	size_t len = strlen(text);

	if (left < 3)
		return;
	len = len < left - 2 ? len : left - 2;
	memcpy(err->msg + used, ": ", 2);
	memcpy(err->msg + used + 2, text, len);
	err->msg[used + 2 + len] = '\0';
}

int sp_fail(struct sp_error *err, enum sp_code code, const char *fmt, ...)
{
	va_list ap;

	if (!err)
		return code;
	memset(err, 0, sizeof(*err));
	err->code = code;
	va_start(ap, fmt);
	set_message(err, fmt, ap);
	va_end(ap);
	return code;
}

enum sp_code sp_code_of_errno(int sys_errno)
{
	switch (sys_errno) {
	case ENOENT:
	case ESRCH:
	case ENOTDIR:
		return SP_ERR_NOT_FOUND;
	case EEXIST:
	case EISDIR:
	case ENOTEMPTY:
		return SP_ERR_EXISTS;
	case EACCES:
	case EPERM:
	case EROFS:
		return SP_ERR_DENIED;
	case ENOSPC:
	case EDQUOT:
	case EFBIG:
	case EMFILE:
	case ENFILE:
	case EUSERS:
	case ENAMETOOLONG:
	case E2BIG:
		return SP_ERR_LIMIT;
	case ETIMEDOUT:
		return SP_ERR_TIMEOUT;
	case ECONNREFUSED:
	case ECONNRESET:
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EPIPE:
		return SP_ERR_UNAVAILABLE;
	case EINVAL:
	case ELOOP:
		return SP_ERR_INVALID;
	case ENOSYS:
	case EOPNOTSUPP:
		return SP_ERR_UNSUPPORTED;
	case ENOMEM:
		return SP_ERR_NOMEM;
	case ECANCELED:
		return SP_ERR_CANCELLED;
	default:
		return SP_ERR_SYSTEM;
	}
}

int sp_fail_errno(struct sp_error *err, const char *fmt, ...)
{
	int saved = errno;
	enum sp_code code = sp_code_of_errno(saved);
	va_list ap;

	if (!err)
		return code;
	memset(err, 0, sizeof(*err));
	err->code = code;
	err->sys_errno = saved;
	va_start(ap, fmt);
	set_message(err, fmt, ap);
	va_end(ap);
	append(err, strerror(saved));
	return code;
}

int sp_wrap(struct sp_error *err, int rc, const char *fmt, ...)
{
	struct sp_error outer = {0};
	va_list ap;

	if (!err)
		return rc;
	va_start(ap, fmt);
	set_message(&outer, fmt, ap);
	va_end(ap);
	append(&outer, err->msg);
	memcpy(err->msg, outer.msg, sizeof(err->msg));
	return rc;
}

const char *sp_code_name(enum sp_code code)
{
	static const char *const names[] = {"ok", "invalid", "not_found", "exists",
		"denied", "limit", "timeout", "unavailable", "protocol", "unsupported",
		"system", "no_memory", "cancelled"};
	unsigned int i = 0u - (unsigned int)code;

	return i < sizeof(names) / sizeof(names[0]) ? names[i] : "unknown";
}

const char *sp_errno_name(int sys_errno)
{
#define NAME(number) \
	{ \
		number, #number \
	}
	static const struct {
		int number;
		const char *name;
	} names[] = {NAME(EPERM), NAME(ENOENT), NAME(EIO), NAME(ENOMEM), NAME(EACCES),
		NAME(EBUSY), NAME(EEXIST), NAME(ENODEV), NAME(ENOTDIR), NAME(EINVAL),
		NAME(EMFILE), NAME(ENFILE), NAME(ENOSPC), NAME(EROFS), NAME(EAGAIN),
		NAME(ENOSYS), NAME(ELOOP), NAME(EOVERFLOW), NAME(EOPNOTSUPP),
		NAME(EUSERS), NAME(ECANCELED)};
#undef NAME

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].number == sys_errno)
			return names[i].name;
	return "errno";
}
