/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/stream.h"

#include <string.h>

/* The first byte of a frame's head. */
enum frame_type {
	FRAME_STDIN = 0, /* never sent for what we attach; engines print it as output */
	FRAME_STDOUT = 1,
	FRAME_STDERR = 2,
	FRAME_ENGINE_ERROR = 3,
};

void sp_demux_init(
	struct sp_demux *d, enum sp_demux_mode mode, sp_output_fn *on_output, void *ctx)
{
	memset(d, 0, sizeof(*d));
	d->mode = mode;
	d->on_output = on_output;
	d->ctx = ctx;
}

/* What the callback says no with need not be a code, and it has no err to fill. */
static int refused(int rc, struct sp_error *err)
{
	enum sp_code code = rc < 0 && rc >= SP_ERR_CANCELLED ? (enum sp_code)rc
							     : SP_ERR_CANCELLED;

	return sp_fail(err, code, "the receiver of the output stopped it");
}

static int emit(struct sp_demux *d, enum sp_stream stream, const char *data, size_t len,
	struct sp_error *err)
{
	int rc = d->on_output(d->ctx, stream, data, len);

	return rc ? refused(rc, err) : 0;
}

static int check_head(
	const struct sp_demux *d, const uint8_t *head, struct sp_error *err)
{
	unsigned long long at = d->offset;

	if (head[0] > FRAME_ENGINE_ERROR)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"frame at byte %llu of the output has the unknown type %u", at,
			head[0]);
	if (head[1] | head[2] | head[3])
		return sp_fail(err, SP_ERR_PROTOCOL,
			"frame at byte %llu of the output does not begin as one does",
			at);
	return 0;
}

/* Begin the frame this head announces; offset still is where the head began. */
static int take_head(struct sp_demux *d, const uint8_t *head, struct sp_error *err)
{
	int rc = check_head(d, head, err);

	if (rc < 0)
		return rc;
	d->type = head[0];
	d->left = (uint32_t)head[4] << 24 | (uint32_t)head[5] << 16 |
		(uint32_t)head[6] << 8 | head[7];
	d->offset += SP_FRAME_HEAD;
	d->head_len = 0;
	return 0;
}

/* The engine's words, as many as fit, and the error at their end. */
static int take_note(
	struct sp_demux *d, const char *data, size_t len, struct sp_error *err)
{
	size_t room = sizeof(d->note) - 1 - d->note_len;

	memcpy(d->note + d->note_len, data, len < room ? len : room);
	d->note_len = (uint16_t)(d->note_len + (len < room ? len : room));
	if (d->left > len)
		return 0;
	d->note[d->note_len] = '\0';
	return sp_fail(err, SP_ERR_UNAVAILABLE, "the engine broke the output off: %s",
		d->note);
}

static int take_payload(
	struct sp_demux *d, const char *data, size_t len, struct sp_error *err)
{
	int rc;

	if (d->type == FRAME_ENGINE_ERROR)
		rc = take_note(d, data, len, err);
	else
		rc = emit(d, d->type == FRAME_STDERR ? SP_STDERR : SP_STDOUT, data, len,
			err);
	d->left -= (uint32_t)len;
	d->offset += len;
	return rc;
}

/* Collect a head that came in pieces.  Returns how many bytes it took, or an error. */
static ssize_t collect_head(
	struct sp_demux *d, const char *data, size_t len, struct sp_error *err)
{
	size_t missing = SP_FRAME_HEAD - d->head_len;
	size_t n = len < missing ? len : missing;
	int rc = 0;

	memcpy(d->head + d->head_len, data, n);
	d->head_len = (uint8_t)(d->head_len + n);
	if (d->head_len == SP_FRAME_HEAD)
		rc = take_head(d, d->head, err);
	return rc < 0 ? rc : (ssize_t)n;
}

/* An empty frame of the engine's own complains without words. */
static int after_head(struct sp_demux *d, struct sp_error *err)
{
	if (d->type == FRAME_ENGINE_ERROR && d->left == 0 && d->head_len == 0)
		return take_note(d, "", 0, err);
	return 0;
}

static int feed_frames(
	struct sp_demux *d, const char *data, size_t len, struct sp_error *err)
{
	while (len > 0) {
		ssize_t n;
		int rc;

		if (d->left > 0) {
			n = (ssize_t)(len < d->left ? len : d->left);
			rc = take_payload(d, data, (size_t)n, err);
		} else if (d->head_len == 0 && len >= SP_FRAME_HEAD) {
			n = SP_FRAME_HEAD; /* whole: no copy */
			rc = take_head(d, (const uint8_t *)data, err);
			rc = rc < 0 ? rc : after_head(d, err);
		} else {
			n = collect_head(d, data, len, err);
			rc = n < 0 ? (int)n : after_head(d, err);
		}
		if (rc < 0)
			return rc;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int sp_demux_feed(
	struct sp_demux *d, const char *data, size_t len, struct sp_error *err)
{
	if (d->mode == SP_DEMUX_FRAMES)
		return feed_frames(d, data, len, err);
	d->offset += len;
	return len ? emit(d, SP_STDOUT, data, len, err) : 0;
}

int sp_demux_finish(const struct sp_demux *d, struct sp_error *err)
{
	if (d->left)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the output ends at byte %llu, %u bytes before its frame does",
			(unsigned long long)d->offset, d->left);
	if (d->head_len)
		return sp_fail(err, SP_ERR_PROTOCOL,
			"the output ends within the head of a frame at byte %llu",
			(unsigned long long)d->offset);
	return 0;
}
