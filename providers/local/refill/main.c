/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandpit-refill: fills a pool again behind whoever took from it, in the background, and
 * ends.
 *
 *   sandpit-refill STATE STORE DATA LIBEXEC POOL
 */
#include <fcntl.h>
#include <unistd.h>

#include "providers/local/pool.h"

/* Whoever started us waits for the first process only. */
static bool go_to_background(void)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fork() != 0)
		_exit(0);
	for (int fd = 0; null_fd >= 0 && fd < 3; fd++)
		if (dup2(null_fd, fd) < 0)
			return false;
	return setsid() >= 0 && chdir("/") == 0 && null_fd >= 0;
}

int main(int argc, char **argv)
{
	struct sp_provider_config config = {.state_dir = argv[1]};
	struct sp_provider *p = NULL;
	struct sp_error err = {0};
	int rc;

	if (argc != 6 || !go_to_background())
		return 2;
	config.store_dir = argv[2];
	config.data_dir = argv[3];
	config.libexec_dir = argv[4];
	rc = sp_driver_local.open(&config, &p, &err);
	if (rc < 0)
		return 1;
	rc = local_pool_refill(local_of(p), argv[5], &err);
	sp_driver_local.close(p);
	return rc < 0;
}
