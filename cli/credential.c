/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/credential.h"

#include <fcntl.h>
#include <string.h>

#include "base/io.h"

#define SECRET_MAX (64 * 1024)

static int bad_credential(struct sp_error *err)
{
	/* Without the text: whoever got it wrong may have typed the secret itself. */
	return sp_fail(err, SP_ERR_INVALID,
		"it is not HOST=HEADER:[PREFIX ]env:NAME or HOST=HEADER:[PREFIX "
		"]@FILE");
}

/* A file's one line; what its last newline was for is not part of it. */
static int read_secret(const char *path, char **out, struct sp_error *err)
{
	struct sp_bytes bytes = {0};
	int rc = sp_read_file_at(AT_FDCWD, path, SECRET_MAX, &bytes, err);

	if (rc < 0)
		return sp_wrap(err, rc, "%s", path);
	if (bytes.len && bytes.data[bytes.len - 1] == '\n')
		bytes.data[--bytes.len] = '\0';
	if (bytes.len && bytes.data[bytes.len - 1] == '\r')
		bytes.data[--bytes.len] = '\0';
	*out = bytes.data;
	return 0;
}

static int find_secret(const char *from, char **out, struct sp_error *err)
{
	const char *value;

	if (from[0] == '@' && from[1])
		return read_secret(from + 1, out, err);
	if (strncmp(from, "env:", 4) != 0 || !from[4])
		return bad_credential(err);
	value = getenv(from + 4);
	if (!value)
		return sp_fail(err, SP_ERR_NOT_FOUND,
			"there is no variable %.64s in the environment", from + 4);
	*out = strdup(value);
	return *out ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

int cli_add_credential(
	struct cli_args *args, void *field, const char *value, struct sp_error *err)
{
	struct sp_strv *list = field;
	const char *equals = strchr(value, '=');
	const char *colon = equals ? strchr(equals, ':') : NULL;
	const char *space = colon ? strrchr(colon, ' ') : NULL;
	const char *from = space ? space + 1 : colon ? colon + 1 : NULL;
	sp_autofree char *secret = NULL;
	int rc;

	(void)args;
	if (!colon || equals == value || colon == equals + 1)
		return bad_credential(err);
	rc = find_secret(from, &secret, err);
	if (rc < 0)
		return rc;
	if (!secret || !*secret || strpbrk(secret, "\r\n"))
		rc = sp_fail(err, SP_ERR_INVALID, "the secret is not one line");
	if (rc == 0) {
		sp_strv_addf(list, "%.*s", (int)(equals - value), value);
		sp_strv_addf(list, "%.*s", (int)(colon - equals - 1), equals + 1);
		sp_strv_addf(
			list, "%.*s%s", (int)(from - colon - 1), colon + 1, secret);
		rc = sp_strv_ok(list, err);
	}
	if (secret)
		explicit_bzero(secret, strlen(secret));
	return rc;
}
