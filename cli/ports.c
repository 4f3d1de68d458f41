/* SPDX-License-Identifier: Apache-2.0 */
/* Where the ports of a kept sandbox are, as its provider tells. */
#include "base/json.h"
#include "cli/command.h"

static void say_port(const struct cli_args *args, struct json_object *o)
{
	int64_t port = 0, host_port = 0;

	if (sp_json_int(o, "port", &port, NULL) == 0 &&
		sp_json_int(o, "host_port", &host_port, NULL) == 0)
		out_say(args, "port %lld is at http://127.0.0.1:%lld", (long long)port,
			(long long)host_port);
}

void cli_say_ports(
	const struct cli_args *args, struct sp_client *client, const char *handle)
{
	sp_autojson struct json_object *doc = NULL;
	struct json_object *list = NULL;
	sp_autofree char *json = NULL;

	if (!args->ports.count || args->quiet)
		return;
	if (sp_sandbox_inspect(client, handle, &json, NULL) < 0)
		return;
	doc = json_tokener_parse(json);
	if (!doc || !json_object_object_get_ex(doc, "ports", &list) ||
		!json_object_is_type(list, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(list); i++)
		say_port(args, json_object_array_get_idx(list, i));
}
