/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/fake_server.h"

#include "base/clock.h"
#include "engine/archive.h"
#include "engine/container.h"
#include "engine/exec.h"
#include "engine/image.h"
#include "engine/stream.h"

#define CID "844a52088733397dd516c4e5954f8bc050049595dd20e0d76dbd538ccb3ea174"
/* Our server has one connection at a time: what wants one of its own must find it free. */
#define CLOSE "Connection: close\r\n"
#define PING \
	"HTTP/1.1 200 OK\r\n" CLOSE "Api-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"
#define NO_CONTENT "HTTP/1.1 204 No Content\r\n\r\n"

/* A server that answers the ping and then once more, as told. */
struct rig {
	struct fake_reply replies[4];
	struct fake_server *server;
	struct sp_engine *engine;
	struct sp_error err;
};

static struct rig *start_with(
	const char *const *texts, size_t count, enum fake_after after)
{
	struct rig *r = calloc(1, sizeof(*r));
	struct sp_engine_opts opts = {.timeout_ms = 5000};

	assert_non_null(r);
	for (size_t i = 0; i < count; i++) {
		r->replies[i].text = texts[i];
		if (texts[i] && strstr(texts[i], CLOSE))
			r->replies[i].after = FAKE_CLOSE;
	}
	r->replies[count - 1].after = after;
	r->server = fake_start(r->replies, count);
	opts.host = r->server->url;
	assert_int_equal(sp_engine_open(&opts, &r->engine, &r->err), 0);
	return r;
}

static struct rig *start(const char *reply)
{
	const char *const texts[] = {PING, reply};

	return start_with(texts, 2, FAKE_KEEP);
}

/* An answer of that status with that body, its length told. */
static struct rig *start_json(const char *status, const char *body)
{
	static char text[65536];

	snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s",
		status, strlen(body), body);
	return start(text);
}

static void end(struct rig *r)
{
	sp_engine_close(r->engine);
	fake_free(r->server);
	free(r);
}

static const char *request(struct rig *r, size_t i)
{
	fake_stop(r->server);
	return r->server->requests[i];
}

static void assert_begins(const char *text, const char *with)
{
	char begin[512];

	snprintf(begin, sizeof(begin), "%.*s", (int)strlen(with), text);
	assert_string_equal(begin, with);
}

static const char *body_of(const char *text)
{
	const char *end_of_head = strstr(text, "\r\n\r\n");

	return end_of_head ? end_of_head + 4 : "";
}

/* --- Versions ------------------------------------------------------------------------------ */

static void speaks_the_version_the_ping_names(void **state)
{
	struct rig *r = start(NO_CONTENT);
	const char *api = NULL;

	(void)state;
	assert_int_equal(sp_engine_ping(r->engine, 0, &api, &r->err), 0);
	assert_string_equal(api, "1.41");
	assert_true(sp_engine_speaks(r->engine, 41));
	assert_false(sp_engine_speaks(r->engine, 42));
	assert_int_equal(sp_engine_container_start(r->engine, "box", &r->err), 0);
	assert_begins(request(r, 0), "GET /_ping HTTP/1.1\r\n");
	assert_begins(request(r, 1), "POST /v1.41/containers/box/start HTTP/1.1\r\n");
	end(r);
}

static void agrees_on_a_version_by_itself_and_once(void **state)
{
	static const char *const texts[] = {PING, NO_CONTENT, NO_CONTENT};
	struct rig *r = start_with(texts, 3, FAKE_KEEP);

	(void)state;
	assert_int_equal(sp_engine_container_start(r->engine, "a", &r->err), 0);
	assert_int_equal(sp_engine_container_start(r->engine, "b", &r->err), 0);
	assert_begins(request(r, 2), "POST /v1.41/containers/b/start ");
	end(r);
}

static void speaks_no_newer_version_than_it_knows(void **state)
{
	static const char *const texts[] = {"HTTP/1.1 200 OK\r\nApi-Version: 1.99\r\n"
					    "Content-Length: 0\r\n\r\n"};
	struct rig *r = start_with(texts, 1, FAKE_KEEP);
	const char *api = NULL;

	(void)state;
	assert_int_equal(sp_engine_ping(r->engine, 0, &api, &r->err), 0);
	assert_string_equal(api, "1.51");
	end(r);
}

