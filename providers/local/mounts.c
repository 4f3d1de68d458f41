/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/mounts.h"

#include <string.h>

#include "base/buf.h"
#include "base/enc.h"

#define LINE_MAX_BYTES (64 * 1024)
#define WRITABLE       "rw:"
#define READ_ONLY      "ro:"
#define VOLUME         "volume:"
#define FOLDER         "folder:"

int mounts_note(struct sp_strv *to, const struct sp_mount *m, struct sp_error *err)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(LINE_MAX_BYTES);
	int rc;

	sp_buf_adds(&line, m->writable ? WRITABLE : READ_ONLY);
	sp_buf_adds(&line, m->is_volume ? VOLUME : FOLDER);
	sp_enc_percent(&line, m->source);
	sp_buf_addf(&line, ":%s", m->target);
	rc = sp_buf_ok(&line, err);
	if (rc < 0)
		return rc;
	sp_strv_add(to, sp_buf_str(&line));
	return sp_strv_ok(to, err);
}

/* Behind the word, if the line begins with it. */
static const char *after(const char *line, const char *word)
{
	size_t len = strlen(word);

	return strncmp(line, word, len) == 0 ? line + len : NULL;
}

/* *m has no source yet; *source is where it stands in the line. */
static bool parse_head(const char *line, struct sp_mount *m, const char **source)
{
	const char *rest = after(line, WRITABLE);

	m->writable = rest != NULL;
	rest = rest ? rest : after(line, READ_ONLY);
	if (!rest)
		return false;
	*source = after(rest, VOLUME);
	m->is_volume = *source != NULL;
	if (!*source)
		*source = after(rest, FOLDER);
	if (!*source)
		return false;
	m->target = strchr(*source, ':');
	if (!m->target || m->target[1] != '/')
		return false;
	m->target++;
	return true;
}

static int read_one(const char *line, struct sp_mount *m, struct sp_strv *texts,
	struct sp_error *err)
{
	sp_autobuf struct sp_buf source = SP_BUF_INIT(LINE_MAX_BYTES);
	const char *text;
	int rc;

	if (!parse_head(line, m, &text))
		return sp_fail(err, SP_ERR_PROTOCOL, "mount is \"%.64s\"", line);
	rc = sp_dec_percent(&source, text, (size_t)(m->target - 1 - text), err);
	if (rc == 0 && strlen(sp_buf_str(&source)) != source.len)
		rc = sp_fail(err, SP_ERR_PROTOCOL, "a zero byte in a mount");
	if (rc < 0)
		return rc;
	sp_strv_add(texts, sp_buf_str(&source));
	sp_strv_add(texts, m->target);
	rc = sp_strv_ok(texts, err);
	if (rc < 0)
		return rc;
	m->source = texts->items[texts->count - 2];
	m->target = texts->items[texts->count - 1];
	return 0;
}

int mounts_read(const struct sp_strv *from, struct sp_mount **out, size_t *count,
	struct sp_strv *texts, struct sp_error *err)
{
	sp_autofree struct sp_mount *mounts = calloc(from->count + 1, sizeof(*mounts));
	int rc = 0;

	if (!mounts)
		return sp_fail(err, SP_ERR_NOMEM, "out of memory");
	for (size_t i = 0; rc == 0 && i < from->count; i++)
		rc = read_one(from->items[i], &mounts[i], texts, err);
	if (rc < 0)
		return rc;
	*out = sp_take_ptr(mounts);
	*count = from->count;
	return 0;
}

bool mounts_have_volume(const struct sp_strv *mounts, const char *name)
{
	sp_autofree struct sp_mount *list = NULL;
	sp_autostrv struct sp_strv texts = {0};
	size_t count = 0;

	if (mounts_read(mounts, &list, &count, &texts, NULL) < 0)
		return true; /* what cannot be read may have it */
	for (size_t i = 0; i < count; i++)
		if (list[i].is_volume && strcmp(list[i].source, name) == 0)
			return true;
	return false;
}
