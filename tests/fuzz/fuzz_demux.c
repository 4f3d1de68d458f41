/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The demultiplexer, fed the same bytes whole and in pieces: what comes out, where it
 * stops and how must be the same, and nothing but the input's own bytes may come out.
 *
 * The first byte chooses mode and receiver; the next 16 are the sizes of the pieces.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/stream.h"

#define CUTS 16

struct out {
	const char *input;
	size_t len;
	size_t calls_left; /* then the receiver says no */
	uint64_t bytes[3];
	uint64_t digest[3]; /* FNV-1a */
};

static int receive(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	struct out *o = ctx;

	if ((stream != SP_STDOUT && stream != SP_STDERR) || len == 0 ||
		data < o->input || data + len > o->input + o->len)
		abort();
	for (size_t i = 0; i < len; i++)
		o->digest[stream] = (o->digest[stream] ^ (unsigned char)data[i]) *
			1099511628211u;
	o->bytes[stream] += len;
	return o->calls_left && --o->calls_left == 0 ? SP_ERR_LIMIT : 0;
}

/* Feed all of it in pieces of these sizes, again and again; NULL is one piece. */
static int feed(struct sp_demux *d, const struct out *o, const uint8_t *cuts)
{
	size_t at = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && at < o->len; i++) {
		size_t left = o->len - at;
		size_t n = cuts ? cuts[i % CUTS] : left;

		/* A run of zeros would never get anywhere. */
		n = n ? n : (i % CUTS == CUTS - 1);
		n = n < left ? n : left;
		rc = sp_demux_feed(d, o->input + at, n, NULL);
		at += n;
	}
	return rc < 0 ? rc : sp_demux_finish(d, NULL);
}

static void compare(const struct sp_demux *a, const struct sp_demux *b,
	const struct out *x, const struct out *y)
{
	if (a->offset != b->offset || a->left != b->left ||
		memcmp(x->bytes, y->bytes, sizeof(x->bytes)) != 0 ||
		memcmp(x->digest, y->digest, sizeof(x->digest)) != 0)
		abort();
}

/* What comes out is less than what goes in by the heads alone. */
static void check_sum(const struct sp_demux *d, const struct out *o)
{
	if (o->bytes[SP_STDOUT] + o->bytes[SP_STDERR] > d->offset || d->offset > o->len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sp_demux whole, pieces;
	struct out x = {0}, y;
	enum sp_demux_mode mode;
	int a, b;

	if (len < 1 + CUTS)
		return 0;
	mode = data[0] & 1 ? SP_DEMUX_RAW : SP_DEMUX_FRAMES;
	x.input = (const char *)data + 1 + CUTS;
	x.len = len - 1 - CUTS;
	y = x;
	sp_demux_init(&whole, mode, receive, &x);
	sp_demux_init(&pieces, mode, receive, &y);
	a = feed(&whole, &x, NULL);
	b = feed(&pieces, &y, data + 1);
	if (a != b)
		abort();
	compare(&whole, &pieces, &x, &y);
	check_sum(&pieces, &y);

	/* A receiver that says no stops it wherever it does. */
	if (data[0] >> 1 && mode == SP_DEMUX_FRAMES) {
		struct out z = {.input = x.input, .len = x.len};

		z.calls_left = data[0] >> 1;
		sp_demux_init(&whole, mode, receive, &z);
		a = feed(&whole, &z, data + 1);
		if (z.calls_left == 0 && a != SP_ERR_LIMIT)
			abort();
	}
	return 0;
}
