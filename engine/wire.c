/* SPDX-License-Identifier: Apache-2.0 */
/* Answers about the engine, its images and commands. */
#include "engine/wire.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/enc.h"

#define MAX_MESSAGE 400

/* --- Errors ------------------------------------------------------------------------------ */

static bool json_message(const char *text, size_t len, struct sp_buf *out)
{
	sp_autojson struct json_object *doc = NULL;
	const char *message = NULL;
	size_t i = 0;

	while (i < len && strchr(" \t\r\n", text[i]))
		i++;
	if (i == len || text[i] != '{')
		return false;
	if (sp_json_parse(text, len, &doc, NULL) < 0)
		return false;
	if (sp_json_str(doc, "message", &message, NULL) < 0 || !message)
		return false;
	sp_enc_printable(out, message, strnlen(message, MAX_MESSAGE));
	return true;
}

void sp_wire_error(const char *text, size_t len, char *out, size_t size)
{
	sp_autobuf struct sp_buf words = SP_BUF_INIT(MAX_MESSAGE * 4);
	size_t i = 0, end;

	if (!json_message(text, len, &words)) {
		while (i < len && memchr(" \t\r\n", text[i], 4))
			i++;
		end = i;
		while (end < len && end - i < MAX_MESSAGE && text[end] != '\n' &&
			text[end] != '\r')
			end++;
		sp_enc_printable(&words, text + i, end - i);
	}
	snprintf(out, size, "%s", sp_buf_str(&words));
}

/* --- The engine ---------------------------------------------------------------------------- */

static int parse_object(const char *text, size_t len, const char *what,
	struct json_object **out, struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	int rc = sp_json_parse(text, len, &doc, err);

	if (rc < 0)
		return sp_wrap(err, rc, "the engine's answer about %s", what);
	if (!json_object_is_type(doc, json_type_object))
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the engine's answer about %s is no object", what);
	*out = sp_take_ptr(doc);
	return 0;
}

/* An optional string into a fixed place, cut to fit. */
static int copy_str(struct json_object *doc, const char *key, char *out, size_t size,
	struct sp_error *err)
{
	const char *s = NULL;
	int rc = sp_json_opt_str(doc, key, &s, err);

	if (rc == 0 && s)
		snprintf(out, size, "%s", s);
	return rc;
}

int sp_wire_api_minor(const char *text, int *minor, struct sp_error *err)
{
	int64_t n = 0;

	if (strncmp(text, "1.", 2) != 0 ||
		sp_parse_int(text + 2, 0, 9999, &n, NULL) < 0)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the engine's API version is \"%.16s\", not 1.N", text);
	*minor = (int)n;
	return 0;
}

#define COPY(key, field) \
	(rc = rc < 0 ? rc : copy_str(doc, key, v.field, sizeof(v.field), err))
#define INT(key, field)  (rc = rc < 0 ? rc : sp_json_opt_int(doc, key, &v.field, err))
#define BOOL(key, field) (rc = rc < 0 ? rc : sp_json_opt_bool(doc, key, &v.field, err))

int sp_wire_version(const char *text, size_t len, struct sp_engine_version *out,
	struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	struct sp_engine_version v = {0};
	int rc = parse_object(text, len, "its version", &doc, err);

	COPY("Version", version);
	COPY("ApiVersion", api_version);
	COPY("MinAPIVersion", min_api_version);
	COPY("Os", os);
	COPY("Arch", arch);
	COPY("KernelVersion", kernel);
	if (rc == 0 && !v.api_version[0])
		rc = sp_fail(err, SP_ERR_PROTOCOL, "no ApiVersion in the answer");
	if (rc < 0)
		return rc;
	*out = v;
	return 0;
}

/* "name=seccomp,profile=default" and its kin. */
static void note_security(const char *option, struct sp_engine_info *v)
{
	static const char prefix[] = "name=";
	size_t len;

	if (strncmp(option, prefix, sizeof(prefix) - 1) != 0)
		return;
	option += sizeof(prefix) - 1;
	len = strcspn(option, ",");
	v->has_seccomp |= len == 7 && !memcmp(option, "seccomp", len);
	v->has_apparmor |= len == 8 && !memcmp(option, "apparmor", len);
	v->has_userns |= len == 6 && !memcmp(option, "userns", len);
	v->rootless |= len == 8 && !memcmp(option, "rootless", len);
}

/* An array of strings, or NULL where there is none; anything else in it is passed over. */
static struct json_object *strings_of(struct json_object *doc, const char *key)
{
	struct json_object *array = NULL;

	return sp_json_arr(doc, key, &array, NULL) < 0 ? NULL : array;
}

static const char *string_at(struct json_object *array, size_t i)
{
	struct json_object *item = json_object_array_get_idx(array, i);

	return json_object_is_type(item, json_type_string)
		? json_object_get_string(item)
		: NULL;
}

static size_t length_of(struct json_object *array)
{
	return array ? json_object_array_length(array) : 0;
}

