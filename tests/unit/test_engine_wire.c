/* SPDX-License-Identifier: Apache-2.0 */
/* What a real engine (20.10, API 1.41) said is in tests/data/docker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/enc.h"
#include "base/io.h"
#include "engine/wire.h"

#define CID "844a52088733397dd516c4e5954f8bc050049595dd20e0d76dbd538ccb3ea174"

static struct sp_bytes recorded(const char *name)
{
	char path[128];
	struct sp_bytes bytes = {0};
	struct sp_error err;

	snprintf(path, sizeof(path), "tests/data/docker/%s", name);
	assert_int_equal(sp_read_file_at(AT_FDCWD, path, 1 << 20, &bytes, &err), 0);
	return bytes;
}

#define TEXT(s) (s), strlen(s)

static void reads_a_recorded_version(void **state)
{
	struct sp_bytes b = recorded("version.json");
	struct sp_engine_version v;

	(void)state;
	assert_int_equal(sp_wire_version(b.data, b.len, &v, NULL), 0);
	assert_string_equal(v.version, "20.10.24+dfsg1");
	assert_string_equal(v.api_version, "1.41");
	assert_string_equal(v.min_api_version, "1.12");
	assert_string_equal(v.os, "linux");
	assert_string_equal(v.arch, "amd64");
	free(b.data);
}

static void reads_a_recorded_host(void **state)
{
	struct sp_bytes b = recorded("info.json");
	struct sp_engine_info v;

	(void)state;
	assert_int_equal(sp_wire_info(b.data, b.len, &v, NULL), 0);
	assert_string_equal(v.storage_driver, "overlay2");
	assert_string_equal(v.cgroup_version, "1");
	assert_string_equal(v.default_runtime, "runc");
	assert_int_equal(v.cpus, 2);
	assert_true(v.memory_limit && v.pids_limit && v.cpu_quota);
	assert_true(v.has_init && v.has_seccomp);
	assert_false(v.rootless || v.has_apparmor || v.has_userns);
	free(b.data);
}

static void reads_the_security_options_of_a_host(void **state)
{
	static const char text[] =
		"{\"SecurityOptions\":[\"name=apparmor\",\"name=rootless\",\"seccomp\","
		"\"name=userns,x\",7],\"Warnings\":[\"WARNING: none\"]}";
	struct sp_engine_info v;

	(void)state;
	assert_int_equal(sp_wire_info(TEXT(text), &v, NULL), 0);
	assert_true(v.has_apparmor && v.rootless && v.has_userns);
	assert_false(v.has_seccomp);
	assert_string_equal(v.warning, "WARNING: none");
}

static void reads_a_recorded_container(void **state)
{
	struct sp_bytes b = recorded("container.json");
	struct sp_container_info v;

	(void)state;
	assert_int_equal(sp_wire_container(b.data, b.len, &v, NULL), 0);
	assert_string_equal(v.id, CID);
	assert_string_equal(v.name, "recorded");
	assert_string_equal(v.image, "eng/test:one");
	assert_int_equal(v.state, SP_CONTAINER_RUNNING);
	assert_true(v.pid > 0);
	assert_int_equal(v.created_ms, 1795234265149);
	assert_true(v.started_ms > v.created_ms);
	assert_int_equal(v.finished_ms, 0);
	assert_int_equal(v.label_count, 2);
	assert_string_equal(sp_container_label(&v, "team"), "a=b, c");
	assert_null(sp_container_label(&v, "tea"));
	sp_container_info_clear(&v);
	free(b.data);
}

static void reads_a_recorded_list(void **state)
{
	struct sp_bytes b = recorded("containers.json");
	struct sp_container_list list;

	(void)state;
	assert_int_equal(sp_wire_container_list(b.data, b.len, &list, NULL), 0);
	assert_int_equal(list.count, 1);
	assert_string_equal(list.items[0].id, CID);
	assert_string_equal(list.items[0].name, "recorded");
	assert_int_equal(list.items[0].state, SP_CONTAINER_RUNNING);
	assert_int_equal(list.items[0].created_ms, 1795234265000);
	assert_string_equal(
		sp_container_label(&list.items[0], "dev.sandpit.id"), "sb-4k2h9x7qpa");
	sp_container_list_clear(&list);
	free(b.data);
}

static void reads_recorded_images(void **state)
{
	struct sp_bytes one = recorded("image.json"), all = recorded("images.json");
	sp_autostrv struct sp_strv tags = {0};
	struct sp_engine_image_info v;

	(void)state;
	assert_int_equal(sp_wire_image(one.data, one.len, &v, NULL), 0);
	assert_int_equal(strlen(v.id), 71);
	assert_string_equal(v.arch, "amd64");
	assert_string_equal(v.user, "nobody");
	assert_string_equal(v.workdir, "/tmp");
	assert_true(v.has_cmd);
	assert_false(v.has_entrypoint);
	assert_true(v.size_bytes > 1000000);
	sp_engine_image_info_clear(&v);
	assert_int_equal(sp_wire_image_tags(all.data, all.len, &tags, NULL), 0);
	assert_int_equal(tags.count, 1);
	assert_string_equal(tags.items[0], "eng/test:one");
	free(one.data);
	free(all.data);
}

static void reads_a_recorded_command(void **state)
{
	struct sp_bytes b = recorded("exec.json");
	struct sp_engine_exec_info v;

	(void)state;
	assert_int_equal(sp_wire_exec(b.data, b.len, &v, NULL), 0);
	assert_false(v.running);
	assert_true(v.has_exit_code);
	assert_int_equal(v.exit_code, 3);
	assert_string_equal(v.container, CID);
	free(b.data);
}

static void reads_a_recorded_path(void **state)
{
	struct sp_bytes b = recorded("path_stat.txt");
	struct sp_engine_path_stat v;

	(void)state;
	b.data[strcspn(b.data, "\n")] = '\0';
	assert_int_equal(sp_wire_path_stat(b.data, &v, NULL), 0);
	assert_string_equal(v.name, "sh");
	assert_string_equal(v.link_target, "/bin/dash");
	assert_int_equal(v.mode, S_IFLNK | 0777);
	assert_int_equal(v.size, 4);
	assert_int_equal(v.mtime_ms, 1795234170000);
	sp_engine_path_stat_clear(&v);
	free(b.data);
}

static uint32_t mode_of(uint32_t go_mode)
{
	sp_autobuf struct sp_buf json = SP_BUF_INIT(256);
	sp_autobuf struct sp_buf text = SP_BUF_INIT(512);
	struct sp_engine_path_stat v;
	uint32_t mode;

	sp_buf_addf(&json, "{\"name\":\"x\",\"mode\":%u}", go_mode);
	sp_enc_base64(&text, json.data, json.len);
	assert_int_equal(sp_wire_path_stat(sp_buf_str(&text), &v, NULL), 0);
	mode = v.mode;
	sp_engine_path_stat_clear(&v);
	return mode;
}

static void turns_modes_of_go_into_ours(void **state)
{
	static const struct {
		uint32_t go, mode;
	} cases[] = {
		{0644, S_IFREG | 0644},
		{1u << 31 | 0755, S_IFDIR | 0755},
		{1u << 31 | 1u << 20 | 0777, S_IFDIR | S_ISVTX | 0777},
		{1u << 23 | 0755, S_IFREG | S_ISUID | 0755},
		{1u << 22 | 0755, S_IFREG | S_ISGID | 0755},
		{1u << 26 | 1u << 21 | 0666, S_IFCHR | 0666},
		{1u << 26 | 0660, S_IFBLK | 0660},
		{1u << 25 | 0600, S_IFIFO | 0600},
		{1u << 24 | 0600, S_IFSOCK | 0600},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++)
		assert_int_equal(mode_of(cases[i].go), cases[i].mode);
}

static void reads_times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{"1970-01-01T00:00:01Z", 1000},
		{"1970-01-01T00:00:01.5Z", 1500},
		{"1970-01-01T00:00:01.123456789Z", 1123},
		{"1970-01-01T01:00:00+01:00", 0},
		{"1970-01-01T00:00:00-00:30", 1800000},
		{"0001-01-01T00:00:00Z", 0},
		{"1970-01-01T00:00:01", 0},
		{"1970-01-01T00:00:01.5", 0},
		{"1970-01-01T00:00:01+1:00", 0},
		{"yesterday", 0},
		{"", 0},
		{NULL, 0},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++)
		assert_int_equal(sp_wire_time_ms(cases[i].text), cases[i].ms);
}

static void reads_how_a_container_ended(void **state)
{
	int code = 5;

	(void)state;
	assert_int_equal(sp_wire_exit_code(TEXT("{\"Error\":null,\"StatusCode\":137}"),
				 &code, NULL),
		0);
	assert_int_equal(code, 137);
	assert_int_equal(
		sp_wire_exit_code(
			TEXT("{\"Error\":{\"Message\":\"x\"},\"StatusCode\":1}"), &code,
			NULL),
		SP_ERR_UNAVAILABLE);
	assert_int_equal(sp_wire_exit_code(TEXT("{}"), &code, NULL), SP_ERR_PROTOCOL);
	assert_int_equal(code, 137);
}

/* Every answer cut anywhere is refused, and what was to be filled stays as it was. */
static void refuses_every_answer_cut_short(void **state)
{
	struct sp_bytes b = recorded("container.json"), l = recorded("containers.json"),
			i = recorded("image.json"), e = recorded("exec.json");
	struct sp_container_info info = {.pid = -7};
	struct sp_container_list list = {.count = 77};
	struct sp_engine_image_info image = {.size_bytes = -7};
	struct sp_engine_exec_info exec = {.pid = -7};

	(void)state;
	while (b.len > 1 && b.data[b.len - 1] != '}')
		b.len--;
	for (size_t n = 0; n < b.len; n += 13)
		assert_true(sp_wire_container(b.data, n, &info, NULL) < 0);
	for (size_t n = 0; n + 2 < l.len; n += 7)
		assert_true(sp_wire_container_list(l.data, n, &list, NULL) < 0);
	for (size_t n = 0; n + 2 < i.len; n += 7)
		assert_true(sp_wire_image(i.data, n, &image, NULL) < 0);
	for (size_t n = 0; n + 2 < e.len; n++)
		assert_true(sp_wire_exec(e.data, n, &exec, NULL) < 0);
	assert_int_equal(info.pid, -7);
	assert_int_equal(list.count, 77);
	assert_int_equal(image.size_bytes, -7);
	assert_int_equal(exec.pid, -7);
	free(b.data);
	free(l.data);
	free(i.data);
	free(e.data);
}

