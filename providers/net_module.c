/* SPDX-License-Identifier: Apache-2.0 */
/* The way into libsandpit-net.so: the drivers that need HTTP. */
#include "base/http_client.h"
#include "providers/docker/driver.h"
#include "providers/provider.h"

static const struct sp_driver *const drivers[] = {
	&sp_driver_docker,
	NULL,
};

static const struct sp_module module = {
	.version = SP_VERSION,
	.drivers = drivers,
};

/*
 * NULL when libcurl cannot start.  The log's sink is copied: the module has a copy of
 * the logger of its own.  Loading twice gives the same module again.
 */
SP_API const struct sp_module *sp_module_open(const struct sp_log_sink *sink);

const struct sp_module *sp_module_open(const struct sp_log_sink *sink)
{
	static bool is_started;

	if (sink)
		sp_log_set(sink);
	if (!is_started && sp_http_global_init(NULL) < 0)
		return NULL;
	is_started = true;
	return &module;
}
