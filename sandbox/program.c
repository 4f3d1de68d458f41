/* SPDX-License-Identifier: Apache-2.0 */
/* Code from the caller's memory to a file inside, and the command that runs it there. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/enc.h"
#include "sandbox/code.h"
#include "sandbox/exec.h"

#define CODE_MAX_BYTES   ((size_t)16 << 20)
#define ARCHIVE_OVERHEAD ((size_t)8 << 10)
#define INSIDE_PARENT    "/tmp"
#define FOLDER_PREFIX    "sandpit-code-"
#define FOLDER_RANDOM    8

static int find_language(const struct sp_program *program,
	const struct sp_language **out, struct sp_error *err)
{
	const struct sp_language *l = NULL;

	if (program->language) {
		l = sp_language_named(program->language);
		if (!l)
			return sp_fail(err, SP_ERR_NOT_FOUND,
				"there is no language \"%.32s\" (there are: python, "
				"node, typescript, go, rust, bash)",
				program->language);
	} else {
		if (program->name)
			l = sp_language_of_file(program->name);
		if (!l)
			l = sp_language_of_text(program->text, program->len);
	}
	if (!l)
		return sp_fail(err, SP_ERR_NOT_FOUND,
			"the language of %.128s cannot be told: name it",
			program->name ? program->name : "the code");
	*out = l;
	return 0;
}

int sp_program_language(
	const struct sp_program *program, const char **language, struct sp_error *err)
{
	const struct sp_language *l;
	int rc = find_language(program, &l, err);

	if (rc == 0)
		*language = sp_language_name(l);
	return rc;
}

/* The archive, as it is handed to the provider. */
struct memory {
	const char *at;
	size_t left;
};

static ssize_t read_memory(void *ctx, char *data, size_t len, struct sp_error *err)
{
	struct memory *m = ctx;

	(void)err;
	len = len < m->left ? len : m->left;
	memcpy(data, m->at, len);
	m->at += len;
	m->left -= len;
	return (ssize_t)len;
}

/* What is needed to run one program: where it lies inside, and the command for it. */
struct prepared {
	struct sp_buf archive, script, path;
	struct sp_strv argv;
};

static void prepared_clear(struct prepared *p)
{
	sp_buf_clear(&p->archive);
	sp_buf_clear(&p->script);
	sp_buf_clear(&p->path);
	sp_strv_clear(&p->argv);
}

static int check_program(const struct sp_program *program, const struct sp_language **l,
	struct sp_error *err)
{
	int rc = find_language(program, l, err);

	if (rc < 0)
		return rc;
	if (program->len == 0)
		return sp_fail(err, SP_ERR_INVALID, "there is no code in %.128s",
			program->name ? program->name : "what was given");
	if (program->len > CODE_MAX_BYTES)
		return sp_fail(err, SP_ERR_LIMIT, "code is larger than %zu MiB",
			CODE_MAX_BYTES >> 20);
	return 0;
}

static int prepare(
	const struct sp_program *program, struct prepared *p, struct sp_error *err)
{
	sp_autobuf struct sp_buf file = SP_BUF_INIT(256);
	char folder[sizeof(FOLDER_PREFIX) + FOLDER_RANDOM] = FOLDER_PREFIX;
	const struct sp_language *l;
	int rc = check_program(program, &l, err);

	if (rc == 0)
		rc = sp_random_name(folder + strlen(FOLDER_PREFIX), FOLDER_RANDOM, err);
	if (rc < 0)
		return rc;
	sp_language_file_name(l, program->name, &file);
	sp_code_archive(&p->archive, folder, sp_buf_str(&file), program->text,
		program->len, sp_clock_real_ms() / 1000);
	sp_language_script(l, &p->script);
	sp_buf_addf(&p->path, INSIDE_PARENT "/%s/%s", folder, sp_buf_str(&file));
	sp_strv_add(&p->argv, "sh");
	sp_strv_add(&p->argv, "-c");
	sp_strv_add(&p->argv, sp_buf_str(&p->script));
	sp_strv_add(&p->argv, "sandpit");
	sp_strv_add(&p->argv, sp_buf_str(&p->path));
	sp_strv_add_all(&p->argv, program->args);
	rc = sp_buf_ok(&p->archive, err);
	if (rc == 0)
		rc = sp_buf_ok(&p->script, err);
	return rc < 0 ? rc : sp_strv_ok(&p->argv, err);
}

static int put_code(struct sp_provider *p, const char *id, const struct prepared *code,
	struct sp_error *err)
{
	struct memory memory = {code->archive.data, code->archive.len};
	const struct sp_source source = {.read = read_memory, .ctx = &memory};

	return sp_provider_put_archive(p, id, INSIDE_PARENT, &source, err);
}

#define PREPARED_INIT \
	{ \
		.archive = SP_BUF_INIT(CODE_MAX_BYTES + ARCHIVE_OVERHEAD), \
		.script = SP_BUF_INIT(16 * 1024), .path = SP_BUF_INIT(256), \
	}

int sp_sandbox_exec_program(struct sp_client *client, const char *handle,
	const struct sp_program *program, const struct sp_exec_opts *opts,
	struct sp_exec_result *out, struct sp_error *err)
{
	SP_AUTO(prepared_clear) struct prepared code = PREPARED_INIT;
	SP_AUTO(sp_execution_clear) struct sp_execution x;
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = prepare(program, &code, err);

	sp_execution_init(&x, sp_strv_list(&code.argv), opts);
	if (rc == 0)
		rc = sp_client_locate(client, handle, &p, id, err);
	if (rc == 0)
		rc = put_code(p, id, &code, err);
	if (rc == 0)
		rc = sp_provider_exec(p, id, &x.command, &x.outcome, err);
	return rc < 0 ? rc : sp_execution_result(&x, p, id, out, err);
}

int sp_run_program(struct sp_client *client, const struct sp_sandbox_spec *spec,
	const struct sp_program *program, const struct sp_exec_opts *opts,
	struct sp_exec_result *out, struct sp_error *err)
{
	SP_AUTO(prepared_clear) struct prepared code = PREPARED_INIT;
	SP_AUTO(sp_execution_clear) struct sp_execution x;
	char id[SP_SANDBOX_ID_MAX];
	struct sp_provider *p = NULL;
	int rc = prepare(program, &code, err);

	sp_execution_init(&x, sp_strv_list(&code.argv), opts);
	if (rc == 0)
		rc = sp_command_check(&x.command, err);
	if (rc == 0)
		rc = sp_manager_create(client->manager, spec, &p, id, err);
	if (rc < 0)
		return rc;
	rc = put_code(p, id, &code, err);
	if (rc < 0) {
		/* The first error is the one to be told of. */
		(void)sp_provider_destroy(p, id, NULL);
		return rc;
	}
	rc = sp_provider_run_created(p, id, &x.command, &x.outcome, err);
	if (rc == 0)
		rc = sp_execution_result(&x, p, id, out, err);
	if (rc == 0)
		sp_execution_split(&x, out);
	return rc;
}
