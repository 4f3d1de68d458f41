/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/docker/recipe.h"

#include <fcntl.h>
#include <glob.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/enc.h"
#include "base/io.h"
#include "providers/docker/gather.h"

#define RULES_FILE      "host-files"
#define RULES_MAX_BYTES (256u << 10)
#define TEXT_MAX_BYTES  (256u << 10)

/* What a rule does with a path: look at it for the tag, or add it. */
struct recipe {
	const char *folder;
	int folder_fd;
	bool surveys;
	uint64_t sum; /* of what a survey saw */
	struct sp_gather gather;
	struct sp_strv search;
	struct sp_strv *changes;
};

static void see(struct recipe *r, const void *data, size_t len)
{
	const unsigned char *at = data;

	/* FNV-1a: it tells versions apart, nobody is kept out by it. */
	for (; len > 0; len--)
		r->sum = (r->sum ^ *at++) * 1099511628211ull;
}

static void see_file(struct recipe *r, const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return;
	see(r, path, strlen(path) + 1);
	see(r, &st.st_size, sizeof(st.st_size));
	see(r, &st.st_mtim, sizeof(st.st_mtim));
}

static int rule_path(struct recipe *r, const char *path, struct sp_error *err)
{
	if (!r->surveys)
		return sp_gather_path(&r->gather, path, err);
	see_file(r, path);
	return 0;
}

static int rule_tree_at(struct recipe *r, const char *path, struct sp_error *err)
{
	if (!r->surveys)
		return sp_gather_tree(&r->gather, path, err);
	see_file(r, path);
	return 0;
}

/* --- One function for each rule, called for each word -------------------------------- */

static int rule_alias(struct recipe *r, const char *word, struct sp_error *err)
{
	struct stat st;

	if (lstat(word, &st) < 0 || !S_ISLNK(st.st_mode))
		return 0;
	return rule_path(r, word, err);
}

static int rule_search(struct recipe *r, const char *word, struct sp_error *err)
{
	sp_strv_add(&r->search, word);
	return sp_strv_ok(&r->search, err);
}

/* Looks at the first that is found; *found tells whether there was one. */
static int first_program(
	struct recipe *r, const char *word, bool *found, struct sp_error *err)
{
	char path[PATH_MAX];

	*found = false;
	for (size_t i = 0; i < r->search.count && !*found; i++) {
		snprintf(path, sizeof(path), "%s/%s", r->search.items[i], word);
		*found = access(path, X_OK) == 0;
	}
	return *found ? rule_path(r, path, err) : 0;
}

static int rule_program(struct recipe *r, const char *word, struct sp_error *err)
{
	bool found;

	return first_program(r, word, &found, err);
}

static int rule_need(struct recipe *r, const char *word, struct sp_error *err)
{
	bool found;
	int rc = first_program(r, word, &found, err);

	if (rc < 0 || found)
		return rc;
	return sp_fail(err, SP_ERR_NOT_FOUND,
		"%s: this machine has no such program to make the default image from",
		word);
}

static int each_match(struct recipe *r, const char *pattern,
	int (*fn)(struct recipe *r, const char *path, struct sp_error *err),
	struct sp_error *err)
{
	glob_t found = {0};
	int rc = 0;

	if (glob(pattern, 0, NULL, &found) == 0)
		for (size_t i = 0; i < found.gl_pathc && rc == 0; i++)
			rc = fn(r, found.gl_pathv[i], err);
	globfree(&found);
	return rc;
}

static int rule_file(struct recipe *r, const char *word, struct sp_error *err)
{
	return each_match(r, word, rule_path, err);
}

static int rule_tree(struct recipe *r, const char *word, struct sp_error *err)
{
	return each_match(r, word, rule_tree_at, err);
}

static int rule_skip(struct recipe *r, const char *word, struct sp_error *err)
{
	sp_strv_add(&r->gather.skip, word);
	return sp_strv_ok(&r->gather.skip, err);
}

/* --- Rules that take their line as a whole ------------------------------------------- */

static int read_mode(const char *word, uint32_t *mode, struct sp_error *err)
{
	char *end;
	unsigned long value = word ? strtoul(word, &end, 8) : 0;

	if (!word || *end || value > 07777)
		return sp_fail(err, SP_ERR_PROTOCOL, "mode %s", word ? word : "");
	*mode = (uint32_t)value;
	return 0;
}

static int line_folder(struct recipe *r, char *rest, struct sp_error *err)
{
	char *save = NULL;
	uint32_t mode;
	int rc = read_mode(strtok_r(rest, " ", &save), &mode, err);

	for (char *path; rc == 0 && (path = strtok_r(NULL, " ", &save));)
		sp_tar_add(r->gather.tar,
			&(struct sp_tar_member){
				.type = SP_TAR_FOLDER, .name = path + 1, .mode = mode});
	return rc;
}