static void note_lists(struct json_object *doc, struct sp_engine_info *v)
{
	struct json_object *security = strings_of(doc, "SecurityOptions");
	struct json_object *warnings = strings_of(doc, "Warnings");
	const char *s;

	for (size_t i = 0; i < length_of(security); i++) {
		s = string_at(security, i);
		if (s)
			note_security(s, v);
	}
	s = length_of(warnings) ? string_at(warnings, 0) : NULL;
	if (s)
		snprintf(v->warning, sizeof(v->warning), "%s", s);
}

int sp_wire_info(
	const char *text, size_t len, struct sp_engine_info *out, struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	struct sp_engine_info v = {0};
	char init[8] = "";
	int rc = parse_object(text, len, "its host", &doc, err);

	COPY("Driver", storage_driver);
	COPY("CgroupVersion", cgroup_version);
	COPY("CgroupDriver", cgroup_driver);
	COPY("DefaultRuntime", default_runtime);
	INT("NCPU", cpus);
	INT("MemTotal", memory_bytes);
	BOOL("MemoryLimit", memory_limit);
	BOOL("SwapLimit", swap_limit);
	BOOL("CpuCfsQuota", cpu_quota);
	BOOL("PidsLimit", pids_limit);
	rc = rc < 0 ? rc : copy_str(doc, "InitBinary", init, sizeof(init), err);
	if (rc < 0)
		return rc;
	v.has_init = init[0] != '\0';
	note_lists(doc, &v);
	*out = v;
	return 0;
}

/* --- Things made ------------------------------------------------------------------------------ */

/* An id ends up in paths and in the names of files. */
static int copy_id(struct json_object *doc, const char *key,
	char out[static SP_ENGINE_ID_MAX], struct sp_error *err)
{
	const char *id = NULL;
	int rc = sp_json_str(doc, key, &id, err);

	if (rc < 0)
		return sp_wrap(err, SP_ERR_PROTOCOL, "the engine's answer");
	if (strlen(id) >= SP_ENGINE_ID_MAX || !id[0] ||
		id[strspn(id, "0123456789abcdefghijklmnopqrstuvwxyz:")])
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the engine's answer has no valid %s", key);
	snprintf(out, SP_ENGINE_ID_MAX, "%s", id);
	return 0;
}

static int add_warnings(
	struct json_object *doc, struct sp_strv *warnings, struct sp_error *err)
{
	struct json_object *list = strings_of(doc, "Warnings");

	for (size_t i = 0; i < length_of(list); i++) {
		const char *line = string_at(list, i);

		if (line && *line)
			sp_strv_add(warnings, line);
	}
	return sp_strv_ok(warnings, err);
}

int sp_wire_created(const char *text, size_t len, char id[static SP_ENGINE_ID_MAX],
	struct sp_strv *warnings, struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	int rc = parse_object(text, len, "what it made", &doc, err);

	if (rc == 0 && warnings)
		rc = add_warnings(doc, warnings, err);
	return rc < 0 ? rc : copy_id(doc, "Id", id, err);
}

int sp_wire_exec(const char *text, size_t len, struct sp_engine_exec_info *out,
	struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	struct sp_engine_exec_info v = {0};
	int64_t code = INT64_MIN;
	int rc = parse_object(text, len, "a command", &doc, err);

	BOOL("Running", running);
	INT("Pid", pid);
	rc = rc < 0 ? rc : sp_json_opt_int(doc, "ExitCode", &code, err);
	rc = rc < 0 ? rc : copy_id(doc, "ContainerID", v.container, err);
	if (rc < 0)
		return rc;
	v.has_exit_code = code >= 0 && code <= 255;
	v.exit_code = v.has_exit_code ? (int)code : 0;
	*out = v;
	return 0;
}

/* --- Images ------------------------------------------------------------------------------------- */

static int dup_str(
	struct json_object *doc, const char *key, char **out, struct sp_error *err)
{
	const char *s = NULL;
	int rc = sp_json_opt_str(doc, key, &s, err);

	if (rc < 0 || !s || !*s)
		return rc;
	*out = strdup(s);
	return *out ? 0 : sp_fail(err, SP_ERR_NOMEM, "read an answer");
}

static int image_config(
	struct json_object *doc, struct sp_engine_image_info *v, struct sp_error *err)
{
	struct json_object *config = NULL;
	int rc;

	if (sp_json_obj(doc, "Config", &config, NULL) < 0)
		return 0;
	v->has_entrypoint = length_of(strings_of(config, "Entrypoint")) > 0;
	v->has_cmd = length_of(strings_of(config, "Cmd")) > 0;
	rc = dup_str(config, "User", &v->user, err);
	return rc < 0 ? rc : dup_str(config, "WorkingDir", &v->workdir, err);
}

void sp_engine_image_info_clear(struct sp_engine_image_info *info)
{
	if (!info)
		return;
	free(info->user);
	free(info->workdir);
	memset(info, 0, sizeof(*info));
}

