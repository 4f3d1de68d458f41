/* SPDX-License-Identifier: Apache-2.0 */
/* From inside: taking more than the limits of `--disk 8m --nofile 64` and `--pids 32`, or PIDS. */
#include <sys/mman.h>
#include <sys/stat.h>

#include "tests/helpers/attack.h"

#define NOFILE     64
#define DISK_BYTES (8u << 20)
#define TRIES      200000

/* Fork until it is refused; the children wait for the end of a pipe. */
static void fork_bomb(const struct attempt *a, char got[static GOT_MAX])
{
	const char *text = getenv("PIDS");
	long limit = text ? strtol(text, NULL, 10) : 32;
	long count = 0;
	int gate[2];
	char c;

	if (pipe(gate) < 0)
		return;
	for (;;) {
		pid_t pid = fork();

		if (pid == 0) {
			close(gate[1]);
			_exit(read(gate[0], &c, 1) < 0);
		}
		if (pid < 0 || ++count > 4 * limit)
			break;
	}
	if (count < limit)
		say_result(got, -1);
	else
		say(got, "%ld processes", count);
	(void)a;
}

static void fill_disk(const struct attempt *a, char got[static GOT_MAX])
{
	static char block[65536];
	size_t total = 0;
	int fd = open(a->path, O_CREAT | O_WRONLY, 0600);
	ssize_t n;

	memset(block, 'x', sizeof(block));
	while ((n = write(fd, block, sizeof(block))) > 0 && total < 4 * DISK_BYTES)
		total += (size_t)n;
	if (n < 0 && total <= DISK_BYTES)
		say_result(got, -1);
	else
		say(got, "%zu bytes", total);
	(void)unlink(a->path);
}

static void fill_inodes(const struct attempt *a, char got[static GOT_MAX])
{
	int i, fd = 0;

	if (mkdir("/tmp/many", 0755) < 0)
		return;
	for (i = 0; i < TRIES; i++) {
		char path[48];

		snprintf(path, sizeof(path), "/tmp/many/%d", i);
		fd = open(path, O_CREAT | O_WRONLY, 0600);
		if (fd < 0)
			break;
		close(fd);
	}
	if (fd < 0)
		say_result(got, -1);
	else
		say(got, "%d files", i);
	(void)a;
}

static void open_many(const struct attempt *a, char got[static GOT_MAX])
{
	int count = 0;

	while (count < 4 * NOFILE && open("/", O_RDONLY) >= 0)
		count++;
	if (count < NOFILE)
		say_result(got, -1);
	else
		say(got, "%d files", count);
	(void)a;
}

static void open_terminals(const struct attempt *a, char got[static GOT_MAX])
{
	int count = 0, status = 0;

	/* Each child opens some and waits with them: files are limited as well. */
	for (int i = 0; i < 4 && status >= 0; i++)
		for (int k = 0; k < 20 && status >= 0; k++, count++)
			status = open("/dev/ptmx", O_RDWR | O_NOCTTY);
	if (status < 0)
		say_result(got, -1);
	else
		say(got, "%d terminals", count);
	(void)a;
}

static const struct attempt table[] = {
	{"fork without end", "EAGAIN", fork_bomb},
	{"open files without end", "EMFILE", open_many},
	{"open terminals without end", "EMFILE|ENOSPC", open_terminals},
	{"write without end in /tmp", "ENOSPC", fill_disk, "/tmp/big"},
	{"write without end in /workspace", "ENOSPC", fill_disk, "/workspace/big"},
	{"write without end in /dev", "EROFS|EBADF|EACCES", fill_disk, "/dev/big"},
	{"make files without end", "ENOSPC", fill_inodes},
};

/* Everything is touched: memory that was only promised costs nothing. */
static int eat_memory(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
		-1, 0);

	if (p == MAP_FAILED)
		return puts(strerrorname_np(errno)) < 0;
	memset(p, 1, bytes);
	return puts("it worked") < 0;
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "memory") == 0)
		return eat_memory(strtoul(argv[2], NULL, 10) << 20);
	return run_attempts("limits", table, COUNT_OF(table));
}
