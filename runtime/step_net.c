/* SPDX-License-Identifier: Apache-2.0 */
/* The one interface of a sandbox without a network. */
#include <errno.h>
#include <fcntl.h>
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

static int replace_file(
	int folder, const char *name, const char *text, struct sp_error *err)
{
	ssize_t n = -1;
	int fd;

	if (unlinkat(folder, name, 0) < 0 && errno != ENOENT)
		return sp_fail_errno(err, "replace /etc/%s", name);
	fd = openat(folder, name, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
		0644);
	if (fd >= 0) {
		n = write(fd, text, strlen(text));
		close(fd);
	}
	return n == (ssize_t)strlen(text) ? 0
					  : sp_fail_errno(err, "write /etc/%s", name);
}

int name_hosts(const struct runner *r, int root_fd, struct sp_error *err)
{
	const char *hosts = spec_text(r, r->spec->hosts);
	const char *resolv = spec_text(r, r->spec->resolv);
	int folder, rc = 0;

	if (!hosts && !resolv)
		return 0;
	folder = open_target(root_fd, "etc", true, true, err);
	if (folder < 0)
		return folder;
	if (hosts)
		rc = replace_file(folder, "hosts", hosts, err);
	if (rc == 0 && resolv)
		rc = replace_file(folder, "resolv.conf", resolv, err);
	close(folder);
	return rc;
}
