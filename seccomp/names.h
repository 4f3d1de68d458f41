/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the profile format, and the numbers behind them. */
#ifndef SP_SECCOMP_NAMES_H
#define SP_SECCOMP_NAMES_H

#include <seccomp.h>
#include <stdbool.h>
#include <stdint.h>

/* Each answers whether the word is known, and only then sets *out. */
bool sp_seccomp_action(const char *word, uint32_t *out); /* without an errno */
bool sp_seccomp_op(const char *word, enum scmp_compare *out);
bool sp_seccomp_cap(const char *word, unsigned int *out);

/*
 * SCMP_ARCH_*, and the names that rules use: Go's, and libseccomp's where that differs.
 * An architecture of which this libseccomp knows nothing is known, as number 0.
 */
bool sp_seccomp_arch(const char *word, uint32_t *out);
bool sp_seccomp_rule_arch(const char *word, uint32_t *out);

#endif
