/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/members.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"

#define TEXT_SIZE   1024
#define MEMBERS_MAX 65536

struct table {
	struct sp_member *items;
	size_t count, room;
};

/* PID (NAME) STATE PARENT, and from there fields 14 to 17 and 24 of proc(5). */
bool sp_member_parse(const char *text, struct sp_member *out)
{
	unsigned long long u, s, cu, cs;
	const char *at = strrchr(text, ')');
	int pid, parent;
	long long pages;

	if (!at || sscanf(text, "%d", &pid) != 1 || pid <= 0 ||
		sscanf(at + 1,
			" %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu "
			"%llu %*d %*d %*d %*d %*u %*u %lld",
			&parent, &u, &s, &cu, &cs, &pages) != 6)
		return false;
	*out = (struct sp_member){.pid = pid,
		.parent = parent,
		.ticks = u + s,
		.children_ticks = cu + cs,
		.resident_pages = pages > 0 ? (uint64_t)pages : 0};
	return true;
}

static bool read_text(const char *pid, const char *file, char *text, size_t size)
{
	char path[64];
	sp_autoclose int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.20s/%s", pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool add(struct table *t, const struct sp_member *m)
{
	if (t->count == MEMBERS_MAX)
		return true; /* more than any process limit of a sandbox lets be */
	if (t->count == t->room) {
		size_t room = t->room ? 2 * t->room : 256;
		struct sp_member *more = reallocarray(
			t->items, room, sizeof(*t->items));

		if (!more)
			return false;
		t->items = more;
		t->room = room;
	}
	t->items[t->count++] = *m;
	return true;
}

static int scan(struct table *t)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	bool ok = dir != NULL;

	while (ok && (entry = readdir(dir))) {
		char text[TEXT_SIZE];
		struct sp_member m;

		if (entry->d_name[0] < '1' || entry->d_name[0] > '9')
			continue;
		if (read_text(entry->d_name, "stat", text, sizeof(text)) &&
			sp_member_parse(text, &m))
			ok = add(t, &m);
	}
	if (dir)
		closedir(dir);
	return ok ? 0 : -1;
}

static struct sp_member *find(const struct table *t, pid_t pid)
{
	size_t low = 0, high = t->count;

	/* The kernel lists them by number. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (t->items[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->count && t->items[low].pid == pid ? &t->items[low] : NULL;
}

static bool descends_from(const struct table *t, const struct sp_member *m, pid_t root)
{
	/* A table read while it changes may hold a circle. */
	for (size_t i = 0; m && i < t->count; i++) {
		if (m->parent == root)
			return true;
		m = find(t, m->parent);
	}
	return false;
}

/* Pages that no file backs: those are shared with whoever else has the file open. */
static uint64_t own_pages(const struct sp_member *m)
{
	unsigned long long resident, shared;
	char pid[16], text[TEXT_SIZE];

	snprintf(pid, sizeof(pid), "%d", m->pid);
	if (!read_text(pid, "statm", text, sizeof(text)) ||
		sscanf(text, "%*u %llu %llu", &resident, &shared) != 2)
		return m->resident_pages;
	return resident > shared ? resident - shared : 0;
}

/* In a pid namespace below ours it has more numbers than one. */
static bool is_inside(const struct sp_member *m)
{
	char pid[16], text[4 * TEXT_SIZE];
	const char *at;

	snprintf(pid, sizeof(pid), "%d", m->pid);
	if (!read_text(pid, "status", text, sizeof(text)))
		return false;
	at = strstr(text, "\nNSpid:\t");
	if (!at)
		return false;
	at += strlen("\nNSpid:\t");
	return at[strcspn(at, "\t\n")] == '\t';
}

int sp_members_count(const struct sp_supervisor *s, struct sp_members *out)
{
	const long hz = sysconf(_SC_CLK_TCK), page = sysconf(_SC_PAGESIZE);
	struct table t = {0};
	uint64_t ticks = 0, pages = 0;

	*out = (struct sp_members){0};
	if (hz <= 0 || page <= 0 || scan(&t) < 0) {
		free(t.items);
		return -1;
	}
	for (size_t i = 0; i < t.count; i++) {
		const struct sp_member *m = &t.items[i];

		/* What it waited for was inside, whatever else it did. */
		if (m->pid == s->pid)
			ticks += m->children_ticks;
		if (m->pid == s->pid || !descends_from(&t, m, s->pid))
			continue;
		ticks += m->children_ticks;
		if (!is_inside(m))
			continue;
		ticks += m->ticks;
		pages += own_pages(m);
		out->processes++;
	}
	free(t.items);
	out->cpu_us = ticks * 1000000 / (uint64_t)hz;
	out->memory_bytes = pages * (uint64_t)page;
	return 0;
}