static void asks_for_the_version_where_the_ping_is_silent(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK",
		"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"
		"{\"Version\":\"1.12.6\",\"ApiVersion\":\"1.24\"}"};
	struct rig *r = start_with(texts, 2, FAKE_KEEP);
	const char *api = NULL;

	(void)state;
	assert_int_equal(sp_engine_ping(r->engine, 0, &api, &r->err), 0);
	assert_string_equal(api, "1.24");
	assert_begins(request(r, 1), "GET /version HTTP/1.1\r\n");
	end(r);
}

static void check_ping(const char *ping, const char *version, enum sp_code code)
{
	const char *const texts[] = {ping, version};
	struct rig *r = start_with(texts, version ? 2 : 1, FAKE_CLOSE);

	assert_int_equal(sp_engine_ping(r->engine, 0, NULL, &r->err), code);
	end(r);
}

static void refuses_what_is_no_engine_or_too_old(void **state)
{
	(void)state;
	check_ping("HTTP/1.1 200 OK\r\nApi-Version: 1.23\r\nContent-Length: 0\r\n\r\n",
		NULL, SP_ERR_UNSUPPORTED);
	check_ping("HTTP/1.1 200 OK\r\nApi-Version: 2.0\r\nContent-Length: 0\r\n\r\n",
		NULL, SP_ERR_PROTOCOL);
	check_ping("HTTP/1.1 200 OK\r\nApi-Version: 1.x\r\nContent-Length: 0\r\n\r\n",
		NULL, SP_ERR_PROTOCOL);
	check_ping("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.1 404 No\r\nContent-Length: 6\r\n\r\n<html>", SP_ERR_PROTOCOL);
	check_ping("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", SP_ERR_PROTOCOL);
	check_ping("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", NULL,
		SP_ERR_UNAVAILABLE);
	check_ping("not HTTP at all\r\n", NULL, SP_ERR_PROTOCOL);
	check_ping(NULL, NULL, SP_ERR_UNAVAILABLE);
}

static void passes_on_what_something_else_says(void **state)
{
	static const char *const texts[] = {"HTTP/1.1 400 Bad Request\r\n" CLOSE
					    "Content-Length: 4\r\n\r\nhint",
		"HTTP/1.1 400 Bad Request\r\n" CLOSE "Content-Length: 4\r\n\r\nhint"};
	struct rig *r = start_with(texts, 2, FAKE_CLOSE);

	(void)state;
	assert_int_equal(sp_engine_ping(r->engine, 0, NULL, &r->err), SP_ERR_PROTOCOL);
	assert_non_null(strstr(r->err.msg, "is no Docker engine: hint"));
	assert_int_equal(r->err.http_status, 400);
	end(r);
}

/* --- Errors -------------------------------------------------------------------------------- */

static void check_error(
	const char *status, const char *body, enum sp_code code, const char *message)
{
	struct rig *r = start_json(status, body);

	assert_int_equal(
		sp_engine_container_kill(r->engine, "box", "KILL", &r->err), code);
	assert_string_equal(r->err.msg, message);
	assert_int_equal(r->err.http_status, atol(status));
	assert_false(r->err.not_sent);
	end(r);
}

static void gives_the_words_of_the_engine_whatever_their_form(void **state)
{
	(void)state;
	check_error("404 Not Found", "{\"message\":\"No such container: box\"}\n",
		SP_ERR_NOT_FOUND, "No such container: box");
	check_error("409 Conflict", "Conflict. It is\nnot running\n", SP_ERR_EXISTS,
		"Conflict. It is");
	check_error(
		"500 Internal Server Error", "", SP_ERR_UNAVAILABLE, "answered 500");
	check_error("500 Internal Server Error", "{\"message\":", SP_ERR_UNAVAILABLE,
		"{\"message\":");
	check_error("400 Bad Request", "{\"message\":7}", SP_ERR_INVALID,
		"{\"message\":7}");
	check_error("403 Forbidden", "\x1b]0;title\x07", SP_ERR_DENIED,
		"\\x1b]0;title\\x07");
	check_error("404 Not Found", "<html>\r\nno</html>", SP_ERR_NOT_FOUND, "<html>");
}

