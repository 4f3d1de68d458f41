/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sources take from glibc and musl lacks; included before everything else where
 * the command is built with musl, and nowhere else.
 */
#ifndef SP_BASE_MUSL_H
#define SP_BASE_MUSL_H

#include <dlfcn.h>

#define RTLD_DL_LINKMAP 2

struct link_map;

/* A static program has no libraries: it says that nothing was found. */
int dladdr1(const void *address, Dl_info *info, void **extra, int flags);

/* The text of an error, whatever the locale. */
const char *strerrordesc_np(int number);

#endif
