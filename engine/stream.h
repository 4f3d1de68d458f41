/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard output and error of a container, sorted out of the one stream they share, and
 * carried between that stream and the caller until it ends.
 *
 * A frame is 8 bytes of head (which stream, three zeros, length as 32 bits big-endian)
 * and its payload; with a terminal there are no frames.  Frames and reads need not meet.
 *
 * Source: docs.docker.com/reference/api/engine, "ContainerAttach", stream format
 */
#ifndef SP_ENGINE_STREAM_H
#define SP_ENGINE_STREAM_H

#include "base/http_client.h"
#include "base/io.h"

#define SP_FRAME_HEAD 8

enum sp_demux_mode {
	SP_DEMUX_FRAMES,
	SP_DEMUX_RAW, /* a terminal: everything is SP_STDOUT */
};

/*
 * Zero-copy: callbacks get slices of what was fed.  Nothing is allocated and no payload
 * is collected, so a frame may have any length the head can say (4 GiB).
 */
struct sp_demux {
	enum sp_demux_mode mode;
	sp_output_fn *on_output;
	void *ctx;
	uint64_t offset; /* bytes taken so far */
	uint32_t left;   /* of the current payload */
	uint8_t type;    /* of the current frame */
	uint8_t head_len;
	uint8_t head[SP_FRAME_HEAD];
	uint16_t note_len; /* the engine's own complaint, a frame of type 3 */
	char note[256];
};

void sp_demux_init(struct sp_demux *d, enum sp_demux_mode mode, sp_output_fn *on_output,
	void *ctx);

/*
 * Take the next bytes.  After an error nothing more may be fed.
 *
 * Errors:  PROTOCOL (head that cannot be, with its offset), UNAVAILABLE (the engine's
 *          complaint), or what on_output returned (CANCELLED where that is no code)
 */
int sp_demux_feed(
	struct sp_demux *d, const char *data, size_t len, struct sp_error *err);

/* The stream has ended: PROTOCOL when that was within a frame. */
int sp_demux_finish(const struct sp_demux *d, struct sp_error *err);

/*
 * Carries one stream.  Memory is fixed: what the container writes is handed on before
 * more is read, what stdin_fd has is read when the last of it was taken.
 */
#define SP_PUMP_STDIN_BYTES 16384
struct sp_pump {
	struct sp_duplex *duplex;
	struct sp_demux *demux;
	int stdin_fd; /* -1: none, now or no more; stays the caller's */
	/* Read instead of stdin_fd; it may wait, output does so with it.  NULL: none. */
	const struct sp_source *source;
	int cancel_fd;       /* -1: none */
	int64_t deadline_ms; /* on sp_clock_ms(); 0 never */
	/* Private: what of stdin waits to be sent. */
	uint32_t in_at, in_len;
	char in[SP_PUMP_STDIN_BYTES];
};

enum sp_pump_end {
	SP_PUMP_ENDED,     /* the other side closed; all output was handed on */
	SP_PUMP_TIMED_OUT, /* nothing is lost: set a new deadline and go on */
	SP_PUMP_CANCELLED, /* the same: set cancel_fd to -1 first */
};

void sp_pump_init(
	struct sp_pump *pump, struct sp_duplex *duplex, struct sp_demux *demux);

/*
 * Run until the stream ends, the deadline passes or cancel_fd is readable.  The end of
 * stdin_fd closes our direction only, and so does a reader that has gone.
 *
 * Errors:  as sp_demux_feed(); UNAVAILABLE (connection lost)
 */
int sp_pump_run(struct sp_pump *pump, enum sp_pump_end *end, struct sp_error *err);

#endif