int sp_wire_image(const char *text, size_t len, struct sp_engine_image_info *out,
	struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	struct sp_engine_image_info v = {0};
	const char *created = NULL;
	int rc = parse_object(text, len, "an image", &doc, err);

	COPY("Os", os);
	COPY("Architecture", arch);
	INT("Size", size_bytes);
	rc = rc < 0 ? rc : sp_json_opt_str(doc, "Created", &created, err);
	rc = rc < 0 ? rc : copy_id(doc, "Id", v.id, err);
	rc = rc < 0 ? rc : image_config(doc, &v, err);
	if (rc < 0) {
		sp_engine_image_info_clear(&v);
		return rc;
	}
	v.created_ms = sp_wire_time_ms(created);
	*out = v;
	return 0;
}

static void add_tags(struct json_object *image, struct sp_strv *out)
{
	struct json_object *tags = strings_of(image, "RepoTags");

	for (size_t i = 0; i < length_of(tags); i++) {
		const char *tag = string_at(tags, i);

		if (tag)
			sp_strv_add(out, tag);
	}
}

int sp_wire_image_tags(
	const char *text, size_t len, struct sp_strv *out, struct sp_error *err)
{
	sp_autojson struct json_object *doc = NULL;
	int rc = sp_json_parse(text, len, &doc, err);

	if (rc < 0)
		return sp_wrap(err, rc, "the engine's list of images");
	if (!json_object_is_type(doc, json_type_array))
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the engine's list of images is no array");
	for (size_t i = 0; i < length_of(doc); i++)
		add_tags(json_object_array_get_idx(doc, i), out);
	return sp_strv_ok(out, err);
}

/* --- Paths -------------------------------------------------------------------------------------- */

/*
 * Go's file mode as st_mode.
 *
 * Source: pkg.go.dev/io/fs#FileMode
 */
static uint32_t mode_of_go(uint64_t go)
{
	static const struct {
		unsigned int go_bit;
		uint32_t mode;
	} types[] = {
		{31, S_IFDIR},
		{27, S_IFLNK},
		{25, S_IFIFO},
		{24, S_IFSOCK},
		{21, S_IFCHR}, /* with the device bit; before it, as it says more */
		{26, S_IFBLK},
	};
	uint32_t mode = (uint32_t)go & 0777;

	mode |= go >> 23 & 1 ? S_ISUID : 0;
	mode |= go >> 22 & 1 ? S_ISGID : 0;
	mode |= go >> 20 & 1 ? S_ISVTX : 0;
	for (size_t i = 0; i < SP_COUNT(types); i++)
		if (go >> types[i].go_bit & 1)
			return mode | types[i].mode;
	return mode | S_IFREG;
}

int sp_wire_path_stat(
	const char *text, struct sp_engine_path_stat *out, struct sp_error *err)
{
	sp_autobuf struct sp_buf json = SP_BUF_INIT(16384);
	sp_autojson struct json_object *doc = NULL;
	struct sp_engine_path_stat v = {0};
	const char *mtime = NULL;
	int64_t size = 0, mode = 0;
	int rc = sp_dec_base64(&json, text, strlen(text), err);

	rc = rc < 0 ? rc
		    : parse_object(sp_buf_str(&json), json.len, "a path", &doc, err);
	rc = rc < 0 ? rc : sp_json_opt_int(doc, "size", &size, err);
	rc = rc < 0 ? rc : sp_json_opt_int(doc, "mode", &mode, err);
	rc = rc < 0 ? rc : sp_json_opt_str(doc, "mtime", &mtime, err);
	rc = rc < 0 ? rc : dup_str(doc, "name", &v.name, err);
	rc = rc < 0 ? rc : dup_str(doc, "linkTarget", &v.link_target, err);
	if (rc == 0 && (size < 0 || mode < 0 || mode > UINT32_MAX))
		rc = sp_fail(err, SP_ERR_PROTOCOL, "size or mode out of range");
	if (rc < 0) {
		sp_engine_path_stat_clear(&v);
		return sp_wrap(err, rc == SP_ERR_NOMEM ? rc : SP_ERR_PROTOCOL,
			"the engine's answer about a path");
	}
	v.size = (uint64_t)size;
	v.mode = mode_of_go((uint64_t)mode);
	v.mtime_ms = sp_wire_time_ms(mtime);
	*out = v;
	return 0;
}

/* --- Times -------------------------------------------------------------------------------------- */

/* "Z" or "+hh:mm" in minutes; false for anything else. */
static bool zone_minutes(const char *s, int *minutes)
{
	int h, m;

	*minutes = 0;
	if (!strcmp(s, "Z"))
		return true;
	if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' ||
		sscanf(s + 1, "%2d:%2d", &h, &m) != 2)
		return false;
	*minutes = (s[0] == '-' ? -1 : 1) * (h * 60 + m);
	return true;
}

int64_t sp_wire_time_ms(const char *text)
{
	struct tm tm = {0};
	const char *rest = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &tm) : NULL;
	int64_t ms = 0;
	int zone;

	if (!rest || tm.tm_year <= 0)
		return 0;
	if (*rest == '.') {
		int64_t unit = 100;

		for (rest++; *rest >= '0' && *rest <= '9'; rest++, unit /= 10)
			ms += (*rest - '0') * unit;
	}
	if (!zone_minutes(rest, &zone))
		return 0;
	return ((int64_t)timegm(&tm) - zone * 60) * 1000 + ms;
}