static void takes_already_so_for_a_success(void **state)
{
	struct rig *r = start("HTTP/1.1 304 Not Modified\r\n\r\n");

	(void)state;
	assert_int_equal(sp_engine_container_start(r->engine, "box", &r->err), 0);
	end(r);
}

static void refuses_names_that_are_paths(void **state)
{
	static const char *const names[] = {
		"", "../x", "a/b", "a b", "a?x=1", "%2e", "-a"};
	struct rig *r = start(NO_CONTENT);
	struct sp_duplex *d = NULL;
	int code;

	(void)state;
	for (size_t i = 0; i < SP_COUNT(names); i++) {
		struct sp_engine *e = r->engine;

		assert_int_equal(
			sp_engine_container_start(e, names[i], NULL), SP_ERR_INVALID);
		assert_int_equal(
			sp_engine_container_remove(e, names[i], NULL), SP_ERR_INVALID);
		assert_int_equal(sp_engine_container_attach(e, names[i], 7, &d, NULL),
			SP_ERR_INVALID);
		assert_int_equal(
			sp_engine_container_wait(e, names[i], 0, -1, &code, NULL),
			SP_ERR_INVALID);
		assert_int_equal(sp_engine_exec_start_detached(e, names[i], NULL),
			SP_ERR_INVALID);
		assert_int_equal(sp_engine_archive_get(e, names[i], "/x", NULL, NULL),
			SP_ERR_INVALID);
		assert_int_equal(sp_engine_container_kill(e, "box", names[i], NULL),
			SP_ERR_INVALID);
	}
	assert_int_equal(sp_engine_image_inspect(r->engine, "a/../b", NULL, NULL, NULL),
		SP_ERR_INVALID);
	assert_int_equal(sp_engine_image_inspect(r->engine, "a?b", NULL, NULL, NULL),
		SP_ERR_INVALID);
	fake_stop(r->server);
	assert_int_equal(r->server->connection_count, 0);
	end(r);
}

/* --- Requests ------------------------------------------------------------------------------ */

static const char created[] = "{\"Id\":\"" CID "\",\"Warnings\":[\"no swap limit\"]}";

