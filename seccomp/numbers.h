/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of system calls: libseccomp's, and those that are newer than it. */
#ifndef SP_SECCOMP_NUMBERS_H
#define SP_SECCOMP_NUMBERS_H

#include <stdbool.h>
#include <stdint.h>

/* Whether the name is one of any architecture's, here or in libseccomp. */
bool sp_number_known(const char *name);

/* Whether libseccomp lacks the name, so that its rules are up to us. */
bool sp_number_is_newer(const char *name);

/* The call's number on this architecture, or -1. */
int64_t sp_number_of(const char *name, uint32_t arch);

/* An architecture's value in struct seccomp_data. */
uint32_t sp_number_audit_arch(uint32_t arch);

/* Where its numbers begin, where those newer than libseccomp may, and the last known. */
uint32_t sp_number_first(uint32_t arch);
uint32_t sp_number_first_newer(uint32_t arch);
uint32_t sp_number_last(uint32_t arch);

#endif
