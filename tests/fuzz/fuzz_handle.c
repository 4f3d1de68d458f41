/* SPDX-License-Identifier: Apache-2.0 */
/* Handles come from other processes, and become names of files and parts of URLs. */
#include <stdlib.h>
#include <string.h>

#include "base/enc.h"
#include "providers/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char provider[SP_PROVIDER_NAME_MAX] = "-", id[SP_SANDBOX_ID_MAX] = "-";
	sp_autofree char *text = strndup((const char *)data, size);
	sp_autobuf struct sp_buf again = SP_BUF_INIT(SP_HANDLE_MAX);
	struct sp_error err = {0};

	if (!text)
		return 0;
	if (sp_handle_parse(text, provider, id, &err) < 0) {
		if (strcmp(provider, "-") != 0 || strcmp(id, "-") != 0 || !err.msg[0])
			abort();
		return 0;
	}
	/* What is taken is safe as a file's name, and is what was given. */
	if (!sp_name_ok(id) || (*provider && !sp_name_ok(provider)))
		abort();
	sp_buf_addf(&again, "%s%s%s", provider, *provider ? ":" : "", id);
	if (strcmp(sp_buf_str(&again), text) != 0)
		abort();
	return 0;
}
