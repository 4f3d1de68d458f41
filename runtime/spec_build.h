/* SPDX-License-Identifier: Apache-2.0 */
/* From what a caller wants to what the runner reads. */
#ifndef SP_RUNTIME_SPEC_BUILD_H
#define SP_RUNTIME_SPEC_BUILD_H

#include "runtime/launch.h"

/* Host objects that go inside, opened in the order of SP_RFD_SOURCES. */
struct sp_spec_files {
	int fds[1 + SP_RUNNER_LAYERS_MAX + SP_RUNNER_MOUNTS_MAX];
	size_t count;
};
void sp_spec_files_clear(struct sp_spec_files *files);

/* The sealed memory file of the specification; files receives the sources it names. */
int sp_spec_build(
	const struct sp_launch *l, struct sp_spec_files *files, struct sp_error *err);

#endif
