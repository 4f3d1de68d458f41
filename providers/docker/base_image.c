/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/base_image.h"

#include <string.h>

#include "engine/image.h"
#include "providers/docker/recipe.h"

#define REPO       "sandpit-base"
#define LOCK       "docker-base.lock"
#define RECIPE     "images/recipes/base"
#define WHAT       "making the default image"
#define LABEL_LINE "LABEL dev.sandpit.base=host"

static int recipe_folder(const struct sp_docker *d, char **out, struct sp_error *err)
{
	if (asprintf(out, "%s/" RECIPE, d->data_dir) < 0) {
		*out = NULL;
		return sp_fail(err, SP_ERR_NOMEM, "recipe");
	}
	return 0;
}

int sp_docker_base_name(const struct sp_docker *d, char out[static SP_BASE_IMAGE_MAX],
	struct sp_error *err)
{
	sp_autofree char *folder = NULL;
	char tag[SP_RECIPE_TAG_LEN + 1];
	int rc = recipe_folder(d, &folder, err);

	if (rc == 0)
		rc = sp_recipe_tag(folder, tag, err);
	if (rc < 0)
		return sp_wrap(err, rc, "default image");
	snprintf(out, SP_BASE_IMAGE_MAX, REPO ":%s", tag);
	return 0;
}

static int import(const struct sp_docker *d, const char *tag, const struct sp_tar *tar,
	const struct sp_strv *changes, struct sp_error *err)
{
	const struct sp_engine_import_opts opts = {.changes = sp_strv_list(changes),
		.message = "made from the host's files"};
	sp_autotarreader struct sp_tar_reader reader;
	char id[SP_ENGINE_ID_MAX];
	struct sp_source source;

	sp_tar_reader_init(&reader, tar);
	reader.on_progress = d->on_progress;
	reader.progress_ctx = d->progress_ctx;
	reader.what = WHAT;
	source = sp_tar_source(&reader);
	return sp_engine_image_import(d->engine, REPO, tag, &source, &opts, id, err);
}

static int make(const struct sp_docker *d, const char *name, struct sp_error *err)
{
	sp_autotar struct sp_tar tar = {0};
	sp_autostrv struct sp_strv changes = {0};
	sp_autofree char *folder = NULL;
	int rc = recipe_folder(d, &folder, err);

	if (d->on_progress)
		d->on_progress(d->progress_ctx, WHAT, 0, 0);
	sp_strv_add(&changes, LABEL_LINE);
	if (rc == 0)
		rc = sp_recipe_collect(folder, &tar, &changes, err);
	if (rc == 0)
		rc = import(d, strchr(name, ':') + 1, &tar, &changes, err);
	return rc;
}

int sp_docker_base_make(
	const struct sp_docker *d, const char *name, struct sp_error *err)
{
	sp_autoclose int lock = sp_docker_lock(d, LOCK, err);
	int rc;

	if (lock < 0)
		return lock;
	rc = sp_engine_image_inspect(d->engine, name, NULL, NULL, err);
	if (rc != SP_ERR_NOT_FOUND)
		return rc;
	rc = make(d, name, err);
	return rc < 0 ? sp_wrap(err, rc, "make the default image %s", name) : 0;
}
