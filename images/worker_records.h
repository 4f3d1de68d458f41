/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads what the worker inside tells of files (records.h).  It may come from somebody who
 * got hold of the worker, so nothing in it is believed before it was looked at: paths lie
 * where they were asked for, and lengths and counts have limits.
 */
#ifndef SP_IMAGES_WORKER_RECORDS_H
#define SP_IMAGES_WORKER_RECORDS_H

#include "base/buf.h"

struct sp_worker_records {
	const char *below; /* the path asked for, all others lie below it */
	/* The entry's texts are good for the call.  Negative is an error, which is in err. */
	int (*on_entry)(void *ctx, const struct sp_entry *entry, struct sp_error *err);
	/* Non-zero stops the reading and is returned. */
	sp_change_fn *on_change;
	void *ctx;

	/* Private. */
	enum {
		SP_RECORDS_AT_VERSION,
		SP_RECORDS_AT_HEAD,
		SP_RECORDS_AT_PATH,
		SP_RECORDS_AT_LINK,
		SP_RECORDS_AT_END,
	} at;
	struct sp_buf field; /* as far as it has come */
	size_t count;
	struct sp_entry entry; /* path is owned */
	char action[16];
};

/* Callbacks are to be set after this. */
void sp_worker_records_init(struct sp_worker_records *r, const char *below);
void sp_worker_records_clear(struct sp_worker_records *r);

/*
 * Take the next bytes.  Returns what on_change returned when that is not 0.
 *
 * Errors:  PROTOCOL, LIMIT, or what on_entry returned
 */
int sp_worker_records_feed(struct sp_worker_records *r, const char *data, size_t len,
	struct sp_error *err);

/* The stream has ended: PROTOCOL when the answer was not complete. */
int sp_worker_records_end(const struct sp_worker_records *r, struct sp_error *err);

#endif
