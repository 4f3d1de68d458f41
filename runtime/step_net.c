/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface of a sandbox without a network. */
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/runner.h"

int loopback_up(struct sp_error *err)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return sp_fail_errno(err, "open a socket for the loopback interface");
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(fd, SIOCSIFFLAGS, &request) < 0)
		rc = sp_fail_errno(err, "bring the loopback interface up");
	close(fd);
	return rc;
}
