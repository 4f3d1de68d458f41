/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/enc.h"
#include "base/io.h"

#define PATIENCE_MS 1000
#define STEP_MS     100
#define CLEAR_LINE  "\r\033[K"

static void add_amount(struct sp_buf *line, uint64_t done, uint64_t total)
{
	if (total)
		sp_buf_addf(line, " %d%% of %.1f MB",
			(int)(done >= total ? 100 : (double)done * 100 / (double)total),
			(double)total / 1e6);
	else if (done)
		sp_buf_addf(line, " %.1f MB", (double)done / 1e6);
}

void progress_show(void *ctx, const char *what, uint64_t done, uint64_t total)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(1024);
	struct progress *p = ctx;
	const int64_t now = sp_clock_ms();

	if (!p->since_ms) {
		p->since_ms = now;
		p->is_terminal = isatty(STDERR_FILENO);
	}
	if (!p->is_terminal || now - p->since_ms < PATIENCE_MS ||
		now - p->shown_ms < STEP_MS)
		return;
	p->shown_ms = now;
	p->is_shown = true;
	sp_buf_adds(&line, CLEAR_LINE "sandpit: ");
	sp_enc_printable(&line, what, strlen(what));
	add_amount(&line, done, total);
	(void)sp_write_all(STDERR_FILENO, sp_buf_str(&line), line.len, NULL);
}

void progress_end(struct progress *p)
{
	if (p->is_shown)
		(void)sp_write_all(STDERR_FILENO, CLEAR_LINE, strlen(CLEAR_LINE), NULL);
	*p = (struct progress){0};
}
