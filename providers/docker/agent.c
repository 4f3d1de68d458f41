/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/agent.h"

#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "engine/archive.h"
#include "providers/docker/agent/report.h"
#include "providers/docker/tar.h"

#define PROGRAM           "sandpit-agent"
#define WORKER            "sandpit-worker"
#define PROGRAM_MAX_BYTES (16u << 20)
#define LOCK              "docker-agent.lock"
#define LABEL_HELPER      "dev.sandpit.helper"

void sp_docker_agent_clear(struct sp_docker_agent *agent)
{
	free(agent->program.data);
	free(agent->worker.data);
	memset(agent, 0, sizeof(*agent));
}

#define SUM_START 14695981039346656037ull

/* FNV-1a over words: names a version, keeps nobody out. */
static uint64_t sum(uint64_t h, const struct sp_bytes *bytes)
{
	uint64_t word;

	h ^= bytes->len;
	for (size_t i = 0; i + sizeof(word) <= bytes->len; i += sizeof(word)) {
		memcpy(&word, bytes->data + i, sizeof(word));
		h = (h ^ word) * 1099511628211ull;
		h ^= h >> 29;
	}
	return h;
}

int sp_docker_agent_load(
	const struct sp_docker *d, struct sp_docker_agent *out, struct sp_error *err)
{
	sp_autoclose int folder = open(
		d->libexec_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc;

	memset(out, 0, sizeof(*out));
	if (folder < 0)
		return sp_fail_errno(err, "helper programs in %s", d->libexec_dir);
	rc = sp_read_file_at(folder, PROGRAM, PROGRAM_MAX_BYTES, &out->program, err);
	if (rc == 0)
		rc = sp_read_file_at(
			folder, WORKER, PROGRAM_MAX_BYTES, &out->worker, err);
	if (rc < 0)
		return sp_wrap(err, rc, "helper programs in %s", d->libexec_dir);
	snprintf(out->volume, sizeof(out->volume), "sandpit-agent-%016" PRIx64,
		sum(sum(SUM_START, &out->program), &out->worker));
	return 0;
}

/* Does the container see all of the agent?  It is copied last. */
static bool is_there(const struct sp_docker *d, const struct sp_docker_agent *agent,
	const char *container)
{
	struct sp_engine_path_stat st = {0};
	struct sp_error ignored;
	bool there = sp_engine_archive_stat(
			     d->engine, container, SP_AGENT_PATH, &st, &ignored) == 0 &&
		st.size == agent->program.len;

	sp_engine_path_stat_clear(&st);
	return there;
}

static int upload(const struct sp_docker *d, const struct sp_docker_agent *agent,
	const char *container, struct sp_error *err)
{
	static char name[] = SP_AGENT_NAME, worker[] = SP_AGENT_WORKER_NAME;
	sp_autotar struct sp_tar tar = {0};
	sp_autotarreader struct sp_tar_reader reader;
	struct sp_source source;
	int rc;

	sp_tar_add(&tar,
		&(struct sp_tar_member){.type = SP_TAR_FILE,
			.name = worker,
			.data = agent->worker.data,
			.size = agent->worker.len,
			.mode = 0555});
	sp_tar_add(&tar,
		&(struct sp_tar_member){.type = SP_TAR_FILE,
			.name = name,
			.data = agent->program.data,
			.size = agent->program.len,
			.mode = 0555});
	sp_tar_reader_init(&reader, &tar);
	source = sp_tar_source(&reader);
	rc = sp_tar_ok(&tar, err);
	if (rc == 0)
		rc = sp_engine_archive_put(
			d->engine, container, SP_AGENT_DIR, 0, &source, err);
	return rc;
}

/* Sandboxes have the volume read-only: a container that never runs writes into it. */
static int fill_volume(const struct sp_docker *d, const struct sp_docker_agent *agent,
	const char *image, struct sp_error *err)
{
	static const char *const no_program[] = {SP_AGENT_PATH, NULL};
	const struct sp_engine_volume volume = {
		.name = agent->volume, .target = SP_AGENT_DIR};
	const struct sp_label label = {LABEL_HELPER, "volume"};
	const struct sp_container_spec spec = {.image = image,
		.entrypoint = no_program,
		.network_mode = "none",
		.labels = &label,
		.label_count = 1,
		.volumes = &volume,
		.volume_count = 1};
	char id[SP_ENGINE_ID_MAX];
	struct sp_error ignored;
	int rc = sp_engine_container_create(d->engine, &spec, id, NULL, err);

	if (rc < 0)
		return rc;
	rc = upload(d, agent, id, err);
	sp_engine_container_remove(d->engine, id, &ignored);
	return rc;
}

static int provide(const struct sp_docker *d, const struct sp_docker_agent *agent,
	const char *container, const char *image, struct sp_error *err)
{
	sp_autoclose int lock = sp_docker_lock(d, LOCK, err);

	if (lock < 0)
		return lock;
	if (is_there(d, agent, container)) /* somebody was faster */
		return 0;
	return fill_volume(d, agent, image, err);
}

int sp_docker_agent_start(const struct sp_docker *d,
	const struct sp_docker_agent *agent, const char *container, const char *image,
	struct sp_error *err)
{
	int rc = 0;

	/* Before the start: a container to be removed at its end is gone after a failed one. */
	if (!is_there(d, agent, container))
		rc = provide(d, agent, container, image, err);
	if (rc < 0)
		return sp_wrap(err, rc, "volume %s of the agent", agent->volume);
	return sp_engine_container_start(d->engine, container, err);
}
