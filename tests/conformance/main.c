/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Try every behaviour on one provider and say which hold, as TAP.
 *
 *   conformance PROVIDER [WORDS]      WORDS picks the behaviours whose name has them
 *
 * SANDPIT_LIBEXEC_DIR and SANDPIT_DATA_DIR say where our programs and data are,
 * SANDPIT_STATE_DIR where the state goes, DOCKER_HOST which engine.
 */
#include <signal.h>
#include <stdio.h>

#include "providers/registry.h"
#include "tests/conformance/conformance.h"

/* One behaviour that hangs must not hang the suite. */
#define BEHAVIOUR_SECONDS 120

static const struct {
	const char *name;
	const struct behaviours *behaviours;
} groups[] = {
	{"life", &life_behaviours},
	{"exec", &exec_behaviours},
	{"stream", &stream_behaviours},
	{"deadline", &deadline_behaviours},
	{"files", &file_behaviours},
	{"file operations", &file_op_behaviours},
	{"limits", &limit_behaviours},
	{"pause", &pause_behaviours},
	{"store", &store_behaviours},
	{"terminal", &terminal_behaviours},
	{"background", &background_behaviours},
};

static const char *current = "";

static void hung(int sig)
{
	(void)sig;
	dprintf(STDOUT_FILENO, "Bail out! %s: not ended after %d s\n", current,
		BEHAVIOUR_SECONDS);
	_exit(1);
}

static enum verdict try_one(const struct behaviour *b, struct world *w)
{
	current = b->name;
	w->err = (struct sp_error){0};
	alarm(BEHAVIOUR_SECONDS);
	return b->test(w);
}

static bool is_offered(const struct behaviour *b, const struct world *w)
{
	return (w->driver->capabilities & b->needs) == b->needs;
}

static bool is_wanted(const struct behaviour *b, const char *words)
{
	return !words || strstr(b->name, words);
}

/* In one line: a skip is for what could be tried on another machine. */
static size_t say_not_offered(const struct world *w, const char *words)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(1024);
	size_t total = 0;

	for (size_t g = 0; g < SP_COUNT(groups); g++) {
		const struct behaviours *of = groups[g].behaviours;
		size_t n = 0;

		for (size_t i = 0; i < of->count; i++)
			n += is_wanted(&of->items[i], words) &&
				!is_offered(&of->items[i], w);
		if (n)
			sp_buf_addf(&line, "%s %s %zu", total ? "," : "",
				groups[g].name, n);
		total += n;
	}
	if (total)
		printf("# not offered by %s: %zu behaviours:%s\n", w->driver->name,
			total, sp_buf_str(&line));
	return total;
}

static int try_group(
	const struct behaviours *of, struct world *w, const char *words, int *number)
{
	int failed = 0;

	for (size_t i = 0; i < of->count; i++) {
		const struct behaviour *b = &of->items[i];
		enum verdict v;

		if (!is_wanted(b, words) || !is_offered(b, w))
			continue;
		v = try_one(b, w);
		failed += v == FAILS;
		printf("%sok %d - %s%s%s\n", v == FAILS ? "not " : "", ++*number,
			b->name, v == SKIPS ? " # SKIP " : "",
			v == SKIPS ? w->reason : "");
		fflush(stdout);
	}
	return failed;
}

static int try_all(struct world *w, const char *words)
{
	int number = 0, failed = 0;
	size_t missing;

	for (size_t g = 0; g < SP_COUNT(groups); g++)
		failed += try_group(groups[g].behaviours, w, words, &number);
	missing = say_not_offered(w, words);
	/* Of those that were picked there is none to try. */
	if (number == 0 && missing)
		printf("ok %d - %s # SKIP the provider does not offer it\n", ++number,
			words);
	printf("1..%d\n", number);
	return failed;
}

static const char *env_or(const char *name, const char *otherwise)
{
	const char *value = getenv(name);

	return value && *value ? value : otherwise;
}

static int open_world(struct world *w, const char *provider)
{
	static struct sp_setting host = {.key = "host"};
	const struct sp_registry_entry *entry = sp_registry_find(
		&sp_registry_builtin, provider);
	int rc;

	if (!entry)
		return sp_fail(&w->err, SP_ERR_NOT_FOUND, "no provider %s", provider);
	w->cfg = (struct sp_provider_config){
		.state_dir = env_or("SANDPIT_STATE_DIR", NULL),
		.store_dir = env_or("SANDPIT_STORE_DIR", "/nonexistent"),
		.data_dir = env_or("SANDPIT_DATA_DIR", NULL),
		.libexec_dir = env_or("SANDPIT_LIBEXEC_DIR", NULL),
	};
	if (!w->cfg.state_dir || !w->cfg.data_dir || !w->cfg.libexec_dir)
		return sp_fail(&w->err, SP_ERR_INVALID,
			"SANDPIT_STATE_DIR, _DATA_DIR and _LIBEXEC_DIR must be set");
	host.value = env_or("DOCKER_HOST", NULL);
	if (host.value && !strcmp(provider, "docker")) {
		w->cfg.settings = &host;
		w->cfg.setting_count = 1;
	}
	rc = sp_registry_driver(entry, w->cfg.libexec_dir, &w->driver, &w->err);
	if (rc < 0)
		return rc;
	return w->driver->open(&w->cfg, &w->p, &w->err);
}

int main(int argc, char **argv)
{
	struct world w = {.ordinary_user = geteuid() != 0};
	int failed;

	if (argc < 2) {
		fprintf(stderr, "usage: conformance PROVIDER [WORDS]\n");
		return 2;
	}
	signal(SIGALRM, hung);
	signal(SIGPIPE, SIG_IGN);
	if (open_world(&w, argv[1]) < 0) {
		printf("Bail out! %s: %s\n", argv[1], w.err.msg);
		return 2;
	}
	failed = try_all(&w, argc > 2 ? argv[2] : NULL);
	if (w.shared[0] && sp_provider_destroy(w.p, w.shared, &w.err) < 0) {
		printf("# the shared sandbox stays: %s\n", w.err.msg);
		failed++;
	}
	sp_provider_close(w.p);
	return failed > 0;
}
