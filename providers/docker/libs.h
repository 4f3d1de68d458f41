/* SPDX-License-Identifier: Apache-2.0 */
/* The shared libraries a program of this machine needs, by its own loader's answer. */
#ifndef SP_DOCKER_LIBS_H
#define SP_DOCKER_LIBS_H

#include "base/strv.h"

struct sp_libs_elf {
	bool is_elf;
	bool is_library;  /* or a program at a free address without a loader */
	char loader[256]; /* the program that loads it, empty where it needs none */
};

/* What kind of file this is. */
int sp_libs_look(const char *path, struct sp_libs_elf *out, struct sp_error *err);

/* Add what path needs to *out: absolute paths as the loader says them. */
int sp_libs_of(const char *path, const char *loader, struct sp_strv *out,
	struct sp_error *err);

#endif
