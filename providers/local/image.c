/* SPDX-License-Identifier: Apache-2.0 */
/* What an image is: the host's own view, a folder, or snapshots on one of these. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/enc.h"
#include "providers/local/store.h"

#define SNAPSHOT_PREFIX "snapshot:"

void local_image_clear(struct local_image *image)
{
	free(image->name);
	free(image->base);
	free(image->changed);
	sp_strv_clear(&image->snapshots);
	sp_strv_clear(&image->folders);
	*image = (struct local_image){0};
}

static bool is_host(const char *text)
{
	return !text || strcmp(text, LOCAL_IMAGE_HOST) == 0;
}

/* A path begins as one: every other word is a name. */
static bool is_folder(const char *text)
{
	return text[0] == '/' || strncmp(text, "./", 2) == 0 ||
		strncmp(text, "../", 3) == 0 || strcmp(text, ".") == 0;
}

static int check_folder(const char *path, struct sp_error *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return sp_fail_errno(err, "image %s", path);
	if (!S_ISDIR(st.st_mode))
		return sp_fail(err, SP_ERR_INVALID, "image %s is not a folder", path);
	return 0;
}

static int keep(struct local_image *image, const char *name, const char *base,
	struct sp_error *err)
{
	image->name = strdup(name);
	image->base = strdup(base);
	return image->name && image->base ? 0
					  : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int find_folder(
	const char *text, struct local_image *image, struct sp_error *err)
{
	sp_autofree char *real = NULL;
	int rc = check_folder(text, err);

	if (rc < 0)
		return rc;
	real = realpath(text, NULL);
	if (!real)
		return sp_fail_errno(err, "image %s", text);
	return keep(image, real, real, err);
}

static int add_layer(const struct local *l, struct local_image *image, const char *name,
	struct sp_error *err)
{
	int rc;

	sp_strv_add(&image->snapshots, name);
	sp_strv_addf(&image->folders, "%s/snapshots/%s/" STORE_TREE, l->store, name);
	rc = sp_strv_ok(&image->snapshots, err);
	return rc < 0 ? rc : sp_strv_ok(&image->folders, err);
}

static int add_layers(const struct local *l, struct local_image *image,
	const struct sp_strv *names, struct sp_error *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < names->count; i++)
		rc = add_layer(l, image, names->items[i], err);
	return rc;
}

int local_image_of(const struct local *l, const struct sp_record *r, const char *top,
	struct local_image *out, struct sp_error *err)
{
	local_autoimage image = {0};
	int rc = keep(&image, r->image, r->base ? r->base : r->image, err);

	if (rc == 0)
		rc = add_layer(l, &image, top, err);
	if (rc == 0)
		rc = add_layers(l, &image, &r->snapshots, err);
	if (rc < 0)
		return rc;
	*out = image;
	image = (struct local_image){0};
	return 0;
}

static int no_such_image(const char *text, struct sp_error *err)
{
	return sp_fail(err, SP_ERR_NOT_FOUND,
		"image \"%.128s\": the local provider knows \"host\", folders with a "
		"root file system (/path or ./path) and its snapshots (see sandpit "
		"snapshots)",
		text);
}

/* One that was changed is named, and still used: what lies on it says what it replaces. */
static int check_base(struct local_image *image, const struct stored_record *r,
	const char *name, struct sp_error *err)
{
	int rc = 0;

	if (!r->base)
		return sp_fail(err, SP_ERR_PROTOCOL, "snapshot %s has no base", name);
	if (!is_host(r->base))
		rc = check_folder(r->base, err);
	if (rc < 0)
		return sp_wrap(err, rc, "what snapshot %s was made on", name);
	if (base_mark(r->base) == r->base_mark)
		return 0;
	sp_log(SP_LOG_INFO, "the base of a snapshot has changed", "snapshot=%s base=%s",
		name, r->base);
	image->changed = strdup(name);
	return image->changed ? 0 : sp_fail(err, SP_ERR_NOMEM, "out of memory");
}

static int read_snapshot(const struct local *l, const char *name,
	struct stored_record *r, struct sp_error *err)
{
	sp_autostore store = STORE_INIT;
	int rc = store_open_there(l, &store, err);

	return rc < 0 ? rc : store_read(&store, SP_STORED_SNAPSHOT, name, r, err);
}

static int find_snapshot(const struct local *l, const char *text,
	struct local_image *image, struct sp_error *err)
{
	const size_t prefix = strlen(SNAPSHOT_PREFIX);
	const char *name = strncmp(text, SNAPSHOT_PREFIX, prefix) ? text
								  : text + prefix;
	sp_autostored r = {0};
	int rc = sp_name_ok(name) ? read_snapshot(l, name, &r, err) : SP_ERR_NOT_FOUND;

	if (rc == SP_ERR_NOT_FOUND)
		return no_such_image(text, err);
	if (rc == 0)
		rc = check_base(image, &r, name, err);
	if (rc == 0)
		rc = keep(image, name, r.base, err);
	if (rc == 0)
		rc = add_layer(l, image, name, err);
	return rc < 0 ? rc : add_layers(l, image, &r.below, err);
}

int local_image_find(const struct local *l, const char *text, struct local_image *out,
	struct sp_error *err)
{
	local_autoimage image = {0};
	int rc;

	if (is_host(text))
		rc = keep(&image, LOCAL_IMAGE_HOST, LOCAL_IMAGE_HOST, err);
	else if (is_folder(text))
		rc = find_folder(text, &image, err);
	else
		rc = find_snapshot(l, text, &image, err);
	if (rc < 0)
		return rc;
	*out = image;
	image = (struct local_image){0};
	return 0;
}
