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

int pass_descriptors(int socket, const int *fds, size_t count, struct sp_error *err)
{
	union control control;
	char go = 'G';
	struct iovec iov = {.iov_base = &go, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (count > PASS_MAX)
		return sp_fail(err, SP_ERR_LIMIT, "more than %d descriptors", PASS_MAX);
	if (count) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int) * count);
		memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * count);
	}
	if (sendmsg(socket, &msg, MSG_NOSIGNAL) < 0)
		return sp_fail_errno(err, "pass descriptors");
	return 0;
}

static void close_all(const int *fds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		close(fds[i]);
}

int take_descriptors(
	int socket, int *fds, size_t max, size_t *count, struct sp_error *err)
{
	union control control;
	char go;
	struct iovec iov = {.iov_base = &go, .iov_len = 1};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};
	int got[PASS_MAX];
	struct cmsghdr *head;
	ssize_t n;

	do
		n = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return sp_fail_errno(err, "wait for descriptors");
	if (n == 0)
		return 0;
	*count = 0;
	head = CMSG_FIRSTHDR(&msg);
	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS) {
		*count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(got, CMSG_DATA(head), *count * sizeof(int));
	}
	if (*count > max || (msg.msg_flags & MSG_CTRUNC)) {
		close_all(got, *count);
		return sp_fail(err, SP_ERR_PROTOCOL, "more descriptors than expected");
	}
	memcpy(fds, got, *count * sizeof(int));
	return 1;
}