static void refuses_answers_of_another_shape(void **state)
{
	static const char *const texts[] = {"", "null", "[]", "7", "\"x\"", "{}", "[1]",
		"[{}]", "{\"Id\":7}", "{\"Id\":\"../x\"}", "{\"Id\":\"\"}",
		"{\"Id\":\"ab\",\"State\":7}", "{\"Id\":\"ab\",\"State\":{}}",
		"{\"Id\":\"ab\",\"State\":{\"Status\":\"odd\"}}",
		"{\"Id\":\"ab\",\"State\":{\"Status\":\"dead\"}}",
		"{\"Id\":\"ab\",\"State\":{\"Status\":\"dead\"},\"Config\":7}",
		"[{\"Id\":\"ab\",\"State\":\"odd\"}]",
		"[{\"Id\":\"ab\",\"State\":\"dead\",\"Labels\":{\"a\":[]}}]"};
	struct sp_container_info info;
	struct sp_container_list list;
	struct sp_engine_exec_info exec;
	struct sp_engine_version version;
	static const char number_as_label[] = "[{\"Id\":\"ab\",\"State\":\"dead\","
					      "\"Labels\":{\"a\":1}}]";

	(void)state;
	assert_int_equal(sp_wire_container_list(TEXT(number_as_label), &list, NULL),
		SP_ERR_PROTOCOL);
	for (size_t i = 0; i < SP_COUNT(texts); i++) {
		const char *t = texts[i];

		assert_true(sp_wire_container(TEXT(t), &info, NULL) < 0);
		assert_true(sp_wire_exec(TEXT(t), &exec, NULL) < 0);
		assert_true(sp_wire_version(TEXT(t), &version, NULL) < 0);
		if (strcmp(t, "[]") != 0)
			assert_true(sp_wire_container_list(TEXT(t), &list, NULL) < 0);
	}
}

