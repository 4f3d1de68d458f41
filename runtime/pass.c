/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr head;
	char bytes[CMSG_SPACE(sizeof(int) * PASS_MAX)];
};

int pass_parcel(int socket, const struct parcel *p, int flags, struct sp_error *err)
{
	union control control;
	struct iovec iov = {.iov_base = p->data, .iov_len = p->len};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (p->count > PASS_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "more than %d descriptors", PASS_MAX);
	if (p->count) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * p->count);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int) * p->count);
		memcpy(CMSG_DATA(&control.head), p->fds, sizeof(int) * p->count);
	}
	if (sendmsg(socket, &msg, MSG_NOSIGNAL | flags) < 0)
		return sp_fail_errno(err, "pass descriptors");
	return 0;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

int take_parcel(int socket, struct parcel *p, int flags, struct sp_error *err)
{
	union control control;
	struct iovec iov = {.iov_base = p->data, .iov_len = p->len};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int got[PASS_MAX];
	size_t count = 0;
	struct cmsghdr *head;
	ssize_t n;

	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC | flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return sp_fail(err, SP_ERR_UNAVAILABLE, "nothing there yet");
	if (n < 0)
		return sp_fail_errno(err, "wait for descriptors");
	head = CMSG_FIRSTHDR(&msg);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
		count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(got, CMSG_DATA(head), count * sizeof(int));
	}
	if (n == 0 || count > p->max || (msg.msg_flags & (MSG_CTRUNC | MSG_TRUNC))) {
		close_all(got, count);
		return n == 0 ? 0
			      : sp_fail(err, SP_ERR_PROTOCOL,
					"more than was expected arrived");
	}
	p->len = (size_t)n;
	p->count = count;
	memcpy(p->fds, got, count * sizeof(int));
	return 1;
}

int pass_descriptors(int socket, const int *fds, size_t count, struct sp_error *err)
{
	char go = 'G';
	/* Only read from. */
	const struct parcel p = {
		.data = &go, .len = 1, .fds = (int *)(uintptr_t)fds, .count = count};

	return pass_parcel(socket, &p, 0, err);
}

int take_descriptors(
	int socket, int *fds, size_t max, size_t *count, struct sp_error *err)
{
	char go;
	struct parcel p = {.data = &go, .len = 1, .fds = fds, .max = max};
	int rc = take_parcel(socket, &p, 0, err);

	if (rc == 1)
		*count = p.count;
	return rc;
}
