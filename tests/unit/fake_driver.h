/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two providers that live in memory, "alpha" and "beta", and do what a test scripts: how
 * often each op was called, what it answers, what a command prints.
 */
#ifndef SP_TESTS_FAKE_DRIVER_H
#define SP_TESTS_FAKE_DRIVER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "providers/registry.h"

enum fake_op {
	FAKE_OPEN,
	FAKE_HEALTH,
	FAKE_IMAGE,
	FAKE_CREATE,
	FAKE_EXEC,
	FAKE_GET,
	FAKE_LIST,
	FAKE_INSPECT,
	FAKE_PUT,
	FAKE_DESTROY,
	FAKE_OPS,
};

#define FAKE_BOXES 8

struct fake {
	enum sp_code fail[FAKE_OPS]; /* what the op answers instead of working */
	bool not_sent;               /* with that */
	int calls[FAKE_OPS];
	bool silent; /* does not look as if it answered */
	const char *out, *err;
	size_t out_times;
	struct sp_outcome outcome;
	struct fake_box {
		char id[SP_SANDBOX_ID_MAX];
		char key[32], value[32];
		enum sp_sandbox_state state;
		bool is_used;
	} boxes[FAKE_BOXES];
	int made;
	const char *const *seen_argv;
	struct sp_command seen;
	struct sp_buf archive;
};

static struct fake fakes[2];
#define ALPHA (&fakes[0])
#define BETA  (&fakes[1])

struct fake_provider {
	struct sp_provider base;
	struct fake *fake;
};

static struct fake *fake_of(struct sp_provider *p)
{
	return ((struct fake_provider *)p)->fake;
}

static int fake_answer(struct fake *f, enum fake_op op, struct sp_error *err)
{
	f->calls[op]++;
	if (f->fail[op] == SP_OK)
		return 0;
	(void)sp_fail(err, f->fail[op], "scripted to fail");
	err->not_sent = f->not_sent;
	return f->fail[op];
}

static int fake_open_as(size_t which, const struct sp_driver *driver,
	const struct sp_provider_config *cfg, struct sp_provider **out,
	struct sp_error *err)
{
	struct fake *f = &fakes[which];
	struct fake_provider *p;
	int rc = fake_answer(f, FAKE_OPEN, err);

	if (rc < 0)
		return rc;
	(void)cfg;
	p = calloc(1, sizeof(*p));
	assert_non_null(p);
	p->base.driver = driver;
	p->fake = f;
	*out = &p->base;
	return 0;
}

static void fake_close(struct sp_provider *p)
{
	free(p);
}

static int fake_health(struct sp_provider *p, int64_t timeout_ms, struct sp_health *out,
	struct sp_error *err)
{
	(void)timeout_ms;
	*out = (struct sp_health){.ok = true, .version = "1.0"};
	return fake_answer(fake_of(p), FAKE_HEALTH, err);
}

static int fake_has_image(
	struct sp_provider *p, const char *image, struct sp_error *err)
{
	(void)image;
	return fake_answer(fake_of(p), FAKE_IMAGE, err);
}

static struct fake_box *fake_add(struct fake *f, const char *id)
{
	for (size_t i = 0; i < FAKE_BOXES; i++)
		if (!f->boxes[i].is_used) {
			f->boxes[i] = (struct fake_box){
				.is_used = true, .state = SP_STATE_RUNNING};
			snprintf(f->boxes[i].id, sizeof(f->boxes[i].id), "%s", id);
			return &f->boxes[i];
		}
	fail_msg("more sandboxes than a fake has room for");
	return NULL;
}

static struct fake_box *fake_find(struct fake *f, const char *id)
{
	for (size_t i = 0; i < FAKE_BOXES; i++)
		if (f->boxes[i].is_used && strcmp(f->boxes[i].id, id) == 0)
			return &f->boxes[i];
	return NULL;
}

static int fake_create(struct sp_provider *p, const struct sp_sandbox_spec *spec,
	char id[static SP_SANDBOX_ID_MAX], struct sp_error *err)
{
	struct fake *f = fake_of(p);
	struct fake_box *box;
	int rc = fake_answer(f, FAKE_CREATE, err);

	if (rc < 0)
		return rc;
	snprintf(id, SP_SANDBOX_ID_MAX, "sb-%s%d", p->driver->name, ++f->made);
	box = fake_add(f, id);
	if (spec->label_count) {
		snprintf(box->key, sizeof(box->key), "%s", spec->labels[0].key);
		snprintf(box->value, sizeof(box->value), "%s", spec->labels[0].value);
	}
	return 0;
}

static int fake_exec(struct sp_provider *p, const char *id,
	const struct sp_command *command, struct sp_outcome *out, struct sp_error *err)
{
	struct fake *f = fake_of(p);
	int rc = fake_answer(f, FAKE_EXEC, err);

	f->seen = *command;
	if (rc == 0 && !fake_find(f, id))
		rc = sp_fail(err, SP_ERR_NOT_FOUND, "no such sandbox");
	for (size_t i = 0; rc == 0 && f->out && i < f->out_times + 1; i++)
		rc = command->on_output(
			command->on_output_ctx, SP_STDOUT, f->out, strlen(f->out));
	if (rc == 0 && f->err)
		rc = command->on_output(
			command->on_output_ctx, SP_STDERR, f->err, strlen(f->err));
	*out = f->outcome;
	return rc;
}

