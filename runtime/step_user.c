/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of users and groups by the sandbox's own files.  Read with our own reader: the
 * C library's would load modules that the sandbox provides.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/runner.h"

#define ID_FILE_MAX (1024 * 1024)
#define ID_MAX      65535
#define FIELDS_MAX  7

/* One file at a time; there is no heap, and no second reader. */
static char file_text[ID_FILE_MAX + 1];

/* A missing or odd file reads as an empty one: then only numbers name anybody. */
static void read_id_file(const char *path)
{
	struct stat st;
	size_t len = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	file_text[0] = '\0';
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		while (len < ID_FILE_MAX) {
			ssize_t n = read(fd, file_text + len, ID_FILE_MAX - len);

			if (n <= 0)
				break;
			len += (size_t)n;
		}
	}
	file_text[len] = '\0';
	close(fd);
}

/* 0..ID_MAX in decimal and nothing else. */
static bool parse_id(const char *text, uint32_t *id)
{
	uint32_t value = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint32_t)(*text - '0');
		if (value > ID_MAX)
			return false;
	}
	*id = value;
	return true;
}

/* The next line cut into its fields in place; the fields, or 0 at the end. */
static size_t next_record(char **at, char *fields[FIELDS_MAX])
{
	size_t count = 1;
	char *p = *at;

	if (!*p)
		return 0;
	fields[0] = p;
	for (; *p && *p != '\n'; p++) {
		if (*p != ':' || count == FIELDS_MAX)
			continue;
		*p = '\0';
		fields[count++] = p + 1;
	}
	if (*p)
		*p++ = '\0';
	*at = p;
	return count;
}

/* By name, or by number where by_name is false. */
static bool find_user(const char *name, bool by_name, struct identity *who,
	char *real_name, size_t real_name_size)
{
	char *fields[FIELDS_MAX];
	char *at = file_text;
	size_t count;

	read_id_file("/etc/passwd");
	while ((count = next_record(&at, fields)) > 0) {
		uint32_t uid, gid;

		if (count < 6 || !parse_id(fields[2], &uid) ||
			!parse_id(fields[3], &gid))
			continue;
		if (by_name ? strcmp(fields[0], name) != 0 : uid != who->uid)
			continue;
		who->uid = uid;
		who->gid = gid;
		snprintf(who->home, sizeof(who->home), "%s",
			fields[5][0] == '/' ? fields[5] : "/");
		snprintf(real_name, real_name_size, "%s", fields[0]);
		return true;
	}
	return false;
}

static bool find_group(const char *name, gid_t *gid)
{
	char *fields[FIELDS_MAX];
	char *at = file_text;
	size_t count;

	read_id_file("/etc/group");
	while ((count = next_record(&at, fields)) > 0)
		if (count >= 3 && strcmp(fields[0], name) == 0 &&
			parse_id(fields[2], gid))
			return true;
	return false;
}

static bool lists_member(const char *members, const char *name)
{
	size_t len = strlen(name);

	while (*members) {
		size_t n = strcspn(members, ",");

		if (n == len && strncmp(members, name, len) == 0)
			return true;
		members += n + (members[n] == ',');
	}
	return false;
}

static void find_memberships(const char *name, struct identity *who)
{
	char *fields[FIELDS_MAX];
	char *at = file_text;
	size_t count;

	read_id_file("/etc/group");
	while ((count = next_record(&at, fields)) > 0 &&
		who->group_count < sizeof(who->groups) / sizeof(who->groups[0])) {
		gid_t gid;

		if (count >= 4 && parse_id(fields[2], &gid) &&
			lists_member(fields[3], name))
			who->groups[who->group_count++] = gid;
	}
}

/* Split "U[:G]" into its parts; they are the caller's text, so lengths are checked. */
static int split_spec(
	const char *spec, char *user, char *group, size_t size, struct sp_error *err)
{
	size_t len = strcspn(spec, ":");
	const char *rest = spec[len] ? spec + len + 1 : "";

	if (len == 0 || len >= size || strlen(rest) >= size || strchr(rest, ':'))
		return sp_fail(err, SP_ERR_INVALID,
			"user \"%.64s\" is not USER[:GROUP]", spec);
	memcpy(user, spec, len);
	user[len] = '\0';
	memcpy(group, rest, strlen(rest) + 1);
	return 0;
}

int find_identity(const struct runner *r, struct identity *who, struct sp_error *err)
{
	const char *spec = spec_text(r, r->spec->user);
	char user[128], group[128], name[128] = "";
	int rc;

	memset(who, 0, sizeof(*who));
	snprintf(who->home, sizeof(who->home), "%s", "/root");
	if (!spec || strcmp(spec, "0") == 0 || strcmp(spec, "root") == 0)
		return 0;
	rc = split_spec(spec, user, group, sizeof(user), err);
	if (rc < 0)
		return rc;
	if (parse_id(user, &who->uid)) {
		snprintf(who->home, sizeof(who->home), "%s", "/");
		find_user(user, false, who, name, sizeof(name));
	} else if (!find_user(user, true, who, name, sizeof(name))) {
		return sp_fail(err, SP_ERR_INVALID,
			"user \"%s\" is not in the sandbox's /etc/passwd", user);
	}
	if (*group && !parse_id(group, &who->gid) && !find_group(group, &who->gid))
		return sp_fail(err, SP_ERR_INVALID,
			"group \"%s\" is not in the sandbox's /etc/group", group);
	if (*name && !*group)
		find_memberships(name, who);
	if (r->spec->id_count == 1 && (who->uid || who->gid))
		return sp_fail(err, SP_ERR_UNSUPPORTED,
			"user %s: only one user id is mapped here (user 0)", spec);
	return 0;
}