static void refuses_ids_that_are_no_ids(void **state)
{
	static const char *const texts[] = {"{}", "{\"Id\":null}", "{\"Id\":\"\"}",
		"{\"Id\":\"a/b\"}", "{\"Id\":\"a b\"}", "{\"Id\":\"A\"}"};
	char id[SP_ENGINE_ID_MAX] = "same", text[SP_ENGINE_ID_MAX + 32];

	(void)state;
	for (size_t i = 0; i < SP_COUNT(texts); i++)
		assert_int_equal(sp_wire_created(TEXT(texts[i]), id, NULL, NULL),
			SP_ERR_PROTOCOL);
	snprintf(text, sizeof(text), "{\"Id\":\"%0*d\"}", SP_ENGINE_ID_MAX, 0);
	assert_int_equal(sp_wire_created(TEXT(text), id, NULL, NULL), SP_ERR_PROTOCOL);
	assert_string_equal(id, "same");
}

/* --- Progress ------------------------------------------------------------------------------ */

struct progress_seen {
	uint64_t done, total;
	size_t calls;
};

static void note(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	struct progress_seen *seen = ctx;

	assert_string_equal(what, "alpine");
	seen->done = done;
	seen->total = total;
	seen->calls++;
}

static struct sp_wire_progress *progress(struct progress_seen *seen)
{
	struct sp_wire_progress *p = malloc(sizeof(*p));

	assert_non_null(p);
	sp_wire_progress_init(p);
	p->on_progress = note;
	p->progress_ctx = seen;
	p->what = "alpine";
	return p;
}

static void end_progress(struct sp_wire_progress *p)
{
	sp_wire_progress_clear(p);
	free(p);
}

