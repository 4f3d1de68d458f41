/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filter that takes the agent's report off standard error, fed the same bytes whole
 * and in pieces: what comes out, and the report, must be the same, and nothing that is
 * no report may get lost.
 *
 * The first byte times 16 is how much is standard output, before the rest; the next 16
 * are the sizes of the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/docker/report.h"

#define CUTS  16
#define TOKEN "abcdefghijklmnopqrstuvwx"

struct out {
	uint64_t bytes[3];
	uint64_t digest[3]; /* FNV-1a */
	bool has_report;
	bool greeted;
	struct sp_report report;
};

static int receive(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct out *o = ctx;

	if ((stream != SP_STDOUT && stream != SP_STDERR) || len == 0)
		abort();
	for (size_t i = 0; i < len; i++)
		o->digest[stream] = (o->digest[stream] ^ (unsigned char)data[i]) *
			1099511628211u;
	o->bytes[stream] += len;
	return 0;
}

static void feed(struct sp_report_filter *f, enum sp_stream stream, const char *data,
	size_t len, const uint8_t *cuts)
{
	for (size_t at = 0, i = 0; at < len; i++) {
		size_t n = cuts ? cuts[i % CUTS] + 1u : len;

		n = n < len - at ? n : len - at;
		sp_report_filter_feed(f, stream, data + at, n);
		at += n;
	}
}

static void filter(struct out *o, const char *data, size_t len, size_t on_stdout,
	const uint8_t *cuts)
{
	struct sp_report_filter f;

	memset(o, 0, sizeof(*o));
	sp_report_filter_init(&f, TOKEN, receive, o);
	feed(&f, SP_STDOUT, data, on_stdout, cuts);
	feed(&f, SP_STDERR, data + on_stdout, len - on_stdout, cuts);
	o->has_report = sp_report_filter_end(&f, &o->report);
	o->greeted = f.greeted;
	/* What is neither passed on nor a report: at most a hello, and early words. */
	if (o->bytes[SP_STDOUT] + (f.greeted ? 0 : f.early_len) != on_stdout)
		abort();
	if ((len - on_stdout - o->bytes[SP_STDERR]) % SP_REPORT_LEN != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes;
	struct out whole, cut;
	size_t len, on_stdout;

	if (size < 1 + CUTS)
		return 0;
	bytes = (const char *)data + 1 + CUTS;
	len = size - 1 - CUTS;
	on_stdout = data[0] * 16u < len ? data[0] * 16u : len;
	filter(&whole, bytes, len, on_stdout, NULL);
	filter(&cut, bytes, len, on_stdout, data + 1);
	if (memcmp(whole.bytes, cut.bytes, sizeof(whole.bytes)) != 0 ||
		memcmp(whole.digest, cut.digest, sizeof(whole.digest)) != 0 ||
		whole.has_report != cut.has_report || whole.greeted != cut.greeted)
		abort();
	if (whole.has_report &&
		(whole.report.exit_code != cut.report.exit_code ||
			whole.report.exit_code > 255 || whole.report.signal > 64))
		abort();
	return 0;
}