static void asks_for_every_protection(void **state)
{
	static const char *const cmd[] = {"sh", "-c", "echo \"hi\"", NULL};
	static const char *const none[] = {NULL};
	static const char *const env[] = {"A=b", NULL};
	static const char *const drop[] = {"ALL", NULL}, *const add[] = {"CHOWN", NULL};
	static const struct sp_label labels[] = {{"k", "v w"}};
	static const struct sp_engine_ulimit ulimits[] = {{"core", 0, 0}};
	static const struct sp_mount mounts[] = {{"/src", "/dst", false}};
	static const struct sp_engine_volume volumes[] = {{"vol", "/vol", true, "l"}};
	static const struct sp_engine_tmpfs tmpfs[] = {{"/tmp", "size=1m"}};
	const struct sp_container_spec spec = {.name = "box",
		.image = "i:t",
		.cmd = cmd,
		.entrypoint = none,
		.env = env,
		.labels = labels,
		.label_count = 1,
		.user = "1:1",
		.workdir = "/w",
		.network_mode = "none",
		.memory_bytes = 1024,
		.memory_swap_bytes = 1024,
		.nano_cpus = 5,
		.pids_limit = 6,
		.oom_score_adj = 7,
		.ulimits = ulimits,
		.ulimit_count = 1,
		.cap_drop = drop,
		.cap_add = add,
		.no_new_privileges = true,
		.seccomp_json = "{}",
		.mounts = mounts,
		.mount_count = 1,
		.volumes = volumes,
		.volume_count = 1,
		.tmpfs = tmpfs,
		.tmpfs_count = 1,
		.readonly_rootfs = true,
		.init = true,
		.auto_remove = true};
	struct rig *r = start_json("201 Created", created);
	sp_autostrv struct sp_strv warnings = {0};
	char id[SP_ENGINE_ID_MAX];

	(void)state;
	assert_int_equal(
		sp_engine_container_create(r->engine, &spec, id, &warnings, &r->err),
		0);
	assert_string_equal(id, CID);
	assert_int_equal(warnings.count, 1);
	assert_string_equal(warnings.items[0], "no swap limit");
	assert_begins(
		request(r, 1), "POST /v1.41/containers/create?name=box HTTP/1.1\r\n");
	assert_string_equal(body_of(request(r, 1)),
		"{\"Image\":\"i:t\",\"Cmd\":[\"sh\",\"-c\",\"echo \\\"hi\\\"\"],"
		"\"Entrypoint\":[],\"Env\":[\"A=b\"],\"Labels\":{\"k\":\"v w\"},"
		"\"User\":\"1:1\",\"WorkingDir\":\"/w\",\"HostConfig\":{"
		"\"NetworkMode\":\"none\",\"Memory\":1024,\"MemorySwap\":1024,"
		"\"NanoCpus\":5,\"PidsLimit\":6,\"OomScoreAdj\":7,"
		"\"Ulimits\":[{\"Name\":\"core\",\"Soft\":0,\"Hard\":0}],"
		"\"CapDrop\":[\"ALL\"],\"CapAdd\":[\"CHOWN\"],"
		"\"SecurityOpt\":[\"no-new-privileges\",\"seccomp={}\"],"
		"\"Mounts\":[{\"Type\":\"bind\",\"Source\":\"/src\",\"Target\":\"/"
		"dst\","
		"\"ReadOnly\":true},{\"Type\":\"volume\",\"Source\":\"vol\","
		"\"Target\":\"/vol\",\"ReadOnly\":true,\"VolumeOptions\":{"
		"\"NoCopy\":true,\"Labels\":{\"l\":\"\"}}}],"
		"\"Tmpfs\":{\"/tmp\":\"size=1m\"},\"ReadonlyRootfs\":true,"
		"\"Init\":true,\"AutoRemove\":true}}");
	end(r);
}

static void asks_an_old_engine_for_nothing_it_would_ignore(void **state)
{
	static const char *const texts[] = {
		"HTTP/1.1 200 OK\r\nApi-Version: 1.24\r\nContent-Length: 0\r\n\r\n",
		NO_CONTENT};
	static const char *const argv[] = {"true", NULL};
	const struct sp_container_spec spec = {.image = "i", .nano_cpus = 1};
	const struct sp_engine_exec_spec exec = {.argv = argv, .workdir = "/w"};
	struct rig *r = start_with(texts, 2, FAKE_KEEP);
	char id[SP_ENGINE_ID_MAX];

	(void)state;
	assert_int_equal(
		sp_engine_container_create(r->engine, &spec, id, NULL, &r->err),
		SP_ERR_UNSUPPORTED);
	assert_int_equal(sp_engine_exec_create(r->engine, "box", &exec, id, &r->err),
		SP_ERR_UNSUPPORTED);
	fake_stop(r->server);
	assert_int_equal(r->server->request_count, 1);
	end(r);
}

static void looks_for_labels_of_any_characters(void **state)
{
	static const struct sp_label labels[] = {{"k", "a&b=\"c\" %"}, {"any", NULL}};
	struct rig *r = start_json("200 OK", "[]");
	struct sp_container_list list;

	(void)state;
	assert_int_equal(
		sp_engine_container_list(r->engine, labels, 2, &list, &r->err), 0);
	assert_int_equal(list.count, 0);
	sp_container_list_clear(&list);
	/* {"label":["k=a&b=\"c\" %","any"]} */
	assert_begins(request(r, 1),
		"GET /v1.41/containers/json?all=1&filters="
		"%7B%22label%22%3A%5B%22k%3Da%26b%3D%5C%22c%5C%22%20%25%22%2C%22any%22"
		"%5D%7D HTTP/1.1\r\n");
	end(r);
}

