/* SPDX-License-Identifier: Apache-2.0 */
/* What cgroups count, in the terms of struct sp_stats. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/cgroup.h"

#define TEXT_SIZE 4096

/* A file with one number; what is not there, or is "max", stays unknown. */
static void read_number(const char *folder, const char *file, uint64_t *out)
{
	char text[32];
	char *end;
	uint64_t value;

	if (!sp_cgroup_read(folder, file, text, sizeof(text)))
		return;
	value = strtoull(text, &end, 10);
	if (end != text)
		*out = value;
}

/* Add up the numbers behind each KEY of the text: one for each device. */
static uint64_t sum_of(const char *text, const char *key)
{
	size_t len = strlen(key);
	uint64_t sum = 0;

	for (const char *at = strstr(text, key); at; at = strstr(at + len, key))
		sum += strtoull(at + len, NULL, 10);
	return sum;
}

static void add_memory(const struct sp_cgroup *c, struct sp_stats *out)
{
	read_number(c->path, c->is_v2 ? "memory.current" : "memory.usage_in_bytes",
		&out->memory_bytes);
	read_number(c->path, c->is_v2 ? "memory.peak" : "memory.max_usage_in_bytes",
		&out->memory_peak_bytes);
	read_number(c->path, c->is_v2 ? "memory.max" : "memory.limit_in_bytes",
		&out->memory_limit_bytes);
}

static void add_usage(const struct sp_cgroup *c, struct sp_stats *out)
{
	char text[TEXT_SIZE];
	uint64_t ns = UINT64_MAX;

	if (!c->is_v2) {
		read_number(c->path, "cpuacct.usage", &ns);
		if (ns != UINT64_MAX)
			out->cpu_us = ns / 1000;
	} else if (sp_cgroup_read(c->path, "cpu.stat", text, sizeof(text))) {
		out->cpu_us = sum_of(text, "usage_usec ");
	}
}

static void add_io(const struct sp_cgroup *c, struct sp_stats *out)
{
	char text[TEXT_SIZE];

	if (!sp_cgroup_read(c->path,
		    c->is_v2 ? "io.stat" : "blkio.throttle.io_service_bytes", text,
		    sizeof(text)))
		return;
	out->read_bytes = sum_of(text, c->is_v2 ? "rbytes=" : " Read ");
	out->written_bytes = sum_of(text, c->is_v2 ? "wbytes=" : " Write ");
}

void sp_cgroup_stats(const struct sp_cgroup_set *set, struct sp_stats *out)
{
	const struct sp_cgroup *c = sp_cgroup_for(set, SP_CGROUP_MEMORY);

	if (c)
		add_memory(c, out);
	c = sp_cgroup_for(set, SP_CGROUP_PIDS);
	if (c) {
		read_number(c->path, "pids.current", &out->processes);
		read_number(c->path, "pids.max", &out->processes_limit);
	}
	c = sp_cgroup_for(set, SP_CGROUP_USAGE);
	if (c)
		add_usage(c, out);
	c = sp_cgroup_for(set, SP_CGROUP_IO);
	if (c)
		add_io(c, out);
}
