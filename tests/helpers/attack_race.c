/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From inside: wait for processes that join the sandbox and reach for them, until
 * /workspace/stop is there.
 *
 *   attack_race reach   what our own program holds, before it becomes the command
 *   attack_race write   the file of whatever program runs: where a script's interpreter is
 *                       /proc/self/exe, that is our own
 */
#include <dirent.h>

#include "tests/helpers/attack.h"

#define STOP "/workspace/stop"

static const char *const ways[] = {"fd", "root", "cwd", "environ", "mem", "ns/mnt"};

static bool is_ours(const char *pid)
{
	char path[64], exe[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%.16s/exe", pid);
	n = readlink(path, exe, sizeof(exe) - 1);
	exe[n > 0 ? n : 0] = '\0';
	/* The archive worker is a command like any other, and holds no more than one. */
	return strstr(exe, "sandpit-runner") != NULL;
}

/* Opened while it was ours: looked at before and after. */
static bool can_reach(const char *pid, char got[static GOT_MAX])
{
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		char path[64];
		bool before = is_ours(pid);
		int fd;

		snprintf(path, sizeof(path), "/proc/%.16s/%s", pid, ways[i]);
		fd = open(path, O_RDONLY);
		if (fd < 0)
			continue;
		close(fd);
		if (before && is_ours(pid)) {
			say(got, "%s", path);
			return true;
		}
	}
	return false;
}

static bool can_write(const char *pid, char got[static GOT_MAX])
{
	char path[64];
	int fd;

	if (!is_ours(pid))
		return false;
	snprintf(path, sizeof(path), "/proc/%.16s/exe", pid);
	fd = open(path, O_WRONLY);
	if (fd < 0)
		return false;
	close(fd);
	say(got, "%s for writing", path);
	return true;
}

/* One look at all processes: how many of others there are, and whether one was reached. */
static bool look(bool writes, bool *found, long *seen, char got[static GOT_MAX])
{
	DIR *proc = opendir("/proc");
	struct dirent *e;

	while (proc && (e = readdir(proc))) {
		long pid = strtol(e->d_name, NULL, 10);

		if (pid <= 1 || pid == getpid())
			continue;
		if (pid > *seen)
			*seen = pid;
		*found |= writes ? can_write(e->d_name, got)
				 : can_reach(e->d_name, got);
	}
	if (proc)
		closedir(proc);
	return access(STOP, F_OK) < 0;
}

int main(int argc, char **argv)
{
	bool writes = argc == 2 && strcmp(argv[1], "write") == 0;
	char got[GOT_MAX] = "not reached";
	bool found = false;
	long seen = 0;

	while (look(writes, &found, &seen, got))
		;
	printf("%s joining: %s | %s\n", found ? "not ok" : "ok",
		writes ? "overwrite our program, run as #!/proc/self/exe"
		       : "reach for a process of ours that joins",
		got);
	printf("processes seen up to %ld\n", seen);
	return found;
}
