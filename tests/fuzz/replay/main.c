/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Give each file of the folders in the arguments to a fuzz target, without libFuzzer:
 * what it once found stays found, under any compiler.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/io.h"

#define INPUT_MAX_BYTES (16u << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(int dir, const char *name)
{
	struct sp_bytes input = {0};
	struct sp_error err = {0};
	const uint8_t *bytes;

	if (sp_read_file_at(dir, name, INPUT_MAX_BYTES, &input, &err) < 0) {
		fprintf(stderr, "replay: %s\n", err.msg);
		return -1;
	}
	bytes = (const uint8_t *)input.data;
	LLVMFuzzerTestOneInput(bytes, input.len);
	free(input.data);
	return 0;
}

/* The number of files, or -1. */
static int replay_folder(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	int count = 0;

	if (!dir) {
		fprintf(stderr, "replay: %s: %s\n", folder, strerror(errno));
		return -1;
	}
	while (count >= 0 && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (replay_file(dirfd(dir), entry->d_name) < 0)
			count = -1;
		else
			count++;
	}
	closedir(dir);
	return count;
}

int main(int argc, char **argv)
{
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int count = replay_folder(argv[i]);

		if (count < 0)
			return 1;
		total += count;
	}
	/* An empty corpus tests nothing, and is more likely a wrong path. */
	if (total == 0) {
		fprintf(stderr, "replay: no files\n");
		return 1;
	}
	printf("%d files\n", total);
	return 0;
}