static int append_output(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)stream;
	strncat(ctx, data, len);
	return 0;
}

static void makes_starts_and_follows_a_command(void **state)
{
	static const char *const argv[] = {"cat", NULL}, *const env[] = {"A=b", NULL};
	static const struct fake_reply stream = {
		.text = "HTTP/1.1 101 UPGRADED\r\nUpgrade: tcp\r\n\r\n"
			"\1\0\0\0\0\0\0\2hi",
		.len = 49};
	static const char *const texts[] = {PING,
		"HTTP/1.1 201 Created\r\n" CLOSE
		"Content-Length: 12\r\n\r\n{\"Id\":\"ab1\"}",
		""};
	const struct sp_engine_exec_spec spec = {
		.argv = argv, .env = env, .user = "u", .attach_stdin = true};
	struct rig *r = start_with(texts, 3, FAKE_CLOSE);
	sp_autoduplex struct sp_duplex *d = NULL;
	char id[SP_ENGINE_ID_MAX], out[16] = "";
	enum sp_pump_end how;
	struct sp_demux demux;
	struct sp_pump pump;

	(void)state;
	r->replies[2].text = stream.text;
	r->replies[2].len = stream.len;
	assert_int_equal(
		sp_engine_exec_create(r->engine, "box", &spec, id, &r->err), 0);
	assert_string_equal(id, "ab1");
	assert_int_equal(sp_engine_exec_start(r->engine, id, &spec, &d, &r->err), 0);
	sp_demux_init(&demux, SP_DEMUX_FRAMES, append_output, out);
	sp_pump_init(&pump, d, &demux);
	pump.deadline_ms = sp_deadline_in(FAKE_WAIT_MS);
	assert_int_equal(sp_pump_run(&pump, &how, &r->err), 0);
	assert_int_equal(how, SP_PUMP_ENDED);
	assert_string_equal(out, "hi");
	assert_begins(request(r, 1), "POST /v1.41/containers/box/exec HTTP/1.1\r\n");
	assert_string_equal(body_of(request(r, 1)),
		"{\"Cmd\":[\"cat\"],\"Env\":[\"A=b\"],\"User\":\"u\",\"AttachStdin\":"
		"true,"
		"\"AttachStdout\":true,\"AttachStderr\":true}");
	assert_begins(request(r, 2), "POST /v1.41/exec/ab1/start HTTP/1.1\r\n");
	assert_string_equal(body_of(request(r, 2)), "{\"Detach\":false,\"Tty\":false}");
	end(r);
}

static void gives_the_refusal_of_a_command(void **state)
{
	static const char *const argv[] = {"cat", NULL};
	const struct sp_engine_exec_spec spec = {.argv = argv};
	struct rig *r = start_json("409 Conflict", "{\"message\":\"it is paused\"}");
	sp_autoduplex struct sp_duplex *d = NULL;

	(void)state;
	assert_int_equal(sp_engine_exec_start(r->engine, "ab1", &spec, &d, &r->err),
		SP_ERR_EXISTS);
	assert_string_equal(r->err.msg, "it is paused");
	assert_null(d);
	end(r);
}

static void tells_that_a_command_never_was_started(void **state)
{
	static const char *const argv[] = {"cat", NULL};
	const struct sp_engine_exec_spec spec = {.argv = argv};
	struct rig *r = start(NO_CONTENT);
	sp_autoduplex struct sp_duplex *d = NULL;

	(void)state;
	assert_int_equal(sp_engine_agree(r->engine, &r->err), 0);
	fake_stop(r->server); /* gone; the version is remembered */
	assert_int_equal(sp_engine_exec_start(r->engine, "ab1", &spec, &d, &r->err),
		SP_ERR_UNAVAILABLE);
	assert_true(r->err.not_sent);
	assert_null(d);
	end(r);
}

/* --- Answers that go on for a while ----------------------------------------------------------- */

