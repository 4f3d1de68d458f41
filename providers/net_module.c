/* SPDX-License-Identifier: Apache-2.0 */
/* The loadable module of every provider that speaks HTTP, loaded on its first use. */
#include "base/http_client.h"
#include "providers/docker/driver.h"

SP_API sp_module_open_fn sp_module_open;

/* NULL when libcurl does not start.  Opening it twice gives the same module again. */
const struct sp_module *sp_module_open(const struct sp_log_sink *sink)
{
	static const struct sp_driver *const drivers[] = {&sp_driver_docker, NULL};
	static const struct sp_module module = {SP_VERSION, drivers};
	static bool is_started;

	/* The module has its own copy of base/, and with it of the log. */
	sp_log_set(sink);
	if (!is_started && sp_http_global_init(NULL) < 0)
		return NULL;
	is_started = true;
	return &module;
}
