/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/conformance/conformance.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>

#include "base/io.h"
#include "tests/helpers/require.h"

/* No command of a behaviour may take longer, whatever the provider does. */
#define GUARD_MS 60000

void complain(const struct world *w, const char *file, int line, const char *what)
{
	printf("# %s:%d: expected %s\n", file, line, what);
	if (w->err.code)
		printf("# last error: %s: %s\n", sp_code_name(w->err.code), w->err.msg);
}

enum verdict skip_because(struct world *w, const char *key, const char *reason)
{
	w->reason = reason;
	w->reason_key = key;
	return key && sp_is_required(key) ? FAILS : SKIPS;
}

void result_clear(struct result *r)
{
	sp_buf_clear(&r->out);
	sp_buf_clear(&r->err);
}

static bool is_running(struct world *w, const char *id)
{
	sp_autoinfo struct sp_sandbox_info info = {0};

	return sp_provider_get(w->p, id, &info, &w->err) == 0 &&
		info.state == SP_STATE_RUNNING;
}

const char *shared(struct world *w)
{
	static const struct sp_sandbox_spec plain = {.ttl_ms = 600000};
	struct sp_sandbox_spec spec = plain;

	if (!(w->driver->capabilities & SP_CAP_TTL))
		spec.ttl_ms = 0;
	if (w->shared[0] && is_running(w, w->shared))
		return w->shared;
	w->shared[0] = '\0';
	w->err = (struct sp_error){0};
	if (sp_provider_create(w->p, &spec, w->shared, &w->err) < 0) {
		w->shared[0] = '\0';
		return NULL;
	}
	return w->shared;
}

int own_create(
	struct world *w, const struct sp_sandbox_spec *spec, struct own_sandbox *own)
{
	int rc;

	w->err = (struct sp_error){0};
	rc = sp_provider_create(w->p, spec, own->id, &w->err);
	if (rc == 0)
		own->w = w;
	return rc;
}

void own_destroy(struct own_sandbox *own)
{
	if (own->w)
		sp_provider_destroy(own->w->p, own->id, NULL);
}

struct sp_command program(const char *const *argv)
{
	return (struct sp_command){
		.argv = argv,
		.stdin_fd = -1,
		.cancel_fd = -1,
		.timeout_ms = GUARD_MS,
	};
}

struct sp_command shell(const char *script)
{
	static const char *argv[] = {"sh", "-c", NULL, NULL};

	argv[2] = script;
	return program(argv);
}

static int keep(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct result *r = ctx;

	sp_buf_add(stream == SP_STDOUT ? &r->out : &r->err, data, len);
	return 0;
}

int execute(
	struct world *w, const char *id, struct sp_command command, struct result *r)
{
	int64_t start = sp_clock_ms();
	int rc;

	if (!id) /* could not be created; w->err says why */
		return w->err.code;
	if (!command.on_output) {
		command.on_output = keep;
		command.on_output_ctx = r;
	}
	w->err = (struct sp_error){0};
	rc = sp_provider_exec(w->p, id, &command, &r->outcome, &w->err);
	r->took_ms = sp_clock_ms() - start;
	return rc;
}

int run_shell(struct world *w, const char *script, struct result *r)
{
	return execute(w, shared(w), shell(script), r);
}

int run_once(struct world *w, struct sp_command command,
	char id[static SP_SANDBOX_ID_MAX], struct result *r)
{
	static const struct sp_sandbox_spec plain;
	int64_t start = sp_clock_ms();
	int rc;

	command.on_output = keep;
	command.on_output_ctx = r;
	w->err = (struct sp_error){0};
	rc = sp_provider_run(w->p, &plain, &command, id, &r->outcome, &w->err);
	r->took_ms = sp_clock_ms() - start;
	return rc;
}

bool is_text(const struct sp_buf *b, const char *text)
{
	if (!strcmp(sp_buf_str(b), text) && b->len == strlen(text))
		return true;
	printf("# the output is \"%.200s\", %zu bytes\n", sp_buf_str(b), b->len);
	return false;
}

/* The script must not find itself, so the word's last letter is in brackets. */
int count_processes(struct world *w, const char *id, const char *word)
{
	autoresult r = RESULT_INIT;
	char script[512];
	size_t last = strlen(word) - 1;

	snprintf(script, sizeof(script),
		"for f in /proc/[0-9]*/cmdline; do tr '\\0' ' ' <$f 2>/dev/null |"
		" grep '%.*s[%c]'; done | wc -l",
		(int)last, word, word[last]);
	if (execute(w, id, shell(script), &r) < 0 || r.outcome.exit_code != 0)
		return -1;
	return (int)strtol(sp_buf_str(&r.out), NULL, 10);
}

int filled_fd(const void *data, size_t len)
{
	sp_autoclose int fd = memfd_create("input", MFD_CLOEXEC);

	if (fd < 0 || sp_write_all(fd, data, len, NULL) < 0 ||
		lseek(fd, 0, SEEK_SET) < 0)
		return -1;
	return sp_take_fd(fd);
}

char *noise(size_t len)
{
	uint64_t x = 0x9e3779b97f4a7c15u;
	char *data = malloc(len + 1);

	for (size_t i = 0; data && i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (char)(x >> 32);
	}
	return data;
}
