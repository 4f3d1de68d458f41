/* SPDX-License-Identifier: Apache-2.0 */
#include "providers/local/gate/porter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "providers/local/gate/confine.h"
#include "providers/local/gate/message.h"

#define BACKLOG        128
#define BUNDLE_MAX     (16 << 20)
#define LO_ALIASES_MAX 256

/* errno of what went wrong, 0 when it worked. */
struct porter_reply {
	int32_t error;
};

static struct sockaddr_in address_of(const struct porter_request *request)
{
	return (struct sockaddr_in){.sin_family = AF_INET,
		.sin_port = htons(request->port),
		.sin_addr.s_addr = htonl(request->address)};
}

static int bind_socket(const struct porter_request *request, int type, int *fd)
{
	const struct sockaddr_in to = address_of(request);
	sp_autoclose int s = socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const int on = 1;

	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(s, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return errno;
	if (type == SOCK_STREAM && listen(s, BACKLOG) < 0)
		return errno;
	*fd = sp_take_fd(s);
	return 0;
}

/* Never waits: whoever asked polls the socket until it is connected. */
static int start_connect(const struct porter_request *request, int *fd)
{
	struct sockaddr_in to = address_of(request);
	struct sockaddr_in6 to6 = {.sin6_family = AF_INET6,
		.sin6_port = htons(request->port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT};
	const struct sockaddr *sa = (const struct sockaddr *)&to;
	socklen_t len = sizeof(to);
	sp_autoclose int s = -1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (request->is_ipv6) {
		sa = (const struct sockaddr *)&to6;
		len = sizeof(to6);
	}
	s = socket(sa->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s < 0 || (connect(s, sa, len) < 0 && errno != EINPROGRESS))
		return errno;
	*fd = sp_take_fd(s);
	return 0;
}

/* An address of the world that leads to us: aliases of lo, as there is nothing else. */
static int add_address(const struct porter_request *request, unsigned int number)
{
	sp_autoclose int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in address = address_of(request);
	struct ifreq set = {.ifr_name = ""};

	snprintf(set.ifr_name, sizeof(set.ifr_name), "lo:%u", number);
	address.sin_port = 0;
	memcpy(&set.ifr_addr, &address, sizeof(address));
	if (s < 0 || ioctl(s, SIOCSIFADDR, &set) < 0)
		return errno;
	address.sin_addr.s_addr = INADDR_NONE;
	memcpy(&set.ifr_netmask, &address, sizeof(address));
	return ioctl(s, SIOCSIFNETMASK, &set) < 0 ? errno : 0;
}

static int copy_file(int from, int to)
{
	struct stat st;

	if (fstat(from, &st) < 0 || st.st_size > BUNDLE_MAX)
		return EFBIG;
	for (off_t left = st.st_size; left > 0;) {
		ssize_t n = sendfile(to, from, NULL, (size_t)left);

		if (n <= 0)
			return n < 0 ? errno : EIO;
		left -= n;
	}
	return 0;
}

/* The root is the sandbox's, so no link of the image leads anywhere else. */
static int write_bundle(int from)
{
	sp_autoclose int fd = -1;

	if (mkdir(GATE_CA_FOLDER, 0755) < 0 && errno != EEXIST)
		return errno;
	(void)unlink(GATE_CA_BUNDLE);
	fd = open(GATE_CA_BUNDLE, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC,
		0644);
	return fd < 0 ? errno : copy_file(from, fd);
}

static int serve(const struct porter_request *request, int given, int *fd)
{
	static unsigned int aliases;

	switch (request->op) {
	case PORTER_LISTEN:
		return bind_socket(request, SOCK_STREAM, fd);
	case PORTER_RESOLVER:
		return bind_socket(request, SOCK_DGRAM, fd);
	case PORTER_CONNECT:
		return start_connect(request, fd);
	case PORTER_ADDRESS:
		return aliases == LO_ALIASES_MAX ? ENOSPC
						 : add_address(request, aliases++);
	case PORTER_FILE:
		return write_bundle(given);
	case PORTER_SEAL:
		return confine_porter();
	default:
		return EINVAL;
	}
}

/* The user namespace first: it grants the right to the others. */
static int join(const struct gate_plan *plan)
{
	if (plan->is_privileged && setgroups(0, NULL) < 0)
		return errno;
	if (setns(GATE_FD_USER, CLONE_NEWUSER) < 0 ||
		setns(GATE_FD_MNT, CLONE_NEWNS) < 0)
		return errno;
	if (plan->network != SP_NETWORK_HOST && setns(GATE_FD_NET, CLONE_NEWNET) < 0)
		return errno;
	if (setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return errno;
	/* Undone by what changed above; pasta finds its namespaces by this process. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_DUMPABLE, 1) < 0)
		return errno;
	return 0;
}

_Noreturn void porter_run(int socket, const struct gate_plan *plan)
{
	struct porter_reply reply = {.error = join(plan)};
	struct porter_request request;
	int given = -1;

	umask(022);
	for (int fd = 0; fd < GATE_FD_COUNT; fd++)
		if (fd != socket)
			close(fd);
	/* The first word is whether it stands where it should. */
	if (!message_send(socket, &reply, sizeof(reply), -1) || reply.error)
		_exit(1);
	while (message_take(socket, &request, sizeof(request), &given)) {
		int fd = -1;

		reply.error = serve(&request, given, &fd);
		if (!message_send(socket, &reply, sizeof(reply), fd))
			break;
		sp_close_fd(&fd);
		sp_close_fd(&given);
	}
	_exit(0);
}

/* --- The other end ----------------------------------------------------------------------- */

int porter_call(struct porter *p, const struct porter_request *request, int give,
	int *fd, struct sp_error *err)
{
	struct porter_reply reply = {.error = EPIPE};
	int got = -1;
	bool answered;

	pthread_mutex_lock(&p->lock);
	answered = (!request ||
			   message_send(p->socket, request, sizeof(*request), give)) &&
		message_take(p->socket, &reply, sizeof(reply), &got);
	pthread_mutex_unlock(&p->lock);
	if (!answered)
		return sp_fail(
			err, SP_ERR_UNAVAILABLE, "the gate's inner half has ended");
	if (reply.error) {
		sp_close_fd(&got);
		errno = reply.error;
		return sp_fail_errno(err,
			request ? "inside the sandbox" : "join the sandbox's network");
	}
	if (fd)
		*fd = got;
	else
		sp_close_fd(&got);
	return 0;
}
