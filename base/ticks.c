/* SPDX-License-Identifier: Apache-2.0 */
/* In a file of its own, because the runner needs it and nothing else of proc.c. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/auto.h"
#include "base/proc.h"

uint64_t sp_proc_start_ticks(pid_t pid)
{
	enum { START_TIME_FIELD = 22, FIRST_AFTER_NAME = 3 };
	sp_autoclose int fd = -1;
	char path[32], text[1024];
	char *at;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name in parentheses may hold anything, so count from its end. */
	at = strrchr(text, ')');
	for (int field = FIRST_AFTER_NAME; at && field <= START_TIME_FIELD; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at + 1, NULL, 10) : 0;
}
