/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One operation on files inside, seen from here: what the worker is told, the streams to
 * and from it, and what its end means.  How it gets to run inside is the driver's part.
 */
#ifndef SP_PROVIDERS_FILE_WORK_H
#define SP_PROVIDERS_FILE_WORK_H

#include "base/strv.h"
#include "images/worker_records.h"
#include "providers/provider.h"

struct sp_file_work {
	const struct sp_file_request *request;
	struct sp_strv argv;
	int64_t timeout_ms; /* 0: none */
	/* WATCH: the worker's standard input, which ends when we do; else -1. */
	int stdin_fd;

	/* Private. */
	int hold; /* the other end of it */
	struct sp_worker_records records;
	struct sp_buf errors;
	struct sp_error
		error; /* of the caller's own functions: comes before all others */
	bool input_ended, stopped;
};

/* program is how it is called inside. */
int sp_file_work_init(struct sp_file_work *w, const char *program,
	const struct sp_file_request *request, struct sp_error *err);
void sp_file_work_clear(struct sp_file_work *w);
#define sp_autowork SP_AUTO(sp_file_work_clear)

/* Takes its output; ctx is the work. */
sp_output_fn sp_file_work_output;

/*
 * Gives its input, as the read of an sp_source; ctx is the work.  It never fails: a source
 * that does is kept for the end, and the worker gets an input that breaks off.
 */
ssize_t sp_file_work_input(void *ctx, char *data, size_t len, struct sp_error *err);

/* WRITE has an input of its own. */
static inline bool sp_file_work_has_input(const struct sp_file_work *w)
{
	return w->request->op == SP_FILE_WRITE;
}

/* After the driver ran it, which gave rc and, unless negative, the outcome. */
int sp_file_work_end(struct sp_file_work *w, int rc, const struct sp_outcome *outcome,
	struct sp_error *err);

#endif
