/* SPDX-License-Identifier: Apache-2.0 */
/* The loadable module of every provider that speaks HTTP, loaded on its first use. */
#include "providers/docker/driver.h"

SP_API sp_module_open_fn sp_module_open;

const struct sp_module *sp_module_open(const struct sp_log_sink *sink)
{
	static const struct sp_driver *const drivers[] = {&sp_driver_docker, NULL};
	static const struct sp_module module = {SP_VERSION, drivers};

	/* The module has its own copy of base/, and with it of the log. */
	sp_log_set(sink);
	return &module;
}
