/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a sandbox uses now: from its cgroups, from its writable file system, from its
 * network's own table, and where no cgroup counts from its processes.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/proc.h"
#include "providers/local/local.h"
#include "runtime/members.h"

#define NET_TEXT_MAX (64u * 1024)

/* Through a handle that the supervisor keeps; it was checked to be the one. */
static void add_disk(const struct sp_supervisor *s, struct sp_stats *out)
{
	struct statfs fs;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", s->pid, SP_RUNNER_LAYER_FD);
	if (statfs(path, &fs) < 0)
		return;
	out->disk_bytes = (fs.f_blocks - fs.f_bfree) * (uint64_t)fs.f_bsize;
	out->disk_limit_bytes = fs.f_blocks * (uint64_t)fs.f_bsize;
}

/* "  NAME: received packets ... sent packets ...", after two lines of headings. */
static void add_interfaces(const char *text, struct sp_stats *out)
{
	uint64_t received = 0, sent = 0;

	for (const char *line = text; line; line = strchr(line, '\n')) {
		unsigned long long in, sent_now;
		char name[20];

		line += *line == '\n';
		if (sscanf(line, " %19[^:]: %llu %*u %*u %*u %*u %*u %*u %*u %llu",
			    name, &in, &sent_now) != 3 ||
			strcmp(name, "lo") == 0)
			continue;
		received += in;
		sent += sent_now;
	}
	out->received_bytes = received;
	out->sent_bytes = sent;
}

static void add_network(
	const struct sp_record *r, const struct sp_supervisor *s, struct sp_stats *out)
{
	sp_autobuf struct sp_buf text = SP_BUF_INIT(NET_TEXT_MAX);
	sp_autoclose int fd = -1;
	char path[48];

	/* The host's own counts nothing for the sandbox. */
	if (r->network == SP_NETWORK_HOST || s->init_pid <= 0)
		return;
	snprintf(path, sizeof(path), "/proc/%d/net/dev", s->init_pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && sp_buf_read_fd(&text, fd, NULL) == 0)
		add_interfaces(sp_buf_str(&text), out);
}

/* What is only known of the processes one by one; no peak, and no input or output. */
static void add_members(
	const struct sp_record *r, const struct sp_supervisor *s, struct sp_stats *out)
{
	struct sp_members m = {0};

	if (sp_members_count(s, &m) < 0)
		return;
	if (out->processes == UINT64_MAX) {
		out->processes = m.processes;
		out->processes_limit = r->limits.pids;
	}
	if (out->cpu_us == UINT64_MAX)
		out->cpu_us = m.cpu_us;
	/* What is written is memory, too. */
	if (out->memory_bytes == UINT64_MAX)
		out->memory_bytes = m.memory_bytes +
			(out->disk_bytes == UINT64_MAX ? 0 : out->disk_bytes);
}

static bool needs_members(const struct sp_stats *s)
{
	return s->memory_bytes == UINT64_MAX || s->processes == UINT64_MAX ||
		s->cpu_us == UINT64_MAX;
}

int local_stats(struct sp_provider *p, const char *id, struct sp_stats *out,
	struct sp_error *err)
{
	sp_autorecord struct sp_record record = {0};
	struct sp_supervisor s = {0};
	struct sp_stats stats;
	int rc = local_find_alive(local_of(p), id, &record, &s, err);

	if (rc < 0)
		return rc;
	memset(&stats, 0xff, sizeof(stats));
	stats.at_ms = sp_clock_real_ms();
	sp_cgroup_stats(&record.cgroups, &stats);
	add_disk(&s, &stats);
	add_network(&record, &s, &stats);
	if (needs_members(&stats))
		add_members(&record, &s, &stats);
	/* All of it was this one's only if it is still the same process. */
	if (sp_proc_start_ticks(s.pid) != s.start_ticks)
		return sp_fail(err, SP_ERR_NOT_FOUND, "sandbox %s has ended", id);
	*out = stats;
	return 0;
}
