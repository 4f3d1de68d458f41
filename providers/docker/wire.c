/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/wire.h"

#include <string.h>

#include "base/enc.h"
#include "base/json.h"

/* One that was made but never started, as a killed creator leaves it. */
#define STARTING_MAX_MS 60000

bool sp_docker_is_sandbox(const struct sp_container_info *container)
{
	const char *id = sp_container_label(container, SP_DOCKER_LABEL_ID);
	char name[SP_DOCKER_NAME_MAX];

	if (!id || !container->name || !sp_name_ok(id) ||
		strlen(id) >= SP_SANDBOX_ID_MAX)
		return false;
	sp_docker_name(name, id);
	return strcmp(name, container->name) == 0;
}

static enum sp_sandbox_state state_of(
	const struct sp_container_info *container, int64_t age_ms)
{
	switch (container->state) {
	case SP_CONTAINER_RUNNING:
	case SP_CONTAINER_RESTARTING:
		return SP_STATE_RUNNING;
	case SP_CONTAINER_PAUSED:
		return SP_STATE_PAUSED;
	case SP_CONTAINER_CREATED:
		return age_ms < STARTING_MAX_MS ? SP_STATE_STARTING : SP_STATE_DEAD;
	case SP_CONTAINER_REMOVING:
	case SP_CONTAINER_EXITED:
	case SP_CONTAINER_DEAD:
		break;
	}
	return SP_STATE_DEAD;
}

/* A number of ours in a label; 0 where it is missing or somebody else's idea of one. */
static int64_t number_of(const struct sp_container_info *container, const char *key)
{
	const char *text = sp_container_label(container, key);
	struct sp_error ignored;
	int64_t value = 0;

	if (!text || sp_parse_int(text, 0, INT64_MAX, &value, &ignored) < 0)
		return 0;
	return value;
}

static int copy_labels(const struct sp_container_info *container,
	struct sp_sandbox_info *out, struct sp_error *err)
{
	size_t prefix = strlen(SP_DOCKER_LABEL_USER);
	int rc = 0;

	for (size_t i = 0; i < container->label_count && rc == 0; i++) {
		const struct sp_owned_label *label = &container->labels[i];

		if (strncmp(label->key, SP_DOCKER_LABEL_USER, prefix) == 0)
			rc = sp_sandbox_info_label(
				out, label->key + prefix, label->value, err);
	}
	return rc;
}

int sp_docker_info(const struct sp_container_info *container, int64_t now_ms,
	struct sp_sandbox_info *out, struct sp_error *err)
{
	const char *id = sp_container_label(container, SP_DOCKER_LABEL_ID);
	const char *image = sp_container_label(container, SP_DOCKER_LABEL_IMAGE);

	memset(out, 0, sizeof(*out));
	snprintf(out->provider, sizeof(out->provider), "docker");
	snprintf(out->id, sizeof(out->id), "%s", id ? id : "");
	out->created_ms = number_of(container, SP_DOCKER_LABEL_CREATED);
	if (!out->created_ms)
		out->created_ms = container->created_ms;
	out->expires_ms = number_of(container, SP_DOCKER_LABEL_EXPIRES);
	out->state = state_of(container, now_ms - out->created_ms);
	if (!image)
		image = container->image ? container->image : "";
	out->image = strdup(image);
	if (!out->image)
		return sp_fail(err, SP_ERR_NOMEM, "sandbox");
	return copy_labels(container, out, err);
}

static struct json_object *labels_json(const struct sp_sandbox_info *info, bool *failed)
{
	struct json_object *labels = json_object_new_object();

	for (size_t i = 0; labels && i < info->label_count; i++)
		sp_json_put_str(
			labels, info->labels[i].key, info->labels[i].value, failed);
	return labels;
}

int sp_docker_inspect_json(const struct sp_sandbox_info *info, const struct sp_buf *raw,
	struct sp_buf *json, struct sp_error *err)
{
	sp_autojson struct json_object *doc = json_object_new_object();
	struct json_object *engine = NULL;
	bool failed = !doc;
	int rc = sp_json_parse(sp_buf_str(raw), raw->len, &engine, err);

	if (rc < 0)
		return sp_wrap(err, rc, "what the engine says of the container");
	if (!doc) {
		json_object_put(engine);
		return sp_fail(err, SP_ERR_NOMEM, "inspect");
	}
	sp_json_put_str(doc, "provider", info->provider, &failed);
	sp_json_put_str(doc, "id", info->id, &failed);
	sp_json_put_str(doc, "state", sp_sandbox_state_name(info->state), &failed);
	sp_json_put_str(doc, "image", info->image, &failed);
	sp_json_put_int(doc, "created_ms", info->created_ms, &failed);
	sp_json_put_int(doc, "expires_ms", info->expires_ms, &failed);
	sp_json_put(doc, "labels", labels_json(info, &failed), &failed);
	sp_json_put(doc, "engine", engine, &failed);
	if (failed)
		return sp_fail(err, SP_ERR_NOMEM, "inspect");
	sp_json_print(json, doc);
	return sp_buf_ok(json, err);
}
