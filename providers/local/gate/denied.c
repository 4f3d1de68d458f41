/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/denied.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/enc.h"

#define DENIED_MAX_BYTES (128 * 1024)
#define LINE_MAX_BYTES   1024

void denied_note(struct denied *d, const char *how, const char *host, uint16_t port,
	const char *why)
{
	sp_autobuf struct sp_buf line = SP_BUF_INIT(LINE_MAX_BYTES);
	const size_t host_len = strnlen(host, 255);

	sp_buf_addf(&line, "%lld %s ", (long long)sp_clock_real_ms(), how);
	sp_enc_printable(&line, host, host_len);
	if (port)
		sp_buf_addf(&line, ":%u", port);
	sp_buf_addf(&line, " %s\n", why);
	if (line.failed)
		return;
	pthread_mutex_lock(&d->lock);
	if (d->written <= DENIED_MAX_BYTES &&
		d->written + line.len > DENIED_MAX_BYTES) {
		static const char full[] = "0 more - was refused and is not written\n";

		d->written = DENIED_MAX_BYTES + 1;
		(void)!write(d->fd, full, sizeof(full) - 1);
	} else if (d->written <= DENIED_MAX_BYTES) {
		d->written += line.len;
		(void)!write(d->fd, line.data, line.len);
	}
	pthread_mutex_unlock(&d->lock);
}
