/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every provider must do, as a list: a behaviour is a sentence, the capabilities it
 * needs and a function that tries it through providers/provider.h, knowing nothing else.
 */
#ifndef SP_TESTS_CONFORMANCE_H
#define SP_TESTS_CONFORMANCE_H

#include <string.h>

#include "base/clock.h"
#include "providers/provider.h"

enum verdict {
	HOLDS,
	FAILS,
	SKIPS, /* with world.reason */
};

struct world {
	const struct sp_driver *driver;
	struct sp_provider *p;
	struct sp_provider_config cfg;
	struct sp_error err;            /* of the last call */
	char shared[SP_SANDBOX_ID_MAX]; /* the sandbox most behaviours use */
	bool ordinary_user;
	const char *reason;     /* of a skip */
	const char *reason_key; /* the word of SP_REQUIRE that forbids it, or NULL */
};

struct behaviour {
	const char *name;
	uint32_t needs; /* capabilities */
	enum verdict (*test)(struct world *w);
};

struct behaviours {
	const struct behaviour *items;
	size_t count;
};
extern const struct behaviours life_behaviours, exec_behaviours, stream_behaviours,
	deadline_behaviours, file_behaviours, limit_behaviours, store_behaviours;
extern const struct behaviours life_behaviours;
extern const struct behaviours exec_behaviours;
extern const struct behaviours stream_behaviours;
extern const struct behaviours deadline_behaviours;
extern const struct behaviours file_behaviours;
extern const struct behaviours file_op_behaviours;
extern const struct behaviours limit_behaviours, pause_behaviours;
extern const struct behaviours terminal_behaviours;
extern const struct behaviours background_behaviours;

#define SP_BEHAVIOURS(list) \
	{ \
		(list), SP_COUNT(list) \
	}

/* --- Judging ------------------------------------------------------------------------ */

/* Says what was expected, and the error of the last call, as a TAP comment. */
void complain(const struct world *w, const char *file, int line, const char *what);

#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			complain(w, __FILE__, __LINE__, #condition); \
			return FAILS; \
		} \
	} while (0)

/* This host cannot, because; key is the word of SP_REQUIRE that makes it a failure. */
enum verdict skip_because(struct world *w, const char *key, const char *reason);

/* --- Running ------------------------------------------------------------------------ */

#define OUTPUT_MAX (64u << 20)

struct result {
	struct sp_outcome outcome;
	struct sp_buf out, err;
	int64_t took_ms;
};
#define RESULT_INIT \
	{ \
		.out = SP_BUF_INIT(OUTPUT_MAX), .err = SP_BUF_INIT(OUTPUT_MAX) \
	}
void result_clear(struct result *r);
#define autoresult SP_AUTO(result_clear) struct result

/* The sandbox that is there for all; NULL, with w->err, if it cannot be made. */
const char *shared(struct world *w);

/* A sandbox of the test's own, destroyed at the end of its scope. */
struct own_sandbox {
	struct world *w;
	char id[SP_SANDBOX_ID_MAX];
};
int own_create(
	struct world *w, const struct sp_sandbox_spec *spec, struct own_sandbox *own);
void own_destroy(struct own_sandbox *own);
#define autosandbox SP_AUTO(own_destroy) struct own_sandbox

/* `sh -c script`, empty input, no deadline; the words are good until the next call. */
struct sp_command shell(const char *script);
/* A program without a shell. */
struct sp_command program(const char *const *argv);

/* Run it with its output into r, where it does not say otherwise; returns the op's code. */
int execute(
	struct world *w, const char *id, struct sp_command command, struct result *r);
/* The same for a script in the shared sandbox. */
int run_shell(struct world *w, const char *script, struct result *r);

/* Create, run, destroy in one go, with the default sandbox. */
int run_once(struct world *w, struct sp_command command,
	char id[static SP_SANDBOX_ID_MAX], struct result *r);

/* The whole output is this text. */
bool is_text(const struct sp_buf *b, const char *text);

/* How many processes in the sandbox carry this word in their arguments; -1: cannot tell. */
int count_processes(struct world *w, const char *id, const char *word);

/* A pipe that already holds these bytes, or a file for many; its reading end. */
int filled_fd(const void *data, size_t len);

/* Bytes that look random and are the same in every run. */
char *noise(size_t len);

#endif
