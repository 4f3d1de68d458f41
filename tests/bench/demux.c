/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast the demultiplexer is from memory, in 64 KiB reads: with a receiver that copies
 * every byte away, and with frames so small that their heads are what counts.
 */
#include "tests/bench/stats.h"

#include "engine/stream.h"

#define STREAM_BYTES (64u << 20)
#define READ_BYTES   65536
#define ROUNDS       40
#define BUDGET_GBPS  4.0

static char taken[READ_BYTES];

static int copy_away(void *ctx, enum sp_stream stream, const char *data, size_t len)
{
	(void)ctx;
	(void)stream;
	memcpy(taken, data, len);
	__asm__ volatile("" : : "r"(taken) : "memory"); /* it is wanted */
	return 0;
}

/* Frames of both streams in turn, until len is full.  Returns how much there is. */
static size_t fill(char *stream, size_t len, uint32_t frame)
{
	size_t at = 0;

	for (unsigned int i = 0; at + SP_FRAME_HEAD + frame <= len; i++) {
		char head[SP_FRAME_HEAD] = {(char)(1 + i % 2), 0, 0, 0,
			(char)(frame >> 24), (char)(frame >> 16), (char)(frame >> 8),
			(char)frame};

		memcpy(stream + at, head, sizeof(head));
		memset(stream + at + SP_FRAME_HEAD, (int)i, frame);
		at += SP_FRAME_HEAD + frame;
	}
	return at;
}

static int one_round(const char *stream, size_t len, double *us)
{
	struct sp_demux d;
	double start = now_us();
	int rc = 0;

	sp_demux_init(&d, SP_DEMUX_FRAMES, copy_away, NULL);
	for (size_t at = 0; rc == 0 && at < len; at += READ_BYTES)
		rc = sp_demux_feed(&d, stream + at,
			len - at < READ_BYTES ? len - at : READ_BYTES, NULL);
	if (rc == 0)
		rc = sp_demux_finish(&d, NULL);
	*us = now_us() - start;
	return rc;
}

static int measure(char *stream, uint32_t frame)
{
	size_t len = fill(stream, STREAM_BYTES, frame);
	double us[ROUNDS];
	struct stats s;

	for (int i = 0; i < ROUNDS; i++)
		if (one_round(stream, len, &us[i]) < 0)
			return 1;
	s = stats_of(us, ROUNDS);
	printf("{\"bench\":\"demux\",\"read_bytes\":%d,\"frame_bytes\":%u,\"bytes\":%"
	       "zu,"
	       "\"rounds\":%d,\"p50_us\":%.0f,\"p99_us\":%.0f,\"p50_gb_per_s\":%.1f,"
	       "\"budget_gb_per_s\":%.1f}\n",
		READ_BYTES, frame, len, ROUNDS, s.p50, s.p99, (double)len / 1e3 / s.p50,
		BUDGET_GBPS);
	return 0;
}

int main(void)
{
	char *stream = malloc(STREAM_BYTES);
	int rc;

	if (!stream)
		return 1;
	rc = measure(stream, 32768) | measure(stream, 64);
	free(stream);
	return rc;
}
