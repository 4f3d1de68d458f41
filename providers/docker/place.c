/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/place.h"

#include <string.h>

#include "base/clock.h"
#include "engine/archive.h"
#include "engine/image.h"
#include "providers/docker/tar.h"

#define REGISTRY_MS 5000

void sp_docker_place_clear(struct sp_docker_place *place)
{
	sp_docker_agent_clear(&place->agent);
	sp_docker_plan_clear(&place->plan);
}

int sp_docker_place_plan(struct sp_docker_place *place, struct sp_docker *docker,
	const struct sp_sandbox_spec *spec, struct sp_error *err)
{
	struct sp_docker_plan_inputs in = {
		.image = spec->image,
		.data_dir = docker->data_dir,
		.now_ms = sp_clock_real_ms(),
	};
	int rc;

	memset(place, 0, sizeof(*place));
	place->docker = docker;
	place->spec = spec;
	rc = sp_docker_agent_load(docker, &place->agent, err);
	if (rc == 0 && !spec->image) {
		rc = sp_docker_base_name(docker, place->base, err);
		in.image = place->base;
	}
	if (rc < 0)
		return rc;
	in.volume = place->agent.volume;
	return sp_docker_plan_make(&place->plan, spec, &in, err);
}

static int pull(struct sp_docker *d, const char *image, struct sp_error *err)
{
	const struct sp_engine_pull_opts opts = {
		.on_progress = d->on_progress, .progress_ctx = d->progress_ctx};
	char why[sizeof(err->msg)];
	int rc = sp_engine_image_pull(d->engine, image, &opts, err);

	if (rc == 0 || rc == SP_ERR_CANCELLED || rc == SP_ERR_NOMEM || err->not_sent)
		return rc;
	memcpy(why, err->msg, sizeof(why));
	return sp_fail(err, SP_ERR_NOT_FOUND,
		"image %s is not on the engine and no registry gave it (%.200s): bring "
		"it "
		"with docker load or docker pull, or leave the image out for the "
		"default "
		"one",
		image, why);
}

static int bring_image(struct sp_docker_place *place, struct sp_error *err)
{
	return place->base[0] ? sp_docker_base_make(place->docker, place->base, err)
			      : pull(place->docker, place->plan.container.image, err);
}

/* Words of the engine's warnings about a limit it will not keep, and who asked for it. */
static int check_warning(
	const struct sp_limits *limits, const char *warning, struct sp_error *err)
{
	const struct {
		const char *word;
		bool asked;
	} kinds[] = {
		{"memory limit", limits->memory_bytes != 0},
		{"Memory limit", limits->memory_bytes != 0},
		{"swap limit", limits->memory_bytes != 0},
		{"ids limit", limits->pids != 0},
		{"IDs limit", limits->pids != 0},
		{"CPU", limits->cpu_millis != 0},
	};

	for (size_t i = 0; i < SP_COUNT(kinds); i++)
		if (kinds[i].asked && strstr(warning, kinds[i].word))
			return sp_fail(err, SP_ERR_UNSUPPORTED,
				"the engine cannot set a limit that was asked for: %s",
				warning);
	/* As a default it is degraded, which health says too. */
	sp_log(SP_LOG_WARN, "engine warns", "text=%s", warning);
	return 0;
}

static int check_warnings(struct sp_docker_place *place, const struct sp_strv *warnings,
	struct sp_error *err)
{
	int rc = 0;

	for (size_t i = 0; i < warnings->count && rc == 0; i++)
		rc = check_warning(&place->spec->limits, warnings->items[i], err);
	return rc;
}

/*
 * The engine makes a missing working directory for root alone; ours is for any user the
 * sandbox may have.  The default image has it already.
 */
static int make_workspace(struct sp_docker_place *place, struct sp_error *err)
{
	static char name[] = "workspace";
	sp_autotar struct sp_tar tar = {0};
	sp_autotarreader struct sp_tar_reader reader;
	struct sp_source source;

	sp_tar_add(&tar,
		&(struct sp_tar_member){.type = SP_TAR_FOLDER,
			.name = name,
			.mode = 01777,
			.mtime = place->plan.created_ms / 1000});
	sp_tar_reader_init(&reader, &tar);
	source = sp_tar_source(&reader);
	return sp_engine_archive_put(place->docker->engine, place->plan.name, "/",
		SP_ARCHIVE_KEEP_TYPES, &source, err);
}

static int create_once(
	struct sp_docker_place *place, struct sp_strv *warnings, struct sp_error *err)
{
	const struct sp_container_spec *spec = &place->plan.container;
	char engine_id[SP_ENGINE_ID_MAX];
	int rc = sp_engine_container_create(
		place->docker->engine, spec, engine_id, warnings, err);

	/* The engine calls it a failure of its own. */
	if (rc < 0 && spec->disk_size && strstr(err->msg, "storage-opt")) {
		sp_wrap(err, rc, "disk limit");
		rc = err->code = SP_ERR_UNSUPPORTED;
	}
	return rc;
}

int sp_docker_place_create(struct sp_docker_place *place, struct sp_error *err)
{
	sp_autostrv struct sp_strv warnings = {0};
	int rc = create_once(place, &warnings, err);

	if (rc == SP_ERR_NOT_FOUND) {
		rc = bring_image(place, err);
		if (rc == 0)
			rc = create_once(place, &warnings, err);
	}
	if (rc < 0)
		return rc;
	rc = check_warnings(place, &warnings, err);
	if (rc == 0 && !place->base[0] && !place->spec->workdir)
		rc = make_workspace(place, err);
	if (rc < 0)
		sp_docker_place_undo(place);
	return rc;
}

int sp_docker_place_start(struct sp_docker_place *place, struct sp_error *err)
{
	return sp_docker_agent_start(place->docker, &place->agent, place->plan.name,
		place->plan.container.image, err);
}

void sp_docker_place_undo(struct sp_docker_place *place)
{
	struct sp_error ignored;

	sp_engine_container_remove(place->docker->engine, place->plan.name, &ignored);
}

int sp_docker_has_image(struct sp_provider *p, const char *image, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	char base[SP_BASE_IMAGE_MAX];
	char why[sizeof(err->msg)];
	int rc;

	if (!image) {
		rc = sp_docker_base_name(d, base, err);
		return rc < 0
			? rc
			: sp_docker_explain(d,
				  sp_engine_ping(d->engine, REGISTRY_MS, NULL, err),
				  err);
	}
	rc = sp_engine_image_inspect(d->engine, image, NULL, NULL, err);
	if (rc != SP_ERR_NOT_FOUND)
		return sp_docker_explain(d, rc, err);
	rc = sp_engine_image_in_registry(d->engine, image, REGISTRY_MS, err);
	if (rc == 0)
		return 0;
	memcpy(why, err->msg, sizeof(why));
	rc = sp_fail(err, SP_ERR_NOT_FOUND,
		"image %s is not on the engine and no registry has it (%.200s): bring "
		"it "
		"with docker load or docker pull",
		image, why);
	return sp_docker_explain(d, rc, err);
}

int sp_docker_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	sp_autoplace struct sp_docker_place place;
	int rc = sp_docker_place_plan(&place, d, spec, err);

	if (rc < 0)
		return rc;
	rc = sp_docker_place_create(&place, err);
	if (rc < 0)
		return sp_docker_explain(d, rc, err);
	rc = sp_docker_place_start(&place, err);
	if (rc < 0) {
		sp_docker_place_undo(&place);
		return sp_docker_explain(d, rc, err);
	}
	memcpy(id, place.plan.id, sizeof(place.plan.id));
	return 0;
}
