/* SPDX-License-Identifier: Apache-2.0 */
/* One log line at a time, to one sink, as text or JSON. */
#ifndef SP_BASE_LOG_H
#define SP_BASE_LOG_H

#include <stdbool.h>

enum sp_log_level {
	SP_LOG_ERROR,
	SP_LOG_WARN,
	SP_LOG_INFO,
	SP_LOG_DEBUG,
};

/* Where lines go; fd -1 is nowhere.  A module gets the program's own at its start. */
struct sp_log_sink {
	int fd;
	enum sp_log_level level;
	bool json;
};

void sp_log_set(const struct sp_log_sink *sink);
const struct sp_log_sink *sp_log_get(void);

/*
 * A short verb phrase, then key=value pairs made by fmt: sp_log(SP_LOG_INFO,
 * "sandbox created", "id=%s ms=%d", id, ms).  Control characters are escaped.
 */
void sp_log(enum sp_log_level level, const char *phrase, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
