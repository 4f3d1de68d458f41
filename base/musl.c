/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For the command when it is built with musl: what base/musl.h declares, and the checking
 * twins of functions that the distribution's static libraries were compiled to call.  The
 * checks that these add to a call of known size are glibc's; the calls are the same.
 */
#include "base/musl.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

int dladdr1(const void *address, Dl_info *info, void **extra, int flags)
{
	(void)address;
	(void)info;
	(void)extra;
	(void)flags;
	return 0;
}

const char *strerrordesc_np(int number)
{
	return strerror(number);
}

/* Names that only a linker sees; no header declares them. */
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args);
int __fprintf_chk(FILE *file, int flag, const char *format, ...);
int __vsnprintf_chk(
	char *to, size_t size, int flag, size_t room, const char *format, va_list args);
int __snprintf_chk(
	char *to, size_t size, int flag, size_t room, const char *format, ...);
int __vasprintf_chk(char **to, int flag, const char *format, va_list args);
char *__strcat_chk(char *to, const char *from, size_t room);
void __vsyslog_chk(int priority, int flag, const char *format, va_list args);

int __vfprintf_chk(FILE *file, int flag, const char *format, va_list args)
{
	(void)flag;
	return vfprintf(file, format, args);
}

int __fprintf_chk(FILE *file, int flag, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = __vfprintf_chk(file, flag, format, args);
	va_end(args);
	return n;
}

int __vsnprintf_chk(
	char *to, size_t size, int flag, size_t room, const char *format, va_list args)
{
	(void)flag;
	return vsnprintf(to, size < room ? size : room, format, args);
}

int __snprintf_chk(
	char *to, size_t size, int flag, size_t room, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = __vsnprintf_chk(to, size, flag, room, format, args);
	va_end(args);
	return n;
}

int __vasprintf_chk(char **to, int flag, const char *format, va_list args)
{
	(void)flag;
	return vasprintf(to, format, args);
}

char *__strcat_chk(char *to, const char *from, size_t room)
{
	size_t used = strlen(to);
	size_t len = strlen(from);

	if (used >= room || len >= room - used)
		__builtin_trap();
	memcpy(to + used, from, len + 1);
	return to;
}

void __vsyslog_chk(int priority, int flag, const char *format, va_list args)
{
	(void)flag;
	vsyslog(priority, format, args);
}