static void note_progress(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	uint64_t *seen = ctx;

	assert_string_equal(what, "h:5000/repo/name:tag");
	seen[0] = done;
	seen[1] = total;
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static void pulls_and_tells_how_far(void **state)
{
	uint64_t seen[2] = {0};
	const struct sp_engine_pull_opts opts = {
		.on_progress = note_progress, .progress_ctx = seen};
	struct rig *r = start(
		CHUNKED "20\r\n{\"status\":\"Downloading\",\"id\":\"a\"\r\n"
			"37\r\n,\"progressDetail\":"
			"{\"current\":5,\"total\":10}}\n{\"status\":\"\r\n"
			"5\r\nok\"}\n\r\n0\r\n\r\n");

	(void)state;
	assert_int_equal(
		sp_engine_image_pull(r->engine, "h:5000/repo/name:tag", &opts, &r->err),
		0);
	assert_int_equal(seen[0], 5);
	assert_int_equal(seen[1], 10);
	assert_begins(request(r, 1),
		"POST /v1.41/images/create?fromImage=h:5000/repo/name"
		"&tag=tag HTTP/1.1\r\n");
	end(r);
}

static void finds_the_failure_within_a_good_answer(void **state)
{
	struct rig *r = start_json("200 OK",
		"{\"status\":\"Pulling\"}\n{\"errorDetail\":{\"message\":\"manifest "
		"for "
		"x not found\"},\"error\":\"other words\"}\n");

	(void)state;
	assert_int_equal(sp_engine_image_pull(r->engine, "x@sha256:ab", NULL, &r->err),
		SP_ERR_NOT_FOUND);
	assert_non_null(strstr(r->err.msg, "manifest for x not found"));
	assert_non_null(strstr(request(r, 1), "fromImage=x&tag=sha256%3Aab "));
	end(r);
}

static ssize_t give_tar(void *ctx, char *data, size_t len, struct sp_error *err)
{
	int *left = ctx;

	(void)err;
	if (*left == 0 || len < 512)
		return 0;
	memset(data, 0, 512);
	data[0] = 'x';
	--*left;
	return 512;
}

static void imports_a_tar_and_gets_its_id(void **state)
{
	static const char *const changes[] = {"CMD [\"sh\"]", NULL};
	const struct sp_engine_import_opts opts = {.changes = changes};
	int left = 4;
	struct sp_source tar = {give_tar, &left};
	struct rig *r = start_json("200 OK", "{\"status\":\"sha256:abc\"}");
	char id[SP_ENGINE_ID_MAX];

	(void)state;
	assert_int_equal(sp_engine_image_import(
				 r->engine, "repo", "tag", &tar, &opts, id, &r->err),
		0);
	assert_string_equal(id, "sha256:abc");
	assert_int_equal(left, 0);
	assert_begins(request(r, 1),
		"POST /v1.41/images/create?fromSrc=-&repo=repo&tag=tag"
		"&changes=CMD%20%5B%22sh%22%5D HTTP/1.1\r\n");
	end(r);
}

static void puts_an_archive_where_it_was_told(void **state)
{
	int left = 2;
	struct sp_source tar = {give_tar, &left};
	struct rig *r = start("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");

	(void)state;
	assert_int_equal(
		sp_engine_archive_put(r->engine, "box", "/a b/&x",
			SP_ARCHIVE_KEEP_TYPES | SP_ARCHIVE_KEEP_OWNERS, &tar, &r->err),
		0);
	assert_begins(request(r, 1),
		"PUT /v1.41/containers/box/archive?path=%2Fa%20b%2F%26x"
		"&noOverwriteDirNonDir=1&copyUIDGID=1 HTTP/1.1\r\n");
	assert_non_null(strstr(request(r, 1), "application/x-tar\r\n"));
	end(r);
}

static int count_bytes(void *ctx, const char *data, size_t len, struct sp_error *err)
{
	(void)data;
	(void)err;
	*(size_t *)ctx += len;
	return 0;
}

static void tells_an_archive_that_breaks_off(void **state)
{
	size_t bytes = 0;
	struct sp_sink sink = {count_bytes, &bytes};
	static const char *const texts[] = {PING, CHUNKED "4\r\nhalf\r\n"};
	struct rig *r = start_with(texts, 2, FAKE_CLOSE);

	(void)state;
	assert_int_equal(sp_engine_archive_get(r->engine, "box", "/x", &sink, &r->err),
		SP_ERR_PROTOCOL);
	assert_int_equal(bytes, 4);
	end(r);
}

static void waits_no_longer_than_allowed(void **state)
{
	static const char *const texts[] = {PING, "HTTP/1.1 200 OK\r\n"};
	struct rig *r = start_with(texts, 2, FAKE_HOLD);
	int64_t start_ms = sp_clock_ms();
	int code = 5;

	(void)state;
	assert_int_equal(
		sp_engine_container_wait(r->engine, "box", 50, -1, &code, &r->err),
		SP_ERR_TIMEOUT);
	assert_in_range(sp_clock_ms() - start_ms, 40, FAKE_WAIT_MS / 2);
	assert_int_equal(code, 5);
	end(r);
}

static void takes_gone_for_removed(void **state)
{
	struct rig *r = start_json("404 Not Found", "{\"message\":\"gone\"}");

	(void)state;
	assert_int_equal(
		sp_engine_container_wait_removed(r->engine, "box", 1000, &r->err), 0);
	assert_begins(
		request(r, 1), "POST /v1.41/containers/box/wait?condition=removed ");
	end(r);
}

/* --- Where it is ------------------------------------------------------------------------------ */

static void finds_its_host_in_the_environment(void **state)
{
	struct sp_engine_opts o = {0};

	(void)state;
	unsetenv("DOCKER_HOST");
	setenv("DOCKER_CERT_PATH", "/certs", 1);
	unsetenv("DOCKER_TLS_VERIFY");
	sp_engine_opts_from_env(&o);
	assert_string_equal(o.host, "unix:///var/run/docker.sock");
	assert_null(o.cert_dir);

	o = (struct sp_engine_opts){0};
	setenv("DOCKER_HOST", "tcp://h:2376", 1);
	setenv("DOCKER_TLS_VERIFY", "1", 1);
	sp_engine_opts_from_env(&o);
	assert_string_equal(o.host, "tcp://h:2376");
	assert_string_equal(o.cert_dir, "/certs");
	assert_false(o.tls_no_verify);

	o = (struct sp_engine_opts){.host = "tcp://other:2375"};
	sp_engine_opts_from_env(&o);
	assert_string_equal(o.host, "tcp://other:2375");
	assert_null(o.cert_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speaks_the_version_the_ping_names),
		cmocka_unit_test(agrees_on_a_version_by_itself_and_once),
		cmocka_unit_test(speaks_no_newer_version_than_it_knows),
		cmocka_unit_test(asks_for_the_version_where_the_ping_is_silent),
		cmocka_unit_test(refuses_what_is_no_engine_or_too_old),
		cmocka_unit_test(passes_on_what_something_else_says),
		cmocka_unit_test(gives_the_words_of_the_engine_whatever_their_form),
		cmocka_unit_test(takes_already_so_for_a_success),
		cmocka_unit_test(refuses_names_that_are_paths),
		cmocka_unit_test(asks_for_every_protection),
		cmocka_unit_test(asks_an_old_engine_for_nothing_it_would_ignore),
		cmocka_unit_test(looks_for_labels_of_any_characters),
		cmocka_unit_test(makes_starts_and_follows_a_command),
		cmocka_unit_test(gives_the_refusal_of_a_command),
		cmocka_unit_test(tells_that_a_command_never_was_started),
		cmocka_unit_test(pulls_and_tells_how_far),
		cmocka_unit_test(finds_the_failure_within_a_good_answer),
		cmocka_unit_test(imports_a_tar_and_gets_its_id),
		cmocka_unit_test(puts_an_archive_where_it_was_told),
		cmocka_unit_test(tells_an_archive_that_breaks_off),
		cmocka_unit_test(waits_no_longer_than_allowed),
		cmocka_unit_test(takes_gone_for_removed),
		cmocka_unit_test(finds_its_host_in_the_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
