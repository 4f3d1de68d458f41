/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine resolves paths in the container's root itself, also while it runs, so no
 * path of the host is ever made of what comes from inside.
 */
#include "providers/docker/files.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "engine/archive.h"
#include "providers/docker/agent/report.h"
#include "providers/docker/command.h"
#include "providers/docker/tar.h"
#include "providers/file_work.h"

#define LINKS_MAX 16
#define DEPTH_MAX 128

int sp_docker_get_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_sink *sink, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	char name[SP_DOCKER_NAME_MAX];

	sp_docker_name(name, id);
	return sp_docker_explain(
		d, sp_engine_archive_get(d->engine, name, path, sink, err), err);
}

/* Look at path, links followed.  The engine gives a link's target in the container. */
static int look(struct sp_docker *d, const char *container, const char *path,
	struct sp_engine_path_stat *out, struct sp_error *err)
{
	sp_autofree char *at = strdup(path);

	for (int i = 0; at && i < LINKS_MAX; i++) {
		int rc = sp_engine_archive_stat(d->engine, container, at, out, err);

		if (rc < 0 || !S_ISLNK(out->mode) || !out->link_target)
			return rc;
		free(at);
		at = out->link_target[0] ? strdup(out->link_target) : NULL;
		sp_engine_path_stat_clear(out);
		memset(out, 0, sizeof(*out));
	}
	return at ? sp_fail(err, SP_ERR_INVALID, "%s: too many links", path)
		  : sp_fail(err, SP_ERR_NOMEM, "path");
}

static enum sp_file_type type_of(uint32_t mode)
{
	if (S_ISREG(mode))
		return SP_FILE_REGULAR;
	return S_ISDIR(mode) ? SP_FILE_FOLDER : SP_FILE_OTHER;
}

int sp_docker_stat(struct sp_provider *p, const char *id, const char *path,
	struct sp_file_stat *out, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	struct sp_engine_path_stat st = {0};
	char name[SP_DOCKER_NAME_MAX];
	int rc;

	sp_docker_name(name, id);
	rc = look(d, name, path, &st, err);
	if (rc == 0)
		*out = (struct sp_file_stat){.type = type_of(st.mode),
			.size = st.size,
			.mode = st.mode & 07777,
			.mtime_s = st.mtime_ms / 1000};
	sp_engine_path_stat_clear(&st);
	return sp_docker_explain(d, rc, err);
}

/* The longest beginning of path that is there: its length, 1 for "/". */
static int find_existing(struct sp_docker *d, const char *container, const char *path,
	size_t *len, struct sp_error *err)
{
	sp_autofree char *at = strdup(path);

	for (int i = 0; at && i < DEPTH_MAX; i++) {
		struct sp_engine_path_stat st = {0};
		int rc = look(d, container, at, &st, err);
		bool is_folder = S_ISDIR(st.mode);
		char *slash;

		sp_engine_path_stat_clear(&st);
		if (rc == 0 && !is_folder)
			return sp_fail(err, SP_ERR_EXISTS, "%s is not a folder", at);
		slash = strrchr(at, '/');
		if (rc == 0 || (rc == SP_ERR_NOT_FOUND && slash == at && !at[1])) {
			*len = strlen(at);
			return rc;
		}
		if (rc != SP_ERR_NOT_FOUND)
			return rc;
		slash[slash == at] = '\0';
	}
	return at ? sp_fail(err, SP_ERR_LIMIT, "%s: too deep", path)
		  : sp_fail(err, SP_ERR_NOMEM, "path");
}

/* Make path's folders below its first len characters, by an archive of nothing else. */
static int make_folders(struct sp_docker *d, const char *container, const char *path,
	size_t len, struct sp_error *err)
{
	sp_autofree char *base = strndup(path, len);
	sp_autofree char *rest = strdup(path + len + (path[len] == '/'));
	sp_autotar struct sp_tar tar = {0};
	sp_autotarreader struct sp_tar_reader reader;
	struct sp_source source;
	int rc;

	sp_tar_reader_init(&reader, &tar);
	if (!base || !rest)
		return sp_fail(err, SP_ERR_NOMEM, "path");
	sp_tar_add(&tar,
		&(struct sp_tar_member){.type = SP_TAR_FOLDER,
			.name = rest,
			.mode = 0755,
			.mtime = time(NULL)});
	source = sp_tar_source(&reader);
	rc = sp_tar_ok(&tar, err);
	return rc < 0 ? rc
		      : sp_engine_archive_put(d->engine, container, base,
				SP_ARCHIVE_KEEP_TYPES, &source, err);
}

/* Without slashes at its end or doubled. */
static char *tidy(const char *path)
{
	char *out = malloc(strlen(path) + 2), *to = out;

	if (!out)
		return NULL;
	*to++ = '/';
	for (; *path; path++)
		if (*path != '/' || to[-1] != '/')
			*to++ = *path;
	if (to > out + 1 && to[-1] == '/')
		to--;
	*to = '\0';
	return out;
}

static int put(struct sp_docker *d, const char *container, const char *path,
	const struct sp_source *source, struct sp_error *err)
{
	size_t len;
	int rc = find_existing(d, container, path, &len, err);

	/* The stream can be read once: the folder has to be there before. */
	if (rc == 0 && len < strlen(path))
		rc = make_folders(d, container, path, len, err);
	if (rc == 0)
		rc = sp_engine_archive_put(
			d->engine, container, path, SP_ARCHIVE_KEEP_TYPES, source, err);
	/* The engine has no code of its own for a folder over a file, only words. */
	if (rc < 0 && strstr(err->msg, "cannot overwrite")) {
		rc = SP_ERR_EXISTS;
		err->code = SP_ERR_EXISTS;
	}
	return rc;
}

int sp_docker_put_archive(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err)
{
	struct sp_docker *d = sp_docker_of(p);
	sp_autofree char *clean = tidy(path);
	char name[SP_DOCKER_NAME_MAX];

	if (!clean)
		return sp_fail(err, SP_ERR_NOMEM, "path");
	sp_docker_name(name, id);
	return sp_docker_explain(d, put(d, name, clean, source, err), err);
}

/* --- Operations: our worker, run inside as root's command --------------------------- */

int sp_docker_file(struct sp_provider *p, const char *id,
	const struct sp_file_request *request, struct sp_error *err)
{
	sp_autowork struct sp_file_work w;
	struct sp_outcome outcome = {0};
	int rc = sp_file_work_init(&w, SP_AGENT_WORKER_PATH, request, err);
	const struct sp_source source = {.read = sp_file_work_input, .ctx = &w};
	const struct sp_command command = {.argv = sp_strv_list(&w.argv),
		.workdir = "/",
		.user = "0",
		.timeout_ms = w.timeout_ms,
		.stdin_fd = w.stdin_fd,
		.cancel_fd = request->cancel_fd,
		.on_output = sp_file_work_output,
		.on_output_ctx = &w};

	if (rc < 0)
		return rc;
	rc = sp_docker_exec_fed(p, id, &command,
		sp_file_work_has_input(&w) ? &source : NULL, &outcome, err);
	return sp_file_work_end(&w, rc, &outcome, err);
}