static int line_text(struct recipe *r, char *rest, struct sp_error *err)
{
	char *save = NULL;
	uint32_t mode;
	int rc = read_mode(strtok_r(rest, " ", &save), &mode, err);
	char *path = strtok_r(NULL, " ", &save);
	const char *file = strtok_r(NULL, " ", &save);
	struct sp_bytes bytes = {0};

	if (rc < 0)
		return rc;
	if (!path || !file || path[0] != '/')
		return sp_fail(err, SP_ERR_PROTOCOL, "text needs a path and a file");
	rc = sp_read_file_at(r->folder_fd, file, TEXT_MAX_BYTES, &bytes, err);
	if (rc < 0)
		return rc;
	see(r, bytes.data, bytes.len);
	sp_tar_add(r->gather.tar,
		&(struct sp_tar_member){.type = SP_TAR_FILE,
			.name = path + 1,
			.data = bytes.data,
			.size = bytes.len,
			.mode = mode});
	free(bytes.data);
	return 0;
}

static int line_set(struct recipe *r, char *rest, struct sp_error *err)
{
	if (r->surveys)
		return 0;
	sp_strv_add(r->changes, rest);
	return sp_strv_ok(r->changes, err);
}

static const struct rule {
	const char *name;
	int (*word)(struct recipe *r, const char *word, struct sp_error *err);
	int (*line)(struct recipe *r, char *rest, struct sp_error *err);
} rules[] = {
	{"alias", rule_alias, NULL},
	{"search", rule_search, NULL},
	{"need", rule_need, NULL},
	{"program", rule_program, NULL},
	{"file", rule_file, NULL},
	{"skip", rule_skip, NULL},
	{"tree", rule_tree, NULL},
	{"folder", NULL, line_folder},
	{"text", NULL, line_text},
	{"set", NULL, line_set},
};

static int apply(
	struct recipe *r, const struct rule *rule, char *rest, struct sp_error *err)
{
	char *save = NULL;
	int rc = 0;

	if (rule->line)
		return rule->line(r, rest, err);
	for (char *word = strtok_r(rest, " \t", &save); word && rc == 0;
		word = strtok_r(NULL, " \t", &save))
		rc = rule->word(r, word, err);
	return rc;
}

static int apply_line(struct recipe *r, char *line, int number, struct sp_error *err)
{
	char *rest = line + strcspn(line, " \t");
	int rc;

	if (line[0] == '#' || line[0] == '\0')
		return 0;
	if (*rest)
		*rest++ = '\0';
	for (size_t i = 0; i < SP_COUNT(rules); i++) {
		if (strcmp(rules[i].name, line) != 0)
			continue;
		rc = apply(r, &rules[i], rest, err);
		return rc < 0 ? sp_wrap(err, rc, "%s/%s line %d", r->folder, RULES_FILE,
					number)
			      : 0;
	}
	return sp_fail(err, SP_ERR_PROTOCOL, "%s/%s line %d: no rule is called %s",
		r->folder, RULES_FILE, number, line);
}

static int apply_all(struct recipe *r, struct sp_error *err)
{
	struct sp_bytes text = {0};
	sp_autofree char *owned = NULL;
	int number = 1;
	int rc;

	r->folder_fd = open(r->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r->folder_fd < 0)
		return sp_fail_errno(err, "recipe %s", r->folder);
	rc = sp_read_file_at(r->folder_fd, RULES_FILE, RULES_MAX_BYTES, &text, err);
	if (rc < 0)
		return sp_wrap(err, rc, "recipe %s", r->folder);
	owned = text.data;
	see(r, text.data, text.len);
	for (char *line = owned, *next; line && rc == 0; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		rc = apply_line(r, line, number, err);
	}
	return rc < 0 ? rc : sp_tar_ok(r->gather.tar, err);
}

static void clear_recipe(struct recipe *r)
{
	sp_close_fd(&r->folder_fd);
	sp_gather_clear(&r->gather);
	sp_strv_clear(&r->search);
}

int sp_recipe_tag(const char *folder, char tag[static SP_RECIPE_TAG_LEN + 1],
	struct sp_error *err)
{
	sp_autotar struct sp_tar unused = {0};
	struct recipe r = {.folder = folder,
		.folder_fd = -1,
		.surveys = true,
		.sum = 14695981039346656037ull,
		.gather.tar = &unused};
	int rc = apply_all(&r, err);

	if (rc == 0)
		snprintf(tag, SP_RECIPE_TAG_LEN + 1, "%016" PRIx64, r.sum);
	clear_recipe(&r);
	return rc;
}

int sp_recipe_collect(const char *folder, struct sp_tar *tar, struct sp_strv *changes,
	struct sp_error *err)
{
	struct recipe r = {.folder = folder,
		.folder_fd = -1,
		.changes = changes,
		.gather.tar = tar};
	int rc = apply_all(&r, err);

	clear_recipe(&r);
	return rc;
}