static void adds_the_layers_of_a_pull_up(void **state)
{
	struct sp_bytes b = recorded("pull.jsonl");

	(void)state;
	for (size_t step = 1; step < b.len; step = step * 3 + 1) {
		struct progress_seen seen = {0};
		struct sp_wire_progress *p = progress(&seen);

		for (size_t at = 0; at < b.len; at += step)
			assert_int_equal(
				sp_wire_progress_feed(p, b.data + at,
					b.len - at < step ? b.len - at : step, NULL),
				0);
		assert_int_equal(sp_wire_progress_finish(p, NULL), 0);
		assert_int_equal(seen.total, 3408729 + 1000);
		assert_int_equal(seen.done, 3408729 + 1000);
		assert_int_equal(seen.calls, 12);
		end_progress(p);
	}
	free(b.data);
}

static void finds_the_error_within_progress(void **state)
{
	static const struct {
		const char *text;
		enum sp_code code;
	} cases[] = {
		{"{\"error\":\"pull access denied for x\"}\n", SP_ERR_DENIED},
		{"{\"errorDetail\":{\"message\":\"manifest unknown\"}}\n",
			SP_ERR_NOT_FOUND},
		{"{\"errorDetail\":{}}\n", SP_ERR_UNAVAILABLE},
		{"{\"error\":\"dial tcp: i/o timeout\"}\n", SP_ERR_UNAVAILABLE},
		{"{\"status\":\"x\"", 0}, /* told by finish */
		{"[]\n", SP_ERR_PROTOCOL},
		{"{]\n", SP_ERR_PROTOCOL},
		{"\r\n\n {\"status\":\"ok\"} \n", 0},
	};

	(void)state;
	for (size_t i = 0; i < SP_COUNT(cases); i++) {
		struct progress_seen seen = {0};
		struct sp_wire_progress *p = progress(&seen);

		assert_int_equal(sp_wire_progress_feed(p, TEXT(cases[i].text), NULL),
			cases[i].code);
		end_progress(p);
	}
}

static void tells_progress_that_ends_within_a_line(void **state)
{
	struct progress_seen seen = {0};
	struct sp_wire_progress *p = progress(&seen);

	(void)state;
	assert_int_equal(sp_wire_progress_feed(p, TEXT("{\"status\":"), NULL), 0);
	assert_int_equal(sp_wire_progress_finish(p, NULL), SP_ERR_PROTOCOL);
	end_progress(p);
}

static void limits_a_line_of_progress(void **state)
{
	struct progress_seen seen = {0};
	struct sp_wire_progress *p = progress(&seen);
	char block[1024];
	int rc = 0;

	(void)state;
	memset(block, ' ', sizeof(block));
	for (int i = 0; rc == 0 && i < 100; i++)
		rc = sp_wire_progress_feed(p, block, sizeof(block), NULL);
	assert_int_equal(rc, SP_ERR_LIMIT);
	assert_true(p->line.len <= SP_WIRE_MAX_LINE);
	end_progress(p);
}

static void counts_no_more_layers_than_it_has_room_for(void **state)
{
	struct progress_seen seen = {0};
	struct sp_wire_progress *p = progress(&seen);
	char line[200];

	(void)state;
	for (int i = 0; i < SP_WIRE_MAX_LAYERS + 10; i++) {
		snprintf(line, sizeof(line),
			"{\"id\":\"l%d\",\"status\":\"Downloading\",\"progressDetail\":"
			"{\"current\":9223372036854775807,\"total\":-5}}\n",
			i);
		assert_int_equal(sp_wire_progress_feed(p, TEXT(line), NULL), 0);
	}
	assert_int_equal(p->layer_count, SP_WIRE_MAX_LAYERS);
	assert_int_equal(seen.total, 0);
	assert_true(seen.done >= (uint64_t)SP_WIRE_MAX_LAYERS << 50);
	end_progress(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_recorded_version),
		cmocka_unit_test(reads_a_recorded_host),
		cmocka_unit_test(reads_the_security_options_of_a_host),
		cmocka_unit_test(reads_a_recorded_container),
		cmocka_unit_test(reads_a_recorded_list),
		cmocka_unit_test(reads_recorded_images),
		cmocka_unit_test(reads_a_recorded_command),
		cmocka_unit_test(reads_a_recorded_path),
		cmocka_unit_test(turns_modes_of_go_into_ours),
		cmocka_unit_test(reads_times),
		cmocka_unit_test(reads_how_a_container_ended),
		cmocka_unit_test(refuses_every_answer_cut_short),
		cmocka_unit_test(refuses_answers_of_another_shape),
		cmocka_unit_test(refuses_ids_that_are_no_ids),
		cmocka_unit_test(adds_the_layers_of_a_pull_up),
		cmocka_unit_test(finds_the_error_within_progress),
		cmocka_unit_test(tells_progress_that_ends_within_a_line),
		cmocka_unit_test(limits_a_line_of_progress),
		cmocka_unit_test(counts_no_more_layers_than_it_has_room_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