static int fake_fill(struct sp_provider *p, const struct fake_box *box,
	struct sp_sandbox_info *info, struct sp_error *err)
{
	*info = (struct sp_sandbox_info){.state = box->state};
	snprintf(info->provider, sizeof(info->provider), "%s", p->driver->name);
	snprintf(info->id, sizeof(info->id), "%s", box->id);
	if (!*box->key)
		return 0;
	return sp_sandbox_info_label(info, box->key, box->value, err);
}

static int fake_get(struct sp_provider *p, const char *id, struct sp_sandbox_info *out,
	struct sp_error *err)
{
	const struct fake_box *box = fake_find(fake_of(p), id);
	int rc = fake_answer(fake_of(p), FAKE_GET, err);

	if (rc < 0)
		return rc;
	if (!box)
		return sp_fail(err, SP_ERR_NOT_FOUND, "no such sandbox");
	return fake_fill(p, box, out, err);
}

static int fake_list(struct sp_provider *p, const struct sp_label *labels,
	size_t label_count, struct sp_sandbox_list *out, struct sp_error *err)
{
	struct fake *f = fake_of(p);
	int rc = fake_answer(f, FAKE_LIST, err);

	for (size_t i = 0; rc == 0 && i < FAKE_BOXES; i++) {
		sp_autoinfo struct sp_sandbox_info info = {0};

		if (!f->boxes[i].is_used)
			continue;
		rc = fake_fill(p, &f->boxes[i], &info, err);
		if (rc == 0 && sp_labels_match(&info, labels, label_count))
			rc = sp_sandbox_list_add(out, &info, err);
	}
	return rc;
}

static int fake_inspect(struct sp_provider *p, const char *id, struct sp_buf *json,
	struct sp_error *err)
{
	int rc = fake_answer(fake_of(p), FAKE_INSPECT, err);

	if (rc == 0)
		sp_buf_addf(json, "{\"id\":\"%s\"}", id);
	return rc;
}

static int fake_put(struct sp_provider *p, const char *id, const char *path,
	const struct sp_source *source, struct sp_error *err)
{
	struct fake *f = fake_of(p);
	int rc = fake_answer(f, FAKE_PUT, err);
	char chunk[1000];
	ssize_t n = 0;

	(void)id;
	(void)path;
	while (rc == 0 &&
		(n = source->read(source->ctx, chunk, sizeof(chunk), err)) > 0)
		sp_buf_add(&f->archive, chunk, (size_t)n);
	return rc == 0 ? (int)n : rc;
}

static int fake_destroy(struct sp_provider *p, const char *id, struct sp_error *err)
{
	struct fake_box *box = fake_find(fake_of(p), id);
	int rc = fake_answer(fake_of(p), FAKE_DESTROY, err);

	if (rc == 0 && box)
		box->is_used = false;
	return rc;
}

static int alpha_open(const struct sp_provider_config *cfg, struct sp_provider **out,
	struct sp_error *err);
static int beta_open(const struct sp_provider_config *cfg, struct sp_provider **out,
	struct sp_error *err);

#define FAKE_TABLE(label, opener, bits) \
	{ \
		.name = label, .capabilities = (bits), .open = opener, \
		.close = fake_close, .health = fake_health, \
		.has_image = fake_has_image, .create = fake_create, .exec = fake_exec, \
		.get = fake_get, .list = fake_list, .inspect = fake_inspect, \
		.put_archive = fake_put, .destroy = fake_destroy, \
	}

#define FAKE_CAPABILITIES \
	(SP_CAP_STDIN | SP_CAP_USER | SP_CAP_LABELS | SP_CAP_LIST | SP_CAP_TTL | \
		SP_CAP_NETWORK_NONE)

static const struct sp_driver alpha = FAKE_TABLE(
	"alpha", alpha_open, FAKE_CAPABILITIES);
static const struct sp_driver beta = FAKE_TABLE(
	"beta", beta_open, FAKE_CAPABILITIES | SP_CAP_MOUNTS | SP_CAP_TTY);

static int alpha_open(const struct sp_provider_config *cfg, struct sp_provider **out,
	struct sp_error *err)
{
	return fake_open_as(0, &alpha, cfg, out, err);
}

static int beta_open(const struct sp_provider_config *cfg, struct sp_provider **out,
	struct sp_error *err)
{
	return fake_open_as(1, &beta, cfg, out, err);
}

static bool alpha_answers(void)
{
	return !ALPHA->silent;
}

static bool beta_answers(void)
{
	return !BETA->silent;
}

static const struct sp_registry_entry fake_entries[] = {
	{.name = "alpha", .driver = &alpha, .answers = alpha_answers},
	{.name = "beta", .driver = &beta, .answers = beta_answers},
};
static const struct sp_registry fake_registry = {fake_entries, 2};

/* To be run before each test. */
static int fake_reset(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		sp_buf_clear(&fakes[i].archive);
		fakes[i] = (struct fake){.archive = SP_BUF_INIT(1 << 20)};
	}
	return 0;
}

#endif
